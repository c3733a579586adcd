// The manager with a real disk, a real LevelDB and real archives.

#include "levelkeep/backup_manager.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/write_batch.h"
#include "manager/manager_fixture.h"
#include "support/fake_clock.h"
#include "support/rclone_disk.h"

namespace levelkeep {
namespace {

using test::App;
using test::Key;

class BackupManagerTest : public test::ManagerFixture {};

TEST_F(BackupManagerTest, HotBackupHoldsWhatWasAcknowledged) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 1000);
  const BackupInfo made = app.Create("first");
  EXPECT_EQ(SnapshotMethod::kHot, made.snapshot_method);
  EXPECT_EQ("first", made.label);
  EXPECT_EQ("manual", made.trigger);
  EXPECT_EQ(BackupStatus::kUnverified, made.status);
  EXPECT_EQ(1000u, made.last_sequence);
  EXPECT_EQ(64u, made.sha256.size());
  auto report = app.manager_.VerifyBackup("latest", VerifyDepth::kFull);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(1000u, report->entries);
  EXPECT_EQ(1000u, report->last_sequence);
  EXPECT_EQ(BackupStatus::kVerified, app.manager_.FindBackup("latest")->status);
  EXPECT_TRUE(LeftOvers().empty());
}

TEST_F(BackupManagerTest, ForeignEnvIsBackedUpLogically) {
  App app(options_, Clock::System(), /*own_env=*/false);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 500);
  EXPECT_EQ(SnapshotMethod::kLogical, app.Create().snapshot_method);
  auto report = app.manager_.VerifyBackup("latest", VerifyDepth::kFull);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(500u, report->entries);
}

TEST_F(BackupManagerTest, ClosedDatabaseIsBackedUpOffline) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  ASSERT_TRUE(app.Close().ok());
  EXPECT_EQ(SnapshotMethod::kOffline, app.Create().snapshot_method);
}

TEST_F(BackupManagerTest, BackupWithoutDatabaseSaysSo) {
  BackupManager manager(options_);
  ASSERT_TRUE(manager.Initialize().ok());
  const auto made = manager.CreateBackup(CreateRequest());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kNotFound, made.status().code());
  EXPECT_TRUE(LeftOvers().empty());
}

TEST_F(BackupManagerTest, BadLabelMakesNothing) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  for (const char* label : {"../x", "a b", ".hidden", "x/y"}) {
    CreateRequest request;
    request.label = label;
    const auto made = app.manager_.CreateBackup(request);
    ASSERT_FALSE(made.ok()) << label;
    EXPECT_EQ(StatusCode::kInvalidArgument, made.status().code());
  }
  EXPECT_TRUE(app.manager_.ListBackups()->empty());
}

TEST_F(BackupManagerTest, NoSpaceIsSaidBeforeAnythingIsWritten) {
  options_.resources.reserve_bytes = uint64_t{1} << 60;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  const auto made = app.manager_.CreateBackup(CreateRequest());
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kNoSpace, made.status().code());
  EXPECT_TRUE(LeftOvers().empty());
  EXPECT_TRUE(app.manager_.ListBackups()->empty());
  EXPECT_FALSE(app.manager_.Health().reasons.empty());
}

TEST_F(BackupManagerTest, CancelledBackupLeavesNoFile) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 1000);
  std::stop_source source;
  source.request_stop();
  CreateRequest request;
  request.stop = source.get_token();
  const auto made = app.manager_.CreateBackup(request);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kCancelled, made.status().code());
  EXPECT_TRUE(LeftOvers().empty());
}

TEST_F(BackupManagerTest, RotationKeepsMaxBackups) {
  options_.retention.max_backups = 3;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  std::vector<std::string> names;
  for (int i = 0; i < 6; ++i) {
    app.Put(i * 10, i * 10 + 10);
    names.push_back(app.Create().name);
  }
  const auto backups = *app.manager_.ListBackups();
  ASSERT_EQ(3u, backups.size());
  EXPECT_EQ(names[5], backups[0].name);
  EXPECT_EQ(names[3], backups[2].name);
}

