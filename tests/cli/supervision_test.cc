#include "cli/supervision.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/progress_meter.h"
#include "support/notify_socket.h"
#include "support/temp_dir.h"

namespace levelkeep::cli {
namespace {

using std::chrono::milliseconds;

class SupervisionTest : public testing::Test {
 protected:
  Supervisor WithWatchdog(milliseconds limit) {
    return Supervisor(dir_.Sub("notify"), limit);
  }
  // Reads until a message has the text.
  bool Hears(const std::string& text) {
    for (;;) {
      const std::string message = socket_.Next();
      if (message.empty()) return false;
      if (message.find(text) != std::string::npos) return true;
    }
  }

  test::TempDir dir_;
  test::NotifySocket socket_{dir_.Sub("notify")};
  const Supervisor supervisor_{dir_.Sub("notify")};
};

TEST_F(SupervisionTest, TellsFromTheStartToTheStop) {
  Supervision supervision(&supervisor_);
  EXPECT_TRUE(supervision.is_watched());
  supervision.Starting();
  EXPECT_EQ(socket_.Next(), "STATUS=starting");
  supervision.DescribeProgress("restoring x", 0.421);
  EXPECT_EQ(socket_.Next(), "STATUS=restoring x 42 %");
  supervision.DescribeProgress("restoring x", 0.422);  // no news
  supervision.Ready("listening", nullptr);
  EXPECT_EQ(socket_.Next(), "READY=1\nSTATUS=listening");
  supervision.Reloading();
  EXPECT_TRUE(socket_.Next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  supervision.Reloaded();
  EXPECT_EQ(socket_.Next(), "READY=1");
  supervision.Stopping();
  EXPECT_EQ(socket_.Next(), "STOPPING=1\nSTATUS=stopping");
}

TEST_F(SupervisionTest, DescribesTheRunningJob) {
  Supervision supervision(&supervisor_);
  supervision.Ready("listening", nullptr);
  EXPECT_TRUE(Hears("READY=1"));
  Job job;
  job.request = {.type = JobType::kVerify, .backup = "backup_1.tar.gz"};
  job.status = JobStatus::kPending;
  supervision.DescribeJob(job);
  job.status = JobStatus::kInProgress;
  job.progress = 0.07;
  supervision.DescribeJob(job);
  EXPECT_EQ(socket_.Next(), "STATUS=running: verify backup_1.tar.gz 7 %");
  job.status = JobStatus::kFailed;
  supervision.DescribeJob(job);
  EXPECT_EQ(socket_.Next(), "STATUS=listening");
}

TEST_F(SupervisionTest, ADescriptionIsOneLine) {
  Supervision supervision(&supervisor_);
  supervision.Describe("restoring a\nREADY=1");
  EXPECT_EQ(socket_.Next(), "STATUS=restoring a\\x0aREADY=1");
}

TEST_F(SupervisionTest, WithoutASupervisorNothingRuns) {
  const Supervisor none;
  for (const Supervisor* absent :
       std::vector<const Supervisor*>{nullptr, &none}) {
    Supervision supervision(absent);
    EXPECT_FALSE(supervision.is_watched());
    supervision.Starting();
    supervision.Ready("listening", [](milliseconds, const std::stop_token&) {
      ADD_FAILURE() << "nobody watches";
      return Status::Ok();
    });
    supervision.Reloading();
    supervision.Stopping();
  }
}

// Bytes that are read extend the start; a start that hangs is not extended.
TEST_F(SupervisionTest, OnlyProgressExtendsTheStart) {
  test::WriteFile(dir_.Sub("data"), std::string(1 << 20, 'x'));
  Supervision supervision(&supervisor_, milliseconds(20));
  supervision.Starting();
  EXPECT_TRUE(Hears("STATUS=starting"));
  while (socket_.Next(300) != "") {
  }  // what the tests before have read
  EXPECT_EQ(socket_.Next(300), "");
  const std::string content = test::ReadFile(dir_.Sub("data"));
  EXPECT_EQ(socket_.Next(), "EXTEND_TIMEOUT_USEC=120000000") << content.size();
}

TEST(ProgressMeterTest, CountsBytesAndNotTheTime) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("data"),
                  std::string(ProgressMeter::kLeastBytes, 'x'));
  ProgressMeter meter;
  EXPECT_FALSE(meter.Advanced());
  EXPECT_FALSE(meter.Advanced());
  (void)test::ReadFile(dir.Sub("data"));
  EXPECT_TRUE(meter.Advanced());
  EXPECT_FALSE(meter.Advanced());
}

TEST_F(SupervisionTest, TheWatchdogHearsOnlyOfAServiceThatWorks) {
  const Supervisor supervisor = WithWatchdog(milliseconds(300));
  Supervision supervision(&supervisor);
  std::atomic<bool> works{true};
  std::atomic<int> checks{0};
  supervision.Ready(
      "listening", [&](milliseconds patience, const std::stop_token&) {
        EXPECT_EQ(patience, milliseconds(50));
        ++checks;
        return works ? Status::Ok() : Status(StatusCode::kInternal, "hangs");
      });
  EXPECT_TRUE(Hears("READY=1"));
  EXPECT_EQ(socket_.Next(), "WATCHDOG=1");
  EXPECT_EQ(socket_.Next(), "WATCHDOG=1");
  works = false;
  const int before = checks;
  while (checks < before + 3) std::this_thread::sleep_for(milliseconds(5));
  while (socket_.Next(1) != "") {
  }
  EXPECT_EQ(socket_.Next(250), "");
  works = true;
  EXPECT_EQ(socket_.Next(), "WATCHDOG=1");
  supervision.Stopping();
  EXPECT_TRUE(Hears("STOPPING=1"));
  EXPECT_EQ(socket_.Next(250), "");
}

TEST_F(SupervisionTest, AStopEndsACheckThatWaits) {
  const Supervisor supervisor = WithWatchdog(std::chrono::hours(1));
  Supervision supervision(&supervisor);
  std::atomic<bool> began{false};
  supervision.Ready("listening",
                    [&](milliseconds, const std::stop_token& stop) {
                      began = true;
                      while (!stop.stop_requested())
                        std::this_thread::sleep_for(milliseconds(1));
                      return Status::Ok();
                    });
  while (!began) std::this_thread::sleep_for(milliseconds(1));
  supervision.Stopping();
  EXPECT_TRUE(Hears("STOPPING=1"));
}

}  // namespace
}  // namespace levelkeep::cli
