#include "notify/notifier.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/record.h"
#include "base/text.h"
#include "notify/receivers.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;

constexpr char kMemoryTitle[] = "levelkeep notify 1";
constexpr char kMemoryName[] = "memory";
// After a start, the schedule gets so long for a backup that is overdue.
constexpr std::chrono::minutes kGrace{2};
constexpr std::chrono::hours kAgain{24};
constexpr milliseconds kLongestSleep{3'600'000};
constexpr size_t kMostStarted = 1000;

bool IsFailure(const Job& job) {
  if (job.status != JobStatus::kFailed) return false;
  switch (job.request.type) {
    case JobType::kCreate:
      // Nothing is wrong with the backups, and the caller was told.
      return job.code != StatusCode::kBusy &&
             job.code != StatusCode::kInvalidArgument;
    case JobType::kVerify:
      return job.code == StatusCode::kCorruption;
    case JobType::kDrill:
      // Also one that found no space: a restore would find none either.
      return job.code != StatusCode::kBusy;
    default:
      return false;
  }
}

std::string ResultOf(const Job& job, const char* name) {
  const auto found = job.result.find(name);
  return found == job.result.end() ? std::string() : found->second;
}

}  // namespace

Receivers Receivers::Of(const NotifyOptions& options, Clock* clock) {
  Receivers receivers;
  receivers.notices = NoticeReceivers(options, clock);
  for (const auto& [type, name, url] :
       {std::tuple(JobType::kCreate, "backup", &options.heartbeat.backup),
        std::tuple(JobType::kVerify, "verify", &options.heartbeat.verify),
        std::tuple(JobType::kRotate, "rotate", &options.heartbeat.rotate)}) {
    if (!url->empty()) {
      receivers.heartbeats.emplace(type, HeartbeatReceiver(name, *url));
    }
  }
  return receivers;
}

Notifier::Notifier(const NotifyOptions& options, FileSystem* fs, Clock* clock,
                   std::string database)
    : Notifier(options, fs, clock, std::move(database),
               Receivers::Of(options, clock)) {}

Notifier::Notifier(const NotifyOptions& options, FileSystem* fs, Clock* clock,
                   std::string database, Receivers receivers)
    : options_(options),
      fs_(fs),
      clock_(clock),
      database_(std::move(database)),
      host_(HostName()) {
  for (Receiver& receiver : receivers.notices) {
    notices_.push_back(std::make_unique<Lane>(fs, clock, std::move(receiver)));
  }
  for (auto& [type, receiver] : receivers.heartbeats) {
    heartbeats_[type] = std::make_unique<Lane>(fs, clock, std::move(receiver));
  }
}

bool Notifier::Wants(NoticeKind kind) const {
  return std::ranges::count(options_.on, NameOf(kind)) > 0;
}

// --- threads

void Notifier::Open(const std::string& folder) {
  for (const auto& lane : notices_) lane->Open(folder);
  for (const auto& [type, lane] : heartbeats_) lane->Open(folder);
  MutexLock lock(&mutex_);
  folder_ = folder;
  if (!heard_.empty()) Start();
}

// Reports of progress come a hundred times for each job.
bool Notifier::IsOfInterest(const Job& job) {
  const bool has_heartbeat = heartbeats_.contains(job.request.type);
  if (!has_heartbeat && notices_.empty()) return false;
  if (job.status == JobStatus::kInProgress) {
    if (started_.size() > kMostStarted) started_.clear();
    return has_heartbeat && started_.insert(job.id).second && job.attempts <= 1;
  }
  if (job.has_ended()) started_.erase(job.id);
  return job.has_ended();
}

void Notifier::Hear(const Job& job) {
  MutexLock lock(&mutex_);
  if (closed_ || !IsOfInterest(job)) return;
  heard_.push_back(job);
  wake_.request_stop();
  if (folder_) Start();
}

void Notifier::Start() {
  if (running_) return;
  running_ = StartThread(&thread_, kNotifyLogTag, "notifications",
                         [this](const std::stop_token&) { Run(); });
}

