#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log_output.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

const Time kNoon = Time(std::chrono::seconds(1735300800));

spdlog::details::log_msg Message(spdlog::level::level_enum level,
                                 std::string_view text, Time time = kNoon) {
  spdlog::details::log_msg message(
      spdlog::source_loc{}, "levelkeep", level,
      spdlog::string_view_t(text.data(), text.size()));
  message.time = time;
  return message;
}

std::string Format(LogStyle style, spdlog::level::level_enum level,
                   std::string_view text) {
  spdlog::memory_buf_t buffer;
  NewLogFormatter(style)->clone()->format(Message(level, text), buffer);
  return std::string(buffer.data(), buffer.size());
}

TEST(LogFormatTest, WritesTextLines) {
  EXPECT_EQ(Format(LogStyle::kText, spdlog::level::info,
                   "[BackupManager] backup_1.tar.gz: created"),
            "2024-12-27T12:00:00.000Z info  [BackupManager] "
            "backup_1.tar.gz: created\n");
  EXPECT_EQ(Format(LogStyle::kText, spdlog::level::err, "[A] b"),
            "2024-12-27T12:00:00.000Z error [A] b\n");
  EXPECT_EQ(Format(LogStyle::kText, spdlog::level::warn, "no tag"),
            "2024-12-27T12:00:00.000Z warn  no tag\n");
}

TEST(LogFormatTest, AMessageCannotForgeASecondLine) {
  EXPECT_EQ(Format(LogStyle::kText, spdlog::level::debug,
                   "[A] x\n2024-12-27T12:00:00.000Z info  [A] forged"),
            "2024-12-27T12:00:00.000Z debug [A] "
            "x\\x0a2024-12-27T12:00:00.000Z info  [A] forged\n");
}

TEST(LogFormatTest, WritesJsonThatParses) {
  EXPECT_EQ(Format(LogStyle::kJson, spdlog::level::info, "[A] b"),
            "{\"time\":\"2024-12-27T12:00:00.000Z\",\"level\":\"info\","
            "\"tag\":\"A\",\"message\":\"b\"}\n");
  EXPECT_EQ(Format(LogStyle::kJson, spdlog::level::trace,
                   "[A] say \"hi\" \\ ä \n \xff"),
            "{\"time\":\"2024-12-27T12:00:00.000Z\",\"level\":\"trace\","
            "\"tag\":\"A\",\"message\":\"say \\\"hi\\\" \\\\ ä \\\\x0a "
            "\\\\xff\"}\n");
  EXPECT_EQ(Format(LogStyle::kJson, spdlog::level::critical, "no tag"),
            "{\"time\":\"2024-12-27T12:00:00.000Z\",\"level\":\"error\","
            "\"tag\":\"\",\"message\":\"no tag\"}\n");
}

TEST(LogFormatTest, LeavesTimeAndPriorityToTheJournal) {
  const struct {
    spdlog::level::level_enum level;
    const char* line;
  } kCases[] = {{spdlog::level::trace, "<7>[A] b\n"},
                {spdlog::level::debug, "<7>[A] b\n"},
                {spdlog::level::info, "<6>[A] b\n"},
                {spdlog::level::warn, "<4>[A] b\n"},
                {spdlog::level::err, "<3>[A] b\n"}};
  for (const auto& c : kCases) {
    EXPECT_EQ(Format(LogStyle::kJournal, c.level, "[A] b"), c.line);
  }
}

TEST(LogFormatTest, TheJournalGetsPrioritiesOfJsonLines) {
  EXPECT_EQ(Format(LogStyle::kJournalJson, spdlog::level::warn, "[A] b"),
            "<4>{\"time\":\"2024-12-27T12:00:00.000Z\",\"level\":\"warn\","
            "\"tag\":\"A\",\"message\":\"b\"}\n");
}

TEST(LogFormatTest, NamesTheJobOfTheThread) {
  const LogJobScope scope("20241227-1");
  EXPECT_EQ(Format(LogStyle::kText, spdlog::level::info, "[A] b: completed"),
            "2024-12-27T12:00:00.000Z info  [A] b: completed (job "
            "20241227-1)\n");
  EXPECT_EQ(Format(LogStyle::kJournal, spdlog::level::info, "[A] b"),
            "<6>[A] b (job 20241227-1)\n");
  EXPECT_EQ(Format(LogStyle::kJson, spdlog::level::info, "[A] b"),
            "{\"time\":\"2024-12-27T12:00:00.000Z\",\"level\":\"info\","
            "\"tag\":\"A\",\"job\":\"20241227-1\",\"message\":\"b\"}\n");
}

