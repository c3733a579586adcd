// restore/: what is applied, what is moved where, what is left alone.

#include "restore/drop_folder.h"

#include "restore/drop_history.h"
#include "restore/restore_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

using ::testing::Test;

const Entries kOld = {{"a", "old"}};
const Entries kNew = {{"a", "new"}, {"b", "new"}};

Time AtHour(int hour) { return Time(std::chrono::hours(480'000 + hour)); }

class DropFolderTest : public RestoreFixture {
 protected:
  DropFolderTest() { MakeLive(kOld); }

  // One start of the application.
  DropOutcome Start(FileSystem* fs = FileSystem::Posix()) {
    auto restorer = Started(fs);
    const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    return outcome.ok() ? *outcome : DropOutcome();
  }
  std::string ReasonFor(const DropOutcome& outcome, const std::string& name) {
    for (const auto& rejection : outcome.rejected) {
      if (rejection.name == name) return rejection.reason;
    }
    return "(not rejected)";
  }
  ArchiveSpec CreatedAt(int hour) {
    ArchiveSpec spec;
    spec.created = AtHour(hour);
    return spec;
  }
};

TEST_F(DropFolderTest, EmptyFolderCostsNoTime) {
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(clock_.sleeps(), 0);
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, ArchiveIsAppliedAndMovedToApplied) {
  MakeArchive(Drop("anything.tar.gz"), kNew);
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "anything.tar.gz");
  EXPECT_TRUE(outcome.applied->undo_available);
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_FALSE(Exists(Drop("anything.tar.gz")));
  EXPECT_TRUE(Exists(Drop("applied/anything.tar.gz")));
  const std::string note =
      ReadFile(Drop("applied/anything.tar.gz.applied.txt"));
  EXPECT_NE(note.find("anything.tar.gz was restored"), std::string::npos);
  EXPECT_NE(note.find(outcome.applied->archive_sha256), std::string::npos);
}

TEST_F(DropFolderTest, ForeignArchiveIsAppliedWithoutAManifest) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNew);
  WriteForeignArchive(db, Drop("from-tar.tar.gz"));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value()) << outcome.refused;
  EXPECT_FALSE(outcome.applied->own);
  EXPECT_FALSE(outcome.applied->manifest.has_value());
  EXPECT_EQ(outcome.applied->last_sequence, 2u);
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, DamagedArchiveIsRejectedWithAReason) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  std::string bytes = ReadFile(Drop("x.tar.gz"));
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  WriteFile(Drop("x.tar.gz"), bytes);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_EQ(ReadFile(Drop("rejected/x.tar.gz")), bytes);
  const std::string reason = ReadFile(Drop("rejected/x.tar.gz.reason.txt"));
  EXPECT_NE(reason.find(ReasonFor(outcome, "x.tar.gz")), std::string::npos);
  EXPECT_EQ(InWork("staging-").size(), 0u);
}

TEST_F(DropFolderTest, FileThatIsNoArchiveIsRejected) {
  WriteFile(Drop("x.tar.gz"), "this is not gzip");
  const DropOutcome outcome = Start();
  ASSERT_EQ(outcome.rejected.size(), 1u);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, ManifestThatNamesAnotherSequenceIsRejected) {
  ArchiveSpec spec;
  spec.last_sequence = 7;
  MakeArchive(Drop("x.tar.gz"), kNew, spec);
  const DropOutcome outcome = Start();
  EXPECT_EQ(ReasonFor(outcome, "x.tar.gz"),
            "the database ends at sequence number 2, its manifest says 7");
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, OtherComparatorIsRejected) {
  ArchiveSpec spec;
  spec.comparator = "my.Comparator";
  MakeArchive(Drop("x.tar.gz"), kNew, spec);
  const DropOutcome outcome = Start();
  EXPECT_NE(ReasonFor(outcome, "x.tar.gz").find("comparator"),
            std::string::npos);
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, DatabaseThatTheHostCannotOpenIsRejected) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(
      [](const std::string&) {
        return Status(StatusCode::kCorruption, "my host says no");
      },
      {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(ReasonFor(*outcome, "x.tar.gz"), "my host says no");
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_FALSE(restorer->UndoAvailable());
}

TEST_F(DropFolderTest, FailureOfTheHostDoesNotBlameTheArchive) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(
      [](const std::string&) {
        return Status(StatusCode::kIoError, "the disk says no");
      },
      {});
  EXPECT_EQ(outcome.status().code(), StatusCode::kIoError);
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(InWork("attempt").size(), 0u) << "it was not a crash";
}

// --- which one ---

