// restore/: which archives are applied, moved, or left alone.

#include <filesystem>

#include "restore/apply.h"
#include "restore/drop_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

using DropFolderTest = DropFolderFixture;

TEST_F(DropFolderTest, EmptyFolderCostsNoTime) {
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(clock_.sleeps(), 0);
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropFolderTest, ArchiveIsAppliedAndMovedToApplied) {
  MakeArchive(Drop("anything.tar.gz"), kNewEvents);
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "anything.tar.gz");
  EXPECT_TRUE(outcome.applied->undo_available);
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
  EXPECT_FALSE(Exists(Drop("anything.tar.gz")));
  EXPECT_TRUE(Exists(Drop("applied/anything.tar.gz")));
  const std::string note =
      ReadFile(Drop("applied/anything.tar.gz.applied.txt"));
  EXPECT_NE(note.find("anything.tar.gz was restored"), std::string::npos);
  EXPECT_NE(note.find(outcome.applied->archive_sha256), std::string::npos);
}

TEST_F(DropFolderTest, ForeignArchiveIsAppliedWithoutAManifest) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNewEvents);
  WriteForeignArchive(db, Drop("from-tar.tar.gz"));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value()) << outcome.refused;
  EXPECT_FALSE(outcome.applied->own);
  EXPECT_EQ(outcome.applied->manifest, nullptr);
  EXPECT_EQ(outcome.applied->last_sequence, 2u);
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropFolderTest, DamagedArchiveIsRejectedWithAReason) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  std::string bytes = ReadFile(Drop("x.tar.gz"));
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  WriteFile(Drop("x.tar.gz"), bytes);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_EQ(ReadFile(Drop("rejected/x.tar.gz")), bytes);
  const std::string reason = ReadFile(Drop("rejected/x.tar.gz.reason.txt"));
  EXPECT_NE(reason.find("\nwhy: " + ReasonFor(outcome, "x.tar.gz") + "\n"),
            std::string::npos)
      << reason;
  EXPECT_NE(reason.find("\nwhat to do: the archive is damaged: "),
            std::string::npos)
      << reason;
  EXPECT_EQ(InWork("staging-").size(), 0u);
}

TEST_F(DropFolderTest, FileThatIsNoArchiveIsRejected) {
  WriteFile(Drop("x.tar.gz"), "this is not gzip");
  const DropOutcome outcome = Start();
  ASSERT_EQ(outcome.rejected.size(), 1u);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropFolderTest, ManifestThatNamesAnotherSequenceIsRejected) {
  ArchiveSpec spec;
  spec.last_sequence = 7;
  MakeArchive(Drop("x.tar.gz"), kNewEvents, spec);
  const DropOutcome outcome = Start();
  EXPECT_EQ(ReasonFor(outcome, "x.tar.gz"),
            "the database ends at write number 2, but its manifest says 7");
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

// The archive is sound, and another application can use it.
TEST_F(DropFolderTest, OtherComparatorStays) {
  ArchiveSpec spec;
  spec.comparator = "my.Comparator";
  MakeArchive(Drop("x.tar.gz"), kNewEvents, spec);
  const DropOutcome outcome = Start();
  EXPECT_TRUE(outcome.rejected.empty());
  EXPECT_NE(outcome.refused.find("comparator"), std::string::npos);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropFolderTest, OneThatCouldNotBeCheckedStays) {
  for (const StatusCode code :
       {StatusCode::kNotChecked, StatusCode::kUnsupported}) {
    MakeArchive(Drop("x.tar.gz"), kNewEvents);
    options_.store_checker = [code](const std::string&, const std::string&,
                                    std::stop_token) -> Result<StoreCheck> {
      return Status(code, "no memory to be had");
    };
    // The drop stays, any number of times: a failed attempt is no crash.
    for (int start = 0; start < 5; ++start) {
      const DropOutcome outcome = Start();
      EXPECT_TRUE(outcome.rejected.empty());
      EXPECT_NE(outcome.refused.find("no memory to be had"), std::string::npos);
      EXPECT_TRUE(Exists(Drop("x.tar.gz")));
      EXPECT_EQ(ReadDb(Live()), kOldEvents);
    }
    options_.store_checker = CheapCheck;
    EXPECT_TRUE(Start().applied.has_value());
    EXPECT_EQ(ReadDb(Live()), kNewEvents);
    std::filesystem::remove_all(Live());
    FillDb(Live(), kOldEvents);
  }
}

TEST_F(DropFolderTest, DatabaseThatTheHostCannotOpenIsRejected) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(
      [](const std::string&) {
        return Status(StatusCode::kCorruption, "my host says no");
      },
      {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(ReasonFor(*outcome, "x.tar.gz"), "my host says no");
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_FALSE(restorer->UndoAvailable());
}

TEST_F(DropFolderTest, FailureOfTheHostDoesNotBlameTheArchive) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(
      [](const std::string&) {
        return Status(StatusCode::kIoError, "the disk says no");
      },
      {});
  EXPECT_EQ(outcome.status().code(), StatusCode::kIoError);
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(InWork("attempt").size(), 0u) << "the attempt did not crash";
}

// --- choosing one of several ---

TEST_F(DropFolderTest, NewestOfSeveralIsAppliedAndTheOthersAreKept) {
  MakeArchive(Drop("b.tar.gz"), kNewEvents, CreatedAt(3));
  MakeArchive(Drop("a.tar.gz"), {{"x", "older"}}, CreatedAt(1));
  MakeArchive(Drop("c.tar.gz"), {{"y", "older"}}, CreatedAt(2));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "b.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
  EXPECT_EQ(outcome.rejected.size(), 2u);
  EXPECT_NE(ReasonFor(outcome, "a.tar.gz").find("b.tar.gz was applied"),
            std::string::npos);
  EXPECT_TRUE(Exists(Drop("rejected/a.tar.gz")));
  EXPECT_TRUE(Exists(Drop("rejected/c.tar.gz.reason.txt")));
}

TEST_F(DropFolderTest, NewestOfOneHistoryIsTheOneThatHoldsMore) {
  ArchiveSpec first = CreatedAt(3), second = CreatedAt(1);
  first.epoch = second.epoch = std::string(32, 'e');
  MakeArchive(Drop("b.tar.gz"), {{"x", "less"}}, first);
  MakeArchive(Drop("a.tar.gz"), kNewEvents, second);  // the clock was set back
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "a.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropFolderTest, BackupThatKnewOfALaterOneIsNewer) {
  ArchiveSpec behind = CreatedAt(1);
  behind.order_time = AtHour(3) + std::chrono::milliseconds(1);
  MakeArchive(Drop("b.tar.gz"), {{"x", "older"}}, CreatedAt(3));
  MakeArchive(Drop("a.tar.gz"), kNewEvents, behind);
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "a.tar.gz");
}