TEST(LogJobScopeTest, EndsWithItsScopeAndBelongsToItsThread) {
  EXPECT_EQ(CurrentLogJob(), "");
  {
    const LogJobScope outer("outer");
    std::jthread([] { EXPECT_EQ(CurrentLogJob(), ""); });
    {
      const LogJobScope inner(std::string(100, 'x'));
      EXPECT_EQ(CurrentLogJob(), std::string(63, 'x'));
      const LogJobScope none("");
      EXPECT_EQ(CurrentLogJob(), "");
    }
    EXPECT_EQ(CurrentLogJob(), "outer");
  }
  EXPECT_EQ(CurrentLogJob(), "");
}

// Any bytes, in the message, in the tag and in both together.
TEST(LogFormatTest, EachLineOfRandomBytesIsOneJsonObject) {
  std::mt19937 random(20241227);
  const auto bytes = [&random](size_t most) {
    std::string text(random() % most, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  for (int i = 0; i < 3000; ++i) {
    const std::string text =
        i % 2 == 0 ? bytes(300) : "[" + bytes(20) + "] " + bytes(40);
    const LogJobScope scope(i % 3 == 0 ? bytes(40) : "");
    const std::string line = Format(LogStyle::kJson, spdlog::level::info, text);
    ASSERT_EQ(line.find('\n'), line.size() - 1) << i;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object() && json.contains("message")) << line;
    const std::string plain =
        Format(LogStyle::kText, spdlog::level::info, text);
    ASSERT_EQ(plain.find('\n'), plain.size() - 1) << i;
  }
}

TEST(LogFormatTest, AVeryLongLineIsWhole) {
  const std::string text = "[A] " + std::string(1 << 20, '\xff') + "end";
  const auto json = nlohmann::json::parse(
      Format(LogStyle::kJson, spdlog::level::info, text), nullptr, false);
  ASSERT_TRUE(json.is_object());
  const std::string message = json["message"];
  EXPECT_EQ(message.size(), (4u << 20) + 3);
  EXPECT_TRUE(message.ends_with("\\xffend"));
}

std::vector<std::string> SortedLines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST(LogTest, WritesFromManyThreadsToTheFolderAboveTheLevel) {
  test::TempDir dir;
  LogOptions options;
  options.level = LogLevel::kWarn;
  options.json = true;
  options.directory = dir.Sub("logs/here");
  testing::internal::CaptureStderr();
  ASSERT_TRUE(ConfigureLogging(options).ok());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (int i = 0; i < 50; ++i) {
          LogDebug("Tag", "no");
          LogInfo("Tag", "no");
          LogWarn("Tag", "{} is no format");
          LogError("Tag", "yes");
        }
      });
    }
  }
  FlushLogs();
  const std::string standard_error = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(ConfigureLogging(LogOptions()).ok());
  std::string text;
  for (const auto& name :
       FileSystem::Posix()->List(options.directory).value()) {
    EXPECT_TRUE(name.starts_with("levelkeep_20")) << name;
    text += test::ReadFile(options.directory + "/" + name);
  }
  // Each line goes to both places; the order of the threads may differ.
  const auto lines = SortedLines(text);
  EXPECT_EQ(lines, SortedLines(standard_error));
  for (const std::string& line : lines) {
    EXPECT_TRUE(line.starts_with("{\"time\":\"20")) << line;
    EXPECT_TRUE(line.ends_with("\"tag\":\"Tag\",\"message\":\"yes\"}") ||
                line.ends_with("\"message\":\"{} is no format\"}"))
        << line;
  }
  EXPECT_EQ(lines.size(), 400u);
}

TEST(LogTest, OffMeansSilence) {
  LogOptions options;
  options.level = LogLevel::kOff;
  testing::internal::CaptureStderr();
  ASSERT_TRUE(ConfigureLogging(options).ok());
  LogError("Tag", "message");
  FlushLogs();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(ConfigureLogging(LogOptions()).ok());
}

