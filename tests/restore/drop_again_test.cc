// An archive in restore/ is applied once, and again when it is dropped again.
// The history guarantees that.

#include "base/hash.h"
#include "restore/apply.h"
#include "restore/drop_fixture.h"
#include "restore/drop_history.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

using DropAgainTest = DropFolderFixture;

// Root can write anywhere, so the simulated disk refuses instead.
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
    return Inside(path) ? Denied(path) : FaultFileSystem::CreateDirectory(path);
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

TEST_F(DropAgainTest, ReadOnlyFolderIsAppliedOnceOnly) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
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

  // A mount in a virtual machine may give files new inodes.
  const std::string bytes = ReadFile(Drop("x.tar.gz"));
  ASSERT_EQ(
      Shell("cp -p '" + Drop("x.tar.gz") + "' '" + temp_.Sub("copy") +
            "' && mv '" + temp_.Sub("copy") + "' '" + Drop("x.tar.gz") + "'"),
      0);
  outcome = Start(&fs);
  EXPECT_FALSE(outcome.applied.has_value());

  // Touching the file requests another restore.
  ASSERT_EQ(Shell("touch -d '2031-01-01' '" + Drop("x.tar.gz") + "'"), 0);
  outcome = Start(&fs);
  EXPECT_TRUE(outcome.applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropAgainTest, OtherBytesOfTheSameSizeAndTimeAreAnotherArchive) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  ReadOnlyFolder fs(FileSystem::Posix(), options_.restore_dir);
  ASSERT_TRUE(Start(&fs).applied.has_value());
  ASSERT_EQ(Shell("touch -r '" + Drop("x.tar.gz") + "' '" +
                  temp_.Sub("its time") + "'"),
            0);
  std::string bytes = ReadFile(Drop("x.tar.gz"));
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  WriteFile(Drop("x.tar.gz"), bytes);
  ASSERT_EQ(Shell("touch -r '" + temp_.Sub("its time") + "' '" +
                  Drop("x.tar.gz") + "'"),
            0);
  const DropOutcome outcome = Start(&fs);
  EXPECT_TRUE(outcome.skipped.empty()) << "this archive was not applied before";
  EXPECT_EQ(outcome.rejected.size(), 1u);
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropAgainTest, ReadOnlyFolderKeepsItsRejections) {
  ArchiveSpec wrong;
  wrong.last_sequence = 77;
  MakeArchive(Drop("x.tar.gz"), kNewEvents, wrong);
  ReadOnlyFolder fs(FileSystem::Posix(), options_.restore_dir);
  const std::string reason = ReasonFor(Start(&fs), "x.tar.gz");
  options_.store_checker = [](const std::string&, const std::string&,
                              std::stop_token) -> Result<StoreCheck> {
    ADD_FAILURE() << "the drop is not checked a second time";
    return Status(StatusCode::kCorruption, "");
  };
  EXPECT_EQ(ReasonFor(Start(&fs), "x.tar.gz"), reason);
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropAgainTest, SameArchiveDroppedAgainIsAppliedAgain) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents);
  ASSERT_EQ(Shell("cp -p '" + archive + "' '" + Drop("x.tar.gz") + "'"), 0);
  ASSERT_TRUE(Start().applied.has_value());
  FillDb(Live(), {{"later", "event"}});
  ASSERT_EQ(Shell("cp -p '" + archive + "' '" + Drop("x.tar.gz") + "'"), 0);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
  EXPECT_TRUE(Exists(Drop("applied/x.tar.gz")));
  EXPECT_TRUE(Exists(Drop("applied/x-2.tar.gz")));
}

TEST_F(DropAgainTest, ArchiveMovedBackOutOfAppliedIsAppliedAgain) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  ASSERT_TRUE(Start().applied.has_value());
  FillDb(Live(), {{"later", "event"}});
  for (int time = 0; time < 2; ++time) {
    ASSERT_EQ(Shell("mv '" + Drop("applied/x.tar.gz") + "' '" +
                    Drop("x.tar.gz") + "'"),
              0);
    ASSERT_TRUE(Start().applied.has_value()) << time;
    EXPECT_EQ(ReadDb(Live()), kNewEvents);
  }
}

TEST_F(DropAgainTest, FolderThatWasPutBackAsItWasIsNotAppliedAgain) {
  // A container is created again from an image that holds the archive.
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
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

TEST_F(DropAgainTest, RejectedArchiveMayBeTriedAgainByHand) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
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

TEST_F(DropAgainTest, NamesInAppliedAreNeverReplaced) {
  ASSERT_TRUE(CreateDirectories(FileSystem::Posix(), Drop("applied")).ok());
  WriteFile(Drop("applied/x.tar.gz"), "an earlier one");
  WriteFile(Drop("applied/x-2.tar.gz"), "another");
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_EQ(ReadFile(Drop("applied/x.tar.gz")), "an earlier one");
  EXPECT_TRUE(Exists(Drop("applied/x-3.tar.gz")));
}

TEST_F(DropAgainTest, ArchiveThatKeepsCrashingTheStartIsRejected) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
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
  EXPECT_EQ(checks, 3) << "the first attempt and two more";
  EXPECT_NE(ReasonFor(outcome, "x.tar.gz").find("ended unexpectedly"),
            std::string::npos);
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
}

TEST_F(DropAgainTest, ArchiveThatDoesNotFitIsLeftThere) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  FaultFileSystem fs(FileSystem::Posix());
  auto restorer = Started(&fs);
  fs.set_free_space(options_.reserve_bytes + 10);
  const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->applied.has_value());
  EXPECT_NE(outcome->refused.find("must stay free"), std::string::npos);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOldEvents);
  EXPECT_EQ(InWork("attempt").size(), 0u);
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
  // "-" stands for no reason, but a reason "-" must stay one.
  entry.reason = "-";
  EXPECT_EQ(DecodeDropEntry(EncodeDropEntry(entry))->reason, "-");
}

TEST(DropHistoryTest, LinesThatAreNoneOfOursAreAbsentEvenWithARightCrc) {
  const auto decode = [](const std::string& body) {
    char crc[16];
    std::snprintf(crc, sizeof(crc), "%08x ", Crc32c(0, body));
    return DecodeDropEntry(crc + body).has_value();
  };
  EXPECT_TRUE(decode("applied x.tar.gz 1 2 3 - - - -"));
  EXPECT_TRUE(decode("rejected x.tar.gz 1 2 3 - - - -"));
  EXPECT_FALSE(decode("forgotten x.tar.gz 1 2 3 - - - -"));
  EXPECT_FALSE(decode("applied x.tar.gz 1 2 3 - - -"));
  EXPECT_FALSE(decode("applied x.tar.gz 1 2 3 - - - - -"));
  EXPECT_FALSE(decode(""));
  EXPECT_FALSE(DecodeDropEntry("").has_value());
  EXPECT_FALSE(DecodeDropEntry("0a1b2c3d").has_value());
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
