// What a process must know of the schedules of the last one: since when each
// exists, and which of its runs was the last. So a restart moves no run, a
// missed run is caught up once, and a new schedule has missed none.

#ifndef LEVELKEEP_JOBS_SCHEDULE_MEMORY_H_
#define LEVELKEEP_JOBS_SCHEDULE_MEMORY_H_

#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "base/record.h"
#include "levelkeep/status.h"

namespace levelkeep {

// One small record. Thread safety: all methods may be called concurrently; one
// process at a time writes.
class ScheduleMemory {
 public:
  // `fs` must outlive this object. The folder of `path` exists at each Note.
  ScheduleMemory(FileSystem* fs, std::string path);

  enum class Past {
    kUnknown,  // no record of this schedule
    kOff,      // it was off
    kOther,    // it had another plan
    kSame,
  };
  struct Memory {
    Past past = Past::kUnknown;
    Time from;   // missed runs are later than this time
    Time since;  // when this plan began
  };
  // What is known of the schedule `name`; from now on it has this plan, a
  // cron expression with its zone, or nothing: it is off. Only kSame has an
  // earlier `from` than `now`. A record that can't be read or written is told
  // to the log, and counts as kUnknown.
  Memory Resume(const std::string& name, const std::string& plan, Time now);
  // The run that was due at `due` is queued. Durable on return, or told to the
  // log.
  void Note(const std::string& name, Time due);

 private:
  Record Load() const;
  void Store(const Record& record) const;

  FileSystem* const fs_;
  const std::string path_;
  Mutex mutex_;  // from a read to the write
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_SCHEDULE_MEMORY_H_