TEST_F(DropFolderTest, DamagedNewestIsRejectedAndTheNextOneApplied) {
  ArchiveSpec wrong = CreatedAt(9);
  wrong.last_sequence = 1000;
  MakeArchive(Drop("newest.tar.gz"), {{"z", "z"}}, wrong);
  MakeArchive(Drop("older.tar.gz"), kNewEvents, CreatedAt(1));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "older.tar.gz");
  EXPECT_EQ(outcome.rejected.size(), 1u);
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropFolderTest, SeveralThatCannotBeOrderedAreLeftThere) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNewEvents);
  WriteForeignArchive(db, Drop("foreign.tar.gz"));
  MakeArchive(Drop("own.tar.gz"), kNewEvents);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_NE(outcome.refused.find("foreign.tar.gz, own.tar.gz"),
            std::string::npos)
      << outcome.refused;
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_TRUE(Exists(Drop("foreign.tar.gz")));
  EXPECT_TRUE(Exists(Drop("own.tar.gz")));
}

TEST_F(DropFolderTest, ArchivesOfTwoDatabasesAreLeftThere) {
  MakeArchive(Drop("one.tar.gz"), kNewEvents);
  ArchiveSpec other;
  other.db_name = "another_db";
  MakeArchive(Drop("two.tar.gz"), kNewEvents, other);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_FALSE(outcome.refused.empty());
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropFolderTest, ArchiveAskedForLastWinsOverNewerOnes) {
  const std::string older =
      MakeArchive(temp_.Sub("older.tar.gz"), kNewEvents, CreatedAt(1));
  const std::string newer =
      MakeArchive(temp_.Sub("newer.tar.gz"), {{"n", "n"}}, CreatedAt(5));
  {
    auto restorer = Started();
    ASSERT_TRUE(restorer->StageForRestart(newer).ok());
    ASSERT_TRUE(restorer->StageForRestart(older).ok());
    EXPECT_EQ(ReadDb(Live()), kOldEvents);
  }
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "older.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropFolderTest, SecondStagedCopyReplacesTheFirst) {
  const std::string first = MakeArchive(temp_.Sub("x.tar.gz"), {{"n", "n"}});
  const std::string second = MakeArchive(temp_.Sub("y.tar.gz"), kNewEvents);
  auto restorer = Started();
  ASSERT_TRUE(restorer->StageForRestart(first).ok());
  ASSERT_TRUE(restorer->StageForRestart(first).ok());
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_FALSE(Exists(Drop("x-2.tar.gz")));
  ASSERT_TRUE(restorer->StageForRestart(second).ok());
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
  const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->applied->archive_name, "y.tar.gz");
  EXPECT_TRUE(outcome->rejected.empty());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

// A person replaced the staged copy: the new file is not a staged copy.
TEST_F(DropFolderTest, StagedCopyThatWasReplacedStays) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  auto restorer = Started();
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  WriteFile(Drop("x.tar.gz"), "somebody's");
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  EXPECT_EQ(ReadFile(Drop("x.tar.gz")), "somebody's");
  EXPECT_EQ(ReadFile(Drop("x-2.tar.gz")), ReadFile(archive));
}

TEST_F(DropFolderTest, StagingRefusesWithoutSpaceAndLeavesNothing) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  FaultFileSystem fs(FileSystem::Posix());
  auto restorer = Started(&fs);
  fs.set_free_space(1000);
  const Status staged = restorer->StageForRestart(archive);
  EXPECT_EQ(staged.code(), StatusCode::kNoSpace);
  EXPECT_NE(staged.message().find("must stay free"), std::string::npos);
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
}

