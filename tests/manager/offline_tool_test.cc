#include "manager/offline_tool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "dbfiles/db_lock.h"
#include "manager/verifier.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::TempDir;

class OfflineToolTest : public ::testing::Test {
 protected:
  OfflineToolTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.reserve_bytes = 0;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildDatabase(options_.storage_path(), 100);
  }
  OfflineTool Tool() {
    return OfflineTool(options_, FileSystem::Posix(), Clock::System());
  }
  BackupInfo Create() {
    CreateRequest request;
    request.trigger = "cli";
    auto made = Tool().Create(request, &way_);
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? *made : BackupInfo();
  }
  void AddEvents(uint64_t first, uint64_t count) {
    test::BuildOptions build;
    build.first_event = first;
    test::BuildDatabase(options_.storage_path(), count, build);
  }

  TempDir dir_;
  BackupOptions options_;
  std::string way_;
};

TEST_F(OfflineToolTest, CreatesOfflineAndSaysSo) {
  const BackupInfo made = Create();
  EXPECT_EQ("database is closed: offline snapshot", way_);
  EXPECT_EQ("offline", made.snapshot_method);
  EXPECT_EQ(100u, made.last_sequence);
}

TEST_F(OfflineToolTest, MissingDatabaseIsNamed) {
  options_.db_name = "other";
  CreateRequest request;
  const auto made = Tool().Create(request, &way_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(StatusCode::kNotFound, made.status().code());
  EXPECT_NE(std::string::npos, made.status().message().find("storage/other"));
}

TEST_F(OfflineToolTest, RestoresByShortNameLatestAndPathAndUndoes) {
  const BackupInfo made = Create();
  const std::string sources[] = {made.name, "latest", made.name.substr(0, 14),
                                 made.path};
  for (const std::string& source : sources) {
    AddEvents(101, 50);
    ASSERT_EQ("", test::CheckDatabase(options_.storage_path(), 150));
    const auto preview = Tool().PreviewRestore(source);
    ASSERT_TRUE(preview.ok()) << preview.status().ToString();
    EXPECT_EQ(100u, preview->backup_sequence);
    const auto restored = Tool().Restore(source, {}, nullptr);
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
    EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 100));
  }
  const auto undone = Tool().Undo();
  ASSERT_TRUE(undone.ok()) << undone.status().ToString();
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 150));
}

TEST_F(OfflineToolTest, AmbiguousAndUnknownNamesAreRefused) {
  Create();
  Create();
  EXPECT_EQ(StatusCode::kInvalidArgument,
            Tool().Find("backup_").status().code());
  EXPECT_EQ(StatusCode::kNotFound,
            Tool().Find("backup_2001-01-01_000000.tar.gz").status().code());
  EXPECT_EQ(StatusCode::kInvalidArgument, Tool().Find("..").status().code());
}

TEST_F(OfflineToolTest, HeldDatabaseIsNotRestored) {
  const BackupInfo made = Create();
  auto held = DbLock::Acquire(FileSystem::Posix(), options_.storage_path());
  ASSERT_TRUE(held.ok());
  const auto restored = Tool().Restore(made.name, {}, nullptr);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(StatusCode::kBusy, restored.status().code());
}

TEST_F(OfflineToolTest, ArchiveThatIsNotItsSidecarsIsNotRestored) {
  const BackupInfo made = Create();
  test::WriteFile(made.path + ".sha256",
                  std::string(64, '0') + "  " + made.name + "\n");
  const auto restored = Tool().Restore(made.name, {}, nullptr);
  ASSERT_FALSE(restored.ok());
  EXPECT_EQ(StatusCode::kCorruption, restored.status().code());
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 100));
}

TEST_F(OfflineToolTest, ExtractsElsewhereWithoutTouchingTheDatabase) {
  const BackupInfo made = Create();
  AddEvents(101, 10);
  const std::string target = dir_.Sub("elsewhere");
  const auto report = Tool().ExtractTo(made.name, target, {}, nullptr);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_FALSE(report->applied);
  EXPECT_EQ("", test::CheckDatabase(target, 100));
  EXPECT_EQ("", test::CheckDatabase(options_.storage_path(), 110));
  EXPECT_FALSE(Tool().ExtractTo(made.name, target, {}, nullptr).ok());
}

TEST_F(OfflineToolTest, InspectsOwnAndForeignArchives) {
  const BackupInfo made = Create();
  const auto own = Tool().Inspect(made.name, {});
  ASSERT_TRUE(own.ok());
  EXPECT_TRUE(own->own);
  EXPECT_EQ(100u, own->manifest->last_sequence);
  const std::string foreign = dir_.Sub("foreign.tar.gz");
  ASSERT_EQ(0, test::Shell("tar -C " + options_.storage_dir + " -czf " +
                           foreign + " " + options_.db_name));
  const auto other = Tool().Inspect(foreign, {});
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_FALSE(other->own);
  EXPECT_FALSE(other->files.empty());
}

// Was: the next backup's manifest named an empty digest, and no reader took
// it any more.
TEST_F(OfflineToolTest, BackupAfterOneWithoutSidecarIsReadable) {
  const BackupInfo first = Create();
  const std::string sha256 = first.sha256;
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(first.path + ".sha256").ok());
  const BackupInfo second = Create();
  EXPECT_EQ("unverified", second.status) << second.problem;
  const auto inspected = Tool().Inspect(second.name, {});
  ASSERT_TRUE(inspected.ok()) << inspected.status().ToString();
  EXPECT_EQ(first.name, inspected->manifest->previous_name);
  EXPECT_EQ(sha256, inspected->manifest->previous_sha256);
}

TEST_F(OfflineToolTest, RotatesByTheRules) {
  options_.max_backups = 10;
  for (int i = 0; i < 4; ++i) Create();
  options_.max_backups = 2;
  const auto plan = Tool().Rotate(/*dry_run=*/true);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(4u, Tool().List()->size());
  ASSERT_TRUE(Tool().Rotate(/*dry_run=*/false).ok());
  EXPECT_EQ(2u, Tool().List()->size());
}

TEST_F(OfflineToolTest, VerifierNeedsNoStorage) {
  Create();
  Create();
  ASSERT_TRUE(RemoveTree(FileSystem::Posix(), options_.storage_dir).ok());
  Verifier verifier(options_, FileSystem::Posix(), Clock::System());
  const auto pending = verifier.Pending();
  ASSERT_TRUE(pending.ok());
  ASSERT_EQ(2u, pending->size());
  for (const std::string& name : *pending) {
    const auto report = verifier.Verify(name, VerifyDepth::kFull, {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(100u, report->entries);
  }
  EXPECT_TRUE(verifier.Pending()->empty());
  EXPECT_FALSE(PathExists(FileSystem::Posix(), options_.storage_dir));
}

}  // namespace
}  // namespace levelkeep
