// levelkeep create beside another process that changes the backups.

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "cli_fixture.h"

namespace levelkeep::cli {
namespace {

using CreateTest = CliTest;

// As while the server's schedule makes a backup.
TEST_F(CreateTest, CreateWaitsForAnotherProcess) {
  AppendEvents(3);
  CreateBackup();
  std::unique_ptr<FileLock> other;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           dir_.Sub("backups/.levelkeep/databases"))) {
    if (entry.path().filename() != "create.lock") continue;
    auto lock = FileSystem::Posix()->Lock(entry.path());
    ASSERT_TRUE(lock.ok()) << lock.status().ToString();
    other = std::move(*lock);
  }
  ASSERT_NE(other, nullptr);
  for (const bool ends : {false, true}) {
    SCOPED_TRACE(ends);
    auto made =
        std::async(std::launch::async, [this] { return RunCli({"create"}); });
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    if (ends) other.reset();
    clock_.Advance(std::chrono::minutes(5));
    const Outcome outcome = made.get();
    EXPECT_EQ(outcome.code, ends ? 0 : 4) << outcome.err;
    EXPECT_NE(
        outcome.err.find("waiting (at most five minutes): another process "
                         "is changing the backups"),
        std::string::npos)
        << outcome.err;
  }
}

}  // namespace
}  // namespace levelkeep::cli
