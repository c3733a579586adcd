// What a developer may forget on the first day. It works all the same, or ends
// in a clear error.

#include <filesystem>
#include <memory>
#include <string>

#include "levelkeep/log.h"
#include "manager/manager_fixture.h"

namespace levelkeep::test {
namespace {

class AttachTest : public ManagerFixture {
 protected:
  std::unique_ptr<leveldb::DB> OpenAt(const std::string& path,
                                      leveldb::Env* env = nullptr) {
    std::filesystem::create_directories(path);
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = 64 << 10;
    if (env != nullptr) options.env = env;
    leveldb::DB* db = nullptr;
    const auto status = leveldb::DB::Open(options, path, &db);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return std::unique_ptr<leveldb::DB>(db);
  }
  static void PutMuch(leveldb::DB* db, int count) {
    const std::string value(200, 'x');
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(db->Put(leveldb::WriteOptions(), Key(i), value).ok());
    }
  }
  static void ExpectAnother(const Status& refused, const std::string& why) {
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(refused.message().find("the attached database is not the one in"),
              std::string::npos)
        << refused.ToString();
    EXPECT_TRUE(refused.message().ends_with(": " + why)) << refused.ToString();
  }
  static std::string Degraded(BackupManager* manager) {
    std::string all;
    for (const auto& reason : manager->Health().reasons)
      all += reason.text + "\n";
    return all;
  }
};

TEST_F(AttachTest, ADatabaseOfAnotherFolderIsRefused) {
  BackupManager manager(options_);
  ASSERT_TRUE(manager.Initialize().ok());
  const auto other = OpenAt(dir_.Sub("other"), manager.env());
  ExpectAnother(manager.Attach(other.get()).status(), "there is none");
  OpenAt(options_.storage_path());
  ExpectAnother(manager.Attach(other.get()).status(),
                "no process has that database open");
  // The refused attempts leave no trace.
  const auto right = OpenAt(options_.storage_path(), manager.env());
  EXPECT_TRUE(manager.Attach(right.get()).ok());
}

TEST_F(AttachTest, TwoOpenDatabasesAreNotMixedUp) {
  BackupManager manager(options_);
  ASSERT_TRUE(manager.Initialize().ok());
  for (leveldb::Env* const env : {manager.env(), leveldb::Env::Default()}) {
    const auto right = OpenAt(options_.storage_path(), env);
    const auto other = OpenAt(dir_.Sub("other"), env);
    PutMuch(right.get(), 1000);
    PutMuch(other.get(), 2000);
    for (leveldb::DB* const db : {right.get(), other.get()}) {
      db->CompactRange(nullptr, nullptr);
    }
    ExpectAnother(manager.Attach(other.get()).status(), "it has other tables");
    EXPECT_TRUE(manager.Attach(right.get()).ok());
  }
  // A database without tables is not taken for the one that has tables.
  const auto right = OpenAt(options_.storage_path(), manager.env());
  const auto empty = OpenAt(dir_.Sub("empty"), manager.env());
  ExpectAnother(manager.Attach(empty.get()).status(), "it has other tables");
}

TEST_F(AttachTest, AForgottenEnvIsSaid) {
  std::string log;
  SetLogCallback(
      [&log](LogLevel level, std::string_view, std::string_view text) {
        if (level == LogLevel::kWarn) log += text;
      });
  {
    App app(options_, Clock::System(), /*own_env=*/false);
    ASSERT_TRUE(app.Start().ok());
    EXPECT_NE(log.find("leveldb::Options::env"), std::string::npos) << log;
    EXPECT_EQ(app.manager_.Health().snapshot_method, SnapshotMethod::kLogical);
    EXPECT_NE(Degraded(&app.manager_).find("leveldb::Options::env"),
              std::string::npos);
    EXPECT_EQ(app.Create().snapshot_method, SnapshotMethod::kLogical);
    ASSERT_TRUE(app.Close().ok());
    EXPECT_EQ(app.manager_.Health().snapshot_method, SnapshotMethod::kNone);
    EXPECT_EQ(Degraded(&app.manager_), "");
  }
  SetLogCallback(nullptr);
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.manager_.Health().snapshot_method, SnapshotMethod::kHot);
  EXPECT_EQ(Degraded(&app.manager_), "");
}

