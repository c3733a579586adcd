// The log, which all managers of a process share. Any thread may call the
// functions at any time, but a callback must not call LevelKeep.

#ifndef LEVELKEEP_LOG_H_
#define LEVELKEEP_LOG_H_

#include <functional>
#include <string_view>

namespace levelkeep {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// Called by the thread that logs, also by several at a time. `tag` is stable
// ("BackupManager"); `message` is a sentence in UTF-8, but for names of files.
// Both are valid during the call only. An exception is dropped.
using LogCallback = std::function<void(LogLevel level, std::string_view tag,
                                       std::string_view message)>;

// Drops lines below `level`. The default is LOG_LEVEL (a variable), else kInfo.
void SetLogLevel(LogLevel level);
// Sends the lines that begin from now on to `callback` alone. If it is empty,
// they go to the spdlog logger "levelkeep" that the application registered
// before the first line, else to standard error, as they do by default.
void SetLogCallback(LogCallback callback);

}  // namespace levelkeep

#endif  // LEVELKEEP_LOG_H_
