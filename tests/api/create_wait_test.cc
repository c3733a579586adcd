// A create over HTTP waits for a running job; at most four requests wait.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "api/api.h"
#include "api/store_fixture.h"

namespace levelkeep::api {
namespace {

class CreateWaitTest : public test::StoreFixture {
 protected:
  static int Create(Api* api) {
    http::Request request;
    request.method = "POST";
    request.path = "/api/backup/create";
    request.headers["host"] = "localhost:5050";
    return api->Handle(request).status;
  }
  // Starts a create of the application itself, which waits until EndSlow.
  void BeginSlow() {
    slow_ = std::jthread([this] {
      CreateRequest request;
      request.progress = [this](double) {
        running_.store(true);
        running_.notify_all();
        may_end_.wait(false);
      };
      slow_end_ = manager_->CreateBackup(request).status();
    });
    running_.wait(false);
  }
  void EndSlow() {
    may_end_.store(true);
    may_end_.notify_all();
    slow_.join();
  }

  std::atomic<bool> running_ = false;
  std::atomic<bool> may_end_ = false;
  std::jthread slow_;
  Status slow_end_;
};

TEST_F(CreateWaitTest, FourWaitAndOthersAreToldAtOnce) {
  options_.retention.max_backups = 10;
  StartManager();
  Append(10);
  Api api(manager_.get(), http::ApiOptions());
  BeginSlow();
  std::atomic<int> made = 0, conflicts = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 7; ++i) {
      callers.emplace_back([&] {
        const int status = Create(&api);
        if (status == 200) ++made;
        if (status == 409) ++conflicts;
        conflicts.notify_all();
      });
    }
    for (int seen; (seen = conflicts) < 3;) conflicts.wait(seen);
    EXPECT_EQ(made, 0);
    EndSlow();
    EXPECT_TRUE(slow_end_.ok()) << slow_end_.ToString();
  }
  EXPECT_EQ(made, 4);
  EXPECT_EQ(conflicts, 3);
  EXPECT_EQ(manager_->ListBackups()->size(), 5u);
}

TEST_F(CreateWaitTest, AStopOfTheServerEndsAWait) {
  StartManager();
  Append(10);
  Api api(manager_.get(), http::ApiOptions());
  BeginSlow();
  int status = 0;
  std::jthread caller([&] { status = Create(&api); });
  manager_->StopJobs();
  caller.join();
  EXPECT_EQ(status, 503);
  EndSlow();
  EXPECT_EQ(slow_end_.code(), StatusCode::kCancelled);
}

}  // namespace
}  // namespace levelkeep::api
