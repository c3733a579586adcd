#include <filesystem>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class OfflineSnapshotTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Snapshot>> Take() {
    return TakeOfflineSnapshot(FileSystem::Posix(), dir_);
  }

  // The newest file whose name contains `part`.
  std::string Find(const std::string& part) const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      const std::string path = entry.path();
      if (path.find(part) != std::string::npos && path > newest) newest = path;
    }
    return newest;
  }

  // A table that the MANIFEST names: closing can leave other tables behind.
  std::string LiveTable() {
    const auto snapshot = Take();
    EXPECT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    return dir_ + "/" + (*snapshot)->info().files[0].name;
  }

  void Flip(const std::string& path, size_t at) {
    std::string contents = ReadFile(path);
    ASSERT_LT(at, contents.size());
    contents[at] = static_cast<char>(contents[at] ^ 1);
    WriteFile(path, contents);
  }

  void Shorten(const std::string& path, uint64_t bytes) {
    std::filesystem::resize_file(path,
                                 std::filesystem::file_size(path) - bytes);
  }

  std::string Check(const Snapshot& snapshot, uint64_t events) {
    const std::string copy = temp_.Sub("copy");
    std::filesystem::remove_all(copy);
    const Status status = Materialise(snapshot, copy);
    return status.ok() ? CheckDatabase(copy, events) : status.ToString();
  }

  void ExpectCorruption(const std::string& part) {
    const auto snapshot = Take();
    ASSERT_FALSE(snapshot.ok());
    EXPECT_EQ(snapshot.status().code(), StatusCode::kCorruption);
    EXPECT_NE(snapshot.status().message().find(part), std::string::npos)
        << snapshot.status().ToString();
    EXPECT_FALSE(snapshot.status().hint().empty());
    // Nothing is locked afterwards.
    EXPECT_TRUE(DbLock::Acquire(FileSystem::Posix(), dir_).ok());
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
};

TEST_F(OfflineSnapshotTest, HoldsTheWholeDatabaseAndWithoutScratchItsLock) {
  BuildDatabase(dir_, 3000);
  {
    const auto snapshot = Take();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    const SnapshotInfo& info = (*snapshot)->info();
    EXPECT_EQ(info.method, SnapshotMethod::kOffline);
    EXPECT_EQ(info.last_sequence, 3000u);
    EXPECT_EQ(info.comparator, "leveldb.BytewiseComparator");
    EXPECT_EQ(info.files[0].kind, DbFileKind::kTable);
    EXPECT_NE(info.files[0].inode, 0u);
    EXPECT_EQ(info.files.back().name, "CURRENT");
    EXPECT_EQ(OtherProcess({"try", dir_}).Finish(), 3);
    EXPECT_EQ(Take().status().code(), StatusCode::kBusy);
    EXPECT_EQ(Check(**snapshot, 3000), "");
  }
  EXPECT_EQ(OtherProcess({"try", dir_}).Finish(), 0);
}

TEST_F(OfflineSnapshotTest, ChangesNothing) {
  BuildDatabase(dir_, 1000);
  std::string before, after;
  Shell("cd " + dir_ + " && md5sum * | sort", &before);
  { ASSERT_TRUE(Take().ok()); }
  Shell("cd " + dir_ + " && md5sum * | sort", &after);
  EXPECT_EQ(before, after);
}

TEST_F(OfflineSnapshotTest, IsBusyWhileSomeoneHasItOpen) {
  BuildDatabase(dir_, 10);
  OtherProcess other({"hold", dir_});
  ASSERT_EQ(other.ReadLine(), "ready");
  const auto snapshot = Take();
  EXPECT_EQ(snapshot.status().code(), StatusCode::kBusy);
  EXPECT_NE(
      snapshot.status().message().find("pid " + std::to_string(other.pid())),
      std::string::npos);
}

