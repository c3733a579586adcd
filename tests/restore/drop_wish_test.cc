// Drops without a database: a drop that can't be restored stays, and every
// start is refused until people decide.

#include <filesystem>

#include "restore/drop_fixture.h"
#include "restore/drop_history.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class DropWishTest : public DropFolderFixture {
 protected:
  DropWishTest() { std::filesystem::remove_all(Live()); }

  DropOutcome StartEmpty(FileSystem* fs = FileSystem::Posix(),
                         const OpenCheck& open = OpenAndClose) {
    auto restorer = Started(fs);
    const auto outcome = restorer->ApplyDropped(open, {}, BadDrops::kStay);
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    return outcome.ok() ? *outcome : DropOutcome();
  }
  // The drop stays with this reason at every start.
  void ExpectStays(const std::string& name, const std::string& reason,
                   const OpenCheck& open = OpenAndClose) {
    SCOPED_TRACE(name);
    for (int start = 0; start < 3; ++start) {
      const DropOutcome outcome = StartEmpty(FileSystem::Posix(), open);
      EXPECT_FALSE(outcome.applied.has_value());
      EXPECT_TRUE(outcome.rejected.empty());
      EXPECT_NE(outcome.refused.find(reason), std::string::npos)
          << outcome.refused;
      EXPECT_TRUE(
          std::filesystem::exists(std::filesystem::symlink_status(Drop(name))));
      EXPECT_FALSE(Exists(Live()));
    }
  }
};

TEST_F(DropWishTest, GoodOneIsApplied) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  EXPECT_TRUE(StartEmpty().applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropWishTest, OlderOnesGoAsideOnceTheDatabaseIsThere) {
  MakeArchive(Drop("a.tar.gz"), {{"o", "o"}}, CreatedAt(1));
  MakeArchive(Drop("b.tar.gz"), kNewEvents, CreatedAt(2));
  EXPECT_EQ(StartEmpty().rejected.size(), 1u);
  EXPECT_TRUE(Exists(Drop("rejected/a.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kNewEvents);
}

TEST_F(DropWishTest, DamagedOneStays) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  std::string bytes = ReadFile(Drop("x.tar.gz"));
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  WriteFile(Drop("x.tar.gz"), bytes);
  ExpectStays("x.tar.gz", "x.tar.gz: ");
  // A corrected drop is applied at once.
  std::filesystem::remove(Drop("x.tar.gz"));
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  EXPECT_TRUE(StartEmpty().applied.has_value());
}

TEST_F(DropWishTest, OlderOneDoesNotTakeThePlaceOfADamagedOne) {
  ArchiveSpec wrong = CreatedAt(9);
  wrong.last_sequence = 1000;
  MakeArchive(Drop("newest.tar.gz"), {{"z", "z"}}, wrong);
  MakeArchive(Drop("older.tar.gz"), kNewEvents, CreatedAt(1));
  ExpectStays("newest.tar.gz", "its manifest says 1000");
  EXPECT_TRUE(Exists(Drop("older.tar.gz")));
}

TEST_F(DropWishTest, LinksAndFoldersStay) {
  ASSERT_EQ(Shell("ln -s /nowhere '" + Drop("l.tar.gz") + "'"), 0);
  ExpectStays("l.tar.gz", "it is a symbolic link");
  std::filesystem::remove(Drop("l.tar.gz"));
  std::filesystem::create_directory(Drop("d.tgz"));
  ExpectStays("d.tgz", "it is a folder");
}

TEST_F(DropWishTest, TheseWithoutAnOrderStay) {
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, kNewEvents);
  WriteForeignArchive(db, Drop("a.tar.gz"));
  WriteForeignArchive(db, Drop("b.tar.gz"));
  ExpectStays("a.tar.gz", "a.tar.gz, b.tar.gz (hint: leave only one of them)");
}

TEST_F(DropWishTest, OneThatDoesNotFitStays) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  FaultFileSystem full(FileSystem::Posix());
  full.set_free_space(1000);
  const DropOutcome outcome = StartEmpty(&full);
  EXPECT_FALSE(outcome.applied.has_value());
  EXPECT_NE(outcome.refused.find("must stay free"), std::string::npos);
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_TRUE(StartEmpty().applied.has_value());
}

TEST_F(DropWishTest, OneThatEndedTheStartStaysUntilItIsTouched) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  const RestoreContext context{FileSystem::Posix(), &clock_, options_};
  (void)Started();
  const auto info = FileSystem::Posix()->Stat(Drop("x.tar.gz"));
  ASSERT_TRUE(info.ok());
  ASSERT_TRUE(NoteAttempt(context, IdentifyDrop("x.tar.gz", *info), 3).ok());
  ExpectStays("x.tar.gz", "each of the 3 times");
  ASSERT_EQ(Shell("touch -d 2031-01-01 '" + Drop("x.tar.gz") + "'"), 0);
  EXPECT_TRUE(StartEmpty().applied.has_value());
}

TEST_F(DropWishTest, OneThatTheHostCanNotOpenStays) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  const OpenCheck refuse = [](const std::string&) {
    return Status(StatusCode::kCorruption, "my host says no");
  };
  ExpectStays("x.tar.gz", "my host says no", refuse);
  // If a new database is permitted, the drop moves aside as usual.
  EXPECT_EQ(ReasonFor(Start(), "x.tar.gz"), "my host says no");
  EXPECT_TRUE(Exists(Drop("rejected/x.tar.gz")));
}

// Somebody removed the drop's database; LevelKeep can't know whether to restore
// it.
TEST_F(DropWishTest, OneThatWasAppliedBeforeStays) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  FaultFileSystem read_only(FileSystem::Posix());
  read_only.FailOn("RenameNoReplace " + Drop("x.tar.gz"),
                   StatusCode::kPermissionDenied, 1, FaultFileSystem::kAlways);
  ASSERT_TRUE(StartEmpty(&read_only).applied.has_value());
  std::filesystem::remove_all(Live());
  ExpectStays("x.tar.gz", "it was applied before");
}

}  // namespace
}  // namespace levelkeep::test
