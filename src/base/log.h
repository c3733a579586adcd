// Logging: a thin layer over spdlog's logger "levelkeep".
//
// A line has a stable tag ("BackupManager") that operators can search for:
//   2024-12-27T12:00:00.000Z info  [BackupManager] backup_….tar.gz: created
// A line that a job logs ends with the job's id, " (job 20241227-…)"; a JSON
// line has the id as "job". The host decides where lines go: see
// levelkeep/log.h.

#ifndef LEVELKEEP_BASE_LOG_H_
#define LEVELKEEP_BASE_LOG_H_

#include <string>
#include <string_view>

#include "levelkeep/log.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  bool json = false;      // one JSON object per line
  std::string directory;  // also daily files levelkeep_YYYY-MM-DD.log there
  // Daily files of earlier days are removed after so many days; 0: never.
  int retention_days = 30;
};

// Replaces the present logger; its files are closed. Ok, or why `directory`
// can't be used: then nothing has changed. Thread safety: any thread; Log* are
// safe at any time.
Status ConfigureLogging(const LogOptions& options);
// The next line opens its file anew: for a program that has moved the file.
void ReopenLogs();
void LogDebug(std::string_view tag, std::string_view message);
void LogInfo(std::string_view tag, std::string_view message);
void LogWarn(std::string_view tag, std::string_view message);
void LogError(std::string_view tag, std::string_view message);
void FlushLogs();

// While an object of this class lives, the lines of the calling thread carry
// the id of a job (of at most 63 bytes). An empty id: they carry none.
// Thread safety: an object belongs to the thread that made it; scopes end in
// the reverse order of their begin.
class LogJobScope {
 public:
  explicit LogJobScope(std::string_view id);
  ~LogJobScope();
  LogJobScope(const LogJobScope&) = delete;
  LogJobScope& operator=(const LogJobScope&) = delete;

 private:
  const std::string before_;
};

// The id that the lines of the calling thread carry now; for a thread that is
// started for the same job.
std::string CurrentLogJob();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_LOG_H_
