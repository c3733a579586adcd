#include "notify/lane.h"

#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/text.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

// The pause while another process sends for the same receiver.
constexpr milliseconds kBusyPause{5'000};
// The clocks are looked at again after this time: the machine may have slept.
constexpr milliseconds kLongestRest{600'000};
// Tries of a notice that the receiver refuses.
constexpr uint64_t kMostRefusals = 5;

}  // namespace

Lane::Lane(FileSystem* fs, Clock* clock, Receiver receiver)
    : fs_(fs), clock_(clock), receiver_(std::move(receiver)) {}

void Lane::Open(const std::string& folder) {
  MutexLock lock(&mutex_);
  if (outbox_ != nullptr || closed_) return;
  const std::string own =
      folder.empty() ? folder : JoinPath(folder, receiver_.name);
  outbox_ = std::make_unique<Outbox>(fs_, clock_, own, receiver_.limits);
  if (!added_.empty() || (!own.empty() && PathExists(fs_, own))) Start();
}

void Lane::Add(Notice notice) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  added_.push_back(std::move(notice));
  wake_.request_stop();
  if (outbox_ != nullptr) Start();
}

// Without a thread, the notices wait for the next call.
void Lane::Start() {
  if (running_) return;
  running_ = StartThread(&thread_, kNotifyLogTag, "notifications",
                         [this](const std::stop_token&) { Run(); });
  if (running_) resting_ = false;
}

void Lane::Run() {
  for (;;) {
    const auto pause = Step();
    if (pause && *pause == milliseconds(0)) continue;
    if (!RestUntilWoken(pause.value_or(milliseconds(-1)))) break;
  }
  outbox_->ResignSender();
}

// Moves what was added into the outbox, which does not store it yet.
void Lane::TakeAdded() {
  std::deque<Notice> added;
  {
    MutexLock lock(&mutex_);
    added.swap(added_);
  }
  for (Notice& notice : added) outbox_->Add(std::move(notice));
}

// All that waits is durable before this thread sleeps or delivers; what is
// delivered at once is written once.
std::optional<milliseconds> Lane::Step() {
  TakeAdded();
  if (stop_.stop_requested() || !outbox_->BecomeSender().ok()) {
    outbox_->Save();
    if (stop_.stop_requested()) return std::nullopt;
    return kBusyPause;
  }
  outbox_->Tidy();
  NameOldProblem();
  if (outbox_->Next() == nullptr) return std::nullopt;
  const milliseconds pause = outbox_->Pause();
  if (pause > milliseconds(0)) {
    outbox_->Save();
    return pause;
  }
  Try();
  return milliseconds(0);
}

// Sleeps; a negative pause: nothing waits, and the thread ends. False: it ends.
bool Lane::RestUntilWoken(milliseconds pause) {
  std::stop_token woken;
  {
    MutexLock lock(&mutex_);
    if (!added_.empty()) return true;
    if (pause < milliseconds(0) || closed_) {
      running_ = false;
      resting_ = true;
      changed_.notify_all();
      return false;
    }
    wake_ = std::stop_source();
    woken = wake_.get_token();
    resting_ = true;
    changed_.notify_all();
  }
  clock_->SleepFor(std::min(pause, kLongestRest), woken);
  MutexLock lock(&mutex_);
  resting_ = false;
  return true;
}

// 1. count the try durably   2. deliver   3. record the outcome
void Lane::Try() {
  outbox_->CountTry();
  outbox_->Save();
  Delivery delivery;
  try {
    delivery = receiver_.deliver(outbox_->Next()->notice, stop_.get_token());
  } catch (const std::exception& error) {
    delivery.status = Status(StatusCode::kInternal, error.what());
  }
  if (stop_.stop_requested() && !delivery.status.ok()) {
    outbox_->Postpone(milliseconds(0));  // for the next process
    return;
  }
  Conclude(delivery);
}

void Lane::Conclude(const Delivery& delivery) {
  const Outbox::Waiting next = *outbox_->Next();
  const std::string& called = receiver_.called;
  std::string problem;
  if (delivery.status.ok()) {
    LogDebug(kNotifyLogTag, called + " took " + next.notice.id);
    outbox_->Delivered();
  } else {
    const std::string why = delivery.status.ToString();
    const bool hopeless = delivery.hope == Delivery::Hope::kGone ||
                          (delivery.hope == Delivery::Hope::kRefused &&
                           next.tries >= kMostRefusals) ||
                          outbox_->IsTooOld();
    if (hopeless) {
      outbox_->GiveUp(why);
      problem = GivenUp();
      LogError(kNotifyLogTag, called + ": the " +
                                  std::string(NameOf(next.notice.kind)) +
                                  " notice of " + FormatTime(next.notice.at) +
                                  " is given up: " + why);
    } else {
      const milliseconds pause = delivery.retry_after
                                     ? milliseconds(*delivery.retry_after)
                                     : PauseAfterTry(next.tries);
      outbox_->Postpone(pause);
      problem = called + " takes no notification at present: " + why;
      LogWarn(kNotifyLogTag, called + ": try " + std::to_string(next.tries) +
                                 " failed, the next one follows in " +
                                 std::to_string(pause.count() / 1000) +
                                 " s: " + why);
    }
  }
  MutexLock lock(&mutex_);
  problem_ = problem;
}

void Lane::Flush(milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  MutexLock lock(&mutex_);
  while (running_ && (!resting_ || !added_.empty()) && !closed_) {
    if (changed_.wait_until(mutex_, end) == std::cv_status::timeout) return;
  }
}

void Lane::Close() {
  std::jthread thread;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    stop_.request_stop();
    wake_.request_stop();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
  if (outbox_ == nullptr) return;
  TakeAdded();
  outbox_->Save();
}

// A notice that an earlier process gave up is still missing.
void Lane::NameOldProblem() {
  if (outbox_->problem().empty()) return;
  MutexLock lock(&mutex_);
  if (problem_.empty()) problem_ = GivenUp();
}

std::string Lane::GivenUp() const {
  return receiver_.called +
         " got no notification: " + std::to_string(outbox_->given_up()) +
         " were given up, the last one because " + outbox_->problem();
}

std::string Lane::Problem() const {
  MutexLock lock(&mutex_);
  return problem_;
}

}  // namespace levelkeep
