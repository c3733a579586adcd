// What LevelKeep says while it works, and where it goes. The log is the
// process's: all managers share it. Without a callback, lines go to the spdlog
// logger "levelkeep" that the application registered before the first line,
// else to standard error.

#ifndef LEVELKEEP_LOG_H_
#define LEVELKEEP_LOG_H_

#include <functional>
#include <string_view>

namespace levelkeep {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// Called by whatever thread has something to say, several at a time. `tag` is
// stable ("BackupManager"); `message` is one sentence of UTF-8, as a rule, and
// may hold names of files as they are. Both are valid during the call only.
// What it throws is dropped. It may not call LevelKeep.
using LogCallback = std::function<void(LogLevel level, std::string_view tag,
                                       std::string_view message)>;

// The least important lines that are said. Until it is called: LOG_LEVEL of the
// environment (trace, debug, info, warn, error, off), else kInfo.
// Thread safety: any thread, at any time.
void SetLogLevel(LogLevel level);

// From now on lines go to `callback` alone; empty: where they went before. A
// line that is being said meanwhile may still go the old way.
// Thread safety: any thread, at any time; not from a callback.
void SetLogCallback(LogCallback callback);

}  // namespace levelkeep

#endif  // LEVELKEEP_LOG_H_
