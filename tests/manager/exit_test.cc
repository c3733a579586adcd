// The process exits while a backup runs, and the manager is a static object.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "manager/manager_fixture.h"

namespace levelkeep {
namespace {

// An application whose author never thought of its end. OpenSSL's exit handler
// is registered later, so it runs before this destructor.
struct Application {
  ~Application() {
    // The backup still goes on after OpenSSL's exit handler.
    AwaitProgress();
    app->attachment_.reset();
    creating.join();
    app.reset();
  }
  void AwaitProgress() const {
    const int before = progress;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (progress == before && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
  }

  std::unique_ptr<test::App> app;
  std::thread creating;
  std::atomic<int> progress{0};
};

[[noreturn]] void ExitWithinABackup(const BackupOptions& options) {
  static Application application;
  application.app = std::make_unique<test::App>(options);
  test::App& app = *application.app;
  if (!app.Start().ok()) std::_Exit(2);
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string value(1000, '\0');
    for (char& c : value) c = static_cast<char>(random());
    app.Put(i, i + 1, value);
  }
  application.creating = std::thread([&] {
    CreateRequest request;
    request.progress = [](double) { ++application.progress; };
    (void)app.manager_.CreateBackup(request);
  });
  application.AwaitProgress();
  std::exit(0);
}

// The death test starts a new process that runs this test again, because a
// forked process would lack LevelDB's thread. The new process uses the folders
// of its parent.
TEST(ExitTest, EndsCleanlyWithinABackup) {
  constexpr char kRoot[] = "LEVELKEEP_EXIT_TEST";
  std::unique_ptr<test::TempDir> dir;
  if (std::getenv(kRoot) == nullptr) {
    dir = std::make_unique<test::TempDir>();
    setenv(kRoot, dir->path().c_str(), 1);
  }
  BackupOptions options;
  options.storage_dir = std::string(std::getenv(kRoot)) + "/storage";
  options.backup_dir = std::string(std::getenv(kRoot)) + "/backups";
  options.restore_dir = std::string(std::getenv(kRoot)) + "/restore";
  options.schedule.enabled = false;
  options.verification.after_backup = false;
  options.resources.reserve_bytes = 1 << 20;
  options.resources.rate_limit_bytes_per_second = 200'000;
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  // A thread that ends after OpenSSL's exit handler leaves OpenSSL's list of
  // its errors behind (904 bytes), so the leak sanitizer is switched off.
  constexpr char kLeaks[] = "LSAN_OPTIONS";
  setenv(kLeaks, "detect_leaks=0", 1);
  EXPECT_EXIT(ExitWithinABackup(options), testing::ExitedWithCode(0), "");
  unsetenv(kLeaks);
  unsetenv(kRoot);
  const auto names = FileSystem::Posix()->List(options.backup_dir);
  ASSERT_TRUE(names.ok());
  EXPECT_EQ(*names, std::vector<std::string>{".levelkeep"});
}

}  // namespace
}  // namespace levelkeep
