// The look at a database before LevelDB opens it.

#include <filesystem>
#include <memory>
#include <string>

#include "dbfiles/database_files.h"
#include "dbfiles/identity.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class LookTest : public ::testing::Test {
 protected:
  LookTest() { BuildDatabase(dir_, 500); }

  Status Look() { return RequireWhole(FileSystem::Posix(), dir_); }
  std::string Gap() {
    std::string gap;
    EXPECT_TRUE(ReadHead(FileSystem::Posix(), dir_, &gap).ok());
    return gap;
  }
  std::string ManifestName() {
    return ReadCurrent(FileSystem::Posix(), dir_).value();
  }
  Version Current() {
    return ReadVersion(FileSystem::Posix(), dir_, ManifestName()).value();
  }
  void ExpectRefusal(const std::string& what) {
    const Status status = Look();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << what;
    EXPECT_NE(status.message().find(what), std::string::npos)
        << status.ToString();
    EXPECT_NE(status.hint().find("accept-loss"), std::string::npos)
        << status.hint();
  }
  void KeepAside(const std::string& name) {
    std::filesystem::copy_file(dir_ + "/" + name, temp_.Sub(name));
  }
  // As `tar x` over an existing folder.
  void PutBack(const std::string& name) {
    std::filesystem::copy_file(
        temp_.Sub(name), dir_ + "/" + name,
        std::filesystem::copy_options::overwrite_existing);
  }
  void Add(uint64_t first, uint64_t events) {
    BuildOptions more;
    more.first_event = first;
    BuildDatabase(dir_, events, more);
  }
  std::vector<std::string> Names() {
    return FileSystem::Posix()->List(dir_).value();
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
};

TEST_F(LookTest, AWholeDatabaseAndNoneAreFine) {
  EXPECT_TRUE(Look().ok()) << Look().ToString();
  EXPECT_TRUE(RequireWhole(FileSystem::Posix(), temp_.Sub("none")).ok());
  EXPECT_EQ(Gap(), "");
}

TEST_F(LookTest, WhatItNamesAndIsNotThereIsNamed) {
  const std::string log = LogFileName(Current().log_number());
  std::filesystem::remove(dir_ + "/" + log);
  ExpectRefusal(log);
  const std::string manifest = ManifestName();
  std::filesystem::remove(dir_ + "/" + manifest);
  ExpectRefusal(manifest);
  std::filesystem::remove(dir_ + "/CURRENT");
  ExpectRefusal("CURRENT");
}

TEST_F(LookTest, WhatCanNotBeUnderstoodIsLeftToLevelDb) {
  WriteFile(dir_ + "/" + ManifestName(), "no records, but as long as one");
  EXPECT_TRUE(Look().ok()) << Look().ToString();
  WriteFile(dir_ + "/CURRENT", "nothing");
  EXPECT_TRUE(Look().ok()) << Look().ToString();
}

TEST_F(LookTest, RocksDbIsRefused) {
  WriteFile(dir_ + "/IDENTITY", "");
  WriteFile(dir_ + "/OPTIONS-000005", "");
  EXPECT_EQ(Look().code(), StatusCode::kUnsupported);
}

// The documented restore by hand, without moving the folder away.
TEST_F(LookTest, AnOlderStateOverALaterOneIsRefused) {
  const auto older = Names();
  for (const std::string& name : older) KeepAside(name);
  Add(501, 20);
  Add(521, 20);
  for (const std::string& name : older) PutBack(name);
  ExpectRefusal("two states");
  EXPECT_NE(Gap(), "");
}

// A crash while LevelDB goes on with a log (reuse_logs): the MANIFEST that
// never became CURRENT knows all writes of that log.
TEST_F(LookTest, AManifestThatKnowsAllWritesIsNone) {
  const auto older = Names();
  for (const std::string& name : older) KeepAside(name);
  Add(501, 20);
  Add(521, 20);
  const std::string later = ManifestName();
  VersionEdit edit = *VersionEdit::Decode(Current().EncodeAsEdit());
  for (const std::string& name : older) PutBack(name);
  ExpectRefusal("two states");
  edit.last_sequence = 1'000'000;
  WriteFile(dir_ + "/" + later, FrameAsLog(edit.Encode()));
  EXPECT_TRUE(Look().ok()) << Look().ToString();
}

// A power loss reverted CURRENT, which had named the new MANIFEST: the files of
// the old MANIFEST are still there, and no write is missing between the two.
TEST_F(LookTest, ACurrentThatThePowerTookBackIsNone) {
  const auto older = Names();
  for (const std::string& name : older) KeepAside(name);
  Add(501, 20);
  for (const std::string& name : older) PutBack(name);
  ASSERT_NE(ManifestName(), "");
  EXPECT_TRUE(Look().ok()) << Look().ToString();
  EXPECT_EQ(CheckDatabase(dir_, 520), "");
}

// A crash between the new MANIFEST and CURRENT: the new log is still empty.
TEST_F(LookTest, AManifestThatWasNeverCurrentIsNone) {
  const auto older = Names();
  for (const std::string& name : older) KeepAside(name);
  BuildDatabase(dir_, 0);
  for (const std::string& name : older) PutBack(name);
  EXPECT_TRUE(Look().ok()) << Look().ToString();
  EXPECT_EQ(CheckDatabase(dir_, 500), "");
}

// An older MANIFEST that a crash left changes nothing.
TEST_F(LookTest, WritesThatAreMissingAreAGapAndNoReasonToRefuse) {
  const std::string before = ManifestName();
  KeepAside(before);
  Add(501, 20);
  PutBack(before);
  VersionEdit edit = *VersionEdit::Decode(Current().EncodeAsEdit());
  ASSERT_GT(*edit.last_sequence, 1u);
  *edit.last_sequence = 0;
  const uint64_t log = Current().log_number();
  WriteFile(dir_ + "/" + ManifestName(), FrameAsLog(edit.Encode()));
  const std::string name = LogFileName(log);
  EXPECT_TRUE(Look().ok()) << Look().ToString();
  EXPECT_EQ(Gap(), name);
}

}  // namespace
}  // namespace levelkeep::test
