#include "http/server_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/log.h"
#include "http/server_socket.h"

namespace levelkeep::http {

namespace {

constexpr uint64_t kListenerId = 0;
constexpr uint64_t kWakeId = 1;
constexpr int kMaxEvents = 64;
constexpr int kAcceptsPerTurn = 64;
constexpr int kDrainPollMs = 50;
// How long cancelled requests may take to say so.
constexpr std::chrono::seconds kCancelGrace(5);

using std::chrono::steady_clock;

bool AddToEpoll(int epoll, int fd, uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

ServerLoop::ServerLoop(Api* api, TransferSet* transfers,
                       const ServerOptions& options)
    : api_(api), transfers_(transfers), options_(options) {}

Status ServerLoop::Open(UniqueFd listener) {
  listener_ = std::move(listener);
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  wake_ = UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!epoll_.valid() || !wake_.valid() ||
      !AddToEpoll(epoll_.get(), listener_.get(), kListenerId) ||
      !AddToEpoll(epoll_.get(), wake_.get(), kWakeId)) {
    return Status(StatusCode::kIoError,
                  "the HTTP server got no event queue from the system",
                  "the limit of open files may be too low");
  }
  return Status::Ok();
}

void ServerLoop::Complete(uint64_t connection, Response response) {
  {
    MutexLock lock(&mutex_);
    completions_.emplace_back(connection, std::move(response));
  }
  Wake();
}

void ServerLoop::RequestStop() {
  stop_requested_ = true;
  Wake();
}

void ServerLoop::Wake() {
  // Fails only when the counter is full, and then a wake-up is due anyway.
  (void)::eventfd_write(wake_.get(), 1);
}

void ServerLoop::Run(WorkerPool* workers) {
  workers_ = workers;
  while (true) {
    if (stop_requested_ && !stopping_) BeginStop();
    if (stopping_) {
      if (Drained()) break;
      const auto now = steady_clock::now();
      if (now >= stop_deadline_) {
        if (cancelled_) break;
        cancelled_ = true;
        stop_deadline_ = now + kCancelGrace;
        api_->CancelJobs();
      }
    }
    Turn();
  }
  connections_.clear();
}

void ServerLoop::BeginStop() {
  stopping_ = true;
  stop_deadline_ = steady_clock::now() + options_.stop_grace;
  listener_.Reset();
  transfers_->EndStreams();
  std::vector<Connection*> idle;
  for (const auto& [id, connection] : connections_) {
    connection->close_after = true;
    if (connection->phase == Phase::kReading) idle.push_back(connection.get());
  }
  for (Connection* connection : idle) Close(connection);
}

bool ServerLoop::Drained() {
  const bool busy = std::any_of(
      connections_.begin(), connections_.end(),
      [](const auto& item) { return item.second->phase != Phase::kLingering; });
  // Once the time is over, downloads are cut; they go on where they were.
  return !busy && (cancelled_ || transfers_->active() == 0);
}

int ServerLoop::WaitMilliseconds() const {
  SteadyTime next = SteadyTime::max();
  for (const auto& [id, connection] : connections_) {
    next = std::min(next, connection->deadline);
  }
  if (next == SteadyTime::max()) return stopping_ ? kDrainPollMs : -1;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(next - steady_clock::now());
  const int64_t most = stopping_ ? kDrainPollMs : 60'000;
  return static_cast<int>(std::clamp<int64_t>(wait.count(), 0, most));
}

void ServerLoop::Turn() {
  epoll_event events[kMaxEvents];
  const int count =
      ::epoll_wait(epoll_.get(), events, kMaxEvents, WaitMilliseconds());
  for (int i = 0; i < count; i++) {
    const uint64_t id = events[i].data.u64;
    if (id == kListenerId) {
      if (listener_.valid()) Accept();
    } else if (id == kWakeId) {
      eventfd_t value = 0;
      (void)::eventfd_read(wake_.get(), &value);
    } else {
      OnEvent(id, events[i].events);
    }
  }
  TakeCompletions();
  const auto now = steady_clock::now();
  std::vector<Connection*> late;
  for (const auto& [id, connection] : connections_) {
    if (connection->deadline <= now) late.push_back(connection.get());
  }
  for (Connection* connection : late) OnDeadline(connection);
}

void ServerLoop::TakeCompletions() {
  std::vector<std::pair<uint64_t, Response>> completions;
  {
    MutexLock lock(&mutex_);
    completions.swap(completions_);
  }
  for (auto& [id, response] : completions) {
    const auto it = connections_.find(id);
    if (it != connections_.end()) {
      Answer(it->second.get(), std::move(response));
    }
  }
}

void ServerLoop::Accept() {
  for (int i = 0; i < kAcceptsPerTurn; i++) {
    int error = 0;
    UniqueFd fd = AcceptFrom(listener_.get(), &error);
    if (!fd.valid()) {
      // Out of descriptors: take one from whoever waits for nothing.
      const bool scarce = error == EMFILE || error == ENFILE;
      if (scarce && EvictOne()) continue;
      // Nobody to take one from: the client stays in the kernel's queue, and
      // a moment's rest keeps this loop from spinning on it.
      if (scarce) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    if (connections_.size() >= options_.max_connections && !EvictOne()) {
      LogWarn("Http", "a connection was turned away: all are at work");
      continue;  // closes it
    }
    const uint64_t id = next_id_++;
    auto connection = std::make_unique<Connection>(
        id, std::move(fd), [this](const Request& request) {
          return api_->MaxBodyBytes(request.method, request.path);
        });
    if (!AddToEpoll(epoll_.get(), connection->fd.get(), id)) continue;
    connection->deadline = steady_clock::now() + options_.head_timeout;
    connections_.emplace(id, std::move(connection));
  }
}

bool ServerLoop::EvictOne() {
  // Ids grow with time, so the first one that is found is the oldest. Who
  // reads his answer slowly is the second choice; a request that is being
  // handled is never dropped.
  for (const bool sending : {false, true}) {
    for (const auto& [id, connection] : connections_) {
      const Phase phase = connection->phase;
      if (phase == Phase::kHandling) continue;
      if ((phase == Phase::kSending) != sending) continue;
      Close(connection.get());
      return true;
    }
  }
  return false;
}

}  // namespace levelkeep::http
