#include "jobs/job.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mutex.h"
#include "base/report_names.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr size_t kRandomDigits = 8;
constexpr size_t kTimeLength = 19;  // of "20241227-120000-000"
constexpr std::string_view kResultPrefix = "result.";

struct TypeRow {
  JobType type;
  const char* name;
  const char* noun;
  JobType kind;  // in HealthReport::running
  int rank;
  bool survives_restart;
};

constexpr TypeRow kTypes[] = {
    {JobType::kCreate, "create", "a backup", JobType::kCreate, 2, true},
    {JobType::kRestore, "restore", "a restore", JobType::kRestore, 3, false},
    {JobType::kUndo, "undo", "an undo", JobType::kRestore, 3, false},
    {JobType::kVerify, "verify", "a verification", JobType::kVerify, 0, true},
    {JobType::kRotate, "rotate", "a rotation", JobType::kRotate, 1, true},
    {JobType::kDelete, "delete", "a deletion", JobType::kRotate, 1, false},
    {JobType::kDrill, "drill", "a drill", JobType::kDrill, 0, true},
};

static_assert(std::size(kTypes) == static_cast<size_t>(JobType::kDrill) + 1,
              "each type has a row");

constexpr std::pair<JobStatus, const char*> kStatuses[] = {
    {JobStatus::kPending, "pending"},
    {JobStatus::kInProgress, "in_progress"},
    {JobStatus::kCompleted, "completed"},
    {JobStatus::kFailed, "failed"},
    {JobStatus::kCancelled, "cancelled"},
};

constexpr std::pair<RestoreMode, const char*> kModes[] = {
    {RestoreMode::kAuto, "auto"},
    {RestoreMode::kLive, "live"},
    {RestoreMode::kStage, "stage"},
};

const TypeRow& RowOf(JobType type) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes) - 1,
                       [&](const TypeRow& row) { return row.type == type; });
}

template <typename Value, size_t kCount>
const char* NameIn(const std::pair<Value, const char*> (&names)[kCount],
                   Value value) {
  for (const auto& [known, name] : names) {
    if (known == value) return name;
  }
  return names[0].second;
}

template <typename Value, size_t kCount>
std::optional<Value> ValueIn(
    const std::pair<Value, const char*> (&names)[kCount],
    std::string_view text) {
  for (const auto& [value, name] : names) {
    if (text == name) return value;
  }
  return std::nullopt;
}

void SetText(const char* name, const std::string& text, Record* record) {
  if (!text.empty()) record->Set(name, text);
}

void SetFlag(const char* name, bool flag, Record* record) {
  if (flag) record->SetNumber(name, 1);
}

void SetTime(const char* name, const std::optional<Time>& time,
             Record* record) {
  if (time) record->Set(name, FormatTime(*time));
}

std::optional<Time> GetTime(const Record& record, const char* name) {
  const auto time = ParseTime(record.Get(name));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

JobRequest RequestFromRecord(const Record& record) {
  JobRequest request;
  request.backup = record.Get("backup");
  request.label = record.Get("label");
  request.depth =
      ParseVerifyDepth(record.Get("depth")).value_or(VerifyDepth::kFull);
  request.mode =
      ValueIn(kModes, record.Get("mode")).value_or(RestoreMode::kAuto);
  request.other_database = record.GetNumber("other_database") != 0;
  request.force = record.GetNumber("force") != 0;
  request.all = record.GetNumber("all") != 0;
  request.if_needed = record.GetNumber("if_needed") != 0;
  request.trigger = record.Get("trigger");
  request.created_by = record.Get("created_by");
  const std::string priority = record.Get("priority");
  std::from_chars(priority.data(), priority.data() + priority.size(),
                  request.priority);
  return request;
}

void RequestToRecord(const JobRequest& request, Record* record) {
  record->Set("type", RowOf(request.type).name);
  SetText("backup", request.backup, record);
  SetText("label", request.label, record);
  record->Set("depth", NameOf(request.depth));
  record->Set("mode", NameIn(kModes, request.mode));
  SetFlag("other_database", request.other_database, record);
  SetFlag("force", request.force, record);
  SetFlag("all", request.all, record);
  SetFlag("if_needed", request.if_needed, record);
  SetText("trigger", request.trigger, record);
  SetText("created_by", request.created_by, record);
  record->Set("priority", std::to_string(request.priority));
}

}  // namespace

std::string JobTypeName(JobType type) { return RowOf(type).name; }
std::string JobNoun(JobType type) { return RowOf(type).noun; }
JobType KindOf(JobType type) { return RowOf(type).kind; }
int RankOf(JobType type) { return RowOf(type).rank; }
bool SurvivesRestart(JobType type) { return RowOf(type).survives_restart; }
std::string JobStatusName(JobStatus status) {
  return NameIn(kStatuses, status);
}

