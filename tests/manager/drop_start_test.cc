// A drop is a wish. If it can't be fulfilled, the start is refused where there
// is no database yet; where there is a database, health says so.

#include <filesystem>

#include "manager/manager_fixture.h"
#include "support/auto_clock.h"

namespace levelkeep::test {
namespace {

class DropStartTest : public ManagerFixture {
 protected:
  DropStartTest() { std::filesystem::create_directory(options_.restore_dir); }

  std::string Drop(const std::string& name) const {
    return options_.restore_dir + "/" + name;
  }
  Status Start() { return App(options_, &clock_).Start(); }
  // Nothing that a later start could take for a database.
  void ExpectNoDatabase() {
    EXPECT_FALSE(
        PathExists(FileSystem::Posix(), options_.storage_path() + "/CURRENT"));
  }
  // A backup of another installation with 20 events.
  void DropBackup(const std::string& name) {
    const TempDir dir;
    BackupOptions other = options_;
    other.storage_dir = dir.Sub("storage");
    other.backup_dir = dir.Sub("backups");
    other.restore_dir = dir.Sub("restore");
    App app(other);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 20);
    std::filesystem::copy_file(app.Create().path, Drop(name));
  }
  static std::string Degraded(App* app) {
    std::string all;
    for (const auto& reason : app->manager_.Health().reasons) {
      all += reason.text + "\n";
    }
    return all;
  }

  AutoClock clock_;
};

TEST_F(DropStartTest, BadDropWithoutADatabaseRefusesEachStart) {
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  for (int start = 0; start < 3; ++start) {
    const Status refused = Start();
    EXPECT_EQ(refused.code(), StatusCode::kRefused);
    EXPECT_NE(refused.message().find("there is no database in " +
                                     options_.storage_path()),
              std::string::npos)
        << refused.message();
    EXPECT_NE(refused.message().find("x.tar.gz: "), std::string::npos);
    EXPECT_NE(refused.message().find("not a gzip file"), std::string::npos);
    EXPECT_NE(refused.hint().find("ALLOW_NEW_DATABASE=true"),
              std::string::npos);
    EXPECT_TRUE(PathExists(FileSystem::Posix(), Drop("x.tar.gz")));
    ExpectNoDatabase();
  }
  // Once the drop is replaced by a good archive, the start restores it.
  std::filesystem::remove(Drop("x.tar.gz"));
  DropBackup("x.tar.gz");
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.report_.restored);
  EXPECT_EQ(app.Count(), 20);
}

TEST_F(DropStartTest, WithoutTheDropANewDatabaseBegins) {
  std::filesystem::create_directory(Drop("x.tgz"));
  EXPECT_EQ(Start().code(), StatusCode::kRefused);
  std::filesystem::remove(Drop("x.tgz"));
  EXPECT_TRUE(Start().ok());
}

TEST_F(DropStartTest, NewLifeIsWanted) {
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  options_.restore.allow_new_database = true;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_EQ(app.report_.rejected.size(), 1u);
  EXPECT_NE(Degraded(&app).find("x.tar.gz in "), std::string::npos);
}

TEST_F(DropStartTest, WithoutAutoRestoreNothingIsAWish) {
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  options_.restore.at_start = false;
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_TRUE(app.manager_.Health().unrestored.empty());
  EXPECT_EQ(Degraded(&app), "");
}

TEST_F(DropStartTest, OtherFilesAreNoWish) {
  WriteFile(Drop("README.md"), "drop here");
  WriteFile(Drop("x.zip"), "zip");
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(Degraded(&app), "");
}

TEST_F(DropStartTest, MissingDatabaseIsNamedAsWell) {
  ASSERT_TRUE(Start().ok());  // remembered from now on
  std::filesystem::remove_all(options_.storage_dir);
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  const Status refused = Start();
  EXPECT_EQ(refused.code(), StatusCode::kRefused);
  EXPECT_NE(refused.message().find(
                "also, there is no database in " + options_.storage_path() +
                ", but " + options_.backup_dir + " remembers one there"),
            std::string::npos)
      << refused.message();
}

TEST_F(DropStartTest, WhereThereIsADatabaseHealthSaysIt) {
  ASSERT_TRUE(Start().ok());
  std::filesystem::create_symlink("/nowhere", Drop("l.tar.gz"));
  App app(options_, &clock_);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_EQ(app.report_.unrestored.size(), 1u);
  EXPECT_NE(app.report_.refused.find("symbolic link"), std::string::npos);
  EXPECT_NE(Degraded(&app).find("symbolic link"), std::string::npos);
  std::filesystem::remove(Drop("l.tar.gz"));
  EXPECT_EQ(Degraded(&app), "");
  WriteFile(Drop("y.tar.gz"), "came later");
  const auto waiting = app.manager_.Health().unrestored;
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].name, "y.tar.gz");
  EXPECT_EQ(waiting[0].reason, "it came after the start");
}

TEST_F(DropStartTest, LaterRestoreEndsIt) {
  {
    App app(options_, &clock_);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 5);
    app.Create();
  }
  WriteFile(Drop("x.tar.gz"), "this is no archive");
  App app(options_, &clock_);
  app.EnableLiveRestore();
  ASSERT_TRUE(app.Start().ok());
  EXPECT_NE(Degraded(&app).find("x.tar.gz in "), std::string::npos);
  RestoreRequest request;
  request.source = "latest";
  ASSERT_TRUE(app.manager_.RestoreBackup(request).ok());
  EXPECT_EQ(Degraded(&app), "");
}

}  // namespace
}  // namespace levelkeep::test
