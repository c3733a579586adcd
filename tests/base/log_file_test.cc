// The daily files of the log.

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log_output.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const Time kFirstNoon = Time(seconds(1735300800));  // 2024-12-27T12:00:00Z
constexpr char kFirstFile[] = "levelkeep_2024-12-27.log";
constexpr char kSecondFile[] = "levelkeep_2024-12-28.log";

class DailyFileSinkTest : public testing::Test {
 protected:
  // A sink without times and priorities in its lines.
  DailyFileSink* NewSink(int retention_days = 0) {
    auto notes = std::make_shared<spdlog::sinks::ostream_sink_mt>(notes_);
    notes->set_formatter(NewLogFormatter(LogStyle::kJournal));
    sink_ = std::make_unique<DailyFileSink>(&fs_, dir_.path(), retention_days,
                                            notes);
    sink_->set_formatter(NewLogFormatter(LogStyle::kJournal));
    return sink_.get();
  }
  void Log(const std::string& text, Time time = kFirstNoon) {
    spdlog::details::log_msg message(
        spdlog::source_loc{}, "levelkeep", spdlog::level::info,
        spdlog::string_view_t(text.data(), text.size()));
    message.time = time;
    sink_->log(message);
  }
  // The file system has no space for any log file.
  void Fill() {
    fs_.Reset();
    fs_.FailOn(".log", StatusCode::kNoSpace, 1, test::FaultFileSystem::kAlways);
  }
  std::string Read(const std::string& name) {
    return test::ReadFile(dir_.Sub(name));
  }
  std::vector<std::string> Names() {
    return FileSystem::Posix()->List(dir_.path()).value();
  }

  test::TempDir dir_;
  test::FaultFileSystem fs_{FileSystem::Posix()};
  std::ostringstream notes_;
  std::unique_ptr<DailyFileSink> sink_;
};

TEST_F(DailyFileSinkTest, WritesAFileForEachDay) {
  NewSink();
  Log("[A] one");
  Log("[A] two");
  Log("[A] three", kFirstNoon + hours(12));
  sink_->flush();
  EXPECT_EQ(Read(kFirstFile), "<6>[A] one\n<6>[A] two\n");
  EXPECT_EQ(Read(kSecondFile), "<6>[A] three\n");
  EXPECT_EQ(notes_.str(), "");
}

// A failing write has written its first half.
TEST_F(DailyFileSinkTest, GoesOnAfterAFullDiskAndCountsLostLines) {
  NewSink();
  Log("[A] one");
  Fill();
  for (int i = 0; i < 123; ++i) Log("[A] lost");
  fs_.Reset();
  Log("[A] two");
  const std::string text = Read(kFirstFile);
  EXPECT_TRUE(text.starts_with("<6>[A] one\n")) << text;
  const std::string tale = "<4>[Log] 123 lines could not be written to " +
                           dir_.Sub(kFirstFile) + ": ";
  const size_t told = text.find(tale);
  ASSERT_NE(told, std::string::npos) << text;
  // The torn line ends before the next one begins.
  EXPECT_EQ(text[told - 1], '\n') << text;
  EXPECT_TRUE(text.ends_with("\n<6>[A] two\n")) << text;
  // Standard error learns of the beginning and of the end.
  const std::string notes = notes_.str();
  EXPECT_TRUE(notes.starts_with("<4>[Log] lines can't be written")) << notes;
  EXPECT_NE(notes.find(tale), std::string::npos) << notes;
  EXPECT_EQ(std::count(notes.begin(), notes.end(), '\n'), 2) << notes;
}

TEST_F(DailyFileSinkTest, AFullDiskGetsNoFilesOfNewDays) {
  NewSink();
  Log("[A] one");
  Fill();
  for (int day = 0; day < 9; ++day) {
    Log("[A] lost", kFirstNoon + hours(24 * day));
  }
  EXPECT_EQ(Names(), std::vector<std::string>{kFirstFile});
  fs_.Reset();
  Log("[A] two", kFirstNoon + hours(24 * 10));
  EXPECT_EQ(Names(),
            (std::vector<std::string>{kFirstFile, "levelkeep_2025-01-06.log"}));
  // The file that lacks the lines says so.
  EXPECT_NE(Read(kFirstFile).find("9 lines could not be written"),
            std::string::npos);
  EXPECT_EQ(Read("levelkeep_2025-01-06.log"), "<6>[A] two\n");
}

