// The work folder: each database under one STORAGE_DIR has its own. It takes
// over what 0.1.0 left in the one work folder for all databases.

#include <gtest/gtest.h>

#include "base/log.h"
#include "dbfiles/identity.h"
#include "restore/restore_fixture.h"
#include "restore/swap.h"

namespace levelkeep::test {
namespace {

class WorkDirTest : public RestoreFixture {
 protected:
  WorkDirTest() {
    MakeLive(kOld);
    EXPECT_TRUE(CreateDirectories(FileSystem::Posix(), OldWork()).ok());
  }

  std::string OldWork() const { return options_.storage_dir + "/.levelkeep"; }
  uint64_t InodeOf(const std::string& path) {
    const auto info = FileSystem::Posix()->Stat(path);
    EXPECT_TRUE(info.ok()) << path;
    return info.ok() ? info->inode : 0;
  }
  // A context as of 0.1.0, for the work folder of that version.
  RestoreContext OldContext() {
    RestoreContext context{FileSystem::Posix(), &clock_, options_};
    context.options.db_name = ".";
    return context;
  }
  void LeaveJournal(const std::string& live) {
    FillDb(OldWork() + "/" + kStaging, kNew);
    Journal journal;
    journal.id = std::string(32, '1');
    journal.state = JournalState::kReady;
    journal.incoming = kStaging;
    journal.outgoing = kRollback;
    journal.old_inode = InodeOf(live);
    journal.new_inode = InodeOf(OldWork() + "/" + kStaging);
    journal.old_sequence = ReadLastSequence(FileSystem::Posix(), live);
    journal.outcome.archive_name = "x.tar.gz";
    ASSERT_TRUE(StoreJournal(OldContext(), journal).ok());
  }
  void LeaveUndo() {
    FillDb(OldWork() + "/" + kRollback, kNew);
    UndoRecord undo;
    undo.directory = kRollback;
    ASSERT_TRUE(StoreUndo(OldContext(), undo).ok());
    WriteFile(OldWork() + "/instance.lock", "");
  }

  const std::string kStaging = "staging-" + std::string(32, '1');
  const std::string kRollback = "rollback-" + std::string(32, '1');
};

TEST_F(WorkDirTest, APendingRestoreOfTheOldVersionIsFinished) {
  LeaveJournal(Live());
  Started();
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_EQ(ReadDb(Work() + "/" + kRollback), kOld);
  EXPECT_FALSE(Exists(OldWork() + "/journal"));
  EXPECT_FALSE(Exists(OldWork() + "/instance.lock"));
}

TEST_F(WorkDirTest, ItIsFoundToBeOursAlsoBesideAnotherDatabase) {
  FillDb(options_.storage_dir + "/other", kNew);
  LeaveJournal(Live());
  Started();
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(WorkDirTest, APendingRestoreOfAnotherDatabaseIsLeftToIt) {
  const std::string other = options_.storage_dir + "/other";
  FillDb(other, kOld);
  LeaveJournal(other);
  Started();
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(Exists(OldWork() + "/journal"));
  options_.db_name = "other";
  Started();
  EXPECT_EQ(ReadDb(other), kNew);
}

TEST_F(WorkDirTest, AnUndoOfTheOldVersionIsStillThere) {
  LeaveUndo();
  EXPECT_TRUE(Started()->UndoAvailable());
  EXPECT_TRUE(Started()->Undo(nullptr).ok());
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(WorkDirTest, AnUndoThatMayBeAnotherDatabasesIsLeftAlone) {
  FillDb(options_.storage_dir + "/other", kNew);
  LeaveUndo();
  EXPECT_FALSE(Started()->UndoAvailable());
  EXPECT_TRUE(Exists(OldWork() + "/" + kRollback));
}

TEST_F(WorkDirTest, TheOldVersionThatStillRunsIsInTheWay) {
  LeaveUndo();
  const auto held = FileSystem::Posix()->Lock(OldWork() + "/instance.lock");
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(NewRestorer()->Prepare().code(), StatusCode::kBusy);
  EXPECT_TRUE(Exists(OldWork() + "/" + kRollback));
}

TEST_F(WorkDirTest, UndoOfOneDatabaseIsNotTheOthers) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  {
    auto restorer = Started();
    const auto staged = restorer->Stage(archive, {}, nullptr);
    ASSERT_TRUE(staged.ok());
    ASSERT_TRUE(restorer->Apply(*staged, nullptr).ok());
    EXPECT_TRUE(restorer->UndoAvailable());
  }
  options_.db_name = "other";
  FillDb(Live(), kOld);
  auto other = Started();
  EXPECT_FALSE(other->UndoAvailable());
  options_.db_name = "event_registry_db";
  EXPECT_TRUE(Started()->UndoAvailable()) << "while the other one is in use";
}

TEST_F(WorkDirTest, AStorageFolderThatIsADatabaseIsRefused) {
  options_.storage_dir = Live();
  options_.db_name = "db";
  const Status refused = NewRestorer()->Prepare();
  EXPECT_EQ(refused.code(), StatusCode::kRefused);
  EXPECT_NE(refused.message().find("itself a LevelDB database"),
            std::string::npos);
  EXPECT_FALSE(Exists(options_.storage_dir + "/.levelkeep"));
}

}  // namespace
}  // namespace levelkeep::test
