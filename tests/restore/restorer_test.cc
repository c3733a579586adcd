// The normal flows of staging, applying, undoing, extracting and verifying.

#include "restore/restorer.h"

#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "restore/restore_fixture.h"
#include "restore/swap.h"

namespace levelkeep::test {
namespace {

const Entries kBefore = {{"a", "old"}, {"b", "old"}};
const Entries kAfter = {{"a", "new"}, {"c", "new"}, {"d", "new"}};

class RestorerTest : public RestoreFixture {
 protected:
  // Afterwards the replaced database is gone.
  void RestoreAndForget(TestRestorer* restorer) {
    const auto staged = restorer->Stage(
        MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
    ASSERT_TRUE(staged.ok());
    ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
    ASSERT_TRUE(restorer->ForgetUndo().ok());
  }
};

TEST_F(RestorerTest, StagedBackupReplacesTheDatabaseAndCanBeUndone) {
  MakeLive(kBefore);
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kAfter);
  auto restorer = Started();
  const auto staged = restorer->Stage(archive, {}, nullptr);
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  EXPECT_EQ(ReadDb(Live()), kBefore) << "staging must not touch the database";

  const auto applied = restorer->Apply(*staged, OpenAndClose);
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  EXPECT_EQ(ReadDb(Live()), kAfter);
  EXPECT_EQ(applied->archive_name, "x.tar.gz");
  EXPECT_EQ(applied->archive_sha256, Sha256Hex(ReadFile(archive)));
  EXPECT_EQ(applied->last_sequence, 3u);
  EXPECT_TRUE(applied->own);
  ASSERT_NE(applied->manifest, nullptr);
  EXPECT_TRUE(applied->undo_available);
  EXPECT_TRUE(restorer->UndoAvailable());
  EXPECT_EQ(ReadFile(Live() + "/BACKUP_ID"), applied->epoch + "\n");
  EXPECT_EQ(InWork("staging-").size(), 0u);
  EXPECT_EQ(InWork("scratch-").size(), 0u);
  EXPECT_EQ(InWork("journal").size(), 0u);

  const auto undone = restorer->Undo(OpenAndClose);
  ASSERT_TRUE(undone.ok()) << undone.status().ToString();
  EXPECT_EQ(ReadDb(Live()), kBefore);
  EXPECT_EQ(undone->last_sequence, 2u);
  EXPECT_EQ(undone->archive_name, "x.tar.gz");

  const auto redone = restorer->Undo(OpenAndClose);
  ASSERT_TRUE(redone.ok()) << redone.status().ToString();
  EXPECT_EQ(ReadDb(Live()), kAfter);
  EXPECT_EQ(redone->epoch, applied->epoch);
  EXPECT_EQ(InWork("rollback-").size(), 1u);
}

TEST_F(RestorerTest, OnlyTheVeryBytesThatWereScannedAreNotScannedAgain) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kAfter);
  const std::string sha256 = Sha256Hex(ReadFile(archive));
  int scans = 0;
  options_.store_checker = [&scans](const std::string&, const std::string&,
                                    std::stop_token) -> Result<StoreCheck> {
    ++scans;
    return Status(StatusCode::kCorruption, "was scanned");
  };
  auto restorer = Started();
  for (const std::string& other :
       {std::string(), std::string(64, '0'), sha256 + "0"}) {
    EXPECT_FALSE(restorer->Stage({archive, other}, {}, nullptr).ok());
  }
  EXPECT_EQ(scans, 3);
  const auto staged = restorer->Stage({archive, sha256}, {}, nullptr);
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  EXPECT_EQ(scans, 3);
  EXPECT_EQ(staged->outcome.last_sequence, 3u);
  // The digests of the archive are still checked.
  std::string damaged = ReadFile(archive);
  damaged[damaged.size() / 2] ^= 1;
  WriteFile(archive, damaged);
  EXPECT_FALSE(restorer->Stage({archive, sha256}, {}, nullptr).ok());
  const std::string target = temp_.Sub("elsewhere");
  WriteFile(archive, (damaged[damaged.size() / 2] ^= 1, damaged));
  EXPECT_TRUE(restorer->ExtractTo({archive, sha256}, target, {}, nullptr).ok());
  EXPECT_EQ(scans, 3);
}

TEST_F(RestorerTest, FirstRestoreIntoAnEmptyInstallationHasNothingToUndo) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kAfter);
  auto restorer = Started();
  const auto staged = restorer->Stage(archive, {}, nullptr);
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  const auto applied = restorer->Apply(*staged, OpenAndClose);
  ASSERT_TRUE(applied.ok()) << applied.status().ToString();
  EXPECT_EQ(ReadDb(Live()), kAfter);
  EXPECT_FALSE(applied->undo_available);
  const auto undone = restorer->Undo(OpenAndClose);
  EXPECT_EQ(undone.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadDb(Live()), kAfter);
}