TEST_F(OfflineSnapshotTest, IsNotFoundWithoutADatabaseAndCreatesNothing) {
  EXPECT_EQ(Take().status().code(), StatusCode::kNotFound);
  std::filesystem::create_directory(dir_);
  EXPECT_EQ(Take().status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(std::filesystem::is_empty(dir_));
}

// A process that was killed leaves half a record.
TEST_F(OfflineSnapshotTest, ATornLogIsCutAtTheLastWholeRecord) {
  BuildOptions in_log;
  in_log.write_buffer_bytes = 16 << 20;
  BuildDatabase(dir_, 500, in_log);
  Shorten(Find(".log"), 3);
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ((*snapshot)->info().last_sequence, 499u);
  EXPECT_EQ(Check(**snapshot, 499), "");
  // Opened with reuse_logs, the copy loses no later write (P2).
  ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("reused")).ok());
  leveldb::Options options;
  options.reuse_logs = true;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, temp_.Sub("reused"), &db).ok());
  ASSERT_TRUE(db->Put({}, EventKey(500), EventValue(500)).ok());
  delete db;
  EXPECT_EQ(CheckDatabase(temp_.Sub("reused"), 500), "");
}

TEST_F(OfflineSnapshotTest, ATornManifestIsCutAtTheLastWholeRecord) {
  BuildDatabase(dir_, 500);
  const std::string path = Find("MANIFEST-");
  WriteFile(path, ReadFile(path) + "half a rec");
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ(Check(**snapshot, 500), "");
}

TEST_F(OfflineSnapshotTest, DamageInTheMiddleOfALogIsSaidNotHidden) {
  BuildOptions in_log;
  in_log.write_buffer_bytes = 16 << 20;
  BuildDatabase(dir_, 500, in_log);
  Flip(Find(".log"), 5000);
  ExpectCorruption(".log is damaged after");
}

TEST_F(OfflineSnapshotTest, ADamagedManifestIsCorruption) {
  BuildDatabase(dir_, 500);
  Flip(Find("MANIFEST-"), 20);
  ExpectCorruption("MANIFEST-");
}

TEST_F(OfflineSnapshotTest, AMissingManifestIsCorruption) {
  BuildDatabase(dir_, 500);
  std::filesystem::remove(Find("MANIFEST-"));
  ExpectCorruption("is missing, but CURRENT names it");
}

TEST_F(OfflineSnapshotTest, ACurrentThatNamesNothingIsCorruption) {
  BuildDatabase(dir_, 500);
  WriteFile(dir_ + "/CURRENT", "MANIFEST-000005");
  EXPECT_EQ(Take().status().code(), StatusCode::kCorruption);
}

TEST_F(OfflineSnapshotTest, AMissingTableIsCorruption) {
  BuildDatabase(dir_, 2000);
  std::filesystem::remove(LiveTable());
  ExpectCorruption("is missing, but the manifest names it");
}

TEST_F(OfflineSnapshotTest, ATableOfTheWrongSizeIsCorruption) {
  BuildDatabase(dir_, 2000);
  Shorten(LiveTable(), 1);
  ExpectCorruption("but the manifest says");
}

TEST_F(OfflineSnapshotTest, TablesOfOldVersionsKeepTheirSuffix) {
  BuildDatabase(dir_, 2000);
  const std::string table = LiveTable();
  std::filesystem::rename(table, table.substr(0, table.size() - 4) + ".sst");
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  size_t old_tables = 0;
  for (const SnapshotFile& file : (*snapshot)->info().files) {
    old_tables += file.name.ends_with(".sst");
  }
  EXPECT_EQ(old_tables, 1u);
  EXPECT_EQ(Check(**snapshot, 2000), "");
}

TEST_F(OfflineSnapshotTest, LogsThatTheManifestCoversAreLeftOut) {
  BuildDatabase(dir_, 100);
  WriteFile(dir_ + "/000001.log", "covered long ago");
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  for (const SnapshotFile& file : (*snapshot)->info().files) {
    EXPECT_NE(file.name, "000001.log");
  }
}

TEST_F(OfflineSnapshotTest, ItsManifestHasOneRecordAndTheCurrentName) {
  for (int i = 0; i < 5; i++) BuildDatabase(dir_, 500);
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok());
  ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  EXPECT_EQ(ReadFile(temp_.Sub("copy/CURRENT")), ReadFile(dir_ + "/CURRENT"));
  const auto name = ParseCurrent(ReadFile(temp_.Sub("copy/CURRENT")));
  const std::string manifest = ReadFile(temp_.Sub("copy/" + *name));
  const auto scan = ScanLog(*NewStringSource(manifest), manifest.size(),
                            /*batches=*/false, nullptr);
  ASSERT_TRUE(scan.ok());
  EXPECT_EQ(scan->records, 1u);
  EXPECT_EQ(scan->boundary, manifest.size());
}

}  // namespace
}  // namespace levelkeep::test
