// Restores by the manager: live, staged, taken back, undone.

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/write_batch.h"
#include "levelkeep/backup_manager.h"
#include "manager/manager_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using test::App;

class ManagerRestoreTest : public test::ManagerFixture {};

// A disk that, once armed, waits where a replaced database is removed.
class SlowRemoval : public test::FaultFileSystem {
 public:
  SlowRemoval() : FaultFileSystem(FileSystem::Posix()) {}
  ~SlowRemoval() override { Release(); }

  Status Rename(const std::string& source, const std::string& target) override {
    WaitAt(source);
    return FaultFileSystem::Rename(source, target);
  }
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    WaitAt(source);
    return FaultFileSystem::RenameNoReplace(source, target);
  }
  Status RemoveFile(const std::string& path) override {
    WaitAt(path);
    return FaultFileSystem::RemoveFile(path);
  }

  void Arm() { armed_ = true; }
  void WaitUntilReached() { reached_.wait(false); }
  void Release() {
    released_ = true;
    released_.notify_all();
  }

 private:
  void WaitAt(const std::string& path) {
    if (!armed_ || path.find("/rollback-") == std::string::npos) return;
    reached_ = true;
    reached_.notify_all();
    released_.wait(false);
  }

  std::atomic<bool> armed_{false};
  std::atomic<bool> reached_{false};
  std::atomic<bool> released_{false};
};

// These calls were once refused: 409, backups are being rotated.
TEST_F(ManagerRestoreTest, TheEndOfAnUndoRefusesNobody) {
  SlowRemoval disk;
  options_.restore.undo_hours = 0;
  App app(options_, Platform{.fs = &disk});
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  RestoreRequest request;
  request.source = app.Create().name;
  ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());
  app.Put(10, 20);
  const std::string newest = app.Create().name;
  disk.Arm();
  Status verified;
  std::jthread verifier([&] {
    verified = app.manager_.VerifyBackup(newest, VerifyDepth::kFull).status();
  });
  disk.WaitUntilReached();
  app.Create("meanwhile");
  Status restored;
  std::jthread restorer(
      [&] { restored = app.manager_.RestoreBackup(request).status(); });
  disk.Release();
  verifier.join();
  restorer.join();
  EXPECT_TRUE(verified.ok()) << verified.ToString();
  EXPECT_TRUE(restored.ok()) << restored.ToString();
  EXPECT_EQ(app.Count(), 10);
}

TEST_F(ManagerRestoreTest, LiveRestoreAndUndo) {
  App app(options_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 300);
  const BackupInfo made = app.Create();
  app.Put(300, 400);

  const auto preview = app.manager_.PreviewRestore(test::RestoreOf(made.name));
  ASSERT_TRUE(preview.ok());
  EXPECT_EQ(100u, preview->lost_writes);
  EXPECT_TRUE(preview->same_history);
  EXPECT_EQ(400, app.Count());

  RestoreRequest request;
  request.source = made.name;
  const auto restored = app.manager_.RestoreBackup(request);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_TRUE(restored->applied);
  EXPECT_EQ(300u, restored->last_sequence);
  EXPECT_EQ(300, app.Count());
  EXPECT_TRUE(app.manager_.Health().undo_available);

  const auto undone = app.manager_.UndoRestore();
  ASSERT_TRUE(undone.ok()) << undone.status().ToString();
  EXPECT_EQ(400, app.Count());
}

