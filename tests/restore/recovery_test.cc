// The recovery table, row by row, and what the sweep removes and leaves.

#include <climits>
#include <filesystem>

#include "base/scratch_directory.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "restore/apply.h"
#include "restore/restore_fixture.h"
#include "restore/swap.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class RecoveryTest : public RestoreFixture {
 protected:
  RecoveryTest() {
    MakeLive(kOld);
    Started().reset();
    context_.fs = FileSystem::Posix();
    context_.clock = &clock_;
    context_.options = options_;
  }

  // Puts both databases where a crash at that moment leaves them.
  Journal MakeJournal(JournalState state) {
    FillDb(Work() + "/staging-1", kNew);
    Journal journal;
    journal.id = "1";
    journal.state = state;
    journal.incoming = "staging-1";
    journal.outgoing = "rollback-1";
    journal.old_epoch = EpochOf(Live());
    journal.new_epoch = EpochOf(Work() + "/staging-1");
    journal.old_sequence = ReadLastSequence(context_.fs, Live());
    journal.outcome.archive_name = "x.tar.gz";
    return journal;
  }
  void Store(const Journal& journal) {
    ASSERT_TRUE(StoreJournal(context_, journal).ok());
  }
  std::string EpochOf(const std::string& path) {
    const auto epoch = ReadOrCreateEpoch(FileSystem::Posix(), path);
    EXPECT_TRUE(epoch.ok()) << path;
    return epoch.ok() ? *epoch : "";
  }
  void Move(const std::string& source, const std::string& target) {
    ASSERT_TRUE(FileSystem::Posix()->Rename(source, target).ok());
  }
  void ExchangeWithLive(const std::string& other) {
    ASSERT_TRUE(FileSystem::Posix()->Exchange(other, Live()).ok());
  }
  std::string W(const std::string& name) { return Work() + "/" + name; }

  RecoveryOutcome Recover(const OpenCheck& open_check = nullptr) {
    auto restorer = NewRestorer();
    EXPECT_TRUE(restorer->Prepare().ok());
    const auto outcome = restorer->Recover(open_check);
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_FALSE(Exists(W("journal")));
    return outcome.ok() ? *outcome : RecoveryOutcome();
  }
  void ExpectFinished(const RecoveryOutcome& outcome) {
    EXPECT_TRUE(outcome.finished_restore);
    ASSERT_TRUE(outcome.restored.has_value());
    EXPECT_EQ(outcome.restored->archive_name, "x.tar.gz");
    EXPECT_EQ(ReadDb(Live()), kNew);
    EXPECT_EQ(ReadDb(W("rollback-1")), kOld);
    EXPECT_TRUE(outcome.restored->undo_available);
  }
  void ExpectUndone(const RecoveryOutcome& outcome) {
    EXPECT_TRUE(outcome.undone_restore);
    EXPECT_FALSE(outcome.unclear);
    EXPECT_FALSE(outcome.finished_restore);
    EXPECT_FALSE(outcome.undone_reason.empty());
    EXPECT_EQ(ReadDb(Live()), kOld);
    EXPECT_EQ(InWork("staging-").size(), 0u);
    EXPECT_FALSE(NewRestorer()->UndoAvailable());
  }

  static UndoRecord UndoOf(const std::string& directory) {
    UndoRecord undo;
    undo.directory = directory;
    undo.sequence = 2;
    undo.archive = "x";
    return undo;
  }

  RestoreContext context_;
};

