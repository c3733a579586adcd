// A disk that fails while a dropped archive is handled: the archive is applied
// once, later writes are not lost, and the next start continues.

#include "base/status_macros.h"
#include "restore/apply.h"
#include "restore/drop_fixture.h"
#include "restore/drop_history.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class FailingDropTest : public DropFolderFixture {
 protected:
  FailingDropTest() {
    context_.fs = FileSystem::Posix();
    context_.clock = &clock_;
    context_.options = options_;
  }

  // One start whose disk fails as configured.
  Result<DropOutcome> FailingStart() {
    TestRestorer restorer(&disk_, &clock_, options_);
    LEVELKEEP_RETURN_IF_ERROR(restorer.Prepare());
    LEVELKEEP_RETURN_IF_ERROR(restorer.Recover(OpenAndClose).status());
    return restorer.ApplyDropped(OpenAndClose, {});
  }
  // Removes the storage and the folder and starts again.
  void BeginAgain() {
    disk_.Reset();
    for (const std::string& folder :
         {options_.storage_dir, options_.restore_dir}) {
      ASSERT_TRUE(RemoveTree(FileSystem::Posix(), folder).ok());
    }
    MakeLive(kOldEvents);
    ASSERT_EQ(
        Shell("cp '" + temp_.Sub("x.tar.gz") + "' '" + Drop("x.tar.gz") + "'"),
        0);
  }

  FaultFileSystem disk_{FileSystem::Posix(), FaultFileSystem::Count::kAll};
  RestoreContext context_;
};

TEST_F(FailingDropTest, EachFailureAroundTheArchiveIsPutRightByTheNextStart) {
  MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  uint64_t failures = 0;
  for (const char* text :
       {"x.tar.gz", "/.levelkeep/event_registry_db/applied",
        "/.levelkeep/event_registry_db/attempt", "SyncDirectory "}) {
    bool more = true;
    for (uint64_t nth = 1; more; ++nth) {
      BeginAgain();
      disk_.FailOn(text, StatusCode::kIoError, nth);
      (void)FailingStart();  // may succeed: tidying up can wait
      more = disk_.fired();
      SCOPED_TRACE(disk_.last_operation());
      failures += more ? 1 : 0;
      const bool new_is_live = ReadDb(Live()) == kNewEvents;
      EXPECT_TRUE(new_is_live || ReadDb(Live()) == kOldEvents);
      FillDb(Live(), {{"later", "event"}});
      Start();
      Entries expected = kNewEvents;
      if (new_is_live) expected["later"] = "event";
      EXPECT_EQ(ReadDb(Live()), expected);
      EXPECT_TRUE(Exists(Drop("applied/x.tar.gz")));
      EXPECT_EQ(InWork("journal").size() + InWork("attempt").size(), 0u);
    }
  }
  EXPECT_GE(failures, 20u);
}

TEST_F(FailingDropTest, RestoreThatCanNotBeTakenBackIsLeftToTheNextStart) {
  Start();  // makes the folders
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  disk_.FailOn("SyncDirectory " + options_.storage_dir + "\n",
               StatusCode::kIoError, 1, FaultFileSystem::kAlways);
  EXPECT_EQ(FailingStart().status().code(), StatusCode::kIoError);
  EXPECT_EQ(InWork("journal").size(), 1u);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  disk_.Reset();
  const auto outcome = FailingStart();  // now it does not fail
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(FailingDropTest, MoveThatWasNotRecordedIsRecordedByTheNextStart) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  // The drop is recorded first as left, then as moved.
  disk_.FailOn("to " + Work() + "/applied", StatusCode::kIoError, 2);
  ASSERT_TRUE(FailingStart().ok());
  ASSERT_TRUE(disk_.fired());
  auto history = LoadDropHistory(context_);
  ASSERT_TRUE(history.ok() && history->size() == 1u);
  EXPECT_EQ(history->front().moved_to, "");
  Start();
  history = LoadDropHistory(context_);
  ASSERT_TRUE(history.ok() && history->size() == 1u);
  EXPECT_EQ(history->front().moved_to, "x.tar.gz");
}

