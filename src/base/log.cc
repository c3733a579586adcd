#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/json.h"
#include "base/log_output.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr char kLoggerName[] = "levelkeep";

struct Level {
  LogLevel level;
  spdlog::level::level_enum spdlog;
  std::string_view word;
  std::string_view journal;  // syslog's priority, at the start of a line
};
constexpr Level kLevels[] = {
    {LogLevel::kTrace, spdlog::level::trace, "trace", "<7>"},
    {LogLevel::kDebug, spdlog::level::debug, "debug", "<7>"},
    {LogLevel::kInfo, spdlog::level::info, "info", "<6>"},
    {LogLevel::kWarn, spdlog::level::warn, "warn", "<4>"},
    {LogLevel::kError, spdlog::level::err, "error", "<3>"},
    {LogLevel::kOff, spdlog::level::off, "off", "<3>"}};

// The entry of the value; an unknown value counts as an error.
template <typename Value>
const Level& FindLevel(Value Level::*member, const Value& value) {
  for (const Level& level : kLevels) {
    if (level.*member == value) return level;
  }
  return FindLevel(&Level::level, LogLevel::kError);
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  return FindLevel(&Level::level, level).spdlog;
}

// The level from an application's environment. Other programs also read
// LOG_LEVEL and have other words, which are not an error here.
LogLevel LevelOfEnvironment() {
  const char* const text = std::getenv("LOG_LEVEL");
  for (const Level& level : kLevels) {
    if (text != nullptr && text == level.word) return level.level;
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

LogStyle StyleOfStderr(bool json) {
  if (!StderrIsJournal()) return json ? LogStyle::kJson : LogStyle::kText;
  return json ? LogStyle::kJournalJson : LogStyle::kJournal;
}

std::shared_ptr<spdlog::logger> NewLogger(const LogOptions& options) {
  auto to_stderr = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const LogStyle style = options.json ? LogStyle::kJson : LogStyle::kText;
  to_stderr->set_formatter(NewLogFormatter(StyleOfStderr(options.json)));
  auto logger = std::make_shared<spdlog::logger>(kLoggerName, to_stderr);
  if (!options.directory.empty()) {
    auto to_file =
        std::make_shared<DailyFileSink>(FileSystem::Posix(), options.directory,
                                        options.retention_days, to_stderr);
    to_file->set_formatter(NewLogFormatter(style));
    logger->sinks().push_back(std::move(to_file));
  }
  logger->set_level(ToSpdlog(options.level));
  return logger;
}

// Splits "[Tag] message"; a line from the host may have no tag.
std::string_view TakeTag(std::string_view* message) {
  const size_t end = message->find("] ");
  if (!message->starts_with('[') || end == std::string_view::npos) return {};
  const std::string_view tag = message->substr(1, end - 1);
  message->remove_prefix(end + 2);
  return tag;
}

// Passes each line to the application. Ignores the application's exceptions.
class CallbackSink : public spdlog::sinks::sink {
 public:
  explicit CallbackSink(LogCallback callback)
      : callback_(std::move(callback)) {}

  void log(const spdlog::details::log_msg& message) override {
    std::string_view text(message.payload.data(), message.payload.size());
    const std::string_view tag = TakeTag(&text);
    try {
      callback_(FindLevel(&Level::spdlog, message.level).level, tag, text);
    } catch (...) {
      // The exception is the application's own.
    }
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  const LogCallback callback_;
};

class LoggerHolder {
 public:
  // The logger of the callback, or the host's if it registered one, or ours
  // with the default options.
  std::shared_ptr<spdlog::logger> Get() EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    return callback_ != nullptr ? callback_ : Lines();
  }

  void Replace(std::shared_ptr<spdlog::logger> logger) EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    spdlog::drop(kLoggerName);
    Register(std::move(logger));
  }

  void Reopen() EXCLUDES_LOCK(mutex_) {
    MutexLock lock(&mutex_);
    for (const spdlog::sink_ptr& sink : Lines()->sinks()) {
      auto* const files = dynamic_cast<DailyFileSink*>(sink.get());
      if (files != nullptr) files->Reopen();
    }
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
      // The host registered a logger at the same time: each keeps its own.
    }
  }

  Mutex mutex_;
  std::shared_ptr<spdlog::logger> logger_ GUARDED_BY(mutex_);
  std::shared_ptr<spdlog::logger> callback_ GUARDED_BY(mutex_);
};

// Empty: the lines of the thread belong to no job. Without a destructor,
// because threads may log while they end.
constexpr size_t kLongestJobId = 63;
thread_local char job_of_thread[kLongestJobId + 1] = "";

void SetJobOfThread(std::string_view id) {
  job_of_thread[id.copy(job_of_thread, kLongestJobId)] = '\0';
}

// Never destroyed, because threads may log while the process exits.
LoggerHolder* Holder() {
  static LoggerHolder* const kHolder = new LoggerHolder();
  return kHolder;
}