TEST_F(DailyFileSinkTest, TheEndTellsOfLostLines) {
  NewSink();
  Fill();
  Log("[A] lost");
  sink_->flush();  // still full
  sink_.reset();
  EXPECT_NE(notes_.str().find("1 lines could not be written"),
            std::string::npos)
      << notes_.str();

  NewSink();
  fs_.Reset();
  Fill();
  Log("[A] lost");
  fs_.Reset();
  sink_->flush();
  EXPECT_TRUE(Read(kFirstFile).starts_with("<4>[Log] 1 lines"))
      << Read(kFirstFile);
}

TEST_F(DailyFileSinkTest, ARealFullDiskLosesNoLineBehindIt) {
  const std::string mounted = dir_.Sub("small");
  std::filesystem::create_directory(mounted);
  if (::mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "needs root";
  }
  DailyFileSink sink(FileSystem::Posix(), mounted);
  sink.set_formatter(NewLogFormatter(LogStyle::kJson));
  const std::string file = mounted + "/" + kFirstFile;
  const std::string ballast = mounted + "/ballast";
  test::WriteFile(ballast, std::string(40 << 10, 'x'));
  const auto log = [&sink](const std::string& text) {
    spdlog::details::log_msg message(
        spdlog::source_loc{}, "levelkeep", spdlog::level::info,
        spdlog::string_view_t(text.data(), text.size()));
    message.time = kFirstNoon;
    sink.log(message);
  };
  for (int i = 0; i < 1000; ++i) log("[A] " + std::to_string(i));
  std::filesystem::remove(ballast);
  log("[A] after");
  const std::string text = test::ReadFile(file);
  ::umount(mounted.c_str());
  std::istringstream stream(text);
  uint64_t written = 0, lost = 0, torn = 0;
  for (std::string line; std::getline(stream, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) {
      ++torn;
      continue;
    }
    const std::string message = json["message"];
    const size_t words = message.find(" lines could not be written");
    if (words == std::string::npos) {
      ++written;
    } else {
      lost += std::stoull(message.substr(0, words));
    }
  }
  EXPECT_GT(lost, 0u);
  EXPECT_LE(torn, 1u);
  EXPECT_EQ(written + lost, 1001u);
  EXPECT_NE(text.find("\"message\":\"after\"}\n"), std::string::npos);
}

TEST_F(DailyFileSinkTest, RemovesOnlyItsOwnFilesOfThePast) {
  const std::vector<std::string> old = {"levelkeep_2024-12-24.log",
                                        "levelkeep_2023-02-28.log",
                                        "levelkeep_1999-12-31.log"};
  const std::vector<std::string> others = {
      "levelkeep_2024-12-25.log",  // two days ago
      "levelkeep_2025-12-24.log",  // the clock was set back
      "levelkeep_2023-02-29.log",  // no day
      "levelkeep_2023-2-28.log",     "levelkeep_2023-02-28.log.1",
      "levelkeep_2023-02-28.log.gz", "Levelkeep_2023-02-28.log",
      "xlevelkeep_2023-02-28.log",   "levelkeep_2023-02-28.txt",
      "levelkeep-2023-02-28.log",    "other_2023-02-28.log",
      "levelkeep_2023-02-28T.log"};
  for (const auto* names : {&old, &others}) {
    for (const std::string& name : *names) test::WriteFile(dir_.Sub(name), "x");
  }
  std::filesystem::create_directory(dir_.Sub("levelkeep_2020-01-01.log"));
  std::filesystem::create_symlink(dir_.Sub("levelkeep_2025-12-24.log"),
                                  dir_.Sub("levelkeep_2020-01-02.log"));
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), {kFirstFile, "levelkeep_2020-01-01.log",
                                   "levelkeep_2020-01-02.log"});
  std::sort(expected.begin(), expected.end());

  NewSink(2);
  Log("[A] one");
  EXPECT_EQ(Names(), expected);
  EXPECT_EQ(Read("levelkeep_2025-12-24.log"), "x");
  // Looks again with the first line of a day, and not before.
  const std::string late = "levelkeep_2024-12-01.log";
  test::WriteFile(dir_.Sub(late), "x");
  Log("[A] two");
  EXPECT_EQ(Read(late), "x");
  Log("[A] three", kFirstNoon + hours(24));
  EXPECT_FALSE(PathExists(&fs_, dir_.Sub(late)));
  EXPECT_FALSE(PathExists(&fs_, dir_.Sub("levelkeep_2024-12-25.log")));
  EXPECT_EQ(Read(kFirstFile), "<6>[A] one\n<6>[A] two\n");
  EXPECT_EQ(notes_.str(), "");
}