TEST(LogTest, GivesLinesToTheApplication) {
  std::vector<std::string> lines;
  testing::internal::CaptureStderr();
  SetLogCallback(
      [&lines](LogLevel level, std::string_view tag, std::string_view message) {
        lines.push_back(std::to_string(static_cast<int>(level)) + " " +
                        std::string(tag) + ": " + std::string(message));
        if (message == "throws") throw std::runtime_error("the application's");
      });
  SetLogLevel(LogLevel::kWarn);
  LogInfo("Tag", "is not said");
  LogWarn("Tag", "throws");
  SetLogLevel(LogLevel::kInfo);
  LogInfo("Tag", "{} [x] y");
  LogError("Other", "e");
  SetLogCallback(nullptr);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(lines, (std::vector<std::string>{"3 Tag: throws", "2 Tag: {} [x] y",
                                             "4 Other: e"}));
  testing::internal::CaptureStderr();
  LogInfo("Tag", "as before");
  FlushLogs();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("[Tag] as before"),
            std::string::npos);
}

// Needs a process of its own, because the first line decides the level.
TEST(LogDeathTest, HonoursTheLevelOfTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto say = [](const char* level) {
    ::setenv("LOG_LEVEL", level, 1);
    LogInfo("Tag", "information");
    LogError("Tag", "error");
    FlushLogs();
    std::_Exit(0);
  };
  EXPECT_EXIT(say("error"), testing::ExitedWithCode(0), "^[^\n]*error *\\[Tag");
  EXPECT_EXIT(say("info"), testing::ExitedWithCode(0), "information");
  // LOG_LEVEL may have a word of another program: it is ignored.
  EXPECT_EXIT(say("Verbose"), testing::ExitedWithCode(0), "information");
}

TEST(LogTest, NamesTheFolderThatCannotBeMade) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("file"), "");
  LogOptions options;
  options.directory = dir.Sub("file");
  const Status status = ConfigureLogging(options);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "LOG_DIR: " + dir.Sub("file") + " is not a folder");
}

// These need a process of their own, because the first line decides the logger.

TEST(LogDeathTest, UsesTheHostsLogger) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        std::ostringstream text;
        auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
        auto logger = std::make_shared<spdlog::logger>("levelkeep", sink);
        logger->set_pattern("host: %v");
        spdlog::register_logger(logger);
        LogInfo("Tag", "hello");
        FlushLogs();
        std::fputs(text.str().c_str(), stderr);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "^host: \\[Tag\\] hello\n$");
}

// Logs about each line that it gets, as a file system may that a sink uses.
class TalkingSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.data(), message.payload.size());
    std::fputs((text + "\n").c_str(), stderr);
    LogWarn("Sink", "about " + text);
  }
  void flush_() override { LogWarn("Sink", "flushed"); }
};

TEST(LogDeathTest, ALineThatASinkLogsComesAfterwards) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        spdlog::register_logger(std::make_shared<spdlog::logger>(
            "levelkeep", std::make_shared<TalkingSink>()));
        LogInfo("Tag", "one");
        LogInfo("Tag", "two");
        FlushLogs();
        std::exit(0);
      },
      testing::ExitedWithCode(0),
      "^\\[Tag\\] one\n\\[Sink\\] about \\[Tag\\] one\n"
      "\\[Tag\\] two\n\\[Sink\\] about \\[Tag\\] two\n"
      "\\[Sink\\] flushed\n$");
}

TEST(LogDeathTest, WritesToStandardErrorByDefault) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        LogDebug("Tag", "hidden");
        LogInfo("Tag", "hello");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "^20.+Z info  \\[Tag\\] hello\n$");
}

// A parent's journal is not ours if standard error leads elsewhere.
TEST(LogDeathTest, AnotherStreamIsNotTheJournal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        ::setenv("JOURNAL_STREAM", "1:1", 1);
        LogWarn("Tag", "hello");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "^20.+Z warn  \\[Tag\\] hello\n$");
}

TEST(LogDeathTest, RecognizesTheJournal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        struct stat data;
        ::fstat(2, &data);
        ::setenv(
            "JOURNAL_STREAM",
            (std::to_string(data.st_dev) + ":" + std::to_string(data.st_ino))
                .c_str(),
            1);
        LogWarn("Tag", "hello");
        std::exit(0);
      },
      testing::ExitedWithCode(0), "^<4>\\[Tag\\] hello\n$");
}

}  // namespace
}  // namespace levelkeep