// A line of this thread that waits.
struct WaitingLine {
  spdlog::level::level_enum level;
  std::string text;
};
// Not null: this thread is inside a sink, whose mutex it holds.
thread_local std::vector<WaitingLine>* waiting_lines = nullptr;

// Passed as a value, not as a format string: messages may contain braces.
void Write(spdlog::logger* logger, const WaitingLine& line) {
  logger->log(line.level,
              spdlog::string_view_t(line.text.data(), line.text.size()));
}

// Calls `step`, which may enter sinks. Lines that this thread logs there (the
// file system warns when a sink makes a file) wait for its end; lines about
// these lines are dropped.
template <typename Step>
void InSinks(Step step) {
  if (waiting_lines != nullptr) return step();
  std::vector<WaitingLine> lines, dropped;
  waiting_lines = &lines;
  step();
  waiting_lines = &dropped;
  const auto logger = lines.empty() ? nullptr : Holder()->Get();
  for (const WaitingLine& line : lines) {
    if (logger->should_log(line.level)) Write(logger.get(), line);
  }
  waiting_lines = nullptr;
}

void Log(spdlog::level::level_enum level, std::string_view tag,
         std::string_view message) {
  WaitingLine line{level, "["};
  if (waiting_lines == nullptr) {
    const auto logger = Holder()->Get();
    if (!logger->should_log(level)) return;
    line.text.append(tag).append("] ").append(message);
    InSinks([&] { Write(logger.get(), line); });
    return;
  }
  line.text.append(tag).append("] ").append(message);
  waiting_lines->push_back(std::move(line));
}

// Printable() returns valid UTF-8 without control characters.
std::string JsonString(std::string_view text) {
  std::string json;
  AppendQuoted(Printable(text, text.size() * 4), &json);
  return json;
}

class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(LogStyle style) : style_(style) {}

  void format(const spdlog::details::log_msg& message,
              spdlog::memory_buf_t& target) override {
    const std::string_view payload(message.payload.data(),
                                   message.payload.size());
    const std::string line = FormatLine(message, payload) + "\n";
    target.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(style_);
  }

 private:
  std::string FormatLine(const spdlog::details::log_msg& message,
                         std::string_view text) const {
    const Level& level = FindLevel(&Level::spdlog, message.level);
    switch (style_) {
      case LogStyle::kJson:
        return JsonLine(level, message.time, text);
      case LogStyle::kJournalJson:
        return std::string(level.journal) + JsonLine(level, message.time, text);
      case LogStyle::kJournal:
        return std::string(level.journal) + WithJob(text);
      default:
        return TextLine(level, message.time, text);
    }
  }

  static std::string JsonLine(const Level& level, Time time,
                              std::string_view text) {
    const std::string_view tag = TakeTag(&text);
    std::string line = "{\"time\":" + JsonString(FormatTime(time)) +
                       ",\"level\":" + JsonString(level.word) +
                       ",\"tag\":" + JsonString(tag);
    const std::string job = CurrentLogJob();
    if (!job.empty()) line += ",\"job\":" + JsonString(job);
    return line + ",\"message\":" + JsonString(text) + "}";
  }

  static std::string TextLine(const Level& level, Time time,
                              std::string_view text) {
    std::string line = FormatTime(time) + " ";
    line += level.word;
    line.append(6 - level.word.size(), ' ');
    return line + WithJob(text);
  }

  // The id comes last: people search for lines by their tag and the beginning
  // of the message.
  static std::string WithJob(std::string_view text) {
    // Space for every byte as \xNN, so that nothing is cut.
    std::string line = Printable(text, text.size() * 4);
    const std::string job = CurrentLogJob();
    if (!job.empty()) line += " (job " + Printable(job) + ")";
    return line;
  }

  const LogStyle style_;
};

}  // namespace

Status ConfigureLogging(const LogOptions& options) {
  if (!options.directory.empty()) {
    FileSystem* fs = FileSystem::Posix();
    Status usable = CreateDirectories(fs, options.directory);
    if (usable.ok())
      usable = fs->CheckAccess(options.directory, Access::kChange);
    if (!usable.ok()) return usable.WithContext("LOG_DIR");
  }
  InSinks([&] { Holder()->Replace(NewLogger(options)); });
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
void FlushLogs() {
  InSinks([] { Holder()->Get()->flush(); });
}
void ReopenLogs() { Holder()->Reopen(); }

LogJobScope::LogJobScope(std::string_view id) : before_(CurrentLogJob()) {
  SetJobOfThread(id);
}
LogJobScope::~LogJobScope() { SetJobOfThread(before_); }
std::string CurrentLogJob() { return job_of_thread; }

std::unique_ptr<spdlog::formatter> NewLogFormatter(LogStyle style) {
  return std::make_unique<LineFormatter>(style);
}

}  // namespace levelkeep