TEST_F(ManagerRestoreTest, AnUndoThatCannotWorkClosesNothing) {
  App app(options_);
  int closes = 0;
  app.manager_.SetRestoreHooks({[&] {
                                  ++closes;
                                  return app.Close();
                                },
                                [&] { return app.Open(); }});
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.manager_.UndoRestore().status().code(), StatusCode::kNotFound);
  EXPECT_EQ(closes, 0);
  app.Put(0, 10);
  RestoreRequest request;
  request.source = app.Create().name;
  app.Put(10, 20);
  ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());
  EXPECT_EQ(closes, 1);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           options_.storage_dir + "/.levelkeep")) {
    const std::string path = entry.path();
    if (path.find("rollback-") != std::string::npos &&
        path.ends_with("/CURRENT")) {
      ASSERT_TRUE(FileSystem::Posix()->RemoveFile(path).ok());
      break;
    }
  }
  EXPECT_EQ(app.manager_.PreviewUndo().status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(app.manager_.UndoRestore().status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(10, app.Count());
}

TEST_F(ManagerRestoreTest, VerifiedBackupOfTheRestoredDataEndsUndo) {
  options_.restore.undo_hours = 0;
  App app(options_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  RestoreRequest request;
  request.source = app.Create().name;
  ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());
  // A backup from before the restore proves nothing about the restored data.
  ASSERT_TRUE(
      app.manager_.VerifyBackup(request.source, VerifyDepth::kFull).ok());
  EXPECT_TRUE(app.manager_.Health().undo_available);
  app.Put(10, 20);
  ASSERT_TRUE(
      app.manager_.VerifyBackup(app.Create().name, VerifyDepth::kFull).ok());
  EXPECT_FALSE(app.manager_.Health().undo_available);
  EXPECT_EQ(StatusCode::kNotFound, app.manager_.UndoRestore().status().code());
}

// After the undo, the database goes on with a history that has backups already.
// What was written between the restore and its undo is in none of those.
TEST_F(ManagerRestoreTest, VerifiedBackupFromBeforeAnUndoDoesNotEndIt) {
  options_.restore.undo_hours = 0;
  App app(options_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  RestoreRequest request;
  request.source = app.Create().name;
  app.Put(10, 20);
  ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());
  app.Put(10, 15);
  ASSERT_TRUE(app.manager_.UndoRestore().ok());
  ASSERT_TRUE(
      app.manager_.VerifyBackup(request.source, VerifyDepth::kFull).ok());
  EXPECT_TRUE(app.manager_.Health().undo_available);
  ASSERT_TRUE(
      app.manager_.VerifyBackup(app.Create().name, VerifyDepth::kFull).ok());
  EXPECT_FALSE(app.manager_.Health().undo_available);
}

TEST_F(ManagerRestoreTest, DatabaseThatTheHostCannotOpenIsTakenBack) {
  App app(options_);
  int opens = 0;
  app.manager_.SetRestoreHooks({[&] { return app.Close(); },
                                [&]() -> Status {
                                  if (++opens == 1)
                                    return Status(StatusCode::kIoError,
                                                  "no luck");
                                  return app.Open();
                                }});
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  RestoreRequest request;
  request.source = app.Create().name;
  app.Put(10, 30);
  const auto restored = app.manager_.RestoreBackup(request);
  ASSERT_FALSE(restored.ok());
  EXPECT_NE(std::string::npos, restored.status().message().find("no luck"));
  EXPECT_EQ(30, app.Count());
}

TEST_F(ManagerRestoreTest, HostWithoutHooksStagesForTheNextStart) {
  options_.restore.restart_command = "systemctl restart shop";
  std::string name;
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 100);
    name = app.Create().name;
    app.Put(100, 200);
    RestoreRequest request;
    request.source = name;
    request.mode = RestoreMode::kLive;
    EXPECT_EQ(StatusCode::kUnsupported,
              app.manager_.RestoreBackup(request).status().code());
    request.mode = RestoreMode::kAuto;
    const auto staged = app.manager_.RestoreBackup(request);
    ASSERT_TRUE(staged.ok()) << staged.status().ToString();
    EXPECT_FALSE(staged->applied);
    EXPECT_EQ("systemctl restart shop", staged->restart_command);
    EXPECT_EQ(200, app.Count());
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.restored);
  EXPECT_EQ(100, app.Count());
}

TEST_F(ManagerRestoreTest, StopDuringARestoreAtTheStartLeavesTheDrop) {
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 100);
    RestoreRequest request;
    request.source = app.Create().name;
    app.Put(100, 200);
    ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());  // staged
  }
  std::stop_source source;
  source.request_stop();
  {
    BackupManager manager(options_);
    const auto report = manager.Initialize(source.get_token());
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(StatusCode::kCancelled, report.status().code())
        << report.status().ToString();
  }
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.restored);
  EXPECT_EQ(100, app.Count());
}

}  // namespace
}  // namespace levelkeep
