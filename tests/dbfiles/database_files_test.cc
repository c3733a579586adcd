#include "dbfiles/database_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include "dbfiles/log_format.h"
#include "gtest/gtest.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

using Names = std::vector<std::string>;

VersionEdit SmallEdit() {
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 7;
  edit.next_file_number = 100;
  edit.last_sequence = 9;
  for (const uint64_t number : {4, 5}) {
    TableMeta table;
    table.number = number;
    table.smallest = table.largest = std::string(8, 'k');
    edit.added_tables.push_back(table);
  }
  return edit;
}

Version VersionOf(const VersionEdit& edit) {
  Version version;
  EXPECT_TRUE(version.Apply(edit).ok());
  return version;
}

TEST(MissingFilesTest, NamesTablesAndLogsThatTheVersionNames) {
  const Version version = VersionOf(SmallEdit());
  EXPECT_EQ(MissingFiles(version, {"000007.log", "000005.ldb", "000004.sst"}),
            Names());
  EXPECT_EQ(MissingFiles(version, {"LOCK", "000004.ldb", "000008.log"}),
            (Names{"000005.ldb", "000007.log"}));
  EXPECT_EQ(MissingFiles(version, {}),
            (Names{"000004.ldb", "000005.ldb", "000007.log"}));
}

TEST(MissingFilesTest, APreviousLogIsNamedAndZeroIsNone) {
  VersionEdit edit = SmallEdit();
  edit.added_tables.clear();
  edit.previous_log_number = 6;
  EXPECT_EQ(MissingFiles(VersionOf(edit), {}),
            (Names{"000006.log", "000007.log"}));
  edit.previous_log_number = 0;
  edit.log_number = 0;
  EXPECT_EQ(MissingFiles(VersionOf(edit), {}), Names());
}

class FindMissingFilesTest : public ::testing::Test {
 protected:
  Result<Names> Find() { return FindMissingFiles(FileSystem::Posix(), dir_); }
  void Remove(const std::string& name) {
    ASSERT_TRUE(std::filesystem::remove(dir_ + "/" + name)) << name;
  }
  std::string ManifestName() {
    return ReadCurrent(FileSystem::Posix(), dir_).value();
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
};

TEST_F(FindMissingFilesTest, FindsNothingWhereThereIsNoDatabase) {
  EXPECT_EQ(Find().value(), Names());
  std::filesystem::create_directory(dir_);
  EXPECT_EQ(Find().value(), Names());
  // The crash came before CURRENT was made.
  WriteFile(dir_ + "/MANIFEST-000001", "");
  WriteFile(dir_ + "/LOCK", "");
  EXPECT_EQ(Find().value(), Names());
}

TEST_F(FindMissingFilesTest, FindsWhatAnIntactDatabaseLost) {
  BuildDatabase(dir_, 2000);
  EXPECT_EQ(Find().value(), Names());
  const Version version =
      ReadVersion(FileSystem::Posix(), dir_, ManifestName()).value();
  const std::string table = TableFileName(version.tables().begin()->first);
  const std::string log = LogFileName(version.log_number());
  Remove(log);
  EXPECT_EQ(Find().value(), Names{log});
  Remove(table);
  EXPECT_EQ(Find().value(), (Names{table, log}));
  const std::string manifest = ManifestName();
  Remove(manifest);
  EXPECT_EQ(Find().value(), Names{manifest});
  Remove("CURRENT");
  EXPECT_EQ(Find().value(), Names{"CURRENT"});
}

TEST_F(FindMissingFilesTest, SaysWhatItCanNotUnderstand) {
  BuildDatabase(dir_, 10);
  const std::string manifest = dir_ + "/" + ManifestName();
  WriteFile(manifest, "no records at all, but as long as one");
  EXPECT_EQ(Find().status().code(), StatusCode::kCorruption);
  EXPECT_NE(Find().status().message().find(manifest), std::string::npos);
  WriteFile(dir_ + "/IDENTITY", "");
  WriteFile(dir_ + "/OPTIONS-000005", "");
  EXPECT_EQ(Find().status().code(), StatusCode::kUnsupported);
  WriteFile(dir_ + "/CURRENT", "nothing");
  EXPECT_EQ(Find().status().code(), StatusCode::kCorruption);
}

TEST(StrangersTest, AreWhatIsNeitherLevelDbsNorOurs) {
  const TempDir db;
  for (const char* const name :
       {"CURRENT", "LOCK", "LOG", "LOG.old", "000003.log", "000005.ldb",
        "000006.sst", "MANIFEST-000002", "000009.dbtmp", "BACKUP_ID",
        "DATABASE_ID", "000005.ldb.pin12"}) {
    WriteFile(db.Sub(name), "x");
  }
  EXPECT_EQ(*FindStrangers(FileSystem::Posix(), db.path()),
            std::vector<std::string>());
  const std::vector<std::string> strangers = {"000005.ldb.pin", "CURRENT.bak",
                                              "notes.pin1"};
  for (const std::string& name : strangers) WriteFile(db.Sub(name), "x");
  EXPECT_EQ(*FindStrangers(FileSystem::Posix(), db.path()), strangers);
  EXPECT_EQ(FindStrangers(FileSystem::Posix(), db.Sub("gone")).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace levelkeep::test
