// The drops that wait in restore/ while the application runs.

#include <filesystem>

#include "restore/drop_fixture.h"
#include "restore/drop_scan.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class DropWatchTest : public DropFolderFixture {
 protected:
  static std::vector<std::string> Names(TestRestorer* restorer) {
    std::vector<std::string> names;
    for (const UnrestoredDrop& drop : restorer->LookAtDrops()) {
      EXPECT_FALSE(drop.reason.empty());
      EXPECT_FALSE(drop.hint.empty()) << drop.reason;
      names.push_back(drop.name);
    }
    return names;
  }
  using List = std::vector<std::string>;
};

TEST_F(DropWatchTest, NothingWaitsAfterAGoodStart) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  WriteFile(Drop("README.md"), "drop here");
  auto restorer = Started();
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  EXPECT_EQ(Names(restorer.get()), List());
}

TEST_F(DropWatchTest, WhatTheStartLeftWaitsUntilItIsGone) {
  std::filesystem::create_directory(Drop("d.tar.gz"));
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  auto restorer = Started(&fs);
  fs.FailOn("Open " + Drop("x.tar.gz"), StatusCode::kPermissionDenied, 1,
            FaultFileSystem::kAlways);
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  const auto found = restorer->LookAtDrops();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_NE(found[0].reason.find("runs as user "), std::string::npos);
  EXPECT_NE(found[0].hint.find("chown "), std::string::npos);
  std::filesystem::remove(Drop("x.tar.gz"));
  EXPECT_EQ(Names(restorer.get()), List({"d.tar.gz"}));
  std::filesystem::remove(Drop("d.tar.gz"));
  EXPECT_EQ(Names(restorer.get()), List());
}

TEST_F(DropWatchTest, WhatThisStartRejectedWaitsAndWhatEarlierOnesDidNot) {
  WriteFile(Drop("x.tar.gz"), std::string(100, 'x'));
  {
    auto restorer = Started();
    ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
    const auto found = restorer->LookAtDrops();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].name, "x.tar.gz");
    EXPECT_NE(found[0].hint.find(Drop("rejected/x.tar.gz")), std::string::npos);
  }
  auto restorer = Started();
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  EXPECT_EQ(Names(restorer.get()), List());
}

TEST_F(DropWatchTest, LaterRestoreEndsIt) {
  WriteFile(Drop("bad.tar.gz"), std::string(100, 'x'));
  std::filesystem::create_directory(Drop("d.tar.gz"));
  auto restorer = Started();
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  EXPECT_EQ(Names(restorer.get()), List({"bad.tar.gz", "d.tar.gz"}));
  const auto staged = restorer->Stage(
      MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  EXPECT_EQ(Names(restorer.get()), List());
}

TEST_F(DropWatchTest, WhatComesLaterWaitsForTheNextStart) {
  auto restorer = Started();
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  MakeArchive(Drop("x.tgz"), kNewEvents);
  ASSERT_EQ(Shell("ln -s x.tgz '" + Drop("l.tar.gz") + "'"), 0);
  const auto found = restorer->LookAtDrops();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].reason, "it came after the start");
  EXPECT_NE(found[1].reason.find("symbolic link"), std::string::npos);
}

TEST_F(DropWatchTest, StagedOneIsCalledSo) {
  auto restorer = Started();
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  const auto found = restorer->LookAtDrops();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].reason, "it is staged for the next start");
}

TEST_F(DropWatchTest, WhatWasAppliedAndCanNotBeMovedDoesNotWait) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  FaultFileSystem fs(FileSystem::Posix());
  auto restorer = Started(&fs);
  fs.FailOn("RenameNoReplace " + Drop("x.tar.gz"),
            StatusCode::kPermissionDenied, 1, FaultFileSystem::kAlways);
  ASSERT_TRUE(restorer->ApplyDropped(OpenAndClose, {}).ok());
  ASSERT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(Names(restorer.get()), List());
}

TEST_F(DropWatchTest, FolderThatCanNotBeReadIsSaid) {
  auto restorer = Started();
  std::filesystem::rename(options_.restore_dir, temp_.Sub("elsewhere"));
  const auto found = restorer->LookAtDrops();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].reason.find(options_.restore_dir), std::string::npos);
}

}  // namespace
}  // namespace levelkeep::test