TEST_F(FailingDropTest, FullFolderOfRejectedOnesLeavesItWhereItIs) {
  const std::string folder = Drop("rejected");
  ASSERT_TRUE(CreateDirectories(FileSystem::Posix(), folder).ok());
  ASSERT_EQ(Shell("cd '" + folder + "' && touch x.tar.gz && seq 2 10000 | " +
                  "sed 's/.*/x-&.tar.gz/' | xargs touch"),
            0);
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  const std::string reason = ReasonFor(Start(), "x.tar.gz");
  EXPECT_EQ(ReadFile(Drop("x.tar.gz")), "this is no archive");
  EXPECT_EQ(FileSystem::Posix()->List(folder)->size(), 10'000u);
  const auto history = LoadDropHistory(context_);
  ASSERT_TRUE(history.ok() && history->size() == 1u);
  EXPECT_EQ(history->front().moved_to, "");
  EXPECT_EQ(ReasonFor(Start(), "x.tar.gz"), reason) << "from the history";
  ASSERT_EQ(Shell("rm '" + folder + "/x-77.tar.gz'"), 0);
  Start();
  EXPECT_EQ(ReadFile(folder + "/x-77.tar.gz"), "this is no archive");
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
}

TEST_F(FailingDropTest, ThousandCopiesOfOneBackupAreEnough) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  ASSERT_EQ(Shell("cd '" + options_.restore_dir + "' && touch x.tar.gz && " +
                  "seq 2 1000 | sed 's/.*/x-&.tar.gz/' | xargs touch"),
            0);
  auto restorer = NewRestorer();
  ASSERT_TRUE(restorer->Prepare().ok());
  const auto before = FileSystem::Posix()->List(options_.restore_dir);
  const Status refused = restorer->StageForRestart(archive);
  EXPECT_EQ(refused.code(), StatusCode::kAlreadyExists);
  EXPECT_NE(refused.message().find("too many copies of x.tar.gz"),
            std::string::npos)
      << refused.message();
  EXPECT_EQ(*FileSystem::Posix()->List(options_.restore_dir), *before)
      << "not even a hidden part is left";
  ASSERT_EQ(Shell("rm '" + Drop("x-5.tar.gz") + "'"), 0);
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  EXPECT_EQ(ReadFile(Drop("x-5.tar.gz")), ReadFile(archive));
}

TEST_F(FailingDropTest, CopyThatCanNotBeFinishedLeavesNothing) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  auto restorer = NewRestorer(&disk_);
  ASSERT_TRUE(restorer->Prepare().ok());
  const auto before = FileSystem::Posix()->List(options_.restore_dir);
  for (const char* operation :
       {"CopyRange ", "Sync /", "Close ", "RenameNoReplace ", "FreeSpace "}) {
    SCOPED_TRACE(operation);
    disk_.FailOn(operation);
    EXPECT_EQ(restorer->StageForRestart(archive).code(), StatusCode::kIoError);
    EXPECT_TRUE(disk_.fired());
    EXPECT_EQ(*FileSystem::Posix()->List(options_.restore_dir), *before);
    disk_.Reset();
  }
}

TEST_F(FailingDropTest, CopyOfAFileWithoutTheEndingGetsIt) {
  const std::string archive = MakeArchive(temp_.Sub("backup.bin"), kNewEvents);
  ASSERT_TRUE(Started()->StageForRestart(archive).ok());
  EXPECT_TRUE(Exists(Drop("backup.bin.tar.gz")));
  EXPECT_EQ(Start().applied->archive_name, "backup.bin.tar.gz");
}

TEST_F(FailingDropTest, AskedForArchiveWinsWhereNobodyCanTellTheirOrder) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNewEvents);
  WriteForeignArchive(db, temp_.Sub("wanted.tar.gz"));
  for (const char* name : {"a.tar.gz", "z.tar.gz"}) {
    WriteForeignArchive(db, Drop(name));
  }
  ASSERT_TRUE(Started()->StageForRestart(temp_.Sub("wanted.tar.gz")).ok());
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value()) << outcome.refused;
  EXPECT_EQ(outcome.applied->archive_name, "wanted.tar.gz");
  ASSERT_EQ(outcome.rejected.size(), 2u);
  EXPECT_NE(ReasonFor(outcome, "a.tar.gz").find("not the one asked for last"),
            std::string::npos);
}