TEST_F(DropFolderTest, NewestOfSeveralIsAppliedAndTheOthersAreKept) {
  MakeArchive(Drop("b.tar.gz"), kNew, CreatedAt(3));
  MakeArchive(Drop("a.tar.gz"), {{"x", "older"}}, CreatedAt(1));
  MakeArchive(Drop("c.tar.gz"), {{"y", "older"}}, CreatedAt(2));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "b.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_EQ(outcome.rejected.size(), 2u);
  EXPECT_NE(ReasonFor(outcome, "a.tar.gz").find("b.tar.gz was applied"),
            std::string::npos);
  EXPECT_TRUE(Exists(Drop("rejected/a.tar.gz")));
  EXPECT_TRUE(Exists(Drop("rejected/c.tar.gz.reason.txt")));
}

TEST_F(DropFolderTest, DamagedNewestIsRejectedAndTheNextOneApplied) {
  ArchiveSpec wrong = CreatedAt(9);
  wrong.last_sequence = 1000;
  MakeArchive(Drop("newest.tar.gz"), {{"z", "z"}}, wrong);
  MakeArchive(Drop("older.tar.gz"), kNew, CreatedAt(1));
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "older.tar.gz");
  EXPECT_EQ(outcome.rejected.size(), 1u);
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, SeveralThatCannotBeOrderedAreLeftThere) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNew);
  WriteForeignArchive(db, Drop("foreign.tar.gz"));
  MakeArchive(Drop("own.tar.gz"), kNew);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_NE(outcome.refused.find("foreign.tar.gz, own.tar.gz"),
            std::string::npos)
      << outcome.refused;
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(Exists(Drop("foreign.tar.gz")));
  EXPECT_TRUE(Exists(Drop("own.tar.gz")));
}

TEST_F(DropFolderTest, ArchivesOfTwoDatabasesAreLeftThere) {
  MakeArchive(Drop("one.tar.gz"), kNew);
  ArchiveSpec other;
  other.db_name = "another_db";
  MakeArchive(Drop("two.tar.gz"), kNew, other);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_FALSE(outcome.refused.empty());
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, ArchiveAskedForLastWinsOverNewerOnes) {
  const std::string older =
      MakeArchive(temp_.Sub("older.tar.gz"), kNew, CreatedAt(1));
  const std::string newer =
      MakeArchive(temp_.Sub("newer.tar.gz"), {{"n", "n"}}, CreatedAt(5));
  {
    auto restorer = Started();
    ASSERT_TRUE(restorer->StageForRestart(newer).ok());
    ASSERT_TRUE(restorer->StageForRestart(older).ok());
    EXPECT_EQ(ReadDb(Live()), kOld);
  }
  const DropOutcome outcome = Start();
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(outcome.applied->archive_name, "older.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, StagingTheSameBackupTwiceReplacesNothing) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  auto restorer = Started();
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  ASSERT_TRUE(restorer->StageForRestart(archive).ok());
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_TRUE(Exists(Drop("x-2.tar.gz")));
  const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->applied->archive_name, "x-2.tar.gz");
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, StagingRefusesWithoutSpaceAndLeavesNothing) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  FaultFileSystem fs(FileSystem::Posix());
  auto restorer = Started(&fs);
  fs.set_free_space(1000);
  const Status staged = restorer->StageForRestart(archive);
  EXPECT_EQ(staged.code(), StatusCode::kNoSpace);
  EXPECT_NE(staged.message().find("must stay free"), std::string::npos);
  EXPECT_FALSE(Exists(Drop("x.tar.gz")));
}

TEST_F(DropFolderTest, OnlyTarGzFilesCount) {
  WriteFile(Drop("README.md"), "drop a backup here");
  WriteFile(Drop("x.zip"), "zip");
  WriteFile(Drop("x.tar"), "tar");
  WriteFile(Drop("x.tgz"), "tgz");
  WriteFile(Drop(".hidden.tar.gz"), "hidden");
  WriteFile(Drop("x.tar.gz.part"), "upload");
  WriteFile(Drop("x.tar.gz.sha256"), "digest");
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(Drop("dir.tar.gz")).ok());
  ASSERT_EQ(Shell("ln -s /etc/passwd '" + Drop("link.tar.gz") + "'"), 0);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(outcome.ignored,
            std::vector<std::string>(
                {"dir.tar.gz", "link.tar.gz", "x.tar", "x.tgz", "x.zip"}));
  EXPECT_TRUE(outcome.rejected.empty());
  EXPECT_EQ(clock_.sleeps(), 0);
  EXPECT_TRUE(Exists(Drop("x.zip")));
}