TEST_F(AttachTest, ADatabaseThatIsClosedWhileAttachedGivesNoBackup) {
  for (const bool own_env : {true, false}) {
    SCOPED_TRACE(own_env);
    App app(options_, Clock::System(), own_env);
    ASSERT_TRUE(app.Start().ok());
    app.Put(0, 10);
    app.db_.reset();
    const auto made = app.manager_.CreateBackup(CreateRequest());
    ASSERT_FALSE(made.ok());
    EXPECT_EQ(made.status().code(), StatusCode::kRefused);
    EXPECT_TRUE(
        made.status().message().ends_with("was closed while it was attached"))
        << made.status().ToString();
    EXPECT_TRUE(LeftOvers().empty());
    EXPECT_TRUE(app.manager_.ListBackups()->empty());
    if (own_env) {
      EXPECT_FALSE(app.manager_.Health().store_usable);
      EXPECT_NE(
          Degraded(&app.manager_).find("was closed while it was attached"),
          std::string::npos);
    }
    // Attached again, all is well.
    app.attachment_.reset();
    ASSERT_TRUE(app.Open().ok());
    EXPECT_TRUE(app.manager_.Health().store_usable);
    EXPECT_EQ(app.Count(), 10);
    app.Create();
    std::filesystem::remove_all(options_.backup_dir);
    std::filesystem::create_directory(options_.backup_dir);
  }
}

TEST_F(AttachTest, TwoDatabasesUnderOneParentInOneProcess) {
  BackupOptions second = options_;
  second.db_name = "second";
  second.restore_dir = dir_.Sub("restore2");
  App a(options_), b(second);
  ASSERT_TRUE(a.Start().ok());
  a.Put(0, 10);
  const Status started = b.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  b.Put(0, 20);
  EXPECT_EQ(a.Create("a").last_sequence, 10u);
  EXPECT_EQ(b.Create("b").last_sequence, 20u);
  a.EnableLiveRestore();
  RestoreRequest latest;
  latest.source = "latest";
  const auto restored = a.manager_.RestoreBackup(latest);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(restored->last_sequence, 10u);
  EXPECT_EQ(b.Count(), 20);
}

TEST_F(AttachTest, ADatabaseThatIsOpenBeforeTheStartIsOurOwn) {
  const auto db = OpenAt(options_.storage_path());
  BackupManager manager(options_);
  const Status refused = manager.Initialize().status();
  EXPECT_EQ(refused.code(), StatusCode::kBusy);
  EXPECT_TRUE(refused.message().ends_with("is open in this process already"))
      << refused.ToString();
  EXPECT_NE(refused.hint().find("before leveldb::DB::Open"), std::string::npos);
}

TEST_F(AttachTest, ASecondManagerOfADatabaseIsRefused) {
  BackupManager first(options_);
  ASSERT_TRUE(first.Initialize().ok());
  BackupManager second(options_);
  const Status refused = second.Initialize().status();
  EXPECT_EQ(refused.code(), StatusCode::kBusy);
  EXPECT_NE(refused.message().find("this process itself"), std::string::npos)
      << refused.ToString();
  EXPECT_EQ(refused.ToString().find("stop that process"), std::string::npos)
      << refused.ToString();
}

// As after daemon(3), which changes the working directory to /.
TEST_F(AttachTest, AnotherWorkingDirectoryChangesNothing) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  BackupOptions relative = options_;
  relative.storage_dir = "./storage";
  relative.backup_dir = "backups";
  relative.restore_dir = "./restore";
  {
    App app(relative);
    EXPECT_EQ(app.manager_.options().storage_path(), options_.storage_path());
    const Status initialized = app.manager_.Initialize().status();
    std::filesystem::current_path("/");
    ASSERT_TRUE(initialized.ok()) << initialized.ToString();
    ASSERT_TRUE(app.Open().ok());
    app.Put(0, 1000);
    const BackupInfo made = app.Create();
    EXPECT_TRUE(made.path.starts_with(options_.backup_dir + "/")) << made.path;
    const auto verified =
        app.manager_.VerifyBackup(made.name, VerifyDepth::kFull);
    EXPECT_TRUE(verified.ok()) << verified.status().ToString();
  }
  std::filesystem::current_path(before);
}

TEST_F(AttachTest, AnAttachmentMayOutliveTheManager) {
  auto manager = std::make_unique<BackupManager>(options_);
  ASSERT_TRUE(manager->Initialize().ok());
  auto db = OpenAt(options_.storage_path(), manager->env());
  auto attachment = manager->Attach(db.get());
  ASSERT_TRUE(attachment.ok());
  manager.reset();
  PutMuch(db.get(), 1000);  // through the manager's env
  db.reset();
  attachment->reset();
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.Count(), 1000);
}

}  // namespace
}  // namespace levelkeep::test