TEST_F(FailingDropTest, AllThatCanNotBeReadAreNamed) {
  for (const char* name : {"a.tar.gz", "b.tar.gz", "c.tar.gz"}) {
    MakeArchive(Drop(name), kNewEvents);
  }
  // Openings 5 and 6 fail. Before these, waiting opens each drop once.
  disk_.FailOn("Open " + Drop(""), StatusCode::kPermissionDenied, 5, 2);
  const auto outcome = FailingStart();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_FALSE(outcome->applied.has_value());
  EXPECT_NE(outcome->refused.find("; c.tar.gz: "), std::string::npos)
      << outcome->refused;
  EXPECT_EQ(outcome->refused.find("b.tar.gz"), 0u) << outcome->refused;
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(FailingDropTest, FileThatVanishesWhileItIsLookedAtIsNone) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  disk_.FailOn("Stat " + Drop("x.tar.gz"), StatusCode::kNotFound, 1, 2);
  const auto outcome = FailingStart();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_FALSE(outcome->applied.has_value());
  EXPECT_TRUE(outcome->refused.empty() && outcome->rejected.empty());
}

TEST_F(FailingDropTest, LeftOverThatCanNotBeRemovedStopsNobody) {
  WriteFile(Drop(".levelkeep-" + std::string(32, '0') + ".part"), "half");
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  disk_.FailOn("RemoveFile " + Drop(".levelkeep-"), StatusCode::kIoError, 1,
               FaultFileSystem::kAlways);
  const auto outcome = FailingStart();
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_TRUE(outcome->applied.has_value());
  EXPECT_TRUE(disk_.fired());
}

TEST_F(FailingDropTest, AttemptsOfOtherFilesAndDamagedOnesDoNotCount) {
  ASSERT_TRUE(Started() != nullptr);
  DropIdentity other;
  other.name = "other.tar.gz";
  ASSERT_TRUE(NoteAttempt(context_, other, 3).ok());
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  const auto drop = context_.fs->Stat(Drop("x.tar.gz"));
  ASSERT_TRUE(drop.ok());
  const DropIdentity x = IdentifyDrop("x.tar.gz", *drop);
  EXPECT_EQ(*CountAttempts(context_, x), 0u);
  EXPECT_EQ(*CountAttempts(context_, other), 3u);
  ASSERT_TRUE(NoteAttempt(context_, x, 3).ok());
  EXPECT_EQ(*CountAttempts(context_, x), 3u);
  WriteFile(Work() + "/attempt", "damaged");
  EXPECT_EQ(*CountAttempts(context_, x), 0u);
  EXPECT_TRUE(Start().applied.has_value());
}

// The history is limited: it remembers only the newest entries.
TEST_F(FailingDropTest, HistoryForgetsTheOldestAndATornLine) {
  ASSERT_TRUE(Started() != nullptr);
  std::string text;
  DropEntry entry;
  entry.moved_to = "moved";
  for (int i = 0; i < 1005; ++i) {
    entry.drop.name = std::to_string(i) + ".tar.gz";
    text += EncodeDropEntry(entry) + "\n";
  }
  WriteFile(Work() + "/applied",
            text + EncodeDropEntry(entry).substr(0, 20));  // a torn line
  EXPECT_EQ(LoadDropHistory(context_)->size(), 1005u);
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  Start();
  const auto history = LoadDropHistory(context_);
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->size(), 1000u);
  EXPECT_EQ(history->front().drop.name, "6.tar.gz");
  EXPECT_EQ(history->back().drop.name, "x.tar.gz");
}

TEST_F(FailingDropTest, OfTwoOfTheSameTimeTheOneWithMoreEventsWins) {
  MakeArchive(Drop("less.tar.gz"), {{"a", "less"}}, CreatedAt(1));
  MakeArchive(Drop("more.tar.gz"), kNewEvents, CreatedAt(1));
  MakeArchive(Drop("zero.tar.gz"), {{"a", "zero"}}, CreatedAt(1));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value()) << outcome.refused;
  EXPECT_EQ(outcome.applied->archive_name, "more.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
  EXPECT_EQ(outcome.rejected.size(), 2u);
}

}  // namespace
}  // namespace levelkeep::test
