// Which backups a scheduled verification checks, and how many bytes of them.

#include "engine/due_verification.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/site.h"
#include "support/fake_clock.h"
#include "support/simulated_disk.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class DueVerificationTest : public ::testing::Test {
 protected:
  DueVerificationTest() : site_(dir_.path(), "due", &clock_) {
    site_.options_.retention.max_backups = 20;
    site_.Reset();
  }

  std::string Make() {
    clock_.Advance(minutes(1));
    site_.Put(made_ * 10, (made_ + 1) * 10);
    ++made_;
    return site_.Create();
  }
  DueReport Run(Time since, const Work& work = {}) {
    const auto report = Due().Run(since, work);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? *report : DueReport();
  }
  DueVerification Due() {
    return DueVerification(&site_.engine(), FileSystem::Posix(), &clock_);
  }
  void SetBudget(uint64_t bytes) {
    site_.options_.verification.budget = bytes;
    site_.Reset();
  }
  uint64_t SizeOf(const std::string& name) {
    return site_.engine().Find(name)->size_bytes;
  }
  std::vector<std::string> VerifiedSince(Time time) {
    std::map<Time, std::string> found;
    for (const BackupInfo& backup : *site_.engine().List()) {
      if (backup.verified_at && *backup.verified_at >= time) {
        found[*backup.verified_at] = backup.name;
      }
    }
    std::vector<std::string> names;
    for (const auto& [at, name] : found) names.push_back(name);
    return names;
  }
  void Damage(const std::string& name) {
    const std::string path = site_.options_.backup_dir + "/" + name;
    std::string bytes = ReadFile(path);
    bytes[bytes.size() / 2] ^= 0x20;
    WriteFile(path, bytes);
  }

  TempDir dir_;
  FakeClock clock_;
  Site site_;
  int made_ = 0;
};

TEST_F(DueVerificationTest, NeverVerifiedOnesComeFirstThenTheOldestVerdict) {
  const std::string a = Make(), b = Make(), c = Make(), d = Make();
  site_.Verify(c);
  clock_.Advance(minutes(1));
  site_.Verify(a);
  clock_.Advance(hours(1));
  const Time since = clock_.Now();
  // b and d were never verified; c was verified before a.
  SetBudget(SizeOf(b));
  std::vector<std::string> order;
  for (int day = 0; day < 8 && order.size() < 4; ++day) {
    Run(since);
    order = VerifiedSince(since);
    clock_.Advance(hours(24));
  }
  EXPECT_EQ(order, (std::vector<std::string>{b, d, c, a}));
  EXPECT_FALSE(Due().HasWork(since));
  EXPECT_TRUE(Due().HasWork(clock_.Now()));
}

TEST_F(DueVerificationTest, WithoutABudgetAllAreVerified) {
  Make();
  Make();
  const Time since = clock_.Now();
  const DueReport report = Run(since);
  EXPECT_EQ(report.sound, 2u);
  EXPECT_EQ(report.waiting, 0u);
  EXPECT_TRUE(report.status().ok());
  EXPECT_EQ(report.message(), "2 backups are sound");
  EXPECT_EQ(Run(since).sound, 0u) << "an interrupted run goes on";
  EXPECT_EQ(Run(clock_.Now() + minutes(1)).sound, 2u);
}

TEST_F(DueVerificationTest, TheBudgetHoldsForADayAndOverRestarts) {
  const std::string first = Make(), second = Make();
  const Time since = clock_.Now();
  SetBudget(SizeOf(first) + SizeOf(second) / 2);
  const DueReport report = Run(since);
  EXPECT_EQ(report.sound, 1u);
  EXPECT_EQ(report.waiting, 1u);
  EXPECT_EQ(report.message(),
            "1 backup is sound; 1 backup waits, because VERIFY_BUDGET is used "
            "up: " +
                second + " is the next one");
  for (int restart = 0; restart < 3; ++restart) {
    site_.Reset();
    clock_.Advance(minutes(10));
    EXPECT_EQ(Run(since).sound, 0u);
  }
  clock_.Advance(hours(24));
  EXPECT_EQ(Run(since).sound, 1u);
}

TEST_F(DueVerificationTest, ABackupAboveTheBudgetComesAfterSeveralDays) {
  const std::string large = Make();
  const Time since = clock_.Now();
  SetBudget(SizeOf(large) / 3 + 1);
  int days = 0;
  while (Run(since).sound == 0 && days < 10) {
    clock_.Advance(hours(24));
    site_.Reset();
    ++days;
  }
  EXPECT_EQ(days, 2) << "the first day's bytes are there at once";
}

TEST_F(DueVerificationTest, DamagedOnesAreNamedAndNotReadAgain) {
  const std::string bad = Make(), good = Make();
  Damage(bad);
  const DueReport report = Run(clock_.Now());
  EXPECT_EQ(report.sound, 1u);
  EXPECT_EQ(report.status().code(), StatusCode::kCorruption);
  EXPECT_NE(report.status().message().find(
                "1 of 2 verified backups are damaged: " + bad),
            std::string::npos)
      << report.status().message();
  clock_.Advance(hours(1));
  EXPECT_EQ(Run(clock_.Now()).damaged.size(), 0u);
}

