// Backups that could not be checked are tried again in the background.

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "format/backup_state.h"
#include "manager/manager_fixture.h"
#include "restore/restorer.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::App;

class RecheckTest : public test::ManagerFixture {
 protected:
  RecheckTest() {
    options_.verification.after_backup = true;
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    EXPECT_TRUE(program.ok());
    // A check that is ended by a signal until Allow() is called; it notes each
    // run.
    options_.verification.check_program = dir_.Sub("check");
    test::WriteFile(options_.verification.check_program,
                    "#!/bin/sh\necho >> '" + dir_.Sub("runs") + "'\n[ -e '" +
                        dir_.Sub("allowed") + "' ] || kill -TERM $$\nexec '" +
                        *program + "' \"$@\"\n");
    std::filesystem::permissions(options_.verification.check_program,
                                 std::filesystem::perms::owner_all);
  }

  void Allow() { test::WriteFile(dir_.Sub("allowed"), ""); }
  size_t Runs() const {
    if (!std::filesystem::exists(dir_.Sub("runs"))) return 0;
    return std::filesystem::file_size(dir_.Sub("runs"));
  }
  std::unique_ptr<App> Started() {
    auto app = std::make_unique<App>(options_, &clock_);
    EXPECT_TRUE(app->Start().ok());
    return app;
  }
  // Waits a minute at most, so that a broken program makes the test fail.
  static bool Until(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + minutes(1);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Waits until the verifying thread has done its work and sleeps.
  void WaitUntilItRests(size_t runs) {
    ASSERT_TRUE(Until([&] { return Runs() >= runs; }));
    ASSERT_TRUE(clock_.WaitForSleepers(1));
  }
  bool BecomesVerified(App* app, const std::string& name) {
    return Until([&] {
      clock_.Advance(seconds(2));
      return Find(app, name).status == BackupStatus::kVerified;
    });
  }
  // What the state file of the backup says.
  NotChecked Recorded(const std::string& name) const {
    const auto state = DecodeBackupState(
        test::ReadFile(options_.backup_dir + "/.levelkeep/" + name + ".json"));
    EXPECT_TRUE(state.ok() && state->not_checked);
    return state.ok() ? state->not_checked.value_or(NotChecked())
                      : NotChecked();
  }
  static BackupInfo Find(App* app, const std::string& name) {
    const auto found = app->manager_.FindBackup(name);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() ? *found : BackupInfo();
  }

  test::FakeClock clock_;
};

TEST_F(RecheckTest, TriedAgainWithGrowingPauses) {
  auto app = Started();
  app->Put(0, 100);
  const std::string name = app->Create().name;
  WaitUntilItRests(1);
  EXPECT_EQ(BackupStatus::kUnverified, Find(app.get(), name).status);
  EXPECT_EQ("not checked: the check of the database was ended (signal 15)",
            Find(app.get(), name).problem);
  const HealthReport health = app->manager_.Health();
  ASSERT_EQ(1u, health.reasons.size());
  EXPECT_NE(std::string::npos,
            health.reasons[0].text.find(name + " could not be checked"));
  ASSERT_TRUE(health.latest.has_value());
  EXPECT_EQ(name, health.latest->name);

  // The next tries come after one, two and four minutes of the test's clock,
  // and never earlier.
  NotChecked before = Recorded(name);
  for (const int pause : {1, 2, 4}) {
    ASSERT_TRUE(Until([&] {
      clock_.Advance(seconds(2));
      return Recorded(name).times > before.times;
    }));
    const NotChecked after = Recorded(name);
    EXPECT_EQ(after.times, before.times + 1);
    EXPECT_GE(after.at - before.at, minutes(pause));
    before = after;
  }
  Allow();
  ASSERT_TRUE(BecomesVerified(app.get(), name));
  EXPECT_EQ("", Find(app.get(), name).problem);
  EXPECT_TRUE(app->manager_.Health().reasons.empty());
}

TEST_F(RecheckTest, TheNextProcessTakesItUp) {
  std::string name;
  {
    auto app = Started();
    app->Put(0, 100);
    name = app->Create().name;
    WaitUntilItRests(1);
  }
  Allow();
  auto app = Started();
  ASSERT_TRUE(clock_.WaitForSleepers(1)) << "its pause is not over";
  EXPECT_EQ(1u, Runs());
  clock_.Advance(minutes(1));
  EXPECT_TRUE(BecomesVerified(app.get(), name));
}

TEST_F(RecheckTest, ACheckThatEndsWithItsProcessIsTakenUpByTheNext) {
  // A check that does not end by itself.
  test::WriteFile(
      options_.verification.check_program,
      "#!/bin/sh\necho >> '" + dir_.Sub("runs") + "'\nexec sleep 1000\n");
  std::string name;
  {
    auto app = Started();
    app->Put(0, 100);
    name = app->Create().name;
    ASSERT_TRUE(Until([&] { return Runs() == 1; }));
  }
  options_.verification.check_program.clear();
  auto app = Started();
  EXPECT_EQ(BackupStatus::kUnverified, Find(app.get(), name).status);
  EXPECT_EQ("not checked: the check was stopped with its process",
            Find(app.get(), name).problem);
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(minutes(1));
  EXPECT_TRUE(BecomesVerified(app.get(), name));
}

// A new backup does not wait for the pauses of others.
TEST_F(RecheckTest, NewBackupsComeFirst) {
  auto app = Started();
  app->Put(0, 100);
  app->Create();
  WaitUntilItRests(1);
  Allow();
  const std::string second = app->Create().name;
  // Less than the pause of a minute.
  clock_.Advance(seconds(2));
  EXPECT_TRUE(Until([&] {
    return Find(app.get(), second).status == BackupStatus::kVerified;
  }));
}

}  // namespace
}  // namespace levelkeep
