#include "base/log_output.h"

#include <string_view>

#include "base/clock.h"
#include "base/text.h"

namespace levelkeep {
namespace {

std::string_view LevelWord(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "trace";
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

LogLevel FromSpdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return LogLevel::kTrace;
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::info:
      return LogLevel::kInfo;
    case spdlog::level::warn:
      return LogLevel::kWarn;
    default:
      return LogLevel::kError;
  }
}

// The priorities of syslog, as journald reads them from a line's start.
std::string_view JournalPrefix(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "<7>";
    case spdlog::level::info:
      return "<6>";
    case spdlog::level::warn:
      return "<4>";
    default:
      return "<3>";
  }
}

// Splits "[Tag] message"; a host's own line may have no tag.
std::string_view TakeTag(std::string_view* message) {
  const size_t end = message->find("] ");
  if (message->empty() || message->front() != '[' ||
      end == std::string_view::npos) {
    return {};
  }
  const std::string_view tag = message->substr(1, end - 1);
  message->remove_prefix(end + 2);
  return tag;
}

std::string JsonString(std::string_view text) {
  std::string json = "\"";
  // Printable() leaves valid UTF-8 without control characters.
  for (const char c : Printable(text, text.size() * 4)) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + '"';
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
    const std::string_view word = LevelWord(message.level);
    if (style_ == LogStyle::kJson) {
      const std::string_view tag = TakeTag(&text);
      return "{\"time\":" + JsonString(FormatTime(message.time)) +
             ",\"level\":" + JsonString(word) + ",\"tag\":" + JsonString(tag) +
             ",\"message\":" + JsonString(text) + "}";
    }
    // Room for every byte as \xNN: nothing is cut.
    const std::string printable = Printable(text, text.size() * 4);
    if (style_ == LogStyle::kJournal) {
      return std::string(JournalPrefix(message.level)) + printable;
    }
    std::string line = FormatTime(message.time) + " ";
    line += word;
    line.append(6 - word.size(), ' ');
    return line + printable;
  }

  const LogStyle style_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> NewLogFormatter(LogStyle style) {
  return std::make_unique<LineFormatter>(style);
}

void CallbackSink::log(const spdlog::details::log_msg& message) {
  std::string_view text(message.payload.data(), message.payload.size());
  const std::string_view tag = TakeTag(&text);
  try {
    callback_(FromSpdlog(message.level), tag, text);
  } catch (...) {
    // It is the application's, which has to know.
  }
}

DailyFileSink::DailyFileSink(FileSystem* fs, std::string directory)
    : fs_(fs), directory_(std::move(directory)) {}

void DailyFileSink::sink_it_(const spdlog::details::log_msg& message) {
  const std::string day = FormatTime(message.time).substr(0, 10);
  if (file_ == nullptr || day != day_) {
    auto opened = fs_->Open(JoinPath(directory_, "levelkeep_" + day + ".log"),
                            OpenMode::kAppend);
    if (!opened.ok()) return;  // stderr has the line; the next one tries again
    file_ = std::move(opened).value();
    day_ = day;
  }
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  // A full disk must not stop the program that logs about it.
  if (!file_->Append(std::string_view(line.data(), line.size())).ok()) {
    file_.reset();
  }
}

}  // namespace levelkeep