// Its end is gone, and with it what tells that LevelKeep made it.
TEST_F(DueVerificationTest, AnArchiveThatWasCutOffIsDamagedNotForeign) {
  const std::string name = Make();
  site_.Verify(name);
  const std::string path = site_.options_.backup_dir + "/" + name;
  const uint64_t size = SizeOf(name);
  for (const uint64_t left : {size - 20, size / 2, uint64_t{600}}) {
    std::filesystem::resize_file(path, left);
    for (int restart = 0; restart < 2; ++restart) {
      const BackupInfo backup = site_.engine().List()->front();
      EXPECT_EQ(backup.status, BackupStatus::kDamaged) << left;
      EXPECT_NE(backup.problem.find("cut off"), std::string::npos)
          << backup.problem;
      EXPECT_EQ(
          site_.engine()
              .Verify(*site_.engine().Find(name), VerifyDepth::kStructure, {})
              .status()
              .code(),
          StatusCode::kCorruption);
      EXPECT_EQ(site_.engine().Find("latest").status().code(),
                StatusCode::kNotFound);
      site_.Reset();
    }
  }
}

TEST_F(DueVerificationTest, AProofFromTheFutureIsNone) {
  Make();
  const Time now = clock_.Now();
  clock_.SetWallClock(now + hours(24 * 400));
  EXPECT_EQ(Run(clock_.Now()).sound, 1u);
  clock_.SetWallClock(now + hours(1));
  EXPECT_TRUE(Due().HasWork(clock_.Now()));
  EXPECT_EQ(Run(clock_.Now()).sound, 1u);
  EXPECT_FALSE(Due().HasWork(now));
}

TEST_F(DueVerificationTest, AStopGivesTheBytesBack) {
  const std::string name = Make();
  const Time since = clock_.Now();
  SetBudget(SizeOf(name));
  std::stop_source stop;
  stop.request_stop();
  Work stopped;
  stopped.stop = stop.get_token();
  EXPECT_EQ(Due().Run(since, stopped).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Run(since).sound, 1u);
}

TEST_F(DueVerificationTest, AnotherVerificationIsInTheWay) {
  Make();
  const auto backup = *site_.engine().Find("latest");
  const auto lock = FileSystem::Posix()->Lock(
      ParentPath(site_.engine().JobsFolder(backup)) + "/verify.lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(Due().Run(clock_.Now(), {}).status().code(), StatusCode::kBusy);
}

TEST_F(DueVerificationTest, TheRateLimitHolds) {
  const std::string name = Make();
  site_.options_.resources.rate_limit_bytes_per_second = SizeOf(name) / 10;
  site_.Reset();
  std::atomic<bool> ended = false;
  const Time since = clock_.Now();
  std::jthread run([&] {
    Run(since);
    ended = true;
  });
  int seconds = 0;
  while (!ended && seconds < 100) {
    if (!clock_.WaitForSleepers(1)) break;
    clock_.Advance(std::chrono::seconds(1));
    ++seconds;
    for (int i = 0; i < 20 && !ended; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  run.join();
  EXPECT_GE(seconds, 5);
  EXPECT_EQ(VerifiedSince(since).size(), 1u);
}

TEST_F(DueVerificationTest, ProgressOnlyGrowsAndEndsAtOne) {
  Make();
  Make();
  Make();
  std::vector<double> seen;
  Work work;
  work.progress = [&](double part) { seen.push_back(part); };
  Run(clock_.Now(), work);
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_DOUBLE_EQ(seen.back(), 1.0);
}

TEST(VerifyBudgetTest, SavesAtMostOneDay) {
  SimulatedDisk disk;
  FakeClock clock;
  VerifyBudget budget(disk.file_system(), &clock, "/account");
  EXPECT_TRUE(*budget.Take(100, 100));
  EXPECT_FALSE(*budget.Take(1, 100));
  clock.Advance(hours(12));
  EXPECT_FALSE(*budget.Take(51, 100));
  EXPECT_TRUE(*budget.Take(50, 100));
  clock.Advance(hours(24 * 365));
  EXPECT_TRUE(*budget.Take(60, 100));
  EXPECT_FALSE(*budget.Take(41, 100));
  EXPECT_TRUE(*budget.Take(40, 100));
}

TEST(VerifyBudgetTest, AClockThatWasSetBackAddsNothing) {
  SimulatedDisk disk;
  FakeClock clock;
  VerifyBudget budget(disk.file_system(), &clock, "/account");
  EXPECT_TRUE(*budget.Take(100, 100));
  clock.SetWallClock(clock.Now() - hours(240));
  EXPECT_FALSE(*budget.Take(1, 100));
  clock.Advance(hours(24));
  EXPECT_TRUE(*budget.Take(100, 100));
}

// A crash leaves the account as it was, or with the bytes taken.
TEST(VerifyBudgetTest, SurvivesACrash) {
  SimulatedDisk disk;
  FakeClock clock;
  const auto budget = [&] {
    return VerifyBudget(disk.file_system(), &clock, "/account");
  };
  EXPECT_TRUE(*budget().Take(40, 100));
  disk.SyncAll();
  const SimulatedState first = disk.Save();
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    disk.Restore(first);
    disk.CrashAt(n);
    const auto taken = budget().Take(60, 100);
    fired = disk.fired();
    disk.Reboot(n);
    const bool left = *budget().Take(60, 100);
    EXPECT_FALSE(left && taken.ok()) << "durable on return";
    EXPECT_FALSE(*budget().Take(1, 100)) << disk.last_operation();
  }
}

TEST(VerifyBudgetTest, ADamagedAccountIsANewOne) {
  SimulatedDisk disk;
  FakeClock clock;
  VerifyBudget budget(disk.file_system(), &clock, "/account");
  EXPECT_TRUE(*budget.Take(100, 100));
  ASSERT_TRUE(
      StoreRecord(disk.file_system(), "/account", "another title", Record())
          .ok());
  EXPECT_TRUE(*budget.Take(100, 100));
}

}  // namespace
}  // namespace levelkeep::test