std::optional<JobType> ParseJobType(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (name == row.name) return row.type;
  }
  return std::nullopt;
}

std::optional<JobStatus> ParseJobStatus(std::string_view name) {
  return ValueIn(kStatuses, name);
}

std::vector<std::string> JobTypeNames() {
  std::vector<std::string> names;
  for (const TypeRow& row : kTypes) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> JobStatusNames() {
  std::vector<std::string> names;
  for (const auto& [status, name] : kStatuses) names.emplace_back(name);
  return names;
}

bool Matches(const JobFilter& filter, const Job& job) {
  return (!filter.type || *filter.type == job.request.type) &&
         (!filter.status || *filter.status == job.status) &&
         (filter.after.empty() || job.id < filter.after);
}

std::string JobIdPrefix(Time time) {
  std::string prefix;
  for (const char c : FormatTime(time)) {
    if (c >= '0' && c <= '9') prefix += c;
    if (c == 'T' || c == '.') prefix += '-';
  }
  return prefix;
}

// The first two of the last digits count the ids of this process with one time,
// so that their order is that of the calls.
std::string NewJobId(Time now) {
  static Mutex mutex;
  static int64_t last = 0;
  static int count = 0;
  const std::string prefix = JobIdPrefix(now);
  const int64_t time = now.time_since_epoch() / std::chrono::milliseconds(1);
  MutexLock lock(&mutex);
  count = time != last ? 0 : std::min(count + 1, 255);
  last = time;
  const char digits[] = {static_cast<char>(count)};
  return prefix + "-" + ToHex({digits, 1}) +
         RandomId().substr(0, kRandomDigits - 2);
}

bool IsJobId(std::string_view text) {
  return text.size() == kTimeLength + 1 + kRandomDigits &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return HexDigit(c) >= 0 || c == '-'; });
}

namespace {

// A job that only reads backups, and uses the lock of verifications.
bool OnlyReads(JobType type) {
  return type == JobType::kVerify || type == JobType::kDrill;
}

}  // namespace

bool MayRunTogether(JobType a, JobType b) {
  const auto stands_alone = [](JobType type) {
    return type == JobType::kRestore || type == JobType::kUndo;
  };
  if (stands_alone(a) || stands_alone(b)) return false;
  // What only reads may run beside a job that changes backups.
  return OnlyReads(a) != OnlyReads(b);
}

bool Displaces(JobType a, JobType b) {
  return (a == JobType::kRestore || a == JobType::kUndo) && OnlyReads(b);
}

Record JobToRecord(const Job& job) {
  Record record;
  record.Set("id", job.id);
  RequestToRecord(job.request, &record);
  record.Set("status", JobStatusName(job.status));
  record.SetNumber("attempts", job.attempts);
  record.Set("created", FormatTime(job.created));
  SetTime("started", job.started, &record);
  SetTime("ended", job.ended, &record);
  SetTime("not_before", job.not_before, &record);
  record.Set("code", StatusCodeName(job.code));
  SetText("message", job.message, &record);
  SetText("hint", job.hint, &record);
  for (const auto& [name, value] : job.result) {
    record.Set(std::string(kResultPrefix) + name, value);
  }
  return record;
}

std::string DescribeRequest(const JobRequest& request) {
  Record record;
  RequestToRecord(request, &record);
  return record.Encode("levelkeep request 1");
}

Result<Job> JobFromRecord(const Record& record) {
  const auto created = GetTime(record, "created");
  if (!created || !IsJobId(record.Get("id"))) {
    return Status(StatusCode::kCorruption,
                  "the record of a job lacks its id or its time");
  }
  const auto type = ParseJobType(record.Get("type"));
  const auto status = ParseJobStatus(record.Get("status"));
  if (!type || !status) {
    return Status(StatusCode::kUnsupported,
                  "a later version of LevelKeep wrote the record of job " +
                      record.Get("id"));
  }
  Job job;
  job.id = record.Get("id");
  job.request = RequestFromRecord(record);
  job.request.type = *type;
  job.status = *status;
  job.attempts = record.GetNumber("attempts");
  job.progress = job.status == JobStatus::kCompleted ? 1 : 0;
  job.created = *created;
  job.started = GetTime(record, "started");
  job.ended = GetTime(record, "ended");
  job.not_before = GetTime(record, "not_before");
  job.code = StatusCodeNamed(record.Get("code"));
  job.message = record.Get("message");
  job.hint = record.Get("hint");
  for (const auto& [name, value] : record.fields()) {
    if (!name.starts_with(kResultPrefix)) continue;
    job.result.emplace(name.substr(kResultPrefix.size()), value);
  }
  return job;
}

}  // namespace levelkeep