// The thread ends when nothing is to be done and no absence is watched for.
void Notifier::Run() {
  for (;;) {
    std::deque<Job> jobs;
    bool watching = false;
    {
      MutexLock lock(&mutex_);
      jobs.swap(heard_);
      watching = gap_.has_value() && !closed_;
      working_ = !jobs.empty();
      if (!working_) changed_.notify_all();
      if (jobs.empty() && !watching) {
        running_ = false;
        return;
      }
      wake_ = std::stop_source();
    }
    for (const Job& job : jobs) Work(job);
    if (!jobs.empty()) continue;
    const milliseconds pause = LookForAbsence();
    std::stop_token woken;
    {
      MutexLock lock(&mutex_);
      woken = wake_.get_token();
    }
    clock_->SleepFor(std::min(pause, kLongestSleep), woken);
  }
}

void Notifier::Flush(milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  {
    MutexLock lock(&mutex_);
    while (running_ && (working_ || !heard_.empty())) {
      if (changed_.wait_until(mutex_, end) == std::cv_status::timeout) return;
    }
  }
  const auto left = [end] {
    return std::chrono::ceil<milliseconds>(end -
                                           std::chrono::steady_clock::now());
  };
  for (const auto& lane : notices_) lane->Flush(left());
  for (const auto& [type, lane] : heartbeats_) lane->Flush(left());
}

// The thread passes on all that it has heard, and then the lanes store it.
void Notifier::Close() {
  std::jthread thread;
  {
    MutexLock lock(&mutex_);
    closed_ = true;
    wake_.request_stop();
    thread.swap(thread_);
  }
  if (thread.joinable()) thread.join();
  for (const auto& lane : notices_) lane->Close();
  for (const auto& [type, lane] : heartbeats_) lane->Close();
}

std::vector<std::string> Notifier::Problems() const {
  std::vector<std::string> problems;
  const auto add = [&problems](const Lane& lane) {
    std::string problem = lane.Problem();
    if (!problem.empty()) problems.push_back(std::move(problem));
  };
  for (const auto& lane : notices_) add(*lane);
  for (const auto& [type, lane] : heartbeats_) add(*lane);
  return problems;
}

// --- what is told

Notice Notifier::NoticeOf(NoticeKind kind, const Job& job) const {
  Notice notice;
  notice.kind = kind;
  notice.at = job.ended.value_or(clock_->Now());
  notice.id = NewNoticeId(clock_->Now());
  notice.database = database_;
  notice.host = host_;
  notice.type = job.request.type;
  notice.job_id = job.id;
  notice.trigger = job.request.trigger;
  notice.label = job.request.label;
  notice.backup = ResultOf(job, "backup");
  notice.warning = ResultOf(job, "warning");
  notice.size_bytes = ParseUint64(ResultOf(job, "size")).value_or(0);
  notice.attempts = job.attempts;
  if (kind == NoticeKind::kFailure) notice.message = job.message;
  if (job.started && job.ended && *job.ended > *job.started) {
    notice.duration_ms = static_cast<uint64_t>(
        std::chrono::floor<milliseconds>(*job.ended - *job.started).count());
  }
  return notice;
}

void Notifier::Work(const Job& job) {
  Ping(job);
  if (job.has_ended()) HearEnd(job);
}

// A job that has begun gets exactly one result. A backup that was not needed
// has not begun, and is a success.
void Notifier::Ping(const Job& job) {
  const auto lane = heartbeats_.find(job.request.type);
  if (lane == heartbeats_.end()) return;
  const bool skipped = job.attempts == 0;
  if (skipped && (job.status != JobStatus::kCompleted ||
                  job.request.type != JobType::kCreate)) {
    return;
  }
  const NoticeKind kind = !job.has_ended() ? NoticeKind::kStarted
                          : job.status == JobStatus::kCompleted
                              ? NoticeKind::kSuccess
                              : NoticeKind::kFailure;
  lane->second->Add(NoticeOf(kind, job));
}

void Notifier::HearEnd(const Job& job) {
  if (notices_.empty()) return;
  if (job.status == JobStatus::kCompleted) {
    if (job.request.type == JobType::kCreate) {
      HearSuccess(job, /*skipped=*/job.attempts == 0);
    }
    return;
  }
  if (!IsFailure(job)) return;
  Memory memory = LoadMemory();
  Notice notice = NoticeOf(NoticeKind::kFailure, job);
  notice.last_success = memory.last_success;
  // A backup that is damaged was no failure to make one.
  if (job.request.type == JobType::kCreate && !memory.failing) {
    memory.failing = true;
    StoreMemory(memory);
  }
  Tell(notice);
}

