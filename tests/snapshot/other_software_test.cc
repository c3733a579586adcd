// Databases made by other software, and folders that only look like databases:
// offline and external snapshots give the same result.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "gtest/gtest.h"
#include "snapshot/snapshot.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class OtherSoftwareTest : public ::testing::TestWithParam<SnapshotMethod> {
 protected:
  OtherSoftwareTest() { BuildDatabase(dir_, 2000); }

  Result<std::unique_ptr<Snapshot>> Take(FileSystem* fs = FileSystem::Posix()) {
    const std::string scratch = temp_.Sub("scratch");
    if (GetParam() == SnapshotMethod::kOffline) {
      return TakeOfflineSnapshot(fs, dir_, scratch);
    }
    ExternalSnapshotOptions options;
    options.scratch_dir = scratch;
    return TakeExternalSnapshot(fs, dir_, options);
  }

  void ExpectRefusal(StatusCode code, const std::string& message) {
    const auto snapshot = Take();
    EXPECT_EQ(snapshot.status().code(), code) << snapshot.status().ToString();
    EXPECT_NE(snapshot.status().message().find(message), std::string::npos)
        << snapshot.status().ToString();
    EXPECT_FALSE(snapshot.status().hint().empty());
  }

  // "" if LevelDB can read the backup of the database and finds all events.
  std::string Check(FileSystem* fs = FileSystem::Posix()) {
    const auto snapshot = Take(fs);
    if (!snapshot.ok()) return snapshot.status().ToString();
    const Status copied = Materialise(**snapshot, temp_.Sub("copy"));
    if (!copied.ok()) return copied.ToString();
    return CheckDatabase(temp_.Sub("copy"), 2000);
  }

  std::string Manifest() const {
    return dir_ + "/" + ReadCurrent(FileSystem::Posix(), dir_).value();
  }
  Version ReadCurrentVersion() const {
    return ReadVersion(FileSystem::Posix(), dir_,
                       ReadCurrent(FileSystem::Posix(), dir_).value())
        .value();
  }
  // Writes the MANIFEST again, changed by `change`.
  void Change(const std::function<void(VersionEdit*)>& change) {
    VersionEdit edit =
        *VersionEdit::Decode(ReadCurrentVersion().EncodeAsEdit());
    change(&edit);
    WriteFile(Manifest(), FrameAsLog(edit.Encode()));
  }
  // Opens the database, because LevelDB then writes the content of the logs to
  // tables. A database that was closed while it wrote a table has two logs.
  void EmptyTheLog() { BuildDatabase(dir_, 0); }
  std::string FirstTable() const {
    return dir_ + "/" +
           TableFileName(ReadCurrentVersion().tables().begin()->first);
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
};

TEST_P(OtherSoftwareTest, ATableThatIsNamedTwiceInOneEditIsThereOnce) {
  Change([](VersionEdit* edit) {
    const auto tables = edit->added_tables;
    edit->added_tables.insert(edit->added_tables.end(), tables.begin(),
                              tables.end());
  });
  EXPECT_EQ(Check(), "");
}

TEST_P(OtherSoftwareTest, SizesThatAreFourBytesTooLargeAreCorrected) {
  Change([](VersionEdit* edit) {
    for (TableMeta& table : edit->added_tables) table.size_bytes += 4;
  });
  EXPECT_EQ(Check(), "");
}

TEST_P(OtherSoftwareTest, SizesAreLookedUpWithoutLinksToo) {
  Change([](VersionEdit* edit) {
    for (TableMeta& table : edit->added_tables) table.size_bytes += 4;
  });
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailOn("Link ", StatusCode::kUnsupported, 1, FaultFileSystem::kAlways);
  EXPECT_EQ(Check(&fs), "");
  EXPECT_TRUE(fs.fired());
}

// The MANIFEST states a size, and LevelDB reads that much of the table.
TEST_P(OtherSoftwareTest, WhatLiesBehindATableIsNoPartOfIt) {
  WriteFile(FirstTable(), ReadFile(FirstTable()) + std::string(512, '\0'));
  EXPECT_EQ(Check(), "");
}

