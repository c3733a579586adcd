// Several restores without a verified backup between them: each may have
// replaced writes that exist nowhere else.

#include "base/text.h"
#include "restore/apply.h"
#include "restore/restore_fixture.h"
#include "restore/swap.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class UndoTest : public RestoreFixture {
 protected:
  void SetUp() override {
    MakeLive({{"original", "1"}});
    restorer_ = Started();
  }

  // The archive holds the one entry {name, "1"}.
  Restorer::Staged Stage(const std::string& name) {
    const std::string path = temp_.Sub(name + ".tar.gz");
    if (!Exists(path)) MakeArchive(path, {{name, "1"}});
    auto staged = restorer_->Stage(path, {}, nullptr);
    EXPECT_TRUE(staged.ok()) << staged.status().ToString();
    return staged.ok() ? *staged : Restorer::Staged();
  }
  void Restore(const std::string& name) {
    const auto applied = restorer_->Apply(Stage(name), OpenAndClose);
    ASSERT_TRUE(applied.ok()) << applied.status().ToString();
    ASSERT_EQ(LiveEntry(), name);
  }
  // The name of the only entry in the live database.
  std::string LiveEntry() {
    const Entries entries = ReadDb(Live());
    return entries.size() == 1 ? entries.begin()->first : "";
  }
  // The live database after the undo.
  std::string Undo(UndoScope scope = UndoScope::kLast) {
    const auto undone = restorer_->Undo(OpenAndClose, scope);
    return undone.ok() ? LiveEntry() : undone.status().ToString();
  }
  std::string UndoAll() { return Undo(UndoScope::kAll); }
  std::string TakeBack() {
    const auto back = restorer_->TakeBack(OpenAndClose);
    EXPECT_EQ(back.ok() && back->undo_available, restorer_->UndoAvailable());
    return back.ok() ? LiveEntry() : back.status().ToString();
  }
  // The same program, started again.
  void Restart(FileSystem* fs = FileSystem::Posix()) {
    restorer_.reset();
    restorer_ = Started(fs);
  }
  size_t Kept() { return InWork("rollback-").size(); }

  std::unique_ptr<TestRestorer> restorer_;
  const RestoreContext context_ = {FileSystem::Posix(), &clock_, options_};
};

TEST_F(UndoTest, FirstAndLastReplacedDatabasesAreKept) {
  for (const char* name : {"one", "two", "three", "four", "five"}) {
    Restore(name);
    Restart();
  }
  EXPECT_EQ(Kept(), 3u);
  EXPECT_EQ(InWork("trash-").size(), 0u);
  const auto undo = LoadUndo(context_);
  ASSERT_TRUE(undo.ok());
  EXPECT_EQ(undo->archive, "five.tar.gz");
  ASSERT_EQ(undo->earlier.size(), 2u);
  EXPECT_EQ(ReadDb(context_.InWork(undo->directory)), Entries({{"four", "1"}}));
  EXPECT_EQ(ReadDb(context_.InWork(undo->earlier[0])),
            Entries({{"three", "1"}}));
  EXPECT_EQ(ReadDb(context_.InWork(undo->earlier[1])),
            Entries({{"original", "1"}}));
}

TEST_F(UndoTest, AKeptDatabaseThatLacksFilesIsRefusedBeforeAnythingIsClosed) {
  Restore("one");
  const auto undo = LoadUndo(context_);
  ASSERT_TRUE(undo.ok());
  const std::string kept = context_.InWork(undo->directory);
  ASSERT_TRUE(std::filesystem::remove(kept + "/CURRENT"));
  for (const UndoScope scope : {UndoScope::kLast, UndoScope::kAll}) {
    const Status previewed = restorer_->FindUndo(scope).status();
    EXPECT_EQ(previewed.ToString(),
              "corruption: the replaced database can't be put back: the "
              "database in " +
                  kept +
                  " lacks files that it needs: CURRENT (hint: nothing was "
                  "changed; restore a backup instead)");
    EXPECT_EQ(Undo(scope), previewed.ToString());
  }
  EXPECT_EQ(LiveEntry(), "one");
  EXPECT_EQ(Kept(), 1u);
}

