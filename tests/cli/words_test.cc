// Messages of the program, and whether they fit the verb.

#include "cli_fixture.h"

namespace levelkeep::cli {
namespace {

class WordsTest : public CliTest {
 protected:
  static std::string HintOf(const Outcome& outcome) {
    const size_t at = outcome.err.find("hint: ");
    return at == std::string::npos ? "" : outcome.err.substr(at + 6);
  }
};

TEST_F(WordsTest, WhoHasTheDatabaseOpenIsHintedAtByTheAct) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  ASSERT_EQ(RunCli({"restore", name, "--yes"}).code, 0);
  EventBusOptions options;
  options.db_dir = db_dir();
  EventBus bus(options, leveldb::Env::Default());
  ASSERT_TRUE(bus.Open().ok());
  const struct {
    std::vector<std::string> verb;
    const char* hint;
  } cases[] = {
      {{"restore", name, "--yes"},
       "stop it, use POST /api/backup/restore, or drop the file into "
       "RESTORE_DIR and restart it\n"},
      {{"restore", name, "--dry-run"},
       "stop it, use POST /api/backup/restore, or drop the file into "
       "RESTORE_DIR and restart it\n"},
      {{"restore", "--undo", "--yes"},
       "stop it, or use POST /api/backup/undo\n"},
      {{"restore", "--undo", "--dry-run"},
       "stop it, or use POST /api/backup/undo\n"},
      {{"restore", "--forget-undo", "--yes"}, "stop it first\n"},
      {{"accept-loss", "--yes"}, "stop it first\n"},
  };
  for (const auto& c : cases) {
    const Outcome refused = RunCli(c.verb);
    EXPECT_EQ(refused.code, 4) << c.verb[1] << refused.err;
    EXPECT_EQ(HintOf(refused), c.hint) << c.verb[1];
  }
}

TEST_F(WordsTest, WhoCantBeAskedHearsOfTheActItself) {
  const Outcome unasked = RunCli({"restore", "--forget-undo"});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_EQ(unasked.err,
            "error: restore --forget-undo removes replaced databases "
            "permanently, and nobody can confirm it here\n"
            "hint: pass --yes, or look first with restore --undo --list\n");
}

TEST_F(WordsTest, AnotherDatabasesBackupIsMeantInThreeWays) {
  AppendEvents(1);
  CreateBackup();
  environment_["DB_NAME"] = "other";
  AppendEventsTo(dir_.Sub("storage/other"), 1);
  const std::string other = CreateBackup();
  environment_.erase("DB_NAME");
  const Outcome refused = RunCli({"delete", other, "--yes"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(HintOf(refused),
            "choose a backup of this database, or confirm this one: "
            "--other-database, \"otherDatabase\":true in the body of a "
            "restore, ?otherDatabase=true in a DELETE\n");
}

TEST_F(WordsTest, WhereNoDatabaseWasNoneIsKept) {
  AppendEvents(3);
  const std::string path = BackupPath(CreateBackup());
  environment_["STORAGE_DIR"] = dir_.Sub("new");
  environment_["BACKUP_DIR"] = dir_.Sub("new-backups");
  const Outcome preview = RunCli({"restore", path, "--dry-run"});
  EXPECT_EQ(preview.code, 0) << preview.err;
  const Outcome done = RunCli({"restore", path, "--yes"});
  EXPECT_EQ(done.code, 0) << done.err;
  for (const Outcome& outcome : {preview, done}) {
    EXPECT_EQ((outcome.out + outcome.err).find("replace"), std::string::npos)
        << outcome.out << outcome.err;
  }
  EXPECT_NE(preview.out.find("There is no database yet; nothing is lost.\n"),
            std::string::npos)
      << preview.out;
  EXPECT_EQ(RunCli({"restore", "--undo", "--yes"}).code, 5);
  // The next restore has a database to replace.
  const Outcome again = RunCli({"restore", path, "--yes"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_NE(again.err.find("the replaced database is kept"), std::string::npos);
  const Outcome kept = RunCli({"restore", "--undo", "--list"});
  EXPECT_NE(kept.out.find("WRITE NUMBER"), std::string::npos) << kept.out;
}

TEST_F(WordsTest, AQuietQuestionSaysWhatItIsAbout) {
  AppendEvents(1);
  const std::string name = CreateBackup();
  terminal_ = true;
  const Outcome removed = RunCli({"delete", name, "--quiet"}, "n\n");
  EXPECT_NE(removed.err.find(" will be removed permanently.\nContinue? [y/N] "),
            std::string::npos)
      << removed.err;
  const Outcome restored = RunCli({"restore", name, "-q"}, "n\n");
  EXPECT_NE(restored.err.find(" replaces " + db_dir()), std::string::npos)
      << restored.err;
}

}  // namespace
}  // namespace levelkeep::cli
