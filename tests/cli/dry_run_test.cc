// Verbs that only look change nothing: no name, no byte and no time in any of
// the folders.

#include <filesystem>

#include "cli_fixture.h"
#include "eventstore/lock_holder.h"

namespace levelkeep::cli {
namespace {

class DryRunTest : public CliTest {
 protected:
  // Runs all verbs that only look; `backup` is the path of a backup. Whether
  // the verbs find anything does not matter.
  void ExpectNothingIsWritten(const std::string& backup) {
    const Tree before = TreeNow();
    for (const std::vector<std::string>& verb :
         {std::vector<std::string>{"list"},
          {"config"},
          {"config", "--check"},
          {"inspect", "latest"},
          {"inspect", backup},
          {"restore", "latest", "--dry-run"},
          {"restore", backup, "--dry-run"},
          {"restore", backup, "--to", dir_.Sub("to/there"), "--dry-run"},
          {"restore", "--undo", "--dry-run"},
          {"restore", "--undo-all", "--dry-run"},
          {"restore", "--undo", "--list"},
          {"accept-loss", "--dry-run"},
          {"rotate", "--dry-run"}}) {
      for (const bool json : {false, true}) {
        auto arguments = verb;
        if (json) arguments.push_back("--json");
        SCOPED_TRACE(verb[0] + " " + verb.back());
        (void)RunCli(arguments);
        const Tree after = TreeNow();
        ASSERT_EQ(after.size(), before.size());
        ASSERT_EQ(after, before);
      }
    }
  }
};

// A verb that only looks does not make the folder of the log either.
TEST_F(DryRunTest, MakesNoLogFolder) {
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  environment_["LOG_DIR"] = dir_.Sub("logs");
  ExpectNothingIsWritten(path);
}

TEST_F(DryRunTest, WritesNothing) {
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  AppendEvents(2);
  ExpectNothingIsWritten(path);
  {
    SCOPED_TRACE("another process has the database open");
    const test::LockHolder holder(db_dir() + "/LOCK");
    ASSERT_TRUE(holder.holds());
    ExpectNothingIsWritten(path);
    const Outcome shown = RunCli({"restore", "latest", "--dry-run"});
    EXPECT_NE(shown.out.find("4 later writes"), std::string::npos) << shown.out;
  }
}

// Regression: the preview made BACKUP_ID, and LOCK for a look at the database.
TEST_F(DryRunTest, MakesNoFileThatIsMissing) {
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  for (const char* name : {"/BACKUP_ID", "/LOCK"}) {
    ASSERT_TRUE(std::filesystem::remove(db_dir() + name)) << name;
  }
  ExpectNothingIsWritten(path);
  std::filesystem::remove_all(dir_.Sub("backups/.levelkeep"));
  std::filesystem::remove_all(dir_.Sub("restore"));
  ExpectNothingIsWritten(path);
}

TEST_F(DryRunTest, NeedsNoFolder) {
  ExpectNothingIsWritten(dir_.Sub("none.tar.gz"));
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  std::filesystem::remove_all(db_dir());
  ExpectNothingIsWritten(path);
  const Outcome shown = RunCli({"restore", "latest", "--dry-run"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("There is no database yet; nothing is lost."),
            std::string::npos)
      << shown.out;

  // Regression: dry run and restore both failed if STORAGE_DIR did not exist
  // yet.
  std::filesystem::remove_all(dir_.Sub("storage"));
  ExpectNothingIsWritten(path);
  EXPECT_EQ(RunCli({"restore", "latest", "--dry-run"}).code, 0);
  EXPECT_EQ(RunCli({"restore", "latest", "--yes"}).code, 0);
  EXPECT_EQ(CountEvents(db_dir()), 3u);
}

// Regression: the dry run said "There is no database yet".
TEST_F(DryRunTest, TellsAnEmptyDatabaseFromNone) {
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  std::filesystem::remove_all(db_dir());
  AppendEvents(0);
  ExpectNothingIsWritten(path);
  const Outcome shown = RunCli({"restore", "latest", "--dry-run"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_EQ(shown.out.find("There is no database yet"), std::string::npos);
  EXPECT_NE(shown.out.find("The database there is empty"), std::string::npos)
      << shown.out;
}

// A dry run ends as the real run does, with the same code and the same error,
// and writes nothing.
class RehearsalTest : public DryRunTest {
 protected:
  // Replaces sizes, because the free space of the disk changes between two
  // runs.
  std::string ErrorOf(const Outcome& outcome) const {
    const size_t at = outcome.err.find("error: ");
    return at == std::string::npos ? "" : Normalize(outcome.err.substr(at));
  }
  void ExpectTheSame(const std::vector<std::string>& verb, int code,
                     bool in_the_same_words = true) {
    SCOPED_TRACE(verb[0] + " " + verb.back());
    auto question = verb;
    question.emplace_back("--dry-run");
    auto act = verb;
    if (verb[0] != "rotate") act.emplace_back("--yes");
    const Tree before = TreeNow();
    const Outcome asked = RunCli(question);
    EXPECT_EQ(TreeNow(), before);
    const Outcome done = RunCli(act);
    EXPECT_EQ(asked.code, code) << asked.err;
    EXPECT_EQ(done.code, code) << done.err;
    if (!in_the_same_words) return;
    EXPECT_EQ(ErrorOf(asked), ErrorOf(done));
  }
};

TEST_F(RehearsalTest, OfARestoreThatIsRefused) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  const std::vector<std::string> verb = {"restore", name};
  const auto environment = environment_;
  {
    SCOPED_TRACE("another process has the database open");
    const test::LockHolder holder(db_dir() + "/LOCK");
    ASSERT_TRUE(holder.holds());
    ExpectTheSame(verb, 4);
    ExpectTheSame({"restore", "--undo"}, 4);
    ExpectTheSame({"accept-loss"}, 4);
  }
  {
    SCOPED_TRACE("there is no check program");
    environment_["LEVELKEEP_CHECK_PROGRAM"] = dir_.Sub("none");
    ExpectTheSame(verb, 7);
    ExpectTheSame({"restore", name, "--to", dir_.Sub("to")}, 7);
    environment_ = environment;
  }
  {
    SCOPED_TRACE("it does not fit");
    environment_["BACKUP_RESERVE"] = "1152921504606846976";
    ExpectTheSame(verb, 6);
    ExpectTheSame({"restore", name, "--to", dir_.Sub("to")}, 6);
    environment_ = environment;
  }
  {
    SCOPED_TRACE("STORAGE_DIR is itself a database");
    environment_["STORAGE_DIR"] = db_dir();
    ExpectTheSame({"restore", BackupPath(name)}, 1);
    environment_ = environment;
  }
  ExpectTheSame({"restore", "backup_2001-01-01_000000.tar.gz"}, 5);
  ExpectTheSame({"restore", "backup_"}, 2);
  ExpectTheSame({"restore", dir_.Sub("none.tar.gz")}, 5);
  ExpectTheSame({"restore", "--undo"}, 5);
  ExpectTheSame({"restore", name, "--to", db_dir()}, 2);
  ExpectTheSame({"accept-loss"}, 5);
}

TEST_F(RehearsalTest, OfARestoreOfABadArchive) {
  AppendEvents(3000);
  const std::string name = CreateBackup();
  const std::string good = test::ReadFile(BackupPath(name));
  FlipByte(BackupPath(name));
  // The restore ends at the first fault; the dry run reads all of the archive,
  // and reports that the digest is not the sidecar's.
  ExpectTheSame({"restore", name}, 3, false);
  ExpectTheSame({"restore", BackupPath(name)}, 3, false);
  ExpectTheSame({"restore", name, "--to", dir_.Sub("to")}, 3, false);
  test::WriteFile(BackupPath(name), good.substr(0, good.size() / 2));
  ExpectTheSame({"restore", name}, 3, false);
  // A whole archive, but its sidecar describes another one.
  test::WriteFile(BackupPath(name), good);
  test::WriteFile(BackupPath(name) + ".sha256",
                  std::string(64, '0') + "  " + name + "\n");
  ExpectTheSame({"restore", name}, 3);
}

TEST_F(RehearsalTest, OfARestoreOfAnotherDatabase) {
  AppendEvents(3);
  const std::string theirs = CreateBackup();
  environment_["STORAGE_DIR"] = dir_.Sub("second");
  AppendEventsTo(dir_.Sub("second/event_registry_db"), 2);
  CreateBackup();
  ExpectTheSame({"restore", theirs}, 1);
  EXPECT_EQ(RunCli({"restore", theirs, "--other-database", "--dry-run"}).code,
            0);
}

TEST_F(RehearsalTest, OfAnUndoSaysWhatComesBack) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(2);
  ASSERT_EQ(RunCli({"restore", name, "--yes"}).code, 0);
  ExpectNothingIsWritten(BackupPath(name));
  for (const char* undo : {"--undo", "--undo-all"}) {
    const Outcome asked = RunCli({"restore", undo, "--dry-run"});
    EXPECT_EQ(asked.code, 0) << asked.err;
    EXPECT_NE(asked.out.find("That database is at write number 10 ("),
              std::string::npos)
        << asked.out;
  }
  const auto json = RunCli({"restore", "--undo", "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("dryRun"), true);
  EXPECT_EQ(json.at("archive"), name);
  EXPECT_EQ(json.at("lastSequence"), 10);
  ASSERT_EQ(RunCli({"restore", "--undo", "--yes"}).code, 0);
  EXPECT_EQ(CountEvents(db_dir()), 5u);
  ExpectTheSame({"restore", "--undo-all"}, 5);
}

TEST_F(RehearsalTest, OfAnExtractionSaysWhatAndWhere) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  const Outcome asked =
      RunCli({"restore", "latest", "--to", dir_.Sub("to"), "--dry-run"});
  EXPECT_EQ(asked.code, 0) << asked.err;
  EXPECT_EQ(Normalize(asked.out),
            name + " would be extracted to DIR/to (SIZE)\n");
  EXPECT_FALSE(std::filesystem::exists(dir_.Sub("to")));
}

TEST_F(RehearsalTest, OfAnAcceptedLoss) {
  AppendEvents(3);
  std::filesystem::remove(db_dir() + "/CURRENT");
  ExpectNothingIsWritten(dir_.Sub("none.tar.gz"));
  const test::LockHolder holder(db_dir() + "/LOCK");
  ASSERT_TRUE(holder.holds());
  ExpectTheSame({"accept-loss"}, 4);
}

}  // namespace
}  // namespace levelkeep::cli
