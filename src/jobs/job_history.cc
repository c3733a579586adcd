#include "jobs/job_history.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "jobs/job.h"

namespace levelkeep {

namespace {

constexpr char kTotalsTitle[] = "levelkeep job totals 1";
constexpr std::string_view kCountedPrefix = "counted.";
// So many records are removed at once, which bounds the record of them.
constexpr size_t kMostRemoved = 500;

constexpr std::array<uint64_t, JobTotal::kBounds> kBoundsInMs = [] {
  std::array<uint64_t, JobTotal::kBounds> bounds = {};
  for (size_t i = 0; i < bounds.size(); ++i) {
    bounds[i] = static_cast<uint64_t>(JobTotal::kSeconds[i] * 1000);
  }
  return bounds;
}();

void Add(const EndedJob& job, JobHistory::Count* count) {
  const auto took = static_cast<uint64_t>(job.duration().count());
  ++count->jobs;
  count->milliseconds += took;
  // The bounds rise: the job counts for the first one that fits, and all after.
  size_t bound = count->at_most.size();
  while (bound > 0 && took <= kBoundsInMs[bound - 1]) --bound;
  for (; bound < count->at_most.size(); ++bound) ++count->at_most[bound];
}

// Adds jobs to counts. There are few kinds, so it remembers those it has seen.
class Counter {
 public:
  explicit Counter(JobHistory::Counts* counts) : counts_(counts) {}

  void Add(const EndedJob& job) {
    const std::string_view kind = job.kind();
    for (const auto& [known, count] : kinds_) {
      if (known == kind) return levelkeep::Add(job, count);
    }
    JobHistory::Count* const count =
        &(*counts_)[{std::string(job.type()), std::string(job.status())}];
    kinds_.emplace_back(kind, count);
    levelkeep::Add(job, count);
  }

 private:
  JobHistory::Counts* const counts_;
  std::vector<std::pair<std::string, JobHistory::Count*>> kinds_;
};

// "create.completed" to "3 1200 0 1 ...": jobs, milliseconds, at_most.
std::string Encode(const JobHistory::Count& count) {
  std::vector<std::string> numbers = {std::to_string(count.jobs),
                                      std::to_string(count.milliseconds)};
  for (const uint64_t number : count.at_most) {
    numbers.push_back(std::to_string(number));
  }
  return Join(numbers, " ");
}

std::optional<JobHistory::Count> Decode(std::string_view text) {
  JobHistory::Count count;
  const auto numbers = Split(text, ' ');
  if (numbers.size() != count.at_most.size() + 2) return std::nullopt;
  count.jobs = ParseUint64(numbers[0]).value_or(0);
  count.milliseconds = ParseUint64(numbers[1]).value_or(0);
  for (size_t i = 0; i < count.at_most.size(); ++i) {
    count.at_most[i] = ParseUint64(numbers[i + 2]).value_or(0);
  }
  return count;
}

bool IsFailed(const EndedJob& job) {
  return job.status() == JobStatusName(JobStatus::kFailed);
}

}  // namespace

// --- a name

EndedJob::EndedJob(std::string name_of_record)
    : name(std::move(name_of_record)) {}

std::string EndedJob::NameOf(const Job& job) {
  const auto took =
      job.started && job.ended ? *job.ended - *job.started : Time::duration(0);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took);
  return job.id + "." + JobTypeName(job.request.type) + "." +
         JobStatusName(job.status) + "." +
         std::to_string(std::max<int64_t>(ms.count(), 0));
}

std::string EndedJob::id() const { return std::string(Part(0)); }

std::string_view EndedJob::kind() const {
  const std::string_view type = Part(1);
  const std::string_view status = Part(2);
  if (type.empty() || status.empty()) return {};
  return {type.data(), type.size() + 1 + status.size()};
}

std::chrono::milliseconds EndedJob::duration() const {
  return std::chrono::milliseconds(ParseUint64(Part(3)).value_or(0));
}

std::string_view EndedJob::Part(size_t index) const {
  std::string_view rest = name;
  for (; index > 0; --index) {
    const size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
  }
  return rest.substr(0, rest.find('.'));
}

const EndedJob* JobHistory::View::Find(const std::string& id) const {
  const auto found = std::lower_bound(
      jobs.begin(), jobs.end(), id,
      [](const EndedJob& job, const std::string& at) { return job.id() > at; });
  return found != jobs.end() && found->id() == id ? &*found : nullptr;
}

// --- the folder

JobHistory::JobHistory(FileSystem* fs, Clock* clock, std::string folder,
                       JobLimits limits)
    : fs_(fs), clock_(clock), folder_(std::move(folder)), limits_(limits) {}

Result<JobHistory::Stamp> JobHistory::StampOf() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs_->Stat(folder_));
  return Stamp{info.inode, info.mtime_ns};
}

Result<std::shared_ptr<const JobHistory::View>> JobHistory::Look() {
  MutexLock lock(&mutex_);
  const auto stamp = StampOf();
  if (stamp.status().code() == StatusCode::kNotFound) {
    return std::make_shared<const View>();
  }
  LEVELKEEP_RETURN_IF_ERROR(stamp.status());
  const auto now = clock_->SteadyNow();
  const bool same = view_ != nullptr && *stamp == stamp_;
  if (same && read_ - seen_ >= ClockStepOf(stamp_.mtime_ns)) return view_;
  if (!same) seen_ = now;
  LEVELKEEP_ASSIGN_OR_RETURN(view_, Read());
  stamp_ = *stamp;
  read_ = now;
  return view_;
}

Result<std::shared_ptr<const JobHistory::View>> JobHistory::Read() const {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names, fs_->List(folder_));
  LEVELKEEP_ASSIGN_OR_RETURN(const Removed removed, LoadRemoved());
  auto view = std::make_shared<View>();
  view->counts = removed.counts;
  std::sort(names.begin(), names.end(), std::greater<>());
  view->jobs.reserve(names.size());
  Counter counter(&view->counts);
  for (std::string& name : names) {
    if (!IsJobId(std::string_view(name).substr(0, name.find('.')))) continue;
    const EndedJob& job = view->jobs.emplace_back(std::move(name));
    if (!removed.names.contains(job.name)) counter.Add(job);
  }
  return std::shared_ptr<const View>(std::move(view));
}

// --- the totals

// A damaged record counts as none: totals are for graphs.
Result<JobHistory::Removed> JobHistory::LoadRemoved() const {
  Removed removed;
  const auto record = LoadRecord(fs_, TotalsPath(), kTotalsTitle);
  const StatusCode code = record.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) {
    return removed;
  }
  LEVELKEEP_RETURN_IF_ERROR(record.status());
  for (const auto& [name, value] : record->fields()) {
    if (name.starts_with(kCountedPrefix)) {
      removed.names.insert(name.substr(kCountedPrefix.size()));
      continue;
    }
    const size_t dot = name.find('.');
    const auto count = Decode(value);
    if (dot == std::string::npos || !count) continue;
    removed.counts[{name.substr(0, dot), name.substr(dot + 1)}] = *count;
  }
  return removed;
}

Status JobHistory::StoreRemoved(const Removed& removed) const {
  Record record;
  for (const auto& [key, count] : removed.counts) {
    record.Set(key.first + "." + key.second, Encode(count));
  }
  for (const std::string& name : removed.names) {
    record.Set(std::string(kCountedPrefix) + name, "1");
  }
  return StoreRecord(fs_, TotalsPath(), kTotalsTitle, record);
}

// The names sort by age, because they begin with ids.
std::vector<EndedJob> JobHistory::Superfluous(
    const std::vector<EndedJob>& jobs) const {
  const std::string oldest = JobIdPrefix(clock_->Now() - limits_.age);
  std::vector<EndedJob> young, removed;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const bool stays = i < limits_.always || jobs[i].name >= oldest;
    (stays ? young : removed).push_back(jobs[i]);
  }
  if (young.size() > limits_.count) {
    std::stable_partition(young.begin(), young.end(), IsFailed);
    removed.insert(removed.end(),
                   young.begin() + static_cast<ptrdiff_t>(limits_.count),
                   young.end());
  }
  if (removed.size() > kMostRemoved) {
    removed.erase(removed.begin(),
                  removed.end() - static_cast<ptrdiff_t>(kMostRemoved));
  }
  return removed;
}

// 1. add the records' numbers to the totals   2. remove the records. A crash
// between leaves records that the totals name as counted.
Status JobHistory::Trim() {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto view, Look());
  const std::vector<EndedJob> superfluous = Superfluous(view->jobs);
  if (superfluous.empty()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(Removed removed, LoadRemoved());
  std::set<std::string> counted;
  Counter counter(&removed.counts);
  for (const EndedJob& job : superfluous) {
    if (!removed.names.contains(job.name)) counter.Add(job);
    counted.insert(job.name);
  }
  for (const EndedJob& job : view->jobs) {
    if (removed.names.contains(job.name)) counted.insert(job.name);
  }
  removed.names = std::move(counted);
  LEVELKEEP_RETURN_IF_ERROR(StoreRemoved(removed));
  for (const std::string& name : removed.names) {
    const Status status = fs_->RemoveFile(JoinPath(folder_, name));
    if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
  }
  // The next call forgets that these names are counted.
  return fs_->SyncDirectory(folder_);
}

}  // namespace levelkeep