TEST_F(RestorerTest, EmptyDirectoryInPlaceOfADatabaseDisplacesNoUndo) {
  MakeLive(kBefore);
  auto restorer = Started();
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kAfter);
  auto staged = restorer->Stage(archive, {}, nullptr);
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  // Somebody clears the database by hand, then restores again.
  ASSERT_TRUE(RemoveTree(FileSystem::Posix(), Live()).ok());
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(Live()).ok());
  staged = restorer->Stage(archive, {}, nullptr);
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kBefore);
}

TEST_F(RestorerTest, ForgottenUndoRemovesTheOldDatabase) {
  MakeLive(kBefore);
  auto restorer = Started();
  RestoreAndForget(restorer.get());
  EXPECT_FALSE(restorer->UndoAvailable());
  EXPECT_EQ(InWork("rollback-").size(), 0u);
  EXPECT_TRUE(restorer->ForgetUndo().ok()) << "twice is as good as once";
  EXPECT_EQ(ReadDb(Live()), kAfter);
}

// A regression: a restore moved these files aside and later removed them.
TEST_F(RestorerTest, FilesOfTheApplicationAreNeverRemoved) {
  MakeLive(kBefore);
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(Live() + "/ancient").ok());
  WriteFile(Live() + "/ancient/headers", "precious");
  WriteFile(Live() + "/notes.txt", "mine");
  WriteFile(Live() + "/000007.ldb.pin3", "a snapshot's");
  auto restorer = Started();
  RestoreAndForget(restorer.get());
  EXPECT_FALSE(restorer->UndoAvailable());
  const auto kept = InWork("kept-");
  ASSERT_EQ(kept.size(), 1u);
  const std::string folder = Work() + "/" + kept[0];
  EXPECT_EQ(*FileSystem::Posix()->List(folder),
            (std::vector<std::string>{"ancient", "notes.txt"}));
  EXPECT_EQ(ReadFile(folder + "/ancient/headers"), "precious");
  EXPECT_EQ(ReadDb(Live()), kAfter);
  restorer.reset();
  Started();
  EXPECT_TRUE(Exists(folder + "/notes.txt")) << "no start removes it";
}

TEST_F(RestorerTest, DiscardRemovesTheStagedDatabase) {
  MakeLive(kBefore);
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  EXPECT_EQ(InWork("staging-").size(), 1u);
  restorer->Discard(*staged);
  EXPECT_EQ(InWork("staging-").size(), 0u);
  const auto applied = restorer->Apply(*staged, OpenAndClose);
  EXPECT_EQ(applied.status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadDb(Live()), kBefore);
}

TEST_F(RestorerTest, DatabaseThatDoesNotOpenIsTakenBack) {
  MakeLive(kBefore);
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  const auto applied = restorer->Apply(*staged, [](const std::string&) {
    return Status(StatusCode::kIoError, "the host can't open it");
  });
  EXPECT_EQ(applied.status().code(), StatusCode::kIoError);
  EXPECT_EQ(applied.status().message(), "the host can't open it");
  EXPECT_EQ(ReadDb(Live()), kBefore);
  EXPECT_FALSE(restorer->UndoAvailable());
  EXPECT_EQ(InWork("").size(), 1u) << "only instance.lock";
}

TEST_F(RestorerTest, FirstDatabaseThatDoesNotOpenLeavesNothing) {
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  const auto applied = restorer->Apply(*staged, [](const std::string&) {
    return Status(StatusCode::kCorruption, "no");
  });
  EXPECT_EQ(applied.status().code(), StatusCode::kCorruption);
  EXPECT_FALSE(Exists(Live()));
}

TEST_F(RestorerTest, UndoThatDoesNotOpenIsTakenBackAndStaysPossible) {
  MakeLive(kBefore);
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  const auto undone = restorer->Undo(
      [](const std::string&) { return Status(StatusCode::kIoError, "no"); });
  EXPECT_EQ(undone.status().code(), StatusCode::kIoError);
  EXPECT_EQ(ReadDb(Live()), kAfter);
  ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kBefore);
}