// The backups differ in their fields, and nothing of one backup may be left in
// the next that is visited.
TEST_F(BackupManagerTest, VisitsWhatIsListed) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string labelled = app.Create().name;
  ASSERT_TRUE(app.manager_.PinBackup(labelled, true).ok());
  ASSERT_TRUE(app.manager_.VerifyBackup(labelled, VerifyDepth::kFull).ok());
  app.Put(10, 20);
  app.Create();
  std::ofstream(options_.backup_dir + "/backup_2001-01-01_000000.tar.gz")
      << "no archive";
  const auto listed = *app.manager_.ListBackups();
  ASSERT_EQ(3u, listed.size());
  std::vector<BackupInfo> visited;
  const auto all = app.manager_.VisitBackups([&](const BackupInfo& backup) {
    visited.push_back(backup);
    return true;
  });
  EXPECT_EQ(3u, *all);
  ASSERT_EQ(3u, visited.size());
  for (size_t i = 0; i < 3; i++) {
    EXPECT_EQ(listed[i].name, visited[i].name);
    EXPECT_EQ(listed[i].path, visited[i].path);
    EXPECT_EQ(listed[i].size_bytes, visited[i].size_bytes);
    EXPECT_EQ(listed[i].status, visited[i].status);
    EXPECT_EQ(listed[i].problem, visited[i].problem);
    EXPECT_EQ(listed[i].pinned, visited[i].pinned);
    EXPECT_EQ(listed[i].verified_at, visited[i].verified_at);
    EXPECT_EQ(listed[i].trigger, visited[i].trigger);
    EXPECT_EQ(listed[i].last_sequence, visited[i].last_sequence);
    EXPECT_EQ(listed[i].snapshot_method, visited[i].snapshot_method);
  }
  EXPECT_FALSE(visited[0].pinned);
  EXPECT_TRUE(visited[1].verified_at.has_value());
  EXPECT_EQ(BackupStatus::kUnreadable, visited[2].status);
  EXPECT_FALSE(visited[2].verified_at.has_value());
  EXPECT_EQ("", visited[2].trigger);
  EXPECT_EQ(0u, visited[2].last_sequence);

  int calls = 0;
  const auto one = app.manager_.VisitBackups([&calls](const BackupInfo&) {
    calls++;
    return false;
  });
  EXPECT_EQ(3u, *one);
  EXPECT_EQ(1, calls);

  const auto names_after = [&](const std::string& after) {
    std::vector<std::string> names;
    const auto visit = [&](const BackupInfo& backup) {
      names.push_back(backup.name);
      return true;
    };
    EXPECT_EQ(3u, *app.manager_.VisitBackups(visit, after));
    return names;
  };
  const std::vector<std::string> behind = {listed[1].name, listed[2].name};
  EXPECT_EQ(behind, names_after(listed[0].name));
  EXPECT_TRUE(names_after(listed[2].name).empty());
  EXPECT_EQ(3u, names_after("backup_2099-01-01_000000_gone.tar.gz").size());
  EXPECT_TRUE(names_after("backup_2000-01-01_000000.tar.gz").empty());
  for (const char* wrong : {"backup_2024", "latest", "../x"}) {
    EXPECT_EQ(StatusCode::kInvalidArgument,
              app.manager_.VisitBackups([](const auto&) { return true; }, wrong)
                  .status()
                  .code());
  }
}

TEST_F(BackupManagerTest, ChainNamesThePreviousBackup) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const BackupInfo first = app.Create();
  app.Put(10, 20);
  const BackupInfo second = app.Create();
  EXPECT_NE(first.name, second.name);
  EXPECT_LT(first.last_sequence, second.last_sequence);
}

TEST_F(BackupManagerTest, SecondInstanceIsRefused) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  BackupManager second(options_);
  const auto report = second.Initialize();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(StatusCode::kBusy, report.status().code());
  app.Put(0, 10);  // the first instance is unharmed
  EXPECT_EQ(10, app.Count());
}

TEST_F(BackupManagerTest, BadOptionsAreAllReportedAndNothingIsMade) {
  options_.retention.max_backups = 0;
  options_.archive.compression_level = 9;
  BackupManager manager(options_);
  const auto report = manager.Initialize();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(StatusCode::kInvalidArgument, report.status().code());
  const std::string& message = report.status().message();
  EXPECT_NE(std::string::npos, message.find("MAX_BACKUPS")) << message;
  EXPECT_NE(std::string::npos, message.find("BACKUP_COMPRESSION_LEVEL"));
  EXPECT_FALSE(PathExists(FileSystem::Posix(), options_.storage_dir));
}

TEST_F(BackupManagerTest, FoldersThatAreOneByALinkAreRefused) {
  std::filesystem::create_directories(options_.backup_dir);
  std::filesystem::create_directory_symlink(options_.backup_dir,
                                            options_.restore_dir);
  BackupManager manager(options_);
  const auto report = manager.Initialize();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(StatusCode::kInvalidArgument, report.status().code());
  EXPECT_EQ(0u, report.status().message().find(
                    "BACKUP_DIR and RESTORE_DIR are the same folder"));
}