// --- still being copied ---

TEST_F(DropFolderTest, GrowingFileIsWaitedFor) {
  const std::string whole = ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNew));
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
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, FileThatKeepsGrowingIsLeftForTheNextStart) {
  const std::string whole = ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNew));
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
  MakeArchive(Drop("x.tar.gz"), kNew);
  std::stop_source stop;
  clock_.on_sleep = [&](int) { stop.request_stop(); };
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(OpenAndClose, stop.get_token());
  EXPECT_EQ(outcome.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
}

// --- once, and again ---

TEST_F(DropFolderTest, ReadOnlyFolderIsAppliedOnceOnly) {
  // Root may write anywhere, so the disk says no instead.
  class ReadOnlyFolder : public FaultFileSystem {
   public:
    ReadOnlyFolder(FileSystem* base, std::string folder)
        : FaultFileSystem(base), folder_(std::move(folder)) {}
    Result<std::unique_ptr<File>> Open(const std::string& path,
                                       OpenMode mode) override {
      if (mode == OpenMode::kCreateNew && Inside(path)) return Denied(path);
      return FaultFileSystem::Open(path, mode);
    }
    Status CreateDirectory(const std::string& path) override {
      return Inside(path) ? Denied(path)
                          : FaultFileSystem::CreateDirectory(path);
    }
    Status RenameNoReplace(const std::string& source,
                           const std::string& target) override {
      return Inside(source) ? Denied(source)
                            : FaultFileSystem::RenameNoReplace(source, target);
    }

   private:
    bool Inside(const std::string& path) const {
      return path.starts_with(folder_ + "/");
    }
    static Status Denied(const std::string& path) {
      return Status(StatusCode::kPermissionDenied, path + ": read-only");
    }
    const std::string folder_;
  };
  MakeArchive(Drop("x.tar.gz"), kNew);
  ReadOnlyFolder fs(FileSystem::Posix(), options_.restore_dir);
  DropOutcome outcome = Start(&fs);
  ASSERT_TRUE(outcome.applied.has_value());
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  FillDb(Live(), {{"later", "event"}});

  for (int start = 0; start < 3; ++start) {
    outcome = Start(&fs);
    EXPECT_FALSE(outcome.applied.has_value());
    EXPECT_EQ(outcome.skipped, std::vector<std::string>({"x.tar.gz"}));
    EXPECT_EQ(ReadDb(Live()).count("later"), 1u);
  }

  // Mounts of virtual machines number their files anew.
  const std::string bytes = ReadFile(Drop("x.tar.gz"));
  ASSERT_EQ(
      Shell("cp -p '" + Drop("x.tar.gz") + "' '" + temp_.Sub("copy") +
            "' && mv '" + temp_.Sub("copy") + "' '" + Drop("x.tar.gz") + "'"),
      0);
  outcome = Start(&fs);
  EXPECT_FALSE(outcome.applied.has_value());

  // Touching it is a wish.
  ASSERT_EQ(Shell("touch -d '2031-01-01' '" + Drop("x.tar.gz") + "'"), 0);
  outcome = Start(&fs);
  EXPECT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(DropFolderTest, SameArchiveDroppedAgainIsAppliedAgain) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  ASSERT_EQ(Shell("cp -p '" + archive + "' '" + Drop("x.tar.gz") + "'"), 0);
  ASSERT_TRUE(Start().applied.has_value());
  FillDb(Live(), {{"later", "event"}});
  ASSERT_EQ(Shell("cp -p '" + archive + "' '" + Drop("x.tar.gz") + "'"), 0);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNew);
  EXPECT_TRUE(Exists(Drop("applied/x.tar.gz")));
  EXPECT_TRUE(Exists(Drop("applied/x-2.tar.gz")));
}

TEST_F(DropFolderTest, ArchiveMovedBackOutOfAppliedIsAppliedAgain) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  ASSERT_TRUE(Start().applied.has_value());
  FillDb(Live(), {{"later", "event"}});
  for (int time = 0; time < 2; ++time) {
    ASSERT_EQ(Shell("mv '" + Drop("applied/x.tar.gz") + "' '" +
                    Drop("x.tar.gz") + "'"),
              0);
    ASSERT_TRUE(Start().applied.has_value()) << time;
    EXPECT_EQ(ReadDb(Live()), kNew);
  }
}

