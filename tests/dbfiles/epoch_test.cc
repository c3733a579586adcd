// BACKUP_ID, and what counts as none.

#include "dbfiles/epoch.h"

#include "gtest/gtest.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

TEST(EpochTest, OnlyAWholeIdIsOne) {
  const TempDir db;
  const std::string path = db.Sub("BACKUP_ID");
  FileSystem* const fs = FileSystem::Posix();
  EXPECT_EQ(*ReadEpoch(fs, db.path()), "") << "there is no file";
  const std::string id(32, 'a');
  struct Case {
    std::string text;
    std::string epoch;
  };
  for (const Case& c : std::vector<Case>{{id, id},
                                         {id + "\n", id},
                                         {id + "\r\n", id},
                                         {id + "\n\n", id},
                                         {"", ""},
                                         {"\n", ""},
                                         {id.substr(1), ""},
                                         {id + "a", ""},
                                         {std::string(32, 'A'), ""},
                                         {" " + id.substr(1), ""},
                                         {std::string(5000, 'a'), ""}}) {
    WriteFile(path, c.text);
    const auto epoch = ReadEpoch(fs, db.path());
    ASSERT_TRUE(epoch.ok()) << epoch.status().ToString();
    EXPECT_EQ(*epoch, c.epoch) << c.text;
  }
}

TEST(EpochTest, IdThatCanNotBeReadIsNotReplaced) {
  const TempDir db;
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  const auto first = ReadOrCreateEpoch(&fs, db.path());
  ASSERT_TRUE(first.ok());
  fs.FailOn("Open " + db.Sub("BACKUP_ID"));
  EXPECT_EQ(ReadOrCreateEpoch(&fs, db.path()).status().code(),
            StatusCode::kIoError);
  EXPECT_EQ(*ReadOrCreateEpoch(&fs, db.path()), *first);
}

TEST(EpochTest, IdThatCanNotBeWrittenIsNone) {
  const TempDir db;
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailOn("SyncDirectory ");
  EXPECT_EQ(ReadOrCreateEpoch(&fs, db.path()).status().code(),
            StatusCode::kIoError);
}

}  // namespace
}  // namespace levelkeep::test
