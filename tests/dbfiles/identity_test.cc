// DATABASE_ID and BACKUP_ID, and contents that count as no identity.

#include "dbfiles/identity.h"

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

TEST(IdentityTest, IsReadAsItWasWritten) {
  const TempDir db;
  FileSystem* const fs = FileSystem::Posix();
  EXPECT_EQ(*ReadIdentity(fs, db.path()), DatabaseIdentity());
  const DatabaseIdentity first{std::string(32, 'a'), std::string(32, 'b'), ""};
  ASSERT_TRUE(WriteIdentity(fs, db.path(), first).ok());
  EXPECT_EQ(*ReadIdentity(fs, db.path()), first);
  const auto epoch = BeginEpoch(fs, db.path());
  ASSERT_TRUE(epoch.ok());
  const DatabaseIdentity second{first.id, *epoch, first.epoch};
  EXPECT_EQ(*ReadIdentity(fs, db.path()), second);
  EXPECT_EQ(*ReadEpoch(fs, db.path()), *epoch);
}

TEST(IdentityTest, WhatIsNoneIsEmpty) {
  const TempDir db;
  const std::string id(32, 'a'), parent(32, 'c');
  struct Case {
    std::string text, id, parent;
  };
  for (const Case& c :
       std::vector<Case>{{id, id, ""},
                         {id + " " + parent + "\r\n", id, parent},
                         {id + " " + parent + "c", id, ""},
                         {id + " x", id, ""},
                         {id + "a", "", ""},
                         {"", "", ""},
                         {" " + id, "", ""},
                         {std::string(5000, 'a'), "", ""}}) {
    WriteFile(db.Sub("DATABASE_ID"), c.text);
    const auto read = ReadIdentity(FileSystem::Posix(), db.path());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->id, c.id) << c.text;
    EXPECT_EQ(read->parent, c.parent) << c.text;
  }
}

// Whatever step the disk fails at, the database has one of the two histories,
// and no wrong parent.
TEST(IdentityTest, CrashBetweenTheTwoFilesNamesNoWrongParent) {
  for (uint64_t step = 1; step < 40; ++step) {
    const TempDir db;
    FaultFileSystem fs(FileSystem::Posix());
    const DatabaseIdentity old{std::string(32, 'a'), std::string(32, 'b'),
                               std::string(32, 'c')};
    ASSERT_TRUE(WriteIdentity(&fs, db.path(), old).ok());
    fs.Reset();
    fs.CrashAt(step);
    const auto epoch = BeginEpoch(&fs, db.path());
    const auto read = ReadIdentity(FileSystem::Posix(), db.path());
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->id, old.id);
    if (epoch.ok()) {
      EXPECT_EQ(read->parent, old.epoch);
      return;
    }
    if (read->epoch == old.epoch) {
      EXPECT_TRUE(read->parent == old.parent || read->parent.empty());
    } else {
      EXPECT_EQ(read->parent, old.epoch);
    }
  }
  FAIL() << "the write never succeeded";
}

}  // namespace
}  // namespace levelkeep::test