TEST_P(OtherSoftwareTest, ATableThatEndsNowhereIsDamaged) {
  const std::string table = ReadFile(FirstTable());
  for (const std::string& bytes :
       {table.substr(0, table.size() - 4), table.substr(0, 20), std::string(),
        std::string(table.size() + 4, 'x')}) {
    WriteFile(FirstTable(), bytes);
    ExpectRefusal(StatusCode::kCorruption, "bytes, but the manifest says");
  }
}

TEST_P(OtherSoftwareTest, AMissingLogThatTheManifestNamesIsSaid) {
  const auto logs = NamedLogs(ReadCurrentVersion());
  ASSERT_EQ(logs.size(), 1u);
  const std::string log = dir_ + "/" + LogFileName(logs[0]);
  std::filesystem::remove(log);
  ExpectRefusal(StatusCode::kCorruption,
                log + " is missing, but the manifest names it");
}

TEST_P(OtherSoftwareTest, AMissingPreviousLogIsSaid) {
  Change([](VersionEdit* edit) { edit->previous_log_number = 1; });
  ExpectRefusal(StatusCode::kCorruption, "/000001.log is missing");
}

TEST_P(OtherSoftwareTest, AMissingTableIsSaid) {
  std::filesystem::remove(FirstTable());
  ExpectRefusal(StatusCode::kCorruption,
                FirstTable() + " is missing, but the manifest names it");
}

// A new or repaired database is like this.
TEST_P(OtherSoftwareTest, LogNumberZeroIsNoLog) {
  EmptyTheLog();
  std::filesystem::remove(dir_ + "/" +
                          LogFileName(NamedLogs(ReadCurrentVersion())[0]));
  Change([](VersionEdit* edit) { edit->log_number = 0; });
  const auto snapshot = Take();
  EXPECT_TRUE(snapshot.ok()) << snapshot.status().ToString();
}

// LevelDB itself replays such a log without an error.
TEST_P(OtherSoftwareTest, AHoleInFrontOfALogIsSaid) {
  EmptyTheLog();
  std::string batch;
  PutFixed<uint64_t>(&batch, 2002);
  PutFixed<uint32_t>(&batch, 1);
  batch += '\x01';
  PutLengthPrefixed(&batch, EventKey(2002));
  PutLengthPrefixed(&batch, EventValue(2002));
  const std::string log = LogFileName(NamedLogs(ReadCurrentVersion())[0]);
  WriteFile(dir_ + "/" + log, FrameAsLog(batch));
  ExpectRefusal(StatusCode::kCorruption, "write numbers are missing");
}

// The target may be anywhere, and a hard link to the link would not hold it.
TEST_P(OtherSoftwareTest, TablesThatAreSymbolicLinksAreRefused) {
  const std::string elsewhere = temp_.Sub("elsewhere.ldb");
  const std::string table = FirstTable();
  std::filesystem::rename(table, elsewhere);
  std::filesystem::create_symlink(elsewhere, table);
  ExpectRefusal(StatusCode::kUnsupported, table + " is a symbolic link");
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailOn("Link ", StatusCode::kUnsupported, 1, FaultFileSystem::kAlways);
  EXPECT_EQ(Take(&fs).status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(Take(&fs).status().message(), table + " is a symbolic link");
}

// A RocksDB folder without tables looks like one of LevelDB.
TEST_P(OtherSoftwareTest, AFolderOfRocksDbIsCalledThat) {
  WriteFile(dir_ + "/IDENTITY", "8f2c");
  EXPECT_EQ(Check(), "");
  WriteFile(dir_ + "/OPTIONS-000007", "[Version]");
  ExpectRefusal(StatusCode::kUnsupported,
                dir_ + " holds a database of RocksDB");
  WriteFile(Manifest(), ReadFile(Manifest()) + FrameAsLog("\xcb\x01"));
  ExpectRefusal(StatusCode::kUnsupported,
                dir_ + " holds a database of RocksDB");
  std::filesystem::remove(dir_ + "/IDENTITY");
  ExpectRefusal(StatusCode::kCorruption, "bad tag");
}

INSTANTIATE_TEST_SUITE_P(Snapshot, OtherSoftwareTest,
                         ::testing::Values(SnapshotMethod::kOffline,
                                           SnapshotMethod::kExternal),
                         [](const auto& way) {
                           return std::string(NameOf(way.param));
                         });

}  // namespace
}  // namespace levelkeep::test