TEST_F(UndoTest, AllRestoresAreUndoneAtOnceAndThatIsUndone) {
  Restore("one");
  Restore("two");
  Restore("three");
  EXPECT_EQ(UndoAll(), "original");
  EXPECT_EQ(Kept(), 1u) << "the database that was live before";
  EXPECT_EQ(
      UndoAll(),
      "not_found: all restores are undone already (hint: an undo of the last "
      "one repeats that restore)");
  Restart();
  EXPECT_EQ(Undo(), "three");
  EXPECT_EQ(UndoAll(), "original") << "an undone undo is a restore";
}

TEST_F(UndoTest, OneRestoreIsAllRestores) {
  Restore("one");
  EXPECT_EQ(UndoAll(), "original");
}

TEST_F(UndoTest, UndoOfTheLastKeepsTheFirst) {
  Restore("one");
  Restore("two");
  EXPECT_EQ(Undo(), "one");
  EXPECT_EQ(Undo(), "two");
  EXPECT_EQ(Undo(), "one");
  EXPECT_EQ(UndoAll(), "original");
}

TEST_F(UndoTest, UndoneDatabaseIsNotKeptForEver) {
  Restore("wrong");
  EXPECT_EQ(Undo(), "original");
  Restore("one");
  EXPECT_EQ(Kept(), 1u);
  Restore("two");
  EXPECT_EQ(Kept(), 2u);
  EXPECT_EQ(UndoAll(), "original");
}

TEST_F(UndoTest, TwiceUndoneRestoreIsARestore) {
  Restore("one");
  EXPECT_EQ(Undo(), "original");
  EXPECT_EQ(Undo(), "one");
  Restore("two");
  EXPECT_EQ(UndoAll(), "original") << "a restore had replaced it";
}

TEST_F(UndoTest, TakingBackLeavesTheUndoThatThereWas) {
  Restore("one");
  Restore("two");
  Restore("unusable");
  EXPECT_EQ(TakeBack(), "two");
  EXPECT_EQ(Kept(), 2u);
  Restart();
  EXPECT_EQ(Undo(), "one");
  EXPECT_EQ(Undo(), "two");
  EXPECT_EQ(UndoAll(), "original");
}

TEST_F(UndoTest, TakingBackTheOnlyRestoreLeavesNoUndo) {
  Restore("unusable");
  EXPECT_EQ(TakeBack(), "original");
  EXPECT_EQ(Kept(), 0u);
  EXPECT_FALSE(restorer_->UndoAvailable());
  EXPECT_FALSE(Exists(context_.InWork("undo")));
}

TEST_F(UndoTest, TakenBackThoughTheDiskCannotForgetIt) {
  FaultFileSystem disk(FileSystem::Posix());
  Restart(&disk);
  Restore("unusable");
  disk.FailOn("to " + context_.InWork("trash-"));
  EXPECT_EQ(TakeBack(), "original");
  EXPECT_TRUE(disk.fired());
  EXPECT_EQ(Undo(), "unusable") << "the undo stays, as after any undo";
  EXPECT_EQ(Undo(), "original");
  Restart();
  Restore("one");
  EXPECT_EQ(Kept(), 1u) << "the database that was taken back is gone";
}

// A crash may come between the undo record and the end of the journal.
TEST_F(UndoTest, RecordThatIsMadeAgainIsTheSame) {
  Restore("one");
  Restore("two");
  Restore("three");
  for (int undos = 0; undos < 3; ++undos) {
    const auto before = LoadUndo(context_);
    ASSERT_TRUE(before.ok());
    Journal journal;
    journal.outgoing = "rollback-next";
    journal.outcome.archive_name = "x.tar.gz";
    for (const std::string& incoming :
         {std::string("staging-1"), before->directory,
          before->earlier.back()}) {
      journal.kind =
          incoming == "staging-1" ? JournalKind::kRestore : JournalKind::kUndo;
      journal.incoming = incoming;
      const auto once = UndoAfter(context_, journal);
      ASSERT_TRUE(once.ok());
      ASSERT_TRUE(StoreUndo(context_, *once).ok());
      const auto twice = UndoAfter(context_, journal);
      ASSERT_TRUE(twice.ok());
      EXPECT_EQ(twice->directory, once->directory);
      EXPECT_EQ(twice->archive, once->archive);
      EXPECT_EQ(twice->live_sequence, once->live_sequence);
      EXPECT_EQ(twice->undone, once->undone) << incoming << " " << undos;
      EXPECT_EQ(twice->earlier, once->earlier) << incoming << " " << undos;
      ASSERT_TRUE(StoreUndo(context_, *before).ok());
    }
    EXPECT_EQ(Undo(), undos % 2 == 0 ? "two" : "three");
  }
}