TEST_F(BackupManagerTest, FoldersThatLeadIntoTheDatabaseAreRefused) {
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
  }
  const std::string db = options_.storage_path();
  const struct {
    std::string* folder;
    const char* setting;
    std::string target;
  } kRows[] = {
      {&options_.backup_dir, "BACKUP_DIR", db},
      {&options_.backup_dir, "BACKUP_DIR", db + "/bk"},
      {&options_.restore_dir, "RESTORE_DIR", db + "/deep/er"},
      {&options_.restore_dir, "RESTORE_DIR",
       options_.storage_dir + "/.levelkeep/" + options_.db_name},
  };
  for (const auto& row : kRows) {
    const std::string before = *row.folder;
    *row.folder = dir_.Sub("link");
    std::filesystem::create_directories(row.target);
    std::filesystem::create_directory_symlink(row.target, *row.folder);
    const Status refused = BackupManager(options_).Initialize().status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << row.target;
    EXPECT_EQ(refused.message().find(std::string(row.setting) + " (" +
                                     *row.folder + ") leads into"),
              0u)
        << refused.ToString();
    EXPECT_FALSE(std::filesystem::exists(row.target + "/.levelkeep"));
    std::filesystem::remove(*row.folder);
    *row.folder = before;
  }
  EXPECT_TRUE(BackupManager(options_).Initialize().ok());
}

TEST_F(BackupManagerTest, AFolderThatCanNotDoWhatIsNeededStopsTheStart) {
  test::RcloneDisk rclone;
  BackupManager manager = BackupManagerAccess::Make(options_, {.fs = &rclone});
  const Status refused = manager.Initialize().status();
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("STORAGE_DIR ("), std::string::npos)
      << refused.ToString();
  EXPECT_TRUE(std::filesystem::is_empty(options_.storage_dir));
  EXPECT_TRUE(BackupManager(options_).Initialize().ok());
}

TEST_F(BackupManagerTest, DeleteGuardsTheNewestVerifiedAndPinned) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const std::string name = app.Create().name;
  ASSERT_TRUE(app.manager_.VerifyBackup(name, VerifyDepth::kFull).ok());
  EXPECT_EQ(StatusCode::kRefused,
            app.manager_.DeleteBackup(name, false).code());
  ASSERT_TRUE(app.manager_.PinBackup(name, true).ok());
  EXPECT_EQ(StatusCode::kRefused, app.manager_.DeleteBackup(name, true).code());
  ASSERT_TRUE(app.manager_.PinBackup(name, false).ok());
  EXPECT_TRUE(app.manager_.DeleteBackup(name, true).ok());
  EXPECT_TRUE(app.manager_.ListBackups()->empty());
  EXPECT_TRUE(LeftOvers().empty());
}

TEST_F(BackupManagerTest, DamagedBackupIsFoundOutAndRemembered) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 1000);
  const BackupInfo made = app.Create();
  std::string bytes = test::ReadFile(made.path);
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  test::WriteFile(made.path, bytes);
  const auto report =
      app.manager_.VerifyBackup(made.name, VerifyDepth::kChecksums);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(StatusCode::kCorruption, report.status().code());
  EXPECT_EQ(BackupStatus::kDamaged, app.manager_.FindBackup(made.name)->status);
  RestoreRequest request;
  request.source = made.name;
  EXPECT_FALSE(app.manager_.RestoreBackup(request).ok());
  EXPECT_EQ(1000, app.Count());
}

TEST_F(BackupManagerTest, MissingSidecarIsMadeUpForByVerification) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const BackupInfo made = app.Create();
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(made.path + ".sha256").ok());
  EXPECT_EQ("", app.manager_.FindBackup(made.name)->sha256);
  ASSERT_TRUE(app.manager_.VerifyBackup(made.name, VerifyDepth::kFull).ok());
  EXPECT_EQ(made.sha256, app.manager_.FindBackup(made.name)->sha256);
}

TEST_F(BackupManagerTest, HealthTellsWhatIsNotInABackup) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  HealthReport health = app.manager_.Health();
  EXPECT_TRUE(health.store_usable);
  EXPECT_TRUE(health.available);
  EXPECT_EQ(10u, health.unsaved_writes);
  EXPECT_FALSE(health.latest.has_value());
  app.Create();
  health = app.manager_.Health();
  EXPECT_EQ(0u, health.unsaved_writes);
  EXPECT_EQ(1u, health.count);
  ASSERT_TRUE(health.latest.has_value());
  EXPECT_TRUE(health.last_success.has_value());
  app.Put(10, 15);
  EXPECT_EQ(5u, app.manager_.Health().unsaved_writes);
  ASSERT_TRUE(app.Close().ok());
  EXPECT_FALSE(app.manager_.Health().store_usable);
}

