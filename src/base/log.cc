#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "base/log_output.h"
#include "base/mutex.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr char kLoggerName[] = "levelkeep";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// What an application's environment asks for. Other programs read LOG_LEVEL,
// too, and know other words: those are no error.
LogLevel LevelOfEnvironment() {
  const char* const text = std::getenv("LOG_LEVEL");
  constexpr std::pair<std::string_view, LogLevel> kWords[] = {
      {"trace", LogLevel::kTrace}, {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},   {"warn", LogLevel::kWarn},
      {"error", LogLevel::kError}, {"off", LogLevel::kOff}};
  for (const auto& [word, level] : kWords) {
    if (text != nullptr && text == word) return level;
  }
  return LogLevel::kInfo;
}

// systemd sets JOURNAL_STREAM to "device:inode" of the stream it connected;
// it is inherited by children whose stderr may have gone elsewhere since.
bool StderrIsJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat data;
  if (stream == nullptr || ::fstat(STDERR_FILENO, &data) != 0) return false;
  return std::to_string(data.st_dev) + ":" + std::to_string(data.st_ino) ==
         stream;
}

std::shared_ptr<spdlog::logger> NewLogger(const LogOptions& options) {
  auto to_stderr = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const LogStyle style = options.json ? LogStyle::kJson : LogStyle::kText;
  const bool journal = !options.json && StderrIsJournal();
  to_stderr->set_formatter(
      NewLogFormatter(journal ? LogStyle::kJournal : style));
  auto logger = std::make_shared<spdlog::logger>(kLoggerName, to_stderr);
  if (!options.directory.empty()) {
    auto to_file =
        std::make_shared<DailyFileSink>(FileSystem::Posix(), options.directory);
    to_file->set_formatter(NewLogFormatter(style));
    logger->sinks().push_back(std::move(to_file));
  }
  logger->set_level(ToSpdlog(options.level));
  return logger;
}

class LoggerHolder {
 public:
  // That of the callback, else the host's if it registered one, else ours with
  // the default options.
  std::shared_ptr<spdlog::logger> Get() EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    return callback_ != nullptr ? callback_ : Lines();
  }

  void Replace(std::shared_ptr<spdlog::logger> logger) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    spdlog::drop(kLoggerName);
    Register(std::move(logger));
  }

  void SetLevel(LogLevel level) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    Lines()->set_level(ToSpdlog(level));
    if (callback_ != nullptr) callback_->set_level(ToSpdlog(level));
  }

  void SetCallback(LogCallback callback) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    callback_ = nullptr;
    if (!callback) return;
    callback_ = std::make_shared<spdlog::logger>(
        kLoggerName, std::make_shared<CallbackSink>(std::move(callback)));
    callback_->set_level(Lines()->level());
  }

 private:
  std::shared_ptr<spdlog::logger> Lines() REQUIRES_LOCK(mutex_) {
    if (logger_ == nullptr) logger_ = spdlog::get(kLoggerName);
    if (logger_ == nullptr) {
      LogOptions options;
      options.level = LevelOfEnvironment();
      Register(NewLogger(options));
    }
    return logger_;
  }

  void Register(std::shared_ptr<spdlog::logger> logger) REQUIRES_LOCK(mutex_) {
    logger_ = std::move(logger);
    try {
      spdlog::register_logger(logger_);
    } catch (const spdlog::spdlog_ex&) {
      // The host registered one at this very moment: each keeps its own.
    }
  }

  Mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_ GUARDED_BY(mutex_);
  std::shared_ptr<spdlog::logger> callback_ GUARDED_BY(mutex_);
};

// Never destroyed: threads may log while the process exits.
LoggerHolder* Holder() {
  static LoggerHolder* const kHolder = new LoggerHolder();
  return kHolder;
}

void Log(spdlog::level::level_enum level, std::string_view tag,
         std::string_view message) {
  const auto logger = Holder()->Get();
  if (!logger->should_log(level)) return;
  std::string line = "[";
  line += tag;
  line += "] ";
  line += message;
  // Not as a format string: messages may hold braces.
  logger->log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

Status ConfigureLogging(const LogOptions& options) {
  if (!options.directory.empty()) {
    FileSystem* fs = FileSystem::Posix();
    Status usable = CreateDirectories(fs, options.directory);
    if (usable.ok())
      usable = fs->CheckAccess(options.directory, Access::kChange);
    if (!usable.ok()) return usable.WithContext("LOG_DIR");
  }
  Holder()->Replace(NewLogger(options));
  return Status::Ok();
}

void LogDebug(std::string_view tag, std::string_view message) {
  Log(spdlog::level::debug, tag, message);
}
void LogInfo(std::string_view tag, std::string_view message) {
  Log(spdlog::level::info, tag, message);
}
void LogWarn(std::string_view tag, std::string_view message) {
  Log(spdlog::level::warn, tag, message);
}
void LogError(std::string_view tag, std::string_view message) {
  Log(spdlog::level::err, tag, message);
}
void SetLogLevel(LogLevel level) { Holder()->SetLevel(level); }
void SetLogCallback(LogCallback callback) {
  Holder()->SetCallback(std::move(callback));
}
void FlushLogs() { Holder()->Get()->flush(); }

}  // namespace levelkeep