TEST_F(DropFolderTest, TarGzAndTgzInAnyCaseAreArchives) {
  for (const char* name : {"x.tgz", "X.TAR.GZ", "x.Tgz"}) {
    MakeArchive(Drop(name), kNewEvents);
    const DropOutcome outcome = Start();
    ASSERT_TRUE(outcome.applied.has_value()) << name;
    EXPECT_EQ(ReadDb(Live()), kNewEvents);
    EXPECT_TRUE(Exists(Drop(std::string("applied/") + name)));
    std::filesystem::remove_all(Live());
    FillDb(Live(), kOldEvents);
  }
}

TEST_F(DropFolderTest, WhatIsNoArchiveIsLeftAlone) {
  WriteFile(Drop("README.md"), "drop a backup here");
  WriteFile(Drop("x.zip"), "zip");
  WriteFile(Drop("x.tar"), "tar");
  WriteFile(Drop(".tgz"), "no stem");
  WriteFile(Drop(".hidden.tar.gz"), "hidden");
  WriteFile(Drop("x.tar.gz.part"), "upload");
  WriteFile(Drop("x.tar.gz.sha256"), "digest");
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(Drop("dir.tar.gz")).ok());
  ASSERT_EQ(Shell("ln -s /etc/passwd '" + Drop("link.tar.gz") + "'"), 0);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(outcome.others,
            std::vector<std::string>(
                {"README.md", "x.tar", "x.tar.gz.sha256", "x.zip"}));
  ASSERT_EQ(outcome.left.size(), 2u) << outcome.refused;
  EXPECT_NE(outcome.left[0].why.reason.find("a folder"), std::string::npos);
  EXPECT_NE(outcome.left[1].why.reason.find("a symbolic link"),
            std::string::npos);
  EXPECT_NE(outcome.left[1].why.hint.find("cp --remove-destination"),
            std::string::npos);
  EXPECT_TRUE(outcome.rejected.empty());
  EXPECT_EQ(clock_.sleeps(), 0);
  EXPECT_TRUE(Exists(Drop("x.zip")));
}

// --- still being copied ---

TEST_F(DropFolderTest, GrowingFileIsWaitedFor) {
  const std::string whole =
      ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents));
  WriteFile(Drop("x.tar.gz"), whole.substr(0, 100));
  clock_.on_sleep = [&](int count) {
    if (count <= 3) {
      WriteFile(
          Drop("x.tar.gz"),
          whole.substr(0, count == 3 ? whole.size()
                                     : 100 * static_cast<size_t>(count + 1)));
    }
  };
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value()) << outcome.refused;
  EXPECT_EQ(clock_.sleeps(), 4);
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropFolderTest, FileThatKeepsGrowingIsLeftForTheNextStart) {
  const std::string whole =
      ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents));
  WriteFile(Drop("x.tar.gz"), "start");
  clock_.on_sleep = [&](int count) {
    WriteFile(Drop("x.tar.gz"), std::string(static_cast<size_t>(count), 'x'));
  };
  DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_TRUE(outcome.rejected.empty());
  EXPECT_NE(outcome.refused.find("x.tar.gz"), std::string::npos);
  EXPECT_LE(clock_.sleeps(), 31) << "60 s in steps of 2 s";
  clock_.on_sleep = nullptr;
  WriteFile(Drop("x.tar.gz"), whole);
  outcome = Start();
  EXPECT_TRUE(outcome.applied.has_value());
}

TEST_F(DropFolderTest, StopWhileWaitingIsHeeded) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  std::stop_source stop;
  clock_.on_sleep = [&](int) { stop.request_stop(); };
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(OpenAndClose, stop.get_token());
  EXPECT_EQ(outcome.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
}

// A file that belongs to another user.
class Unreadable : public FaultFileSystem {
 public:
  explicit Unreadable(std::string path)
      : FaultFileSystem(FileSystem::Posix()), path_(std::move(path)) {}
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    if (path == path_) {
      return Status(StatusCode::kPermissionDenied, path + ": not yours");
    }
    return FaultFileSystem::Open(path, mode);
  }

 private:
  const std::string path_;
};

TEST_F(DropFolderTest, UnreadableArchiveHoldsTheOthersUp) {
  MakeArchive(Drop("a.tar.gz"), kNewEvents);
  MakeArchive(Drop("b.tar.gz"), kNewEvents);
  Unreadable fs(Drop("b.tar.gz"));
  const DropOutcome outcome = Start(&fs);
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_NE(outcome.refused.find("not yours"), std::string::npos);
  EXPECT_TRUE(Exists(Drop("a.tar.gz")));
  EXPECT_TRUE(Exists(Drop("b.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropFolderTest, NamesWithStrangeBytesAreHandled) {
  const std::string name = "caf\xe9 \"x\" %41\n.tar.gz";
  MakeArchive(Drop(name), kNewEvents);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_TRUE(Exists(Drop("applied/" + name)));
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

}  // namespace
}  // namespace levelkeep::test
