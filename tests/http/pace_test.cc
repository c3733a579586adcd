// Clients that read an answer, but too slowly.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "http/server_binding.h"
#include "http/server_fixture.h"

namespace levelkeep {
namespace {

using http::PaceLimit;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RawClient;

TEST(PaceLimitTest, CountsOnlyWhatIsSentWhileItIsWaitedFor) {
  PaceLimit pace(1000, seconds(20));
  pace.Sent(1 << 30);  // into the buffers on the way
  pace.Waited(seconds(10));
  pace.Sent(19'000);
  pace.Waited(milliseconds(9999));
  EXPECT_FALSE(pace.exceeded());
  pace.Waited(milliseconds(1));
  EXPECT_TRUE(pace.exceeded());
}

TEST(PaceLimitTest, EachWindowCounts) {
  PaceLimit pace(1000, seconds(20));
  pace.Waited(seconds(1));
  for (int i = 0; i < 10; ++i) {
    pace.Sent(30'000);
    pace.Waited(seconds(20));
    EXPECT_FALSE(pace.exceeded()) << i;
  }
  pace.Sent(100);
  pace.Waited(seconds(20));
  EXPECT_TRUE(pace.exceeded());
}

TEST(PaceLimitTest, WhoIsNotLimitedMayTakeAnyTime) {
  PaceLimit none(0, seconds(20));
  none.Waited(std::chrono::hours(1));
  EXPECT_FALSE(none.exceeded());
  PaceLimit lifted(1000, seconds(20));
  lifted.Lift();
  lifted.Waited(std::chrono::hours(1));
  EXPECT_FALSE(lifted.exceeded());
}

class PaceTest : public test::ServerFixture {};

// The download is ended although no single wait is too long for the server.
TEST_F(PaceTest, WhoReadsTooSlowlyGivesItsPlaceUp) {
  options_.max_downloads = 1;
  options_.send_timeout = std::chrono::hours(1);
  options_.pace_window = milliseconds(100);
  file_size_ = 64 << 20;
  std::ofstream(dir_.Sub("file")) << std::string(file_size_, 'x');
  Start();
  RawClient stalled(port());
  stalled.Send(Get("/file"));
  EXPECT_TRUE(stalled.Fill()) << "the answer begins";
  int status = 503;
  while (status == 503) {  // hangs if the place is never given up
    status = Once(Get("/file", "Connection: close\r\n")).status;
  }
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace levelkeep
