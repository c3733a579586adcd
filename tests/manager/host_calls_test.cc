// Hooks, counters, progress and visitors of the host may throw.

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "manager/manager_fixture.h"
#include "support/fake_clock.h"

namespace levelkeep {
namespace {

using test::App;

class HostCallsTest : public test::ManagerFixture {
 protected:
  // Files that restores left although they did not take place.
  std::set<std::string> LeftOfRestores() {
    std::set<std::string> left;
    for (const auto& name : *FileSystem::Posix()->List(
             options_.storage_dir + "/.levelkeep/" + options_.db_name)) {
      if (name.starts_with("staging-") || name.starts_with("scratch-") ||
          name == "journal") {
        left.insert(name);
      }
    }
    return left;
  }
  static Result<RestoreReport> Restore(App* app, const std::string& name) {
    RestoreRequest request;
    request.source = name;
    return app->manager_.RestoreBackup(request);
  }
  // An application with ten events in a backup, and ten that came later.
  std::string Prepare(App* app) {
    EXPECT_TRUE(app->Start().ok());
    app->Put(0, 10);
    const std::string name = app->Create().name;
    app->Put(10, 20);
    return name;
  }
};

TEST_F(HostCallsTest, ACloseThatThrowsChangesNothing) {
  App app(options_);
  bool angry = true;
  app.manager_.SetRestoreHooks({[&] {
                                  if (angry) throw std::runtime_error("boom");
                                  return app.Close();
                                },
                                [&] { return app.Open(); }});
  const std::string name = Prepare(&app);
  const auto refused = Restore(&app, name);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kInternal);
  EXPECT_NE(refused.status().message().find("boom"), std::string::npos);
  EXPECT_EQ(app.Count(), 20);
  EXPECT_TRUE(LeftOfRestores().empty());
  EXPECT_EQ(app.manager_.Health().running, std::nullopt);
  angry = false;
  ASSERT_TRUE(Restore(&app, name).ok());
  EXPECT_EQ(app.Count(), 10);
}

// The hook throws after it has closed the database. Without a reopen, the
// database would stay closed for ever.
TEST_F(HostCallsTest, ACloseThatThrowsBehindItsWorkIsOpenedAgain) {
  App app(options_);
  app.manager_.SetRestoreHooks({[&]() -> Status {
                                  EXPECT_TRUE(app.Close().ok());
                                  throw 42;
                                },
                                [&] { return app.Open(); }});
  const std::string name = Prepare(&app);
  ASSERT_FALSE(Restore(&app, name).ok());
  ASSERT_NE(app.db_, nullptr);
  EXPECT_EQ(app.Count(), 20);
  EXPECT_TRUE(app.manager_.Health().store_usable);
  EXPECT_TRUE(LeftOfRestores().empty());
}

TEST_F(HostCallsTest, AReopenThatThrowsBringsTheOldDataBack) {
  App app(options_);
  int opens = 0;
  app.manager_.SetRestoreHooks({[&] { return app.Close(); },
                                [&]() -> Status {
                                  if (++opens == 1) throw std::logic_error("x");
                                  return app.Open();
                                }});
  const std::string name = Prepare(&app);
  const auto refused = Restore(&app, name);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(opens, 2);
  EXPECT_EQ(app.Count(), 20);
  EXPECT_TRUE(LeftOfRestores().empty());
  ASSERT_TRUE(Restore(&app, name).ok());
  EXPECT_EQ(app.Count(), 10);
}

TEST_F(HostCallsTest, ProgressThatThrowsIsNotCalledAgain) {
  App app(options_);
  app.EnableLiveRestore();
  const std::string name = Prepare(&app);
  int calls = 0;
  const auto progress = [&](double) {
    ++calls;
    throw std::runtime_error("boom");
  };
  CreateRequest create;
  create.progress = progress;
  const auto made = app.manager_.CreateBackup(create);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(LeftOvers().empty());
  RestoreRequest restore;
  restore.source = name;
  restore.progress = progress;
  const auto restored = app.manager_.RestoreBackup(restore);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(app.Count(), 10);
}

TEST_F(HostCallsTest, ACounterThatThrowsCountsNothing) {
  App app(options_);
  bool angry = false;
  app.manager_.SetEventCounter([&]() -> EventCount {
    if (angry) throw std::runtime_error("boom");
    EventCount count;
    count.count = 20;
    return count;
  });
  const std::string name = Prepare(&app);
  EXPECT_EQ(app.manager_.PreviewRestore(test::RestoreOf(name))->current_events,
            20u);
  angry = true;
  EXPECT_EQ(app.Create().event_count, 0u);
  EXPECT_EQ(app.manager_.PreviewRestore(test::RestoreOf(name))->current_events,
            0u);
}

// The counter throws on a thread of LevelKeep, where the host can't catch it.
TEST_F(HostCallsTest, TheScheduleGoesOnWithoutACount) {
  test::FakeClock clock;
  options_.schedule.enabled = true;
  App app(options_, &clock);
  app.manager_.SetEventCounter(
      []() -> EventCount { throw std::runtime_error("boom"); });
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (app.manager_.ListBackups()->empty()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
    clock.Advance(std::chrono::minutes(10));
    std::this_thread::yield();
  }
}

TEST_F(HostCallsTest, AVisitorThatThrowsEndsTheVisit) {
  App app(options_);
  Prepare(&app);
  app.Create();
  int visits = 0;
  const auto visited =
      app.manager_.VisitBackups([&](const BackupInfo&) -> bool {
        ++visits;
        throw std::bad_alloc();
      });
  ASSERT_FALSE(visited.ok());
  EXPECT_EQ(visited.status().code(), StatusCode::kNoSpace);
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace levelkeep
