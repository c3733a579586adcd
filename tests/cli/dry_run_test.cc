// What only looks changes nothing: no name, no byte and no time in any of the
// folders.

#include <sys/stat.h>

#include <filesystem>

#include "cli_fixture.h"
#include "eventstore/lock_holder.h"

namespace levelkeep::cli {
namespace {

using Tree = std::map<std::string, std::string>;

class DryRunTest : public CliTest {
 protected:
  // Names, kinds, modes, times and contents.
  Tree TreeNow() const {
    Tree tree;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir_.path())) {
      struct stat info {};
      EXPECT_EQ(lstat(entry.path().c_str(), &info), 0);
      tree[entry.path()] =
          std::to_string(info.st_mode) + " " +
          std::to_string(info.st_mtim.tv_sec) + "." +
          std::to_string(info.st_mtim.tv_nsec) + " " +
          (S_ISREG(info.st_mode) ? test::ReadFile(entry.path()) : "");
    }
    return tree;
  }
  // All verbs that only look; `backup` is a path of one. Whether they find
  // anything is not the question.
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
    EXPECT_NE(shown.out.find("4 writes made since then"), std::string::npos)
        << shown.out;
  }
}

// Was: the preview made a BACKUP_ID, and a LOCK to look under.
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

  // Was: neither a dry run nor a restore where there was no STORAGE_DIR yet.
  std::filesystem::remove_all(dir_.Sub("storage"));
  ExpectNothingIsWritten(path);
  EXPECT_EQ(RunCli({"restore", "latest", "--dry-run"}).code, 0);
  EXPECT_EQ(RunCli({"restore", "latest", "--yes"}).code, 0);
  EXPECT_EQ(CountEvents(db_dir()), 3u);
}

// Was: "There is no database yet".
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

}  // namespace
}  // namespace levelkeep::cli
