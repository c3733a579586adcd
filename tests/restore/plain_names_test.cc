// restore/ and storage/ on file systems that can do less than a local disk:
// exFAT, which knows plain names only, and an rclone mount.

#include <filesystem>

#include "restore/context.h"
#include "restore/drop_fixture.h"
#include "support/fault_file_system.h"
#include "support/rclone_disk.h"

namespace levelkeep::test {
namespace {

class PlainNamesTest : public DropFolderFixture {
 protected:
  PlainNamesTest() { disk_.set_plain_names(true); }

  // The process ends before it renames a file over its claim.
  void CrashAtRenameTo(const std::string& target) {
    disk_.set_observer([this, target](const std::string& operation) {
      if (operation.starts_with("Rename ") &&
          operation.ends_with(" to " + target)) {
        disk_.CrashAt(disk_.operations() + 1);
      }
    });
  }
  void Reboot() {
    EXPECT_TRUE(disk_.fired()) << "the crash did not come";
    disk_.set_observer(nullptr);
    disk_.Reset();
    disk_.set_plain_names(true);
  }

  FaultFileSystem disk_{FileSystem::Posix()};
};

TEST_F(PlainNamesTest, ADropIsAppliedAndMovedAway) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  ASSERT_TRUE(Start(&disk_).applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
  EXPECT_TRUE(Exists(Drop("applied/x.tar.gz")));
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
}

TEST_F(PlainNamesTest, ACrashInTheMoveIsFinishedUnderTheSameName) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  CrashAtRenameTo(Drop("applied/x.tar.gz"));
  (void)Started(&disk_)->ApplyDropped(OpenAndClose, {});
  Reboot();
  EXPECT_EQ(std::filesystem::file_size(Drop("applied/x.tar.gz")), 0u);
  FillDb(Live(), {{"later", "event"}});
  const DropOutcome outcome = Start(&disk_);
  EXPECT_FALSE(outcome.applied.has_value()) << "not applied again";
  EXPECT_TRUE(outcome.rejected.empty());
  EXPECT_GT(std::filesystem::file_size(Drop("applied/x.tar.gz")), 0u);
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
  EXPECT_FALSE(Exists(Drop("applied/x-2.tar.gz")));
  EXPECT_EQ(ReadDb(Live()).at("later"), "event");
}

TEST_F(PlainNamesTest, ACrashWhileACopyIsStagedLeavesNoDrop) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  WriteFile(Drop("other.zip"), "");
  CrashAtRenameTo(Drop("x.tar.gz"));
  EXPECT_FALSE(Started(&disk_)->StageForRestart(archive).ok());
  Reboot();
  EXPECT_EQ(std::filesystem::file_size(Drop("x.tar.gz")), 0u);
  const DropOutcome outcome = Start(&disk_);
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_TRUE(outcome.rejected.empty()) << outcome.rejected[0].reason;
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
  EXPECT_TRUE(Exists(Drop("other.zip")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);

  ASSERT_TRUE(Started(&disk_)->StageForRestart(archive).ok());
  EXPECT_EQ(Start(&disk_).applied->archive_name, "x.tar.gz");
}

// The drop is incomplete, and it is not a claim by LevelKeep.
TEST_F(PlainNamesTest, AnEmptyDropOfSomebodyStaysAndIsNamed) {
  WriteFile(Drop("x.tar.gz"), "");
  const DropOutcome outcome = Start(&disk_);
  EXPECT_NE(outcome.refused.find("x.tar.gz: it is incomplete"),
            std::string::npos)
      << outcome.refused;
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
}

TEST_F(PlainNamesTest, AStorageThatCanNotBeExchangedIsRefusedBeforeAnything) {
  RcloneDisk disk;
  auto restorer = NewRestorer(&disk);
  const Status refused = restorer->Prepare();
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("STORAGE_DIR (" + options_.storage_dir +
                                   ") is on a file system where a folder"),
            std::string::npos)
      << refused.ToString();
  EXPECT_EQ(FileSystem::Posix()->List(options_.storage_dir)->size(), 1u);
  EXPECT_EQ(CheckStorage(restorer->context()).code(), StatusCode::kUnsupported);
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_TRUE(CheckStorage(NewRestorer()->context()).ok());
}

}  // namespace
}  // namespace levelkeep::test
