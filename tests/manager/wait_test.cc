// A create that waits for the end of other work.

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "manager/manager_fixture.h"

namespace levelkeep::test {
namespace {

constexpr std::chrono::hours kLong{1};

class WaitTest : public ManagerFixture {
 protected:
  // A create that stands still until it may go on.
  void BeginSlow(App* app) {
    slow_ = std::jthread([this, app] {
      CreateRequest request;
      request.progress = [this](double) {
        running_.store(true);
        running_.notify_all();
        may_end_.wait(false);
      };
      EXPECT_TRUE(app->manager_.CreateBackup(request).ok());
    });
    running_.wait(false);
  }
  void EndSlow() {
    may_end_.store(true);
    may_end_.notify_all();
    slow_.join();
  }
  static CreateRequest Waiting(std::chrono::milliseconds wait) {
    CreateRequest request;
    request.wait = wait;
    return request;
  }
  // The lock with which another process keeps this one out.
  std::unique_ptr<FileLock> LockOfAnotherProcess() {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(
             options_.backup_dir + "/.levelkeep/databases")) {
      if (entry.path().filename() != "create.lock") continue;
      auto lock = FileSystem::Posix()->Lock(entry.path());
      if (lock.ok()) return std::move(*lock);
    }
    ADD_FAILURE() << "there is no such lock";
    return nullptr;
  }

  std::atomic<bool> running_ = false;
  std::atomic<bool> may_end_ = false;
  std::jthread slow_;
};

TEST_F(WaitTest, HoldsWhatWasWrittenBeforeItsCall) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  BeginSlow(&app);
  app.Put(10, 20);
  EXPECT_EQ(app.manager_.CreateBackup(CreateRequest()).status().code(),
            StatusCode::kBusy);
  EXPECT_EQ(app.manager_.CreateBackup(Waiting(std::chrono::milliseconds(20)))
                .status()
                .code(),
            StatusCode::kBusy);
  auto made = std::async(std::launch::async, [&] {
    return app.manager_.CreateBackup(Waiting(kLong));
  });
  EndSlow();
  const auto second = made.get();
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_EQ(second->last_sequence, 20u);
  EXPECT_EQ(app.manager_.ListBackups()->size(), 2u);
}

TEST_F(WaitTest, AStopEndsItAtOnce) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  BeginSlow(&app);
  std::stop_source stop;
  auto made = std::async(std::launch::async, [&] {
    CreateRequest request = Waiting(kLong);
    request.stop = stop.get_token();
    return app.manager_.CreateBackup(request).status();
  });
  stop.request_stop();
  EXPECT_EQ(made.get().code(), StatusCode::kCancelled);
  EndSlow();
}

TEST_F(WaitTest, WaitsForAnotherProcess) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  auto lock = LockOfAnotherProcess();
  const Status busy = app.manager_.CreateBackup(CreateRequest()).status();
  EXPECT_EQ(busy.code(), StatusCode::kBusy);
  EXPECT_TRUE(busy.message().starts_with("another process is changing"));
  std::stop_source stop;
  auto stopped = std::async(std::launch::async, [&] {
    CreateRequest request = Waiting(kLong);
    request.stop = stop.get_token();
    return app.manager_.CreateBackup(request).status();
  });
  stop.request_stop();
  EXPECT_EQ(stopped.get().code(), StatusCode::kCancelled);
  auto made = std::async(std::launch::async, [&] {
    return app.manager_.CreateBackup(Waiting(kLong)).status();
  });
  lock.reset();
  const Status status = made.get();
  EXPECT_TRUE(status.ok()) << status.ToString();
}

// The live restore closes the database and attaches it again meanwhile.
TEST_F(WaitTest, WaitsForALiveRestore) {
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 10);
  app.Create();
  app.Put(10, 20);
  std::future<Result<BackupInfo>> made;
  app.manager_.SetRestoreHooks({[&] {
                                  made = std::async(std::launch::async, [&] {
                                    return app.manager_.CreateBackup(
                                        Waiting(kLong));
                                  });
                                  return app.Close();
                                },
                                [&] { return app.Open(); }});
  RestoreRequest latest;
  latest.source = "latest";
  ASSERT_TRUE(app.manager_.RestoreBackup(latest).ok());
  const auto backup = made.get();
  ASSERT_TRUE(backup.ok()) << backup.status().ToString();
  EXPECT_EQ(backup->last_sequence, 10u);
}

}  // namespace
}  // namespace levelkeep::test