void Notifier::HearSuccess(const Job& job, bool skipped) {
  Memory memory = LoadMemory();
  const bool recovered = memory.failing || memory.absence_told;
  memory.failing = false;
  memory.absence_told.reset();
  memory.last_success = clock_->Now();
  StoreMemory(memory);
  if (recovered && Wants(NoticeKind::kRecovered)) {
    Tell(NoticeOf(NoticeKind::kRecovered, job));
  } else if (!skipped) {
    Tell(NoticeOf(NoticeKind::kSuccess, job));
  }
}

void Notifier::Tell(const Notice& notice) {
  if (!Wants(notice.kind)) return;
  for (const auto& lane : notices_) lane->Add(notice);
}

// --- absence

void Notifier::Watch(milliseconds gap, std::optional<Time> last) {
  if (notices_.empty() || !Wants(NoticeKind::kAbsence)) return;
  MutexLock lock(&mutex_);
  if (closed_) return;
  gap_ = gap;
  watched_since_ = clock_->Now();
  known_success_ = last;
  wake_.request_stop();
  if (folder_) Start();
}

void Notifier::EndWatch() {
  MutexLock lock(&mutex_);
  gap_.reset();
  wake_.request_stop();
}

// Returns the pause until the next look. A time in the future (the clock was
// set back) counts as now.
milliseconds Notifier::LookForAbsence() {
  Memory memory = LoadMemory();
  const Time now = clock_->Now();
  Time since, last;
  milliseconds gap{0};
  {
    MutexLock lock(&mutex_);
    if (!gap_) return milliseconds(0);
    gap = *gap_;
    since = *watched_since_;
    last = memory.last_success.value_or(known_success_.value_or(since));
    if (known_success_) last = std::max(last, *known_success_);
  }
  Time due = std::max(std::min(last, now) + gap, std::min(since, now) + kGrace);
  if (memory.absence_told) {
    due = std::max(due, std::min(*memory.absence_told, now) + kAgain);
  }
  if (due > now) return std::chrono::ceil<milliseconds>(due - now);
  memory.absence_told = now;
  StoreMemory(memory);
  Notice notice = NoticeOf(NoticeKind::kAbsence, Job());
  const auto hours = std::chrono::floor<std::chrono::hours>(now - last);
  notice.message =
      "no backup has succeeded for " + std::to_string(hours.count()) + " hours";
  notice.last_success = memory.last_success;
  if (!notice.last_success && last != since) notice.last_success = last;
  notice.trigger.clear();
  Tell(notice);
  return kAgain;
}

// --- memory

Notifier::Memory Notifier::LoadMemory() const {
  std::string path;
  Memory memory;
  {
    MutexLock lock(&mutex_);
    memory = memory_;
    if (!folder_ || folder_->empty() || only_in_memory_) return memory;
    path = JoinPath(*folder_, kMemoryName);
  }
  const auto record = LoadRecord(fs_, path, kMemoryTitle);
  if (!record.ok()) return memory;
  const auto time = [&record](const char* name) -> std::optional<Time> {
    const auto parsed = ParseTime(record->Get(name));
    if (!parsed.ok()) return std::nullopt;
    return *parsed;
  };
  return {record->Get("failing") == "1", time("last_success"),
          time("absence_told")};
}

// Best effort: the folder may be missing or full.
void Notifier::StoreMemory(const Memory& memory) {
  std::string folder;
  {
    MutexLock lock(&mutex_);
    memory_ = memory;
    if (!folder_ || folder_->empty()) return;
    folder = *folder_;
  }
  Record record;
  if (memory.failing) record.Set("failing", "1");
  if (memory.last_success) {
    record.Set("last_success", FormatTime(*memory.last_success));
  }
  if (memory.absence_told) {
    record.Set("absence_told", FormatTime(*memory.absence_told));
  }
  Status stored = MakeNotifyFolder(fs_, folder);
  if (stored.ok()) {
    stored =
        StoreRecord(fs_, JoinPath(folder, kMemoryName), kMemoryTitle, record);
  }
  if (!stored.ok()) {
    LogDebug(kNotifyLogTag, "not remembered: " + stored.ToString());
  }
  MutexLock lock(&mutex_);
  only_in_memory_ = !stored.ok();
}

}  // namespace levelkeep