TEST_F(DropFolderTest, FolderThatWasPutBackAsItWasIsNotAppliedAgain) {
  // A container that is made anew from an image which holds the archive.
  MakeArchive(Drop("x.tar.gz"), kNew);
  ASSERT_TRUE(Start().applied.has_value());
  FillDb(Live(), {{"later", "event"}});
  ASSERT_EQ(Shell("mv '" + Drop("applied/x.tar.gz") + "' '" + Drop("x.tar.gz") +
                  "' && rm -r '" + Drop("applied") + "'"),
            0);
  const DropOutcome outcome = Start();
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_EQ(outcome.skipped.size(), 1u);
  EXPECT_EQ(ReadDb(Live()).count("later"), 1u);
}

TEST_F(DropFolderTest, RejectedArchiveMayBeTriedAgainByHand) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  {
    auto restorer = Started();
    ASSERT_TRUE(restorer
                    ->ApplyDropped(
                        [](const std::string&) {
                          return Status(StatusCode::kCorruption, "no");
                        },
                        {})
                    .ok());
  }
  ASSERT_EQ(Shell("mv '" + Drop("rejected/x.tar.gz") + "' '" +
                  Drop("x.tar.gz") + "'"),
            0);
  EXPECT_TRUE(Start().applied.has_value());
}

TEST_F(DropFolderTest, NamesInAppliedAreNeverReplaced) {
  ASSERT_TRUE(CreateDirectories(FileSystem::Posix(), Drop("applied")).ok());
  WriteFile(Drop("applied/x.tar.gz"), "an earlier one");
  WriteFile(Drop("applied/x-2.tar.gz"), "another");
  MakeArchive(Drop("x.tar.gz"), kNew);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_EQ(ReadFile(Drop("applied/x.tar.gz")), "an earlier one");
  EXPECT_TRUE(Exists(Drop("applied/x-3.tar.gz")));
}

TEST_F(DropFolderTest, ArchiveThatKeepsCrashingTheStartIsRejected) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  struct Died {};
  int checks = 0;
  options_.store_checker = [&](const std::string&, const std::string&,
                               std::stop_token) -> Result<StoreCheck> {
    ++checks;
    throw Died();
  };
  for (int start = 0; start < 3; ++start) {
    auto restorer = Started();
    EXPECT_THROW((void)restorer->ApplyDropped(OpenAndClose, {}), Died);
  }
  const DropOutcome outcome = Start();
  EXPECT_EQ(checks, 3) << "once, and twice again";
  EXPECT_NE(ReasonFor(outcome, "x.tar.gz").find("ended unexpectedly"),
            std::string::npos);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOld);
}

TEST_F(DropFolderTest, ArchiveThatDoesNotFitIsLeftThere) {
  MakeArchive(Drop("x.tar.gz"), kNew);
  FaultFileSystem fs(FileSystem::Posix());
  auto restorer = Started(&fs);
  fs.set_free_space(options_.reserve_bytes + 10);
  const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->applied.has_value());
  EXPECT_NE(outcome->refused.find("no_space"), std::string::npos);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_EQ(InWork("attempt").size(), 0u);
}

TEST_F(DropFolderTest, NamesWithStrangeBytesAreHandled) {
  const std::string name = "caf\xe9 \"x\" %41\n.tar.gz";
  MakeArchive(Drop(name), kNew);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_TRUE(Exists(Drop("applied/" + name)));
  EXPECT_EQ(ReadDb(Live()), kNew);
}

// --- the history's lines ---

TEST(DropHistoryTest, EntriesSurviveEncoding) {
  DropEntry entry;
  entry.verdict = DropVerdict::kRejected;
  entry.drop = {"a b%\n\xff.tar.gz", 12, -5, 77};
  entry.sha256 = std::string(64, 'a');
  entry.moved_to = "";
  entry.when = "2024-12-27T12:00:00.000Z";
  entry.reason = "broken: \"x\"";
  const std::string line = EncodeDropEntry(entry);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto decoded = DecodeDropEntry(line);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->verdict, entry.verdict);
  EXPECT_TRUE(decoded->drop.LooksLike(entry.drop));
  EXPECT_EQ(decoded->drop.inode, 77u);
  EXPECT_EQ(decoded->sha256, entry.sha256);
  EXPECT_EQ(decoded->moved_to, "");
  EXPECT_EQ(decoded->reason, entry.reason);
}

TEST(DropHistoryTest, EveryFlippedBitMakesAnEntryAbsent) {
  DropEntry entry;
  entry.drop = {"x.tar.gz", 12, 5, 77};
  const std::string line = EncodeDropEntry(entry);
  for (size_t bit = 0; bit < line.size() * 8; ++bit) {
    std::string damaged = line;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeDropEntry(damaged).has_value()) << bit;
  }
}

}  // namespace
}  // namespace levelkeep::test
