// A verdict needs evidence: the changes after a check that could not be done,
// and the state that it must not change.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "engine/engine.h"
#include "engine/verify_named.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

constexpr uint64_t kEvents = 100;

class VerdictTest : public ::testing::Test {
 protected:
  VerdictTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildDatabase(options_.storage_path(), kEvents);
    Engine engine(options_, {});
    const auto made = engine.Create({});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    if (made.ok()) name_ = made->name;
  }

  // The script runs instead of levelkeep-check.
  void UseScript(const std::string& script) {
    options_.verification.check_program = dir_.Sub("script");
    test::WriteFile(options_.verification.check_program,
                    "#!/bin/sh\n" + script + "\n");
    ASSERT_EQ(
        test::Shell("chmod +x '" + options_.verification.check_program + "'"),
        0);
  }
  void UseProgram() { options_.verification.check_program.clear(); }
  Status Verify(VerifyDepth depth = VerifyDepth::kFull) {
    Engine engine(options_, {});
    return test::VerifyNamed(&engine, name_, depth).status();
  }
  BackupInfo Listed() {
    Engine engine(options_, {});
    const auto backup = engine.Find(name_);
    EXPECT_TRUE(backup.ok()) << backup.status().ToString();
    return backup.ok() ? ToBackupInfo(*backup) : BackupInfo();
  }
  std::string StatePath() {
    return options_.backup_dir + "/.levelkeep/" + name_ + ".json";
  }

  test::TempDir dir_;
  BackupOptions options_;
  std::string name_;
};

struct NoVerdict {
  const char* script;
  StatusCode code;
};
// Signals and exit codes that give no verdict; see docs/decisions/0021.
const std::vector<NoVerdict>& NoVerdicts() {
  static const auto* const kList = new std::vector<NoVerdict>{
      {"kill -TERM $$", StatusCode::kNotChecked},
      {"kill -KILL $$", StatusCode::kNotChecked},
      {"kill -HUP $$", StatusCode::kNotChecked},
      {"kill -XFSZ $$", StatusCode::kNotChecked},
      {"exit 0", StatusCode::kNotChecked},
      {"exit 2", StatusCode::kNotChecked},
      {"echo '{\"ok\":false,\"code\":\"unsupported\",\"error\":\"zstd\"}'",
       StatusCode::kUnsupported},
      {"echo '{\"ok\":false,\"code\":\"io_error\",\"error\":\"disk\"}'",
       StatusCode::kIoError},
      {"echo '{\"ok\":false,\"code\":\"no_space\",\"error\":\"full\"}'",
       StatusCode::kNoSpace},
      {"echo '{\"ok\":false,\"code\":\"not_checked\",\"error\":\"memory\"}'",
       StatusCode::kNotChecked}};
  return *kList;
}

TEST_F(VerdictTest, WhatCouldNotBeCheckedIsNotDamaged) {
  uint64_t times = 0;
  for (const NoVerdict& c : NoVerdicts()) {
    UseScript(c.script);
    EXPECT_EQ(Verify().code(), c.code) << c.script;
    const BackupInfo listed = Listed();
    EXPECT_EQ(listed.status, BackupStatus::kUnverified) << c.script;
    EXPECT_TRUE(listed.problem.starts_with("not checked: ")) << listed.problem;
    Engine engine(options_, {});
    const auto backup = engine.Find("latest");
    ASSERT_TRUE(backup.ok()) << "it is as usable as before";
    EXPECT_EQ(backup->not_checked->times, ++times);
    EXPECT_EQ(*engine.PendingVerification(), std::vector<std::string>{name_});
  }
  UseProgram();
  EXPECT_TRUE(Verify().ok());
  EXPECT_EQ(Listed().status, BackupStatus::kVerified);
  EXPECT_EQ(Listed().problem, "");
}

TEST_F(VerdictTest, AVerificationThatPassedIsNotOverwrittenWithoutEvidence) {
  ASSERT_TRUE(Verify().ok());
  for (const NoVerdict& c : NoVerdicts()) {
    UseScript(c.script);
    EXPECT_EQ(Verify().code(), c.code) << c.script;
    EXPECT_EQ(Listed().status, BackupStatus::kVerified) << c.script;
    EXPECT_TRUE(Listed().problem.starts_with("not checked: "));
  }
  UseScript("kill -SEGV $$");
  EXPECT_EQ(Verify().code(), StatusCode::kCorruption);
  EXPECT_EQ(Listed().status, BackupStatus::kDamaged);
}

// With the sidecar, and without it.
TEST_F(VerdictTest, DamageIsRememberedByTheDigestThatThereIs) {
  const std::string path = options_.backup_dir + "/" + name_;
  const std::string good = test::ReadFile(path);
  std::string bad = good;
  bad[good.size() / 3] = static_cast<char>(bad[good.size() / 3] ^ 1);
  test::WriteFile(path, bad);
  EXPECT_EQ(Verify().code(), StatusCode::kCorruption);
  EXPECT_EQ(Listed().status, BackupStatus::kDamaged);
  std::filesystem::remove(path + ".sha256");
  test::WriteFile(path, good.substr(0, good.size() / 2));
  EXPECT_EQ(Verify().code(), StatusCode::kCorruption);
  EXPECT_EQ(Listed().status, BackupStatus::kDamaged);
}

