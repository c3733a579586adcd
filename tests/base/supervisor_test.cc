#include "base/supervisor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "support/notify_socket.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

TEST(SupervisorTest, ReachesAPathAndTheAbstractNamespace) {
  test::TempDir dir;
  for (const std::string& address :
       {dir.Sub("notify"), "@levelkeep-test-" + std::to_string(::getpid())}) {
    test::NotifySocket socket(address);
    ASSERT_TRUE(socket.is_bound()) << address;
    const Supervisor supervisor(address);
    EXPECT_TRUE(supervisor.listens());
    EXPECT_FALSE(supervisor.watchdog().has_value());
    EXPECT_TRUE(supervisor.Tell("READY=1\nSTATUS=here").ok());
    EXPECT_EQ(socket.Next(), "READY=1\nSTATUS=here");
  }
}

TEST(SupervisorTest, WithoutOneNothingIsSaid) {
  const Supervisor none;
  EXPECT_FALSE(none.listens());
  EXPECT_TRUE(none.Tell("READY=1").ok());
}

TEST(SupervisorTest, NamesASocketThatItCannotReach) {
  test::TempDir dir;
  const Status missing = Supervisor(dir.Sub("missing")).Tell("READY=1");
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_NE(missing.message().find("missing"), std::string::npos);
  for (const std::string& address :
       {std::string("vsock:2:1"), "/" + std::string(107, 'x')}) {
    const Status unknown = Supervisor(address).Tell("READY=1");
    EXPECT_EQ(unknown.code(), StatusCode::kInvalidArgument) << address;
  }
}

// A supervisor that reads nothing delays the service by a second at most for
// each message.
TEST(SupervisorTest, DoesNotWaitForASupervisorThatHangs) {
  test::TempDir dir;
  test::NotifySocket socket(dir.Sub("notify"));
  const Supervisor supervisor(dir.Sub("notify"));
  Status told;
  for (int i = 0; i < 100'000 && told.ok(); ++i) told = supervisor.Tell("X=1");
  EXPECT_FALSE(told.ok());
}

class SupervisorEnvironmentTest : public testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      ::unsetenv(name);
  }
  static Supervisor Take(const char* limit, const std::string& process) {
    ::setenv("NOTIFY_SOCKET", "/run/x", 1);
    ::setenv("WATCHDOG_USEC", limit, 1);
    if (!process.empty()) ::setenv("WATCHDOG_PID", process.c_str(), 1);
    return Supervisor::TakeFromEnvironment();
  }
};

TEST_F(SupervisorEnvironmentTest, LeavesNothingToChildren) {
  const Supervisor taken = Take("30000000", std::to_string(::getpid()));
  EXPECT_TRUE(taken.listens());
  EXPECT_EQ(taken.watchdog(), std::chrono::seconds(30));
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  }
  const Supervisor none = Supervisor::TakeFromEnvironment();
  EXPECT_FALSE(none.listens());
  EXPECT_FALSE(none.watchdog().has_value());
}

TEST_F(SupervisorEnvironmentTest, TakesOnlyAWatchdogOfItsOwn) {
  EXPECT_TRUE(Take("1000", "").watchdog().has_value());
  EXPECT_FALSE(Take("1000", "1").watchdog().has_value());
  for (const char* wrong : {"0", "", "-1", "x", "18446744073709551615"}) {
    EXPECT_FALSE(Take(wrong, "").watchdog().has_value()) << wrong;
  }
}

}  // namespace
}  // namespace levelkeep
