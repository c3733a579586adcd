// backups/ on a disk that fails, or is held, at one step: the failure is
// reported, and neither this backup nor earlier ones are harmed.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/hash.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "engine/verify_named.h"
#include "restore/restorer.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/no_threads.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;

class BackupsTest : public ::testing::Test {
 protected:
  BackupsTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    options_.resources.threads = 1;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildOptions build;
    build.write_buffer_bytes = 256 << 10;  // tables that are worth reusing
    test::BuildDatabase(options_.storage_path(), 3000, build);
    EXPECT_TRUE(WriteIdentity(FileSystem::Posix(), options_.storage_path(),
                              {RandomId(), RandomId(), ""})
                    .ok());
    engine_ = std::make_unique<Engine>(options_, Platform{.fs = &disk_});
  }

  Result<BackupInfo> Write(const BackupRequest& asked = {}) {
    auto lock = engine_->LockForWriting();
    if (!lock.ok()) return lock.status();
    auto snapshot =
        TakeOfflineSnapshot(FileSystem::Posix(), options_.storage_path());
    if (!snapshot.ok()) return snapshot.status();
    BackupRequest request = asked;
    request.trigger = "manual";
    request.database =
        ReadIdentity(FileSystem::Posix(), options_.storage_path()).value();
    return engine_->Write(**snapshot, request);
  }
  // Makes a backup on a disk that works; returns its name.
  std::string Made() {
    disk_.Reset();
    const auto made = Write();
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? made->name : "";
  }
  void ExpectGood(const std::string& name) {
    const auto report =
        test::VerifyNamed(engine_.get(), name, VerifyDepth::kChecksums);
    EXPECT_TRUE(report.ok()) << name << ": " << report.status().ToString();
  }
  std::vector<std::string> InBackups() {
    const auto names = FileSystem::Posix()->List(options_.backup_dir);
    EXPECT_TRUE(names.ok()) << names.status().ToString();
    return names.ok() ? *names : std::vector<std::string>();
  }
  std::string InOwn(const std::string& name) {
    const auto identity =
        ReadIdentity(FileSystem::Posix(), options_.storage_path());
    return InState("databases/" + identity->id + "/" + name);
  }
  std::string InState(const std::string& name) {
    return options_.backup_dir + "/.levelkeep/" + name;
  }

  test::TempDir dir_;
  BackupOptions options_;
  FaultFileSystem disk_{FileSystem::Posix(), FaultFileSystem::Count::kAll};
  std::unique_ptr<Engine> engine_;
};

TEST_F(BackupsTest, EventsAreRememberedInTheManifest) {
  BackupRequest request;
  request.events =
      EventCount{3000, 1, 3000, "2024-12-27T12:00:00Z", "2024-12-27T13:00:00Z"};
  const auto made = Write(request);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(made->event_count, 3000u);
  const auto reader = ArchiveReader::Open(FileSystem::Posix(), made->path);
  ASSERT_TRUE(reader.ok());
  const auto& events = (*reader)->outline().manifest->events;
  ASSERT_TRUE(events.has_value());
  EXPECT_EQ(events->first, 1u);
  EXPECT_EQ(events->last, 3000u);
  EXPECT_EQ(events->first_time, "2024-12-27T12:00:00Z");
  EXPECT_EQ(events->last_time, "2024-12-27T13:00:00Z");
}

// As on exFAT, s3fs or rclone: only a claim keeps a name from other writers.
TEST_F(BackupsTest, IsPublishedWhereThereAreOnlyPlainNames) {
  disk_.set_plain_names(true);
  const auto made = Write();
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const auto second = Write();
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_NE(made->name, second->name);
  ExpectGood(made->name);
  ExpectGood(second->name);
}

// A create dies between the claim and the rename.
TEST_F(BackupsTest, ClaimOfACrashHidesNoNameAndIsSwept) {
  disk_.set_plain_names(true);
  std::string claimed;
  disk_.set_observer([&](const std::string& operation) {
    if (operation.starts_with("Rename ") &&
        operation.find(".part to ") != std::string::npos) {
      claimed = BaseName(operation);
      disk_.CrashAt(disk_.operations() + 1);
    }
  });
  ASSERT_FALSE(Write().ok());
  disk_.set_observer(nullptr);
  disk_.Reset();
  disk_.set_plain_names(true);
  ASSERT_TRUE(ParseBackupName(claimed)) << claimed;
  ASSERT_EQ(std::filesystem::file_size(options_.backup_dir + "/" + claimed),
            0u);
  EXPECT_TRUE(engine_->List()->empty());
  EXPECT_TRUE(engine_->PlanRotation()->decisions.empty());
  EXPECT_TRUE(engine_->PendingVerification()->empty());
  EXPECT_EQ(engine_->Find(claimed).status().code(), StatusCode::kNotFound);

  const auto made = Write();  // usually in another second
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  ExpectGood(made->name);
  EXPECT_EQ(engine_->List()->size(), 1u);
  Engine next(options_, Platform{});
  ASSERT_TRUE(next.Sweep().ok());
  for (const std::string& name : InBackups()) {
    EXPECT_TRUE(name == made->name || name == made->name + ".sha256" ||
                name == ".levelkeep")
        << name;
  }
}

TEST_F(BackupsTest, NameThatSomebodyTakesMeanwhileIsNotReplaced) {
  const std::string first = Made();
  disk_.FailOn("RenameNoReplace ", StatusCode::kAlreadyExists, 1, 2);
  const auto made = Write();
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_GE(ParseBackupName(made->name)->counter, 3);
  ExpectGood(made->name);

  const auto before = InBackups();
  disk_.FailOn("RenameNoReplace ", StatusCode::kAlreadyExists, 1,
               FaultFileSystem::kAlways);
  const auto refused = Write();
  EXPECT_EQ(refused.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(refused.status().message().find("no free backup name"),
            std::string::npos)
      << refused.status().message();
  EXPECT_EQ(InBackups(), before) << "no part is left";
  ExpectGood(first);
}

TEST_F(BackupsTest, OtherBytesThanWrittenAreWrittenOnceMoreWithoutReuse) {
  Made();
  const std::string part = options_.backup_dir + "/.levelkeep-";
  disk_.FailOn("ReadFromDevice " + part, StatusCode::kCorruption);
  const auto made = Write();
  ASSERT_TRUE(disk_.fired()) << "it is read back from the device";
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  ExpectGood(made->name);
  // A device that never returns the written bytes gets no backup.
  const auto before = InBackups();
  disk_.FailOn("ReadFromDevice " + part, StatusCode::kCorruption, 1,
               FaultFileSystem::kAlways);
  EXPECT_EQ(Write().status().code(), StatusCode::kCorruption);
  EXPECT_EQ(InBackups(), before);
}

TEST_F(BackupsTest, ArchiveThatTheDeviceDoesNotGiveIsReplacedNotBlamed) {
  const std::string first = Made();
  // The record that the first backup left for the next one.
  ASSERT_TRUE(
      FileSystem::Posix()->Link(InOwn("reuse"), InOwn("reuse-first")).ok());
  uint64_t failures = 0;
  for (const std::string operation : {"ReadAt ", "ReadFromDevice "}) {
    bool more = true;
    for (uint64_t nth = 1; more; ++nth) {
      disk_.Reset();
      disk_.FailOn(operation + options_.backup_dir + "/" + first,
                   StatusCode::kIoError, nth);
      const auto made = Write();
      more = disk_.fired();
      failures += more ? 1 : 0;
      disk_.Reset();
      // If the listing could not read the first backup, the new one reuses
      // nothing.
      ASSERT_TRUE(made.ok()) << made.status().ToString();
      ExpectGood(made->name);
      EXPECT_EQ(test::StatusOf(engine_.get(), first), "unverified");
      // The next round starts from the first backup again.
      ASSERT_TRUE(engine_->Delete(made->name, true).ok());
      ASSERT_TRUE(FileSystem::Posix()->RemoveFile(InOwn("reuse")).ok());
      ASSERT_TRUE(
          FileSystem::Posix()->Link(InOwn("reuse-first"), InOwn("reuse")).ok());
    }
  }
  EXPECT_GE(failures, 2u);
  ExpectGood(first);
}

TEST_F(BackupsTest, StateThatSomebodyHoldsIsWaitedFor) {
  const std::string name = Made();
  disk_.FailOn("Lock " + InState("state.lock"), StatusCode::kBusy, 1, 5);
  ASSERT_TRUE(engine_->Pin(name, true).ok());
  EXPECT_TRUE(engine_->Find(name)->pinned);
  disk_.FailOn("Lock " + InState("state.lock"), StatusCode::kBusy, 1,
               FaultFileSystem::kAlways);
  EXPECT_EQ(engine_->Pin(name, false).code(), StatusCode::kBusy);
  EXPECT_TRUE(engine_->Find(name)->pinned);
}

TEST_F(BackupsTest, SweepsNothingThatItCanNotLock) {
  const std::string name = Made();
  const std::string part =
      options_.backup_dir + "/.levelkeep-" + std::string(32, 'a') + ".part";
  test::WriteFile(part, "half an archive");
  const std::string scratch = InState("scratch-1");
  std::filesystem::create_directories(scratch);
  const struct {
    const char* lock;
    StatusCode code;
    bool ok;
    bool part_stays;
  } kCases[] = {{"create.lock", StatusCode::kBusy, true, true},
                {"create.lock", StatusCode::kIoError, false, true},
                {"state.lock", StatusCode::kIoError, false, true},
                {"verify.lock", StatusCode::kBusy, true, false}};
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.lock);
    disk_.FailOn("Lock " + InState(c.lock), c.code);
    EXPECT_EQ(engine_->Sweep().ok(), c.ok);
    EXPECT_TRUE(disk_.fired());
    EXPECT_EQ(PathExists(FileSystem::Posix(), part), c.part_stays);
    EXPECT_TRUE(PathExists(FileSystem::Posix(), scratch));
    disk_.Reset();
  }
  ASSERT_TRUE(engine_->Sweep().ok());
  EXPECT_FALSE(PathExists(FileSystem::Posix(), scratch));
  ExpectGood(name);
}

TEST_F(BackupsTest, ArchiveIsVerifiedByItsPathToo) {
  const std::string name = Made();
  const std::string copy = dir_.Sub("elsewhere.tar.gz");
  std::filesystem::copy(options_.backup_dir + "/" + name, copy);
  const auto report =
      test::VerifyNamed(engine_.get(), copy, VerifyDepth::kChecksums);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->name, "elsewhere.tar.gz");
  EXPECT_TRUE(report->own);
  EXPECT_FALSE(PathExists(FileSystem::Posix(), copy + ".sha256"));
  EXPECT_EQ(test::StatusOf(engine_.get(), name), "unverified")
      << "the path is not this backup";
  std::string bytes = test::ReadFile(copy);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  test::WriteFile(copy, bytes);
  const Status bad =
      test::VerifyNamed(engine_.get(), copy, VerifyDepth::kChecksums).status();
  EXPECT_EQ(bad.code(), StatusCode::kCorruption);
  EXPECT_EQ(bad.message().find("elsewhere.tar.gz"), 0u) << bad.message();
  EXPECT_EQ(test::StatusOf(engine_.get(), name), "unverified");
}

TEST_F(BackupsTest, WhereThereIsNoThreadTheCallersOwnVerifies) {
  const std::string name = Made();
  const test::NoThreads none;
  const auto report =
      test::VerifyNamed(engine_.get(), name, VerifyDepth::kFull);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->depth, VerifyDepth::kFull);
  EXPECT_EQ(test::StatusOf(engine_.get(), name), "verified");
}

TEST_F(BackupsTest, OnlyAVerdictIsRemembered) {
  const std::string name = Made();
  for (const StatusCode code : {StatusCode::kIoError, StatusCode::kNoSpace}) {
    disk_.FailOn("/" + name + "\n", code, 4, FaultFileSystem::kAlways);
    const auto report =
        test::VerifyNamed(engine_.get(), name, VerifyDepth::kChecksums);
    EXPECT_EQ(report.status().code(), code) << disk_.last_operation();
    disk_.Reset();
    EXPECT_EQ(test::StatusOf(engine_.get(), name), "unverified");
  }
  ExpectGood(name);
  EXPECT_EQ(test::StatusOf(engine_.get(), name), "verified");
}

TEST_F(BackupsTest, FollowsNoLinkToAStateFolder) {
  const std::string elsewhere = dir_.Sub("elsewhere");
  std::filesystem::create_directories(elsewhere);
  std::filesystem::create_directories(options_.backup_dir);
  std::filesystem::create_symlink(elsewhere,
                                  options_.backup_dir + "/.levelkeep");
  for (const Status& status :
       {Write().status(), engine_->Prepare(Walk::Judge()),
        engine_->Sweep().status()}) {
    EXPECT_EQ(status.code(), StatusCode::kRefused);
    EXPECT_EQ(status.message(), options_.backup_dir +
                                    "/.levelkeep is a symbolic link, which is "
                                    "not followed");
  }
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
}

TEST_F(BackupsTest, ACreateThatCanNotRemoveOldBackupsSaysSo) {
  options_.retention.max_backups = 1;
  options_.verification.after_backup = false;
  Engine engine(options_, {.fs = &disk_});
  const std::string oldest = Made();
  disk_.FailOn("RemoveFile " + options_.backup_dir + "/" + oldest + "\n");
  ASSERT_TRUE(engine.Create({}).ok());
  EXPECT_NE(engine.RotationProblem().find(oldest), std::string::npos);
  disk_.Reset();
  ASSERT_TRUE(engine.Rotate().ok());
  EXPECT_EQ(engine.RotationProblem(), "");
}

TEST_F(BackupsTest, RotationThatFailsNamesTheBackupAndRemovesNoMore) {
  options_.retention.max_backups = 1;
  options_.verification.after_backup = false;
  Engine engine(options_, {.fs = &disk_});
  const std::vector<std::string> names = {Made(), Made(), Made()};
  disk_.FailOn("RemoveFile " + options_.backup_dir + "/" + names[1] + "\n");
  const Status failed = engine.Rotate().status();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  EXPECT_EQ(failed.message().find("rotating " + names[1]), 0u)
      << failed.message();
  disk_.Reset();
  EXPECT_EQ(engine.List()->size(), 2u) << "the oldest is gone, the next is not";
  ASSERT_TRUE(engine.Rotate().ok());
  ASSERT_EQ(engine.List()->size(), 1u);
  EXPECT_EQ(engine.List()->front().name, names[2]);
}

}  // namespace
}  // namespace levelkeep