// Waits, at most half a minute, for what another thread does.
template <typename Condition>
bool Eventually(Condition condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST_F(BackupManagerTest, ScheduleRunsSkipsAndCatchesUpOnFakeTime) {
  test::FakeClock clock;
  options_.schedule.enabled = true;
  App app(options_, &clock);
  ASSERT_TRUE(app.Start().ok());
  // The schedule begins with an empty database: one with data would be backed
  // up at once, perhaps with half of the entries only.
  ASSERT_TRUE(clock.WaitForSleepers(1));
  app.Put(0, 10);
  const auto count = [&] { return app.manager_.ListBackups()->size(); };
  EXPECT_TRUE(Eventually([&] {
    clock.Advance(std::chrono::minutes(10));
    return count() == 1;
  }));
  // Nothing changed: there is no further backup, however long it takes.
  for (int i = 0; i < 30; ++i) {
    clock.Advance(std::chrono::minutes(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(1u, count());
  app.Put(10, 20);
  EXPECT_TRUE(Eventually([&] {
    clock.Advance(std::chrono::minutes(10));
    return count() == 2;
  }));
  EXPECT_EQ("scheduled", app.manager_.ListBackups()->front().trigger);
  // Long downtime: one run at once, although hours were missed.
  app.Put(20, 30);
  ASSERT_TRUE(app.Close().ok());
  clock.Advance(std::chrono::hours(24));
  ASSERT_TRUE(app.Open().ok());
  EXPECT_TRUE(Eventually([&] { return count() == 3; }));
  EXPECT_EQ(3u, count());
}

// The steady clock stands still while the machine sleeps.
TEST_F(BackupManagerTest, TimeAsleepIsCaughtUpWithinAMinute) {
  test::FakeClock clock;
  options_.schedule.enabled = true;
  App app(options_, &clock);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_TRUE(clock.WaitForSleepers(1));
  app.Put(0, 10);
  const auto count = [&] { return app.manager_.ListBackups()->size(); };
  EXPECT_TRUE(Eventually([&] {
    clock.Advance(std::chrono::minutes(10));
    return count() == 1;
  }));
  app.Put(10, 20);
  ASSERT_TRUE(clock.WaitForSleepers(1));
  clock.SetWallClock(clock.Now() + std::chrono::hours(8));
  clock.Advance(std::chrono::seconds(59));
  EXPECT_TRUE(Eventually([&] { return count() == 2; }));
  // There is only one run: the next one is an interval later.
  app.Put(20, 30);
  const auto left = [&] {
    return *app.manager_.Health().next_run - clock.Now();
  };
  EXPECT_TRUE(Eventually([&] { return left() == std::chrono::hours(1); }));
  // A clock that is set back does not put off the next run.
  clock.SetWallClock(clock.Now() - std::chrono::hours(24 * 3650));
  EXPECT_EQ(left(), std::chrono::hours(1));
  EXPECT_TRUE(Eventually([&] {
    clock.Advance(std::chrono::minutes(10));
    return count() == 3;
  }));
}

TEST_F(BackupManagerTest, NewBackupsAreVerifiedInTheBackground) {
  options_.verification.after_backup = true;
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 100);
  const std::string name = app.Create().name;
  EXPECT_TRUE(Eventually([&] {
    return app.manager_.FindBackup(name)->status == BackupStatus::kVerified;
  }));
}

TEST_F(BackupManagerTest, BackupsUnderLoadAreConsistentWithTheirSequence) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  std::atomic<int> acknowledged = 0;
  const std::jthread writer([&](const std::stop_token& ended) {
    for (int i = 0; !ended.stop_requested(); i += 2) {
      leveldb::WriteBatch batch;
      batch.Put(Key(i), std::string(300, 'a'));
      batch.Put(Key(i + 1), std::string(300, 'b'));
      if (!app.db_->Write(leveldb::WriteOptions(), &batch).ok()) return;
      acknowledged = i + 2;
    }
  });
  for (int round = 0; round < 3; ++round) {
    const int before = acknowledged;
    const BackupInfo made = app.Create();
    EXPECT_GE(made.last_sequence, static_cast<uint64_t>(before));
    EXPECT_EQ(0u, made.last_sequence % 2);
    const auto report =
        app.manager_.VerifyBackup(made.name, VerifyDepth::kFull);
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(made.last_sequence, report->entries);
  }
}

}  // namespace
}  // namespace levelkeep