#include "jobs/schedule_memory.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "jobs/job.h"

namespace levelkeep {

namespace {

constexpr char kSchedulesTitle[] = "levelkeep schedules 1";

std::string PlanKey(const std::string& name) { return name + ".plan"; }
std::string SinceKey(const std::string& name) { return name + ".since"; }
std::string FromKey(const std::string& name) { return name + ".from"; }

}  // namespace

ScheduleMemory::ScheduleMemory(FileSystem* fs, std::string path)
    : fs_(fs), path_(std::move(path)) {}

Record ScheduleMemory::Load() const {
  const auto record = LoadRecord(fs_, path_, kSchedulesTitle);
  if (record.ok()) return *record;
  if (record.status().code() != StatusCode::kNotFound) {
    LogWarn(kJobLogTag, "the last runs of the schedules are not known: " +
                            record.status().ToString());
  }
  return {};
}

void ScheduleMemory::Store(const Record& record) const {
  const Status stored = StoreRecord(fs_, path_, kSchedulesTitle, record);
  if (stored.ok()) return;
  LogWarn(kJobLogTag,
          "the next start will not know the last runs of the schedules: " +
              stored.ToString());
}

ScheduleMemory::Memory ScheduleMemory::Resume(const std::string& name,
                                              const std::string& plan,
                                              Time now) {
  MutexLock lock(&mutex_);
  Record record = Load();
  const auto known = record.fields().find(PlanKey(name));
  Memory memory{Past::kUnknown, now, now};
  if (known != record.fields().end()) {
    memory.past = known->second.empty()   ? Past::kOff
                  : known->second == plan ? Past::kSame
                                          : Past::kOther;
  }
  const auto from = ParseTime(record.Get(FromKey(name)));
  if (memory.past == Past::kSame && from.ok()) {
    memory.from = std::min(*from, now);
    const auto since = ParseTime(record.Get(SinceKey(name)));
    memory.since = since.ok() ? *since : memory.from;
    memory.since = std::min(memory.since, now);
    if (*from <= now) return memory;
    // The clock was ahead: the plan goes on from now, whatever comes next.
    record.Set(FromKey(name), FormatTime(now));
    Store(record);
    return memory;
  }
  if (memory.past == Past::kOff && plan.empty()) return memory;
  record.Set(PlanKey(name), plan);
  record.Set(FromKey(name), FormatTime(now));
  record.Set(SinceKey(name), FormatTime(now));
  Store(record);
  return memory;
}

void ScheduleMemory::Note(const std::string& name, Time due) {
  MutexLock lock(&mutex_);
  Record record = Load();
  record.Set(FromKey(name), FormatTime(due));
  Store(record);
}

}  // namespace levelkeep
