#include "http/server_limits.h"

#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <string>

#include "base/log.h"

namespace levelkeep::http {

namespace {

class AdmittedStream : public BodyStream {
 public:
  AdmittedStream(std::shared_ptr<BodyStream> stream,
                 const std::atomic<bool>* end)
      : stream_(std::move(stream)), end_(end) {}

  // A stop also ends the stream regularly: clients then connect again.
  bool Next(std::string* chunk) override {
    return !*end_ && stream_->Next(chunk) && !*end_;
  }

 private:
  const std::shared_ptr<BodyStream> stream_;
  const std::atomic<bool>* const end_;
};

Response NoPlace(const Response& response) {
  Response refusal =
      ErrorResponse(503, "too_many_transfers",
                    "as many downloads, event streams or large answers as "
                    "allowed are on their way already",
                    "try again in a few seconds");
  for (const char* kept :
       {"Cache-Control", "X-Content-Type-Options", "X-Request-Id"}) {
    const auto it = response.headers.find(kept);
    if (it != response.headers.end()) refusal.headers.insert(*it);
  }
  return refusal;
}

}  // namespace

WorkGate::WorkGate(int places)
    : max_(places), max_changes_(std::max(places * 3 / 4, 1)) {}

bool WorkGate::Enter(bool changes) {
  MutexLock lock(&mutex_);
  left_.wait(mutex_, [&]() REQUIRES_LOCK(mutex_) {
    return closed_ ||
           (running_ < max_ && (!changes || running_changes_ < max_changes_));
  });
  if (closed_) return false;
  running_++;
  if (changes) running_changes_++;
  return true;
}

void WorkGate::Leave(bool changes) {
  {
    MutexLock lock(&mutex_);
    running_--;
    if (changes) running_changes_--;
  }
  // Wakes all: a single woken thread might be one that can't continue.
  left_.notify_all();
}

void WorkGate::Close() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  left_.notify_all();
}

Budget::Share Budget::TryTake(size_t amount) {
  const size_t share = std::min(amount, max_);
  size_t taken = taken_;
  do {
    if (taken > max_ - share) return nullptr;
  } while (!taken_.compare_exchange_weak(taken, taken + share));
  return {&taken_, [share](std::atomic<size_t>* all) { *all -= share; }};
}

Response TransferLimits::Admit(Response response) {
  if (response.stream != nullptr) {
    response.place = streams_.TryTake(1);
    response.stream = std::make_shared<AdmittedStream>(
        std::move(response.stream), &streams_end_);
  } else if (response.file != nullptr) {
    response.place = downloads_.TryTake(1);
  } else if (response.body.size() > Budget::kSmallBytes) {
    response.place = answers_.TryTake(response.body.size());
  } else {
    return response;
  }
  if (response.place == nullptr) return NoPlace(response);
  return response;
}

using std::chrono::steady_clock;

void ConnectionSet::Run(Connection* connection) {
  try {
    serve_(connection);
  } catch (const std::exception& error) {
    LogError("Http", std::string("a connection failed: ") + error.what());
  }
  {
    MutexLock lock(&mutex_);
    connection->fd_.Reset();
    connection->phase_ = Phase::kLeaving;
    connection->done_ = true;
  }
  changed_.notify_all();
}

void ConnectionSet::End(Connection* connection) {
  connection->told_to_end_ = true;
  // Wakes the connection's thread from any wait.
  if (!connection->done_) ::shutdown(connection->fd(), SHUT_RDWR);
}

ConnectionSet::Connection* ConnectionSet::Evictable() {
  Connection* oldest = nullptr;
  for (Connection& connection : connections_) {
    if (connection.phase_ == Phase::kWorking) continue;
    if (oldest == nullptr || connection.since_ < oldest->since_) {
      oldest = &connection;
    }
  }
  return oldest;
}

void ConnectionSet::Reap(Connection* evicted) {
  std::list<Connection> ended;
  {
    MutexLock lock(&mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      const auto next = std::next(it);
      if (it->done_ || &*it == evicted) {
        ended.splice(ended.end(), connections_, it);
      }
      it = next;
    }
  }
  for (Connection& connection : ended) connection.thread_.join();
}

bool ConnectionSet::Add(UniqueFd* fd) {
  Reap(nullptr);
  Connection* evicted = nullptr;
  {
    MutexLock lock(&mutex_);
    if (stopping_) return false;
    if (connections_.size() >= max_connections_) {
      evicted = Evictable();
      if (evicted == nullptr) return false;
      End(evicted);
    }
  }
  // Joining is quick: that thread is not working and can't begin to.
  if (evicted != nullptr) Reap(evicted);
  MutexLock lock(&mutex_);
  Connection& added = connections_.emplace_back();
  added.since_ = steady_clock::now();
  added.fd_ = std::move(*fd);
  try {
    added.thread_ = std::thread([this, &added] { Run(&added); });
  } catch (const std::exception&) {  // no thread, or no memory for it
    *fd = std::move(added.fd_);
    connections_.pop_back();
    return false;
  }
  return true;
}

bool ConnectionSet::Enter(Phase phase, Connection* connection) {
  {
    MutexLock lock(&mutex_);
    if (connection->told_to_end_) return false;
    if (stopping_ && phase == Phase::kReading) return false;
    connection->phase_ = phase;
    connection->since_ = steady_clock::now();
  }
  changed_.notify_all();
  return true;
}

void ConnectionSet::EndReading() {
  MutexLock lock(&mutex_);
  stopping_ = true;
  for (Connection& connection : connections_) {
    if (connection.phase_ == Phase::kReading) End(&connection);
  }
}

bool ConnectionSet::WaitForWork(steady_clock::time_point deadline) {
  MutexLock lock(&mutex_);
  return changed_.wait_until(mutex_, deadline, [this]() REQUIRES_LOCK(mutex_) {
    return std::ranges::none_of(connections_, [](const Connection& c) {
      return c.phase_ == Phase::kWorking;
    });
  });
}

void ConnectionSet::EndAll() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    for (Connection& connection : connections_) End(&connection);
    changed_.wait(mutex_, [this]() REQUIRES_LOCK(mutex_) {
      return std::ranges::all_of(connections_,
                                 [](const Connection& c) { return c.done_; });
    });
  }
  Reap(nullptr);
}

}  // namespace levelkeep::http
