// A disk that fails at one or two steps of a restore: the error for the caller,
// and the repair by the next start.

#include "restore/restore_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

constexpr uint64_t kAlways = FaultFileSystem::kAlways;

class FailingDiskTest : public RestoreFixture {
 protected:
  FailingDiskTest() {
    MakeLive(kOld);
    archive_ = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
    restorer_ = Started(&disk_);
  }

  Restorer::Staged Stage() {
    auto staged = restorer_->Stage(archive_, {}, nullptr);
    EXPECT_TRUE(staged.ok()) << staged.status().ToString();
    return staged.ok() ? *staged : Restorer::Staged();
  }
  // The process ends and starts again with a working disk.
  RecoveryOutcome NextStart() {
    restorer_.reset();
    disk_.Reset();
    restorer_ = NewRestorer(&disk_);
    EXPECT_TRUE(restorer_->Prepare().ok());
    const auto outcome = restorer_->Recover();
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_FALSE(Exists(Journal()));
    EXPECT_EQ(InWork("staging-").size() + InWork("trash-").size(), 0u);
    return outcome.ok() ? *outcome : RecoveryOutcome();
  }
  std::string Journal() const { return Work() + "/journal"; }
  // A host that opens the database while the disk begins to fail.
  OpenCheck OpensAndThen(const std::string& operation) {
    return [this, operation](const std::string& dir) {
      disk_.FailOn(operation, StatusCode::kIoError, 1, kAlways);
      return OpenAndClose(dir);
    };
  }
  OpenCheck FailsAndThen(const std::string& operation) {
    return [this, operation](const std::string&) {
      disk_.FailOn(operation, StatusCode::kIoError, 1, kAlways);
      return Status(StatusCode::kCorruption, "my host says no");
    };
  }
  static void ExpectText(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  FaultFileSystem disk_{FileSystem::Posix(), FaultFileSystem::Count::kAll};
  std::string archive_;
  std::unique_ptr<TestRestorer> restorer_;
};

TEST_F(FailingDiskTest, ExchangeThatFailsLeavesTheOldDatabaseAndNoTrace) {
  const auto staged = Stage();
  disk_.FailOn("Exchange ");
  const Status failed = restorer_->Apply(staged, OpenAndClose).status();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  EXPECT_EQ(failed.hint(), "") << "nothing is left to be done";
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_EQ(InWork(""), std::vector<std::string>({"instance.lock"}));
  EXPECT_FALSE(NextStart().undone_restore);
}

TEST_F(FailingDiskTest, ExchangeThatCanNotBeTakenBackIsTakenBackByTheStart) {
  const auto staged = Stage();
  // The rename succeeds, but its sync fails, in both directions.
  disk_.FailOn("SyncDirectory " + options_.storage_dir + "\n",
               StatusCode::kIoError, 1, kAlways);
  const Status failed = restorer_->Apply(staged, OpenAndClose).status();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  ExpectText(failed.hint(), "the next start");
  EXPECT_TRUE(Exists(Journal()));
  restorer_->Discard(staged);
  const RecoveryOutcome outcome = NextStart();
  EXPECT_TRUE(outcome.undone_restore);
  ExpectText(outcome.undone_reason, "injected fault");
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, DatabaseThatDoesNotOpenStaysUntilItCanBeTakenBack) {
  const Status failed =
      restorer_->Apply(Stage(), FailsAndThen("Exchange ")).status();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  ExpectText(failed.message(), "injected fault, after: my host says no");
  ExpectText(failed.hint(), "the next start");
  const RecoveryOutcome outcome = NextStart();
  EXPECT_TRUE(outcome.undone_restore);
  EXPECT_EQ(outcome.undone_reason, "my host says no");
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, StartThatCanNotTakeItBackSaysSoAndKeepsTheJournal) {
  ASSERT_TRUE(restorer_->Apply(Stage(), OpensAndThen("to " + Journal())).ok());
  ASSERT_TRUE(Exists(Journal())) << "the journal awaits the open check";
  disk_.Reset();
  // The start's open check fails, and the restore can't be taken back either.
  const auto recovered = restorer_->Recover(FailsAndThen("Exchange "));
  EXPECT_EQ(recovered.status().code(), StatusCode::kIoError);
  ExpectText(recovered.status().message(), "my host says no");
  EXPECT_TRUE(Exists(Journal()));
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_EQ(NextStart().undone_reason, "my host says no");
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, RestoreThatCanNotBeTidiedUpHasHappenedAllTheSame) {
  for (const std::string& operation :
       {"to " + Journal(), "to " + Work() + "/undo",
        "List " + Work() + "/rollback-", "RemoveFile " + Journal()}) {
    SCOPED_TRACE(operation);
    const auto restored = restorer_->Apply(Stage(), OpensAndThen(operation));
    ASSERT_TRUE(restored.ok()) << restored.status().ToString();
    EXPECT_EQ(restored->last_sequence, 2u);
    EXPECT_EQ(ReadDb(Live()), kNew);
    FillDb(Live(), {{"later", "event"}});
    const RecoveryOutcome outcome = NextStart();
    EXPECT_TRUE(outcome.finished_restore);
    EXPECT_TRUE(restorer_->UndoAvailable());
    EXPECT_EQ(ReadDb(Live()).count("later"), 1u);
    ASSERT_TRUE(restorer_->Undo(OpenAndClose).ok());
    EXPECT_EQ(ReadDb(Live()), kOld);
    ASSERT_TRUE(restorer_->ForgetUndo().ok());
  }
}

TEST_F(FailingDiskTest, DatabaseThatCanNotBeLookedAtIsNotExchanged) {
  const auto staged = Stage();
  for (const std::string& path :
       {Live(), staged.directory, Work() + "/rollback-" + staged.id}) {
    SCOPED_TRACE(path);
    disk_.FailOn("Stat " + path);
    const Status failed = restorer_->Apply(staged, OpenAndClose).status();
    EXPECT_EQ(failed.code(), StatusCode::kIoError);
    EXPECT_FALSE(Exists(Journal()));
  }
  EXPECT_EQ(ReadDb(Live()), kOld);
  ASSERT_TRUE(restorer_->Apply(staged, OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(FailingDiskTest, FileThatTookTheDatabasesPlaceIsNotReplaced) {
  const auto staged = Stage();
  ASSERT_TRUE(RemoveTree(FileSystem::Posix(), Live()).ok());
  WriteFile(Live(), "mine");
  const Status failed = restorer_->Apply(staged, OpenAndClose).status();
  EXPECT_EQ(failed.code(), StatusCode::kRefused);
  EXPECT_EQ(failed.message(), Live() + " is not a directory");
  ExpectText(failed.hint(), "move it away");
  EXPECT_EQ(ReadFile(Live()), "mine");
  EXPECT_FALSE(Exists(Journal()));
}

TEST_F(FailingDiskTest, StagingThatCanNotBeRemovedIsSweptByTheNextStart) {
  const auto staged = Stage();
  disk_.FailOn("Rename " + staged.directory);
  restorer_->Discard(staged);
  EXPECT_TRUE(disk_.fired());
  EXPECT_TRUE(Exists(staged.directory));
  EXPECT_EQ(NextStart().swept, std::vector<std::string>{staged.directory});
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, StagingThatCanNotBeMadeDurableLeavesNothing) {
  const std::vector<std::string> before = InWork("");
  uint64_t failures = 0;
  for (const char* operation : {"SyncDirectory ", "SetMode "}) {
    bool more = true;
    for (uint64_t nth = 1; more; ++nth) {
      disk_.FailOn(operation, StatusCode::kIoError, nth);
      const auto staged = restorer_->Stage(archive_, {}, nullptr);
      more = disk_.fired();
      EXPECT_NE(staged.ok(), more) << disk_.last_operation();
      failures += more ? 1 : 0;
      SCOPED_TRACE(disk_.last_operation());
      disk_.Reset();
      if (staged.ok()) restorer_->Discard(*staged);
      EXPECT_EQ(InWork(""), before);
    }
  }
  EXPECT_GE(failures, 3u);
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, ExtractionThatCanNotBeNamedLeavesNothing) {
  const auto before = FileSystem::Posix()->List(temp_.path());
  disk_.FailOn("to " + temp_.Sub("target"));
  const Status failed =
      restorer_->ExtractTo(archive_, temp_.Sub("target"), {}, nullptr).status();
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  EXPECT_EQ(*FileSystem::Posix()->List(temp_.path()), *before);
}

TEST_F(FailingDiskTest, WhereNamesCanNotBeExchangedTwoRenamesDoIt) {
  disk_.set_exchange_supported(false);
  ASSERT_TRUE(restorer_->Apply(Stage(), OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kNew);
  ASSERT_TRUE(restorer_->Undo(OpenAndClose).ok());
  EXPECT_EQ(ReadDb(Live()), kOld);
  // A restored database that does not open is taken back in the same way.
  const Status refused =
      restorer_->Apply(Stage(), FailsAndThen("nothing")).status();
  EXPECT_EQ(refused.message(), "my host says no");
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_EQ(InWork("staging-").size(), 0u);
}

TEST_F(FailingDiskTest, HostThatOpensNothingItselfIsRestoredToo) {
  ASSERT_TRUE(restorer_->Apply(Stage(), nullptr).ok());
  EXPECT_EQ(ReadDb(Live()), kNew);
  ASSERT_TRUE(restorer_->Undo(nullptr).ok());
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(FailingDiskTest, InterruptedUndoNeedsNoCheckToBeFinished) {
  ASSERT_TRUE(restorer_->Apply(Stage(), OpenAndClose).ok());
  ASSERT_TRUE(restorer_->Undo(OpensAndThen("to " + Journal())).ok());
  ASSERT_TRUE(Exists(Journal()));
  options_.store_checker = [](const std::string&, const std::string&,
                              std::stop_token) -> Result<StoreCheck> {
    return Status(StatusCode::kCorruption, "what was in use is not scanned");
  };
  EXPECT_TRUE(NextStart().finished_restore);
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(restorer_->UndoAvailable()) << "the undo can be undone itself";
}

TEST_F(FailingDiskTest, RecordsThatCanNotBeReadStopTheStart) {
  // A pending restore, a rollback, and what a crash left in the database.
  ASSERT_TRUE(restorer_->Apply(Stage(), OpenAndClose).ok());
  ASSERT_TRUE(restorer_->Apply(Stage(), OpensAndThen("to " + Journal())).ok());
  ASSERT_TRUE(Exists(Journal()));
  disk_.Reset();
  const std::string half =
      Live() + "/.levelkeep-" + std::string(32, '0') + ".tmp";
  WriteFile(half, "half a BACKUP_ID");
  const std::vector<std::string> rollbacks = InWork("rollback-");
  ASSERT_FALSE(rollbacks.empty());
  disk_.FailOn("Open " + Journal());
  EXPECT_EQ(restorer_->Recover().status().code(), StatusCode::kIoError);
  EXPECT_TRUE(Exists(Journal()));
  EXPECT_EQ(InWork("rollback-"), rollbacks);
  ASSERT_TRUE(restorer_->Recover().ok());
  WriteFile(half, "half a BACKUP_ID");
  for (const std::string& operation :
       {"List " + Live(), "RemoveFile " + half, "List " + Work() + "\n",
        "Open " + Work() + "/undo", "List " + options_.restore_dir}) {
    SCOPED_TRACE(operation);
    const std::vector<std::string> before = InWork("rollback-");
    disk_.FailOn(operation);
    EXPECT_EQ(restorer_->Recover().status().code(), StatusCode::kIoError);
    EXPECT_EQ(InWork("rollback-"), before);
    EXPECT_EQ(ReadDb(Live()), kNew);
  }
  NextStart();
  EXPECT_FALSE(Exists(half));
  EXPECT_TRUE(restorer_->UndoAvailable());
}

TEST_F(FailingDiskTest, WorkFolderIsNobodyElsesBusiness) {
  ASSERT_TRUE(FileSystem::Posix()->SetMode(Work(), 0755).ok());
  NextStart();
  EXPECT_EQ(FileSystem::Posix()->Stat(Work())->mode, 0700u);
}

TEST_F(FailingDiskTest, LayoutThatCanNotBeMadeIsAnError) {
  restorer_.reset();
  for (const std::string& operation :
       {"Stat " + Live(), "Stat " + Work(),
        "CreateDirectory " + options_.restore_dir + "/applied"}) {
    SCOPED_TRACE(operation);
    ASSERT_TRUE(RemoveTree(FileSystem::Posix(), options_.restore_dir).ok());
    // Always, because layout looks at the work folder, too, and goes on.
    disk_.FailOn(operation, StatusCode::kIoError, 1, kAlways);
    EXPECT_EQ(NewRestorer(&disk_)->Prepare().code(), StatusCode::kIoError);
    disk_.Reset();
  }
  EXPECT_TRUE(NewRestorer(&disk_)->Prepare().ok());
}

}  // namespace
}  // namespace levelkeep::test
