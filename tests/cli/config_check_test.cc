// `levelkeep config --check` ends as `levelkeep serve` would, and changes
// nothing.

#include <filesystem>

#include "cli_fixture.h"
#include "eventstore/lock_holder.h"

namespace levelkeep::cli {
namespace {

class ConfigCheckTest : public CliTest {
 protected:
  ConfigCheckTest() { environment_["API_PORT"] = "0"; }

  static std::string ErrorOf(const Outcome& outcome) {
    const size_t at = outcome.err.find("error: ");
    return at == std::string::npos ? "" : outcome.err.substr(at);
  }
  // Expects that check and serve both refuse, for the same reason.
  void ExpectRefused(int code, const std::string& part) {
    SCOPED_TRACE(part);
    const Tree before = TreeNow();
    const Outcome checked = RunCli({"config", "--check"});
    EXPECT_EQ(TreeNow(), before);
    EXPECT_EQ(checked.code, code) << checked.err;
    EXPECT_NE(checked.err.find(part), std::string::npos) << checked.err;
    EXPECT_EQ(checked.out, "");
    const Outcome served = RunCli({"serve"});
    EXPECT_EQ(served.code, code) << served.err;
    EXPECT_NE(served.err.find(part), std::string::npos) << served.err;
    environment_ = good_;
  }
  void ExpectFine() {
    const Tree before = TreeNow();
    const Outcome checked = RunCli({"config", "--check"});
    EXPECT_EQ(TreeNow(), before);
    EXPECT_EQ(checked.code, 0) << checked.err;
    EXPECT_EQ(checked.out, "the configuration is fine\n");
    EXPECT_EQ(checked.err,
              "not checked: whether port 0 is free, and whether a process has "
              "the database open\n");
  }

  std::map<std::string, std::string> good_;
};

TEST_F(ConfigCheckTest, RefusesWhatServeRefuses) {
  good_ = environment_;
  ExpectFine();
  environment_["API_HOST"] = "0.0.0.0";
  ExpectRefused(2, "is reachable from other hosts");
  test::WriteFile(dir_.Sub("file"), "");
  std::filesystem::create_symlink(dir_.Sub("none"), dir_.Sub("leads nowhere"));
  environment_["LOG_DIR"] = dir_.Sub("file");
  ExpectRefused(2, dir_.Sub("file"));
  for (const char* setting : {"STORAGE_DIR", "BACKUP_DIR", "RESTORE_DIR"}) {
    environment_[setting] = dir_.Sub("file");
    ExpectRefused(2, dir_.Sub("file"));
    environment_[setting] = dir_.Sub("leads nowhere");
    ExpectRefused(5, dir_.Sub("leads nowhere"));
  }
}

TEST_F(ConfigCheckTest, LooksAtFoldersAndDatabase) {
  good_ = environment_;
  AppendEvents(3);
  CreateBackup();
  std::filesystem::create_directory(dir_.Sub("restore"));
  ExpectFine();
  {
    const test::LockHolder holder(db_dir() + "/LOCK");
    ASSERT_TRUE(holder.holds());
    ExpectFine();
  }
  environment_["STORAGE_DIR"] = db_dir();
  ExpectRefused(1, "is itself a LevelDB database");
  std::filesystem::create_directory_symlink(dir_.Sub("restore"),
                                            dir_.Sub("link"));
  environment_["BACKUP_DIR"] = dir_.Sub("link");
  ExpectRefused(2, "are the same folder");
  std::filesystem::create_directory_symlink(db_dir(),
                                            dir_.Sub("storage/linked"));
  environment_["DB_NAME"] = "linked";
  ExpectRefused(1, "is a symbolic link");
  std::filesystem::rename(db_dir() + "/CURRENT", dir_.Sub("CURRENT"));
  ExpectRefused(3, "CURRENT");
  std::filesystem::rename(dir_.Sub("CURRENT"), db_dir() + "/CURRENT");
  // A volume that is not mounted.
  std::filesystem::rename(dir_.Sub("storage"), dir_.Sub("elsewhere"));
  ExpectRefused(1, "remembers one there");
  environment_["ALLOW_NEW_DATABASE"] = "true";
  EXPECT_EQ(RunCli({"config", "--check"}).code, 0);
}

TEST_F(ConfigCheckTest, MakesNoFolder) {
  environment_["LOG_DIR"] = dir_.Sub("new/logs");
  environment_["STORAGE_DIR"] = dir_.Sub("new/storage");
  ExpectFine();
}

}  // namespace
}  // namespace levelkeep::cli
