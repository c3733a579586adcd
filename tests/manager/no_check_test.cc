// Without levelkeep-check, backups go on unverified, and only a backup that was
// verified before can be restored.

#include <filesystem>

#include "manager/manager_fixture.h"
#include "restore/restorer.h"
#include "support/auto_clock.h"

namespace levelkeep::test {
namespace {

class NoCheckTest : public ManagerFixture {
 protected:
  NoCheckTest() {
    options_.verification.check_program = dir_.Sub("levelkeep-check");
  }

  void Install() {
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    std::filesystem::create_symlink(*program,
                                    options_.verification.check_program);
  }
  void Uninstall() {
    std::filesystem::remove(options_.verification.check_program);
  }
  static void ExpectMissing(const Status& status) {
    EXPECT_EQ(status.code(), StatusCode::kNotChecked) << status.ToString();
    EXPECT_NE(status.ToString().find("levelkeep-check is not at "),
              std::string::npos)
        << status.ToString();
    EXPECT_NE(status.hint().find("set LEVELKEEP_CHECK_PROGRAM"),
              std::string::npos)
        << status.ToString();
  }
  static bool HealthSaysSo(App* app) {
    for (const auto& reason : app->manager_.Health().reasons) {
      if (reason.text.starts_with("levelkeep-check is not at ")) return true;
    }
    return false;
  }
  static Status Restore(App* app, RestoreMode mode) {
    RestoreRequest request;
    request.source = "latest";
    request.mode = mode;
    return app->manager_.RestoreBackup(request).status();
  }

  AutoClock clock_;
};

TEST_F(NoCheckTest, BackupsGoOnAndRestoresAreRefused) {
  App app(options_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.no_check.starts_with("levelkeep-check is not at "))
      << app.report_.no_check;
  app.Put(0, 10);
  const std::string name = app.Create().name;
  app.Put(10, 20);
  EXPECT_EQ(app.manager_.FindBackup(name)->status, BackupStatus::kUnverified);
  EXPECT_TRUE(HealthSaysSo(&app));
  ExpectMissing(app.manager_.VerifyBackup(name, VerifyDepth::kFull).status());
  EXPECT_TRUE(app.manager_.VerifyBackup(name, VerifyDepth::kChecksums).ok());
  ExpectMissing(app.manager_.PreviewRestore(RestoreOf(name)).status());
  ExpectMissing(Restore(&app, RestoreMode::kLive));
  ExpectMissing(Restore(&app, RestoreMode::kStage));
  EXPECT_EQ(app.Count(), 20);
  EXPECT_TRUE(app.manager_.Health().unrestored.empty());

  // levelkeep-check is installed: everything goes on, without a restart.
  Install();
  EXPECT_FALSE(HealthSaysSo(&app));
  EXPECT_TRUE(app.manager_.VerifyBackup(name, VerifyDepth::kFull).ok());
  // levelkeep-check is removed: a verified backup can be restored live, but not
  // by the next start.
  Uninstall();
  ExpectMissing(Restore(&app, RestoreMode::kStage));
  EXPECT_TRUE(app.manager_.PreviewRestore(RestoreOf(name)).ok());
  EXPECT_TRUE(Restore(&app, RestoreMode::kLive).ok());
  EXPECT_EQ(app.Count(), 10);
}

TEST_F(NoCheckTest, ADropIsAWishThatWasNotFulfilled) {
  std::filesystem::create_directory(options_.restore_dir);
  {
    App app(options_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    std::filesystem::copy_file(app.Create().path,
                               options_.restore_dir + "/x.tar.gz");
  }
  {
    // There is a database: the program serves it, and health names the drop.
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    ASSERT_EQ(app.report_.unrestored.size(), 1u);
    EXPECT_TRUE(app.report_.unrestored[0].reason.starts_with(
        "levelkeep-check is not at "));
    EXPECT_EQ(app.manager_.Health().unrestored.size(), 1u);
  }
  // There is no database: each start is refused.
  options_.storage_dir = dir_.Sub("new");
  options_.backup_dir = dir_.Sub("new-backups");
  for (int start = 0; start < 2; ++start) {
    const Status refused = App(options_, &clock_).Start();
    EXPECT_EQ(refused.code(), StatusCode::kRefused) << refused.ToString();
    EXPECT_NE(refused.message().find("x.tar.gz: levelkeep-check is not at "),
              std::string::npos)
        << refused.ToString();
  }
  Install();
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.restored);
  EXPECT_EQ(app.Count(), 10);
}

}  // namespace
}  // namespace levelkeep::test
