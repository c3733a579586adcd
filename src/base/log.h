// Logging: a thin layer over spdlog's logger "levelkeep".
//
// A line has a stable tag ("BackupManager") that operators can search for:
//   2024-12-27T12:00:00.000Z info  [BackupManager] backup_….tar.gz: created
// The host decides where lines go: see levelkeep/log.h.

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
};

// Thread safety: any thread; Log* are safe at any time.
Status ConfigureLogging(const LogOptions& options);
void LogDebug(std::string_view tag, std::string_view message);
void LogInfo(std::string_view tag, std::string_view message);
void LogWarn(std::string_view tag, std::string_view message);
void LogError(std::string_view tag, std::string_view message);
void FlushLogs();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_LOG_H_