TEST_F(RecoveryTest, NothingToDo) {
  const RecoveryOutcome outcome = Recover();
  EXPECT_FALSE(outcome.finished_restore);
  EXPECT_FALSE(outcome.undone_restore);
  EXPECT_TRUE(outcome.swept.empty());
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(RecoveryTest, R6ReadyGoesOn) {
  Store(MakeJournal(JournalState::kReady));
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, R6ReadyWithoutStagingIsDropped) {
  Store(MakeJournal(JournalState::kReady));
  ASSERT_TRUE(RemoveTree(FileSystem::Posix(), W("staging-1")).ok());
  ExpectUndone(Recover());
}

TEST_F(RecoveryTest, AnotherRestoreDoesNotRunOverOneThatItFinished) {
  auto restorer = Started();
  const std::string archive = MakeArchive(Drop("b.tar.gz"), {{"a", "another"}});
  const auto staged = restorer->Stage(archive, std::stop_token(), nullptr);
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  Store(MakeJournal(JournalState::kReady));
  const auto applied = restorer->Apply(*staged, nullptr);
  EXPECT_EQ(applied.status().code(), StatusCode::kBusy);
  EXPECT_NE(applied.status().message().find("x.tar.gz"), std::string::npos);
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_EQ(ReadDb(W("rollback-1")), kOld);
  // The caller was told of the pending restore and may go on.
  const auto again = restorer->Apply(*staged, nullptr);
  EXPECT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(ReadDb(Live()), Entries({{"a", "another"}}));
}

TEST_F(RecoveryTest, UndoDoesNotRunOverOneThatItFinished) {
  auto restorer = Started();
  Store(MakeJournal(JournalState::kReady));
  EXPECT_EQ(restorer->Undo(nullptr).status().code(), StatusCode::kBusy);
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_TRUE(restorer->Undo(nullptr).ok());
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(RecoveryTest, UndoTidiesUpBehindACommittedRestore) {
  auto restorer = Started();
  Store(MakeJournal(JournalState::kCommitted));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  EXPECT_TRUE(restorer->Undo(nullptr).ok());
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(RecoveryTest, R8ExchangedButNotRenamedGoesOn) {
  Store(MakeJournal(JournalState::kReady));
  ExchangeWithLive(W("staging-1"));
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, R8ExchangedAndRenamedGoesOn) {
  Store(MakeJournal(JournalState::kReady));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, BetweenTwoRenamesGoesOn) {
  Store(MakeJournal(JournalState::kReady));
  Move(Live(), W("rollback-1"));
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, R10SwappedIsOpenedByTheHost) {
  Store(MakeJournal(JournalState::kSwapped));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  int opened = 0;
  ExpectFinished(Recover([&](const std::string& dir) {
    ++opened;
    return OpenAndClose(dir);
  }));
  EXPECT_EQ(opened, 1);
}

TEST_F(RecoveryTest, R11ThatDoesNotOpenIsTakenBack) {
  Store(MakeJournal(JournalState::kSwapped));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  ExpectUndone(Recover([](const std::string&) {
    return Status(StatusCode::kCorruption, "no");
  }));
}

TEST_F(RecoveryTest, R11WithoutAHostIsCheckedReadOnly) {
  options_.store_checker = [](const std::string&, const std::string&,
                              std::stop_token) -> Result<StoreCheck> {
    return Status(StatusCode::kCorruption, "damaged meanwhile");
  };
  Store(MakeJournal(JournalState::kSwapped));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  ExpectUndone(Recover());
}

TEST_F(RecoveryTest, R11ThatEndsTheProcessEachTimeIsTakenBack) {
  Store(MakeJournal(JournalState::kReady));
  struct Died {};
  int opened = 0;
  const OpenCheck die = [&](const std::string&) -> Status {
    ++opened;
    throw Died();
  };
  for (int start = 0; start < 2; ++start) {
    auto restorer = NewRestorer();
    ASSERT_TRUE(restorer->Prepare().ok());
    EXPECT_THROW((void)restorer->Recover(die), Died);
  }
  const RecoveryOutcome outcome = Recover(die);
  EXPECT_EQ(opened, 2);
  ExpectUndone(outcome);
  EXPECT_NE(outcome.undone_reason.find("ended the process"), std::string::npos);
}

TEST_F(RecoveryTest, R11SwapBackIsFinished) {
  Journal journal = MakeJournal(JournalState::kRolledBack);
  journal.reason = "it did not open";
  // Every place in which a crash in the swap-back can leave the databases.
  struct Case {
    const char* name;
    std::function<void()> arrange;
  };
  for (const Case& c : std::vector<Case>{
           {"not yet begun, not renamed",
            [&] { ExchangeWithLive(W("staging-1")); }},
           {"not yet begun",
            [&] {
              ExchangeWithLive(W("staging-1"));
              Move(W("staging-1"), W("rollback-1"));
            }},
           {"exchanged back", [&] { Move(W("staging-1"), W("rollback-1")); }},
           {"done", [] {}},
           {"between two renames", [&] { Move(Live(), W("rollback-1")); }}}) {
    SCOPED_TRACE(c.name);
    ASSERT_TRUE(RemoveTree(FileSystem::Posix(), W("staging-1")).ok());
    journal = MakeJournal(JournalState::kRolledBack);
    journal.reason = "it did not open";
    c.arrange();
    Store(journal);
    const RecoveryOutcome outcome = Recover();
    ExpectUndone(outcome);
    EXPECT_EQ(outcome.undone_reason, "it did not open");
  }
}

TEST_F(RecoveryTest, R12CommittedIsTidiedUp) {
  Store(MakeJournal(JournalState::kCommitted));
  ExchangeWithLive(W("staging-1"));
  Move(W("staging-1"), W("rollback-1"));
  ExpectFinished(Recover([](const std::string&) {
    return Status(StatusCode::kInternal, "it is not opened again");
  }));
}

TEST_F(RecoveryTest, HeldDatabaseStopsTheStartAndLosesNothing) {
  Store(MakeJournal(JournalState::kReady));
  {
    const auto held = DbLock::Acquire(FileSystem::Posix(), Live());
    ASSERT_TRUE(held.ok());
    auto restorer = NewRestorer();
    ASSERT_TRUE(restorer->Prepare().ok());
    EXPECT_EQ(restorer->Recover().status().code(), StatusCode::kBusy);
    EXPECT_EQ(restorer->ForgetUndo().code(), StatusCode::kBusy);
    EXPECT_TRUE(Exists(W("journal")));
    EXPECT_TRUE(Exists(W("staging-1")));
  }
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, DiscardKeepsItsHandsOffAPendingJournal) {
  Store(MakeJournal(JournalState::kReady));
  ExchangeWithLive(W("staging-1"));  // staging-1 is the old database now
  {
    auto restorer = NewRestorer();
    Restorer::Staged staged;
    staged.id = "1";
    staged.directory = W("staging-1");
    restorer->Discard(staged);
  }
  EXPECT_EQ(ReadDb(W("staging-1")), kOld);
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, DamagedJournalCountsAsAbsentAndThrowsNothingAway) {
  Store(MakeJournal(JournalState::kReady));
  ExchangeWithLive(W("staging-1"));
  std::string bytes = ReadFile(W("journal"));
  bytes[10] ^= 1;
  WriteFile(W("journal"), bytes);
  Recover();
  EXPECT_EQ(ReadDb(Live()), kNew) << "the live database is left as it is";
  const auto kept = InWork("kept-");
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(ReadDb(W(kept[0])), kOld);
  EXPECT_EQ(ReadFile(W("journal-unclear")), bytes);
}

// A regression: the restore was finished days later, over acknowledged writes.
TEST_F(RecoveryTest, ADatabaseThatWasWrittenToSinceStays) {
  Store(MakeJournal(JournalState::kReady));
  Entries more = kOld;
  more["written"] = "since";
  FillDb(Live(), {{"written", "since"}});
  const RecoveryOutcome outcome = Recover();
  EXPECT_TRUE(outcome.undone_restore);
  EXPECT_NE(outcome.undone_reason.find("was written to since"),
            std::string::npos)
      << outcome.undone_reason;
  EXPECT_EQ(ReadDb(Live()), more);
  EXPECT_EQ(InWork("staging-").size(), 0u);
}

// cp, rsync and some file systems change the inodes of folders. The BACKUP_ID
// inside identifies the databases.
TEST_F(RecoveryTest, AStorageThatWasCopiedGoesOn) {
  Store(MakeJournal(JournalState::kReady));
  const std::string copy = temp_.Sub("copy");
  std::filesystem::copy(options_.storage_dir, copy,
                        std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(options_.storage_dir);
  std::filesystem::rename(copy, options_.storage_dir);
  ExpectFinished(Recover());
}

TEST_F(RecoveryTest, JournalOfOtherDirectoriesThrowsNothingAway) {
  // Assembled by hand from several folders: no BACKUP_ID fits.
  Journal journal = MakeJournal(JournalState::kReady);
  journal.old_epoch = std::string(32, '1');
  journal.new_epoch = std::string(32, '2');
  for (const JournalState state :
       {JournalState::kReady, JournalState::kRolledBack}) {
    journal.state = state;
    Store(journal);
    const RecoveryOutcome outcome = Recover();
    EXPECT_TRUE(outcome.undone_restore || state == JournalState::kRolledBack);
    EXPECT_EQ(ReadDb(Live()), kOld);
    const auto kept = InWork("kept-");
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_EQ(ReadDb(W(kept[0])), kNew);
  }
}

TEST_F(RecoveryTest, DirectoryInPlaceOfTheDatabaseIsNotExchanged) {
  // Somebody put a third database there after the crash.
  Store(MakeJournal(JournalState::kReady));
  Move(Live(), temp_.Sub("away"));
  FillDb(Live(), {{"a", "third"}});
  const RecoveryOutcome outcome = Recover();
  EXPECT_TRUE(outcome.undone_restore);
  EXPECT_TRUE(outcome.unclear) << "it is not known whether it was taken back";
  EXPECT_NE(outcome.undone_reason.find("are not in " + Live()),
            std::string::npos)
      << outcome.undone_reason;
  EXPECT_EQ(ReadDb(Live()), Entries({{"a", "third"}}));
  const auto kept = InWork("kept-");
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(ReadDb(W(kept[0])), kNew);
}

TEST_F(RecoveryTest, SwapBackWithoutTheOldDatabaseThrowsNothingAway) {
  // A crash between two renames, after which somebody moved the old database
  // away; or the new one is live, and the old one is gone.
  for (const bool live : {false, true}) {
    SCOPED_TRACE(live);
    Journal journal = MakeJournal(JournalState::kRolledBack);
    journal.reason = "it did not open";
    Store(journal);
    Move(Live(), temp_.Sub("away"));
    if (live) Move(W("staging-1"), Live());
    const RecoveryOutcome outcome = Recover();
    EXPECT_FALSE(outcome.finished_restore);
    const auto kept = InWork("kept-");
    ASSERT_EQ(kept.size(), live ? 0u : 1u);
    EXPECT_EQ(ReadDb(live ? Live() : W(kept[0])), kNew);
    EXPECT_TRUE(Exists(W("journal-unclear")));
    // The first state again, for the other case.
    if (!live) {
      ASSERT_TRUE(RemoveTree(FileSystem::Posix(), W(kept[0])).ok());
      Move(temp_.Sub("away"), Live());
    }
  }
}

// Reports an exchange of two names without doing it.
class LyingExchange : public FaultFileSystem {
 public:
  LyingExchange() : FaultFileSystem(FileSystem::Posix()) {}
  Status Exchange(const std::string&, const std::string&) override {
    return Status::Ok();
  }
};

TEST_F(RecoveryTest, ExchangeThatDoesNotHappenIsNotTriedForEver) {
  LyingExchange fs;
  for (const JournalState state :
       {JournalState::kReady, JournalState::kRolledBack}) {
    Journal journal = MakeJournal(state);
    if (state == JournalState::kRolledBack) {
      ExchangeWithLive(W("staging-1"));
      Move(W("staging-1"), W("rollback-1"));
    }
    Store(journal);
    const Entries before = ReadDb(Live());
    auto restorer = NewRestorer(&fs);
    ASSERT_TRUE(restorer->Prepare().ok());
    ASSERT_TRUE(restorer->Recover().ok());
    EXPECT_EQ(ReadDb(Live()), before);
    EXPECT_TRUE(Exists(W("journal-unclear")));
    EXPECT_EQ(InWork("kept-").size() + InWork("rollback-").size(),
              state == JournalState::kReady ? 1u : 2u)
        << "nothing is thrown away";
  }
}

TEST_F(RecoveryTest, LeftOversAreSwept) {
  for (const char* name : {"staging-9", "scratch-9", "trash-9"}) {
    FillDb(W(name), kNew);
  }
  const std::string part = NewTemporaryName(kPartSuffix);
  WriteFile(W(NewTemporaryName(kTemporarySuffix)), "half a record");
  WriteFile(Drop(part), "half an archive");
  WriteFile(Drop(".somebody-elses.part"), "not ours");
  WriteFile(Drop(".levelkeep-0123.part"), "not ours either");
  WriteFile(W("operator-note"), "not ours");
  const RecoveryOutcome outcome = Recover();
  EXPECT_EQ(outcome.swept.size(), 5u);
  EXPECT_EQ(InWork("").size(), 2u) << "instance.lock and the note";
  EXPECT_FALSE(Exists(Drop(part)));
  EXPECT_TRUE(Exists(Drop(".somebody-elses.part")));
  EXPECT_TRUE(Exists(Drop(".levelkeep-0123.part")));
}

// `levelkeep create` reads a closed database; the application starts meanwhile.
TEST_F(RecoveryTest, TheScratchFolderOfARunningBackupIsNotSwept) {
  const auto scratch =
      ScratchDirectory::Make(FileSystem::Posix(), W("scratch-8"));
  ASSERT_TRUE(scratch.ok()) << scratch.status().ToString();
  FillDb(W("scratch-9"), kNew);
  EXPECT_EQ(Recover().swept, std::vector<std::string>{W("scratch-9")});
  EXPECT_TRUE(Exists(W("scratch-8")));
}

TEST_F(RecoveryTest, RollbackIsNeverSwept) {
  FillDb(W("rollback-1"), kNew);
  ASSERT_TRUE(StoreUndo(context_, UndoOf("rollback-1")).ok());
  Recover();
  auto restorer = Started();
  EXPECT_TRUE(restorer->UndoAvailable());
  ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(RecoveryTest, LostUndoRecordIsWrittenAnewForTheNewest) {
  FillDb(W("rollback-1"), {{"older", "1"}});
  ASSERT_EQ(Shell("touch -d '2001-01-01' '" + W("rollback-1") + "'"), 0);
  FillDb(W("rollback-2"), kNew);
  WriteFile(W("undo"), "damaged");
  Recover();
  const auto undo = LoadUndo(context_);
  ASSERT_TRUE(undo.ok());
  EXPECT_EQ(undo->directory, "rollback-2");
  EXPECT_EQ(undo->sequence, 2u);
  EXPECT_EQ(undo->earlier, std::vector<std::string>({"rollback-1"}));
  EXPECT_EQ(InWork("rollback-").size(), 2u) << "each may hold the only copy";
}

TEST_F(RecoveryTest, UndoRecordWithoutItsDirectoryGoes) {
  ASSERT_TRUE(StoreUndo(context_, UndoOf("rollback-1")).ok());
  Recover();
  EXPECT_FALSE(Exists(W("undo")));
}

TEST_F(RecoveryTest, UndoRecordThatLeadsElsewhereCountsAsNone) {
  FillDb(temp_.Sub("elsewhere"), kNew);
  for (const std::string& name :
       {std::string("../../elsewhere"),
        std::string("rollback-/../../../elsewhere"), std::string(),
        std::string("staging-1"), std::string("rollback-\0", 10),
        "rollback-" + std::string(NAME_MAX, '1')}) {
    ASSERT_TRUE(StoreUndo(context_, UndoOf(name)).ok());
    EXPECT_FALSE(NewRestorer()->UndoAvailable()) << name;
    EXPECT_EQ(NewRestorer()->Undo(OpenAndClose).status().code(),
              StatusCode::kNotFound);
    EXPECT_TRUE(RepairUndo(context_).ok()) << name;
    EXPECT_FALSE(Exists(W("undo"))) << name;
  }
  EXPECT_EQ(ReadDb(Live()), kOld);
}

}  // namespace
}  // namespace levelkeep::test