TEST_F(RestorerTest, HeldDatabaseIsRefusedWithoutATrace) {
  MakeLive(kBefore);
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  {
    const auto held = DbLock::Acquire(FileSystem::Posix(), Live());
    ASSERT_TRUE(held.ok());
    const auto applied = restorer->Apply(*staged, OpenAndClose);
    EXPECT_EQ(applied.status().code(), StatusCode::kBusy);
    EXPECT_NE(applied.status().message().find("open in this process"),
              std::string::npos);
    EXPECT_EQ(InWork("journal").size(), 0u);
  }
  EXPECT_EQ(ReadDb(Live()), kBefore);
  EXPECT_TRUE(restorer->Apply(*staged, OpenAndClose).ok())
      << "what was staged can be applied once the lock is free";
}

TEST_F(RestorerTest, NobodyCanOpenEitherDatabaseWhileTheyAreExchanged) {
  MakeLive(kBefore);
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  // LOCK is free again when the host's own check opens the database.
  const auto applied =
      restorer->Apply(*staged, [&](const std::string& dir) -> Status {
        EXPECT_EQ(dir, Live());
        const auto state = DbLock::Probe(FileSystem::Posix(), dir, nullptr);
        EXPECT_TRUE(state.ok());
        EXPECT_EQ(*state, DbLock::State::kFree);
        return OpenAndClose(dir);
      });
  EXPECT_TRUE(applied.ok()) << applied.status().ToString();
}

TEST_F(RestorerTest, ModeOfTheDatabaseFolderIsKept) {
  MakeLive(kBefore);
  ASSERT_TRUE(FileSystem::Posix()->SetMode(Live(), 0750).ok());
  auto restorer = Started();
  const auto staged =
      restorer->Stage(MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
  ASSERT_TRUE(staged.ok());
  ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  EXPECT_EQ(FileSystem::Posix()->Stat(Live())->mode, 0750u);
}

TEST_F(RestorerTest, UndoOutlivesTheProcess) {
  MakeLive(kBefore);
  {
    auto restorer = Started();
    const auto staged = restorer->Stage(
        MakeArchive(temp_.Sub("x.tar.gz"), kAfter), {}, nullptr);
    ASSERT_TRUE(staged.ok());
    ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
  }
  auto restorer = Started();
  EXPECT_TRUE(restorer->UndoAvailable());
  ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kBefore);
}

TEST_F(RestorerTest, EpochIsMadeOnceAndReadAfterwards) {
  MakeLive(kBefore);
  const auto first = ReadOrCreateEpoch(FileSystem::Posix(), Live());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*ReadOrCreateEpoch(FileSystem::Posix(), Live()), *first);
  WriteFile(Live() + "/BACKUP_ID", "not an id\n");
  const auto second = ReadOrCreateEpoch(FileSystem::Posix(), Live());
  ASSERT_TRUE(second.ok());
  EXPECT_NE(*second, *first);
  EXPECT_EQ(ReadFile(Live() + "/BACKUP_ID"), *second + "\n");
}

TEST_F(RestorerTest, LastSequenceIgnoresLogsThatTheTablesReplaced) {
  const std::string db = temp_.Sub("db");
  FillDb(db, kAfter, /*flush=*/true);
  const uint64_t last = ReadLastSequence(FileSystem::Posix(), db);
  EXPECT_GE(last, 2u);
  // A log of another database, with a number that this database no longer uses.
  const std::string other = temp_.Sub("other");
  Entries many;
  for (int i = 0; i < 50; ++i) many["k" + std::to_string(i)] = "v";
  FillDb(other, many);
  ASSERT_EQ(Shell("cp '" + other + "'/*.log '" + db + "/000001.log'"), 0);
  EXPECT_EQ(ReadLastSequence(FileSystem::Posix(), other), 50u);
  EXPECT_EQ(ReadLastSequence(FileSystem::Posix(), db), last);
}

TEST_F(RestorerTest, EveryRestoreStartsANewEpoch) {
  MakeLive(kBefore);
  const auto before = ReadOrCreateEpoch(FileSystem::Posix(), Live());
  ASSERT_TRUE(before.ok());
  auto restorer = Started();
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kAfter);
  std::vector<std::string> epochs = {*before};
  for (int i = 0; i < 2; ++i) {
    const auto staged = restorer->Stage(archive, {}, nullptr);
    ASSERT_TRUE(staged.ok());
    const auto applied = restorer->Apply(*staged, OpenAndClose);
    ASSERT_TRUE(applied.ok());
    epochs.push_back(*ReadOrCreateEpoch(FileSystem::Posix(), Live()));
    EXPECT_EQ(epochs.back(), applied->epoch);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  const auto undone = restorer->Undo(OpenAndClose);
  ASSERT_TRUE(undone.ok());
  EXPECT_EQ(undone->epoch, epochs[1]) << "undo goes back to that history";
}

}  // namespace
}  // namespace levelkeep::test
