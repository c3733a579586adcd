#include "notify/outbox.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

constexpr char kTitle[] = "levelkeep notice 1";
constexpr char kStateTitle[] = "levelkeep receiver 1";
constexpr char kState[] = "state";
constexpr char kSenderLock[] = "sender.lock";
constexpr std::chrono::hours kWindow{1};
constexpr milliseconds kLongestPause{3'600'000};
// So many are read and folded at once: a record is small.
constexpr size_t kMostFolded = 100;

Record WaitingToRecord(const Outbox::Waiting& waiting) {
  Record record = NoticeToRecord(waiting.notice);
  record.SetNumber("tries", waiting.tries);
  record.Set("not_before", FormatTime(waiting.not_before));
  return record;
}

}  // namespace

milliseconds PauseAfterTry(uint64_t tries) {
  constexpr milliseconds kFirst{30'000};
  constexpr uint64_t kMostDoublings = 7;  // more than kLongestPause
  const uint64_t doublings = tries == 0 ? 0 : tries - 1;
  if (doublings >= kMostDoublings) return kLongestPause;
  return std::min(kLongestPause, kFirst * (int64_t{1} << doublings));
}

// STORAGE_DIR itself may be on a volume that is not mounted, and is not
// created.
Status MakeNotifyFolder(FileSystem* fs, const std::string& folder) {
  if (PathExists(fs, folder)) return Status::Ok();
  std::vector<std::string> missing = {folder};
  while (BaseName(missing.back()) != ".levelkeep" && missing.size() < 5) {
    const std::string parent = ParentPath(missing.back());
    if (PathExists(fs, parent)) break;
    missing.push_back(parent);
  }
  for (; !missing.empty(); missing.pop_back()) {
    const Status made = fs->CreateDirectory(missing.back());
    if (made.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(made);
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(ParentPath(missing.back())));
  }
  return Status::Ok();
}

Outbox::Outbox(FileSystem* fs, Clock* clock, std::string folder,
               const OutboxLimits& limits)
    : fs_(fs), clock_(clock), folder_(std::move(folder)), limits_(limits) {}

// --- the disk

// Told once, until it is another problem.
void Outbox::NoteProblem(const Status& status) {
  if (status.ok() || status.message() == told_) return;
  told_ = status.message();
  LogWarn(kNotifyLogTag,
          "notifications are kept in memory only: " + status.ToString());
}

void Outbox::Store(Waiting* waiting) {
  waiting->durable = false;
  if (folder_.empty()) return;
  Status stored = MakeNotifyFolder(fs_, folder_);
  if (stored.ok()) {
    stored = StoreRecord(fs_, PathOf(waiting->notice.id), kTitle,
                         WaitingToRecord(*waiting));
  }
  waiting->durable = stored.ok();
  NoteProblem(stored);
}

void Outbox::Forget(const std::string& id) {
  if (folder_.empty()) return;
  // Not synced: after a power loss it is delivered twice, and its receiver
  // knows it by its id.
  const Status removed = fs_->RemoveFile(PathOf(id));
  if (removed.ok() || removed.code() == StatusCode::kNotFound) {
    done_.erase(id);
    return;
  }
  done_.insert(id);
  NoteProblem(removed);
}

Status Outbox::BecomeSender() {
  if (folder_.empty()) return Status::Ok();
  if (lock_ == nullptr) {
    if (!PathExists(fs_, folder_)) return Status::Ok();
    auto lock = fs_->Lock(PathOf(kSenderLock));
    if (lock.status().code() == StatusCode::kBusy) return lock.status();
    NoteProblem(lock.status());
    if (lock.ok()) lock_ = std::move(*lock);
    LoadState();
  }
  ReadNew();
  return Status::Ok();
}

void Outbox::ReadNew() {
  const auto names = fs_->List(folder_);
  if (!names.ok()) return;
  size_t read = 0;
  for (const std::string& name : *names) {
    if (!IsNoticeId(name)) continue;
    if (done_.contains(name)) {
      Forget(name);
      continue;
    }
    const bool known = std::ranges::any_of(
        waiting_, [&](const Waiting& one) { return one.notice.id == name; });
    if (known) continue;
    ReadOne(name);
    if (++read == kMostFolded) break;
  }
  if (read > 0) {
    std::ranges::stable_sort(waiting_, {},
                             [](const Waiting& one) { return one.notice.id; });
    RemoveReplaced();
  }
}

void Outbox::ReadOne(const std::string& id) {
  const auto record = LoadRecord(fs_, PathOf(id), kTitle);
  Status status = record.status();
  if (record.ok()) {
    auto notice = NoticeFromRecord(*record);
    const auto due = ParseTime(record->Get("not_before"));
    status = notice.status();
    if (notice.ok()) {
      notice->id = id;
      waiting_.push_back({std::move(*notice), record->GetNumber("tries"),
                          due.ok() ? *due : clock_->Now(), true});
      return;
    }
  }
  if (status.code() != StatusCode::kCorruption) return;
  LogWarn(kNotifyLogTag, "a damaged notice is dropped: " + PathOf(id) + ": " +
                             status.message());
  Forget(id);
}

// A digest was written, and the process ended before it had removed its parts.
void Outbox::RemoveReplaced() {
  std::vector<std::string> gone;
  for (const Waiting& one : waiting_) {
    gone.insert(gone.end(), one.notice.replaces.begin(),
                one.notice.replaces.end());
  }
  std::erase_if(waiting_, [&](const Waiting& one) {
    const bool replaced = std::ranges::count(gone, one.notice.id) > 0;
    if (replaced) Forget(one.notice.id);
    return replaced;
  });
}

void Outbox::LoadState() {
  const auto record = LoadRecord(fs_, PathOf(kState), kStateTitle);
  if (!record.ok()) return;
  given_up_ = record->GetNumber("given_up");
  problem_ = record->Get("problem");
  delivered_.clear();
  const std::string times = record->Get("delivered");
  for (const std::string_view text : Split(times, ' ')) {
    if (const auto time = ParseTime(text); time.ok()) {
      delivered_.push_back(*time);
    }
  }
}

void Outbox::StoreState() {
  if (folder_.empty() || !PathExists(fs_, folder_)) return;
  std::vector<std::string> times;
  for (const Time time : delivered_) times.push_back(FormatTime(time));
  Record record;
  record.SetNumber("given_up", given_up_);
  record.Set("problem", problem_.substr(0, 1000));
  record.Set("delivered", Join(times, " "));
  NoteProblem(StoreRecord(fs_, PathOf(kState), kStateTitle, record));
}

// --- the queue

void Outbox::Add(Notice notice) {
  Waiting& waiting = waiting_.emplace_back();
  waiting.notice = std::move(notice);
  waiting.not_before = clock_->Now();
}

void Outbox::Save() {
  for (Waiting& waiting : waiting_) {
    if (!waiting.durable) Store(&waiting);
  }
}

void Outbox::Fold(size_t count) {
  std::vector<Notice> notices;
  Waiting digest;
  for (size_t i = 0; i < count; ++i) {
    notices.push_back(waiting_[i].notice);
    digest.tries = std::max(digest.tries, waiting_[i].tries);
    digest.not_before = std::max(digest.not_before, waiting_[i].not_before);
  }
  digest.notice = FoldNotices(notices, clock_->Now());
  // The pause of the receiver goes on.
  Store(&digest);
  for (const Notice& notice : notices) Forget(notice.id);
  if (!folder_.empty()) (void)fs_->SyncDirectory(folder_);
  if (!digest.durable) Store(&digest);  // there may be room now
  waiting_.erase(waiting_.begin(),
                 waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  waiting_.push_front(std::move(digest));
}

void Outbox::Tidy() {
  if (limits_.newest_counts) {
    while (waiting_.size() > 1 && (waiting_.front().tries > 0 ||
                                   waiting_.size() > limits_.most_waiting)) {
      RemoveFront();
    }
    return;
  }
  const bool released = held_ && MayDeliver();
  if (!MayDeliver()) held_ = true;
  if (released) held_ = false;
  const size_t most = released ? 1 : limits_.most_waiting;
  while (waiting_.size() > most) Fold(std::min(waiting_.size(), kMostFolded));
}

bool Outbox::MayDeliver() const { return UntilMayDeliver().count() == 0; }

// A wall clock that was set back must not hold notices for ever.
milliseconds Outbox::UntilMayDeliver() const {
  if (limits_.most_per_hour == 0 || delivered_.size() < limits_.most_per_hour) {
    return milliseconds(0);
  }
  const Time first = delivered_[delivered_.size() - limits_.most_per_hour];
  const Time now = clock_->Now();
  if (first > now || now - first >= kWindow) return milliseconds(0);
  return std::chrono::ceil<milliseconds>(first + kWindow - now);
}

milliseconds Outbox::Pause() const {
  if (waiting_.empty()) return milliseconds(0);
  const auto left = std::chrono::ceil<milliseconds>(
      waiting_.front().not_before - clock_->Now());
  return std::max(std::clamp(left, milliseconds(0), kLongestPause),
                  UntilMayDeliver());
}

void Outbox::CountTry() {
  Waiting& next = waiting_.front();
  ++next.tries;
  // If the process dies in this try, the next one waits.
  next.not_before = clock_->Now() + PauseAfterTry(next.tries);
  Store(&next);
}

void Outbox::RemoveFront() {
  Forget(waiting_.front().notice.id);
  waiting_.pop_front();
}

void Outbox::Delivered() {
  delivered_.push_back(clock_->Now());
  while (delivered_.size() > limits_.most_per_hour) delivered_.pop_front();
  const bool changed = !problem_.empty() || limits_.most_per_hour > 0;
  problem_.clear();
  RemoveFront();
  if (changed) StoreState();
}

void Outbox::Postpone(milliseconds pause) {
  Waiting& next = waiting_.front();
  next.not_before =
      clock_->Now() + std::clamp(pause, milliseconds(0), kLongestPause);
  Store(&next);
}

void Outbox::GiveUp(const std::string& why) {
  ++given_up_;
  problem_ = why;
  RemoveFront();
  StoreState();
}

bool Outbox::IsTooOld() const {
  constexpr uint64_t kMostTries = 40;
  const Waiting& next = waiting_.front();
  return next.tries >= kMostTries ||
         clock_->Now() - next.notice.at >= limits_.give_up_after;
}

}  // namespace levelkeep