TEST_F(DailyFileSinkTest, ZeroDaysKeepAllFiles) {
  test::WriteFile(dir_.Sub("levelkeep_1999-12-31.log"), "x");
  NewSink(0);
  Log("[A] one");
  EXPECT_EQ(Names().size(), 2u);
}

TEST_F(DailyFileSinkTest, AFullDiskGetsSpaceFromOldFiles) {
  test::WriteFile(dir_.Sub("levelkeep_2024-12-26.log"), "x");
  NewSink(1);
  fs_.FailOn(kFirstFile, StatusCode::kNoSpace, 1,
             test::FaultFileSystem::kAlways);
  Log("[A] lost");
  Log("[A] lost", kFirstNoon + hours(24));
  EXPECT_EQ(Names(), std::vector<std::string>());
}

TEST_F(DailyFileSinkTest, SaysThatAnOldFileStays) {
  test::WriteFile(dir_.Sub("levelkeep_2024-12-01.log"), "x");
  NewSink(1);
  fs_.FailOn("levelkeep_2024-12-01.log", StatusCode::kPermissionDenied);
  Log("[A] one");
  EXPECT_NE(notes_.str().find("old log files stay: "), std::string::npos);
  EXPECT_EQ(Read(kFirstFile), "<6>[A] one\n");
}

// logrotate renames the file, or a person removes it.
TEST_F(DailyFileSinkTest, NoticesThatItsFileWasMovedOrRemoved) {
  NewSink();
  Log("[A] one");
  std::filesystem::rename(dir_.Sub(kFirstFile), dir_.Sub("moved"));
  Log("[A] two");  // within the second
  Log("[A] three", kFirstNoon + seconds(1));
  EXPECT_EQ(Read("moved"), "<6>[A] one\n<6>[A] two\n");
  EXPECT_EQ(Read(kFirstFile), "<6>[A] three\n");
  std::filesystem::remove(dir_.Sub(kFirstFile));
  Log("[A] four", kFirstNoon + seconds(2));
  EXPECT_EQ(Read(kFirstFile), "<6>[A] four\n");
  // A clock that was set back does not hide it.
  test::WriteFile(dir_.Sub("other"), "x\n");
  std::filesystem::rename(dir_.Sub("other"), dir_.Sub(kFirstFile));
  Log("[A] five", kFirstNoon - hours(1));
  EXPECT_EQ(Read(kFirstFile), "x\n<6>[A] five\n");
}

TEST_F(DailyFileSinkTest, ReopensOnRequest) {
  NewSink();
  Log("[A] one");
  std::filesystem::rename(dir_.Sub(kFirstFile), dir_.Sub("moved"));
  sink_->Reopen();
  Log("[A] two");
  EXPECT_EQ(Read("moved"), "<6>[A] one\n");
  EXPECT_EQ(Read(kFirstFile), "<6>[A] two\n");
}

TEST_F(DailyFileSinkTest, WritesThroughNoLink) {
  test::WriteFile(dir_.Sub("precious"), "x");
  std::filesystem::create_symlink(dir_.Sub("precious"), dir_.Sub(kFirstFile));
  NewSink();
  Log("[A] one");
  EXPECT_EQ(Read("precious"), "x");
  EXPECT_NE(notes_.str().find("lines can't be written"), std::string::npos);
}

}  // namespace
}  // namespace levelkeep