TEST_F(VerdictTest, AStopLeavesNoTrace) {
  Engine engine(options_, {});
  const std::string state = test::ReadFile(StatePath());
  std::stop_source stop;
  stop.request_stop();
  const auto report = engine.Verify(*engine.Find(name_), VerifyDepth::kFull,
                                    {stop.get_token(), nullptr});
  EXPECT_EQ(report.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(test::ReadFile(StatePath()), state);
}

TEST_F(VerdictTest, ARestoreSaysWhyAndNotDamaged) {
  test::BuildOptions more;
  more.first_event = kEvents + 1;
  for (const NoVerdict& c : NoVerdicts()) {
    UseScript(c.script);
    Engine engine(options_, {});
    const auto restored = engine.Restore(*engine.Find(name_), {});
    EXPECT_EQ(restored.status().code(), c.code) << c.script;
  }
  UseProgram();
  Engine engine(options_, {});
  EXPECT_TRUE(engine.Restore(*engine.Find(name_), {}).ok());
}

TEST_F(VerdictTest, AReasonThatCanNotBeKeptIsNoFailureOfItsOwn) {
  UseScript("kill -TERM $$");
  test::FaultFileSystem disk(FileSystem::Posix());
  disk.FailOn(".json\n", StatusCode::kIoError, 1,
              test::FaultFileSystem::kAlways);
  Engine engine(options_, Platform{.fs = &disk});
  EXPECT_EQ(
      test::VerifyNamed(&engine, name_, VerifyDepth::kFull).status().code(),
      StatusCode::kNotChecked);
  EXPECT_TRUE(disk.fired());
}

// --- which verifications count in a restore ---

class ScannedTest : public VerdictTest {
 protected:
  // The number of scans during an extraction into a new folder.
  int ScansOf(const std::string& source) {
    int scans = 0;
    Platform platform;
    platform.store_checker = [&](const std::string&, const std::string&,
                                 std::stop_token) -> Result<StoreCheck> {
      ++scans;
      StoreCheck check;
      check.entries = check.last_sequence = kEvents;
      return check;
    };
    Engine engine(options_, platform);
    const auto report =
        engine.Extract(*engine.Locate(source), dir_.Sub("target"), {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    std::filesystem::remove_all(dir_.Sub("target"));
    return scans;
  }
  std::string ScannedPath() {
    return WorkDirOf(options_.storage_dir, options_.db_name) + "/scanned";
  }
};

TEST_F(ScannedTest, OnlyWhatWasScannedForThisStorageIsNotScannedAgain) {
  EXPECT_EQ(ScansOf(name_), 1);
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(ScansOf(name_), 0);
  // Another storage with the same backups/, which that storage has not
  // verified.
  const std::string own = options_.storage_dir;
  options_.storage_dir = dir_.Sub("other");
  std::filesystem::create_directory(options_.storage_dir);
  EXPECT_EQ(Listed().status, BackupStatus::kVerified);
  EXPECT_EQ(ScansOf(name_), 1);
  ASSERT_TRUE(Verify().ok());
  EXPECT_EQ(ScansOf(name_), 0);
  options_.storage_dir = own;
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(ScannedPath()).ok());
  EXPECT_EQ(ScansOf(name_), 1);
}

TEST_F(ScannedTest, ARecordThatOthersMayWriteDoesNotCount) {
  ASSERT_TRUE(Verify().ok());
  ASSERT_EQ(::chmod(ScannedPath().c_str(), 0666), 0);
  EXPECT_EQ(ScansOf(name_), 1);
  ASSERT_EQ(::chmod(ScannedPath().c_str(), 0600), 0);
  EXPECT_EQ(ScansOf(name_), 0);
  ASSERT_EQ(::chmod(StatePath().c_str(), 0666), 0);
  EXPECT_EQ(ScansOf(name_), 1);
}

TEST_F(ScannedTest, WhoHasNoStorageWritesNothingThere) {
  Engine worker(options_, Platform{.has_storage = false});
  ASSERT_TRUE(test::VerifyNamed(&worker, name_, VerifyDepth::kFull).ok());
  EXPECT_FALSE(PathExists(FileSystem::Posix(), ScannedPath()));
  EXPECT_EQ(Listed().status, BackupStatus::kVerified);
  EXPECT_EQ(ScansOf(name_), 1);
  // A missing storage is not made either.
  options_.storage_dir = dir_.Sub("none");
  ASSERT_TRUE(Verify().ok());
  EXPECT_FALSE(PathExists(FileSystem::Posix(), options_.storage_dir));
}

// --- the largest record ---

TEST_F(VerdictTest, TheManifestBoundsTheLargestRecord) {
  const auto reader = ArchiveReader::Open(FileSystem::Posix(),
                                          options_.backup_dir + "/" + name_);
  ASSERT_TRUE(reader.ok());
  const Manifest& manifest = *(*reader)->outline().manifest;
  uint64_t log_bytes = 0;
  for (const ManifestFile& file : manifest.files) {
    if (file.name.ends_with(".log")) log_bytes += file.size_bytes;
  }
  EXPECT_GT(log_bytes, 0u);
  EXPECT_GE(manifest.largest_record, log_bytes);
  EXPECT_LE(manifest.largest_record, 22 * manifest.source_bytes);
}

}  // namespace
}  // namespace levelkeep