TEST_F(UndoTest, TheyAreListedAndForgottenTogether) {
  EXPECT_TRUE(restorer_->ListKept()->empty());
  Restore("one");
  Restore("two");
  const auto kept = restorer_->ListKept();
  ASSERT_TRUE(kept.ok());
  ASSERT_EQ(kept->size(), 2u);
  EXPECT_EQ((*kept)[0].archive, "two.tar.gz");
  EXPECT_EQ((*kept)[0].replaced, clock_.Now());
  EXPECT_GT((*kept)[0].bytes, 0u);
  EXPECT_GT(LoadUndo(context_)->live_sequence, 0u);
  EXPECT_FALSE((*kept)[1].replaced.has_value());
  EXPECT_TRUE(Exists((*kept)[1].path));
  ASSERT_TRUE(restorer_->ForgetUndo().ok());
  EXPECT_EQ(Kept(), 0u);
  EXPECT_FALSE(restorer_->UndoAvailable());
}

TEST_F(UndoTest, FullDiskIsToldWhereTheSpaceIs) {
  Restore("one");
  Restore("two");
  restorer_.reset();
  options_.reserve_bytes = uint64_t{1} << 60;
  restorer_ = Started();
  const std::string path = temp_.Sub("one.tar.gz");
  const Status refused = restorer_->Stage(path, {}, nullptr).status();
  EXPECT_EQ(refused.code(), StatusCode::kNoSpace);
  EXPECT_EQ(refused.hint(),
            "free some space or lower BACKUP_RESERVE; the databases "
            "that earlier restores replaced take " +
                FormatBytes(KeptBytes(context_)) + " in " +
                context_.InWork("rollback-*") +
                ": levelkeep restore --forget-undo removes them for good");
}

// This never happens automatically: the earlier one is another database.
TEST_F(UndoTest, AnEarlierOneIsThereForALostOneIfItIsAskedFor) {
  Restore("one");
  Restore("two");
  const auto undo = LoadUndo(context_);
  ASSERT_TRUE(undo.ok());
  ASSERT_TRUE(
      RemoveTree(FileSystem::Posix(), context_.InWork(undo->directory)).ok());
  EXPECT_TRUE(restorer_->UndoAvailable());
  const Status refused = FindUndo(context_, UndoScope::kLast).status();
  EXPECT_EQ(refused.code(), StatusCode::kNotFound);
  EXPECT_NE(refused.message().find(context_.InWork(undo->directory)),
            std::string::npos);
  EXPECT_NE(refused.hint().find("--undo-all"), std::string::npos);
  EXPECT_EQ(UndoAll(), "original");
  EXPECT_EQ(Undo(), "two");
}

TEST_F(UndoTest, EarlierOnesThatLeadElsewhereDoNotCount) {
  FillDb(temp_.Sub("elsewhere"), {{"elsewhere", "1"}});
  Restore("one");
  auto undo = LoadUndo(context_);
  ASSERT_TRUE(undo.ok());
  undo->earlier = {"../../elsewhere", "staging-1", "", "rollback-gone",
                   std::string("rollback-\0", 10)};
  ASSERT_TRUE(StoreUndo(context_, *undo).ok());
  EXPECT_EQ(LoadUndo(context_)->earlier, std::vector<std::string>());
  EXPECT_EQ(UndoAll(), "original");
  EXPECT_EQ(ReadDb(temp_.Sub("elsewhere")), Entries({{"elsewhere", "1"}}));
}

}  // namespace
}  // namespace levelkeep::test
