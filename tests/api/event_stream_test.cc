#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "api/events/event_routes.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "support/events.h"
#include "support/temp_dir.h"

namespace levelkeep::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Only SteadyNow() is asked.
class SteppedClock : public Clock {
 public:
  Time Now() override { return Time(); }
  std::chrono::steady_clock::time_point SteadyNow() override { return now_; }
  bool SleepFor(milliseconds, std::stop_token) override { return true; }
  void Advance(seconds duration) { now_ += duration; }

 private:
  std::chrono::steady_clock::time_point now_;
};

class EventStreamTest : public ::testing::Test {
 protected:
  EventStreamTest() : bus_(Options(), leveldb::Env::Default()) {}
  void SetUp() override { ASSERT_TRUE(bus_.Open().ok()); }

  EventBusOptions Options() {
    EventBusOptions options;
    options.db_dir = dir_.Sub("db");
    options.max_wait = milliseconds(1);
    return options;
  }
  void Append(const std::string& type) {
    ASSERT_TRUE(test::AppendEvents(&bus_, {{type, "", nullptr}}).ok());
  }
  std::string Next(EventStream* stream) {
    std::string chunk;
    EXPECT_TRUE(stream->Next(&chunk));
    return chunk;
  }
  std::string EpochEvent(uint64_t last) {
    return "event: epoch\ndata: {\"epoch\":\"" + bus_.State().epoch +
           "\",\"last\":" + std::to_string(last) + "}\n\n";
  }
  std::string Message(uint64_t sequence) {
    const auto page = test::ReadEvents(&bus_, sequence - 1, 1, 1);
    EXPECT_TRUE(page.ok());
    return "id: " + std::to_string(sequence) +
           "\ndata: " + EncodeEvent(page->events.at(0)) + "\n\n";
  }

  test::TempDir dir_;
  SteppedClock clock_;
  EventBus bus_;
};

TEST_F(EventStreamTest, SendsWhatWasMissedThenWhatComes) {
  Append("a");
  Append("b");
  EventStream stream(&bus_, &clock_, 1, milliseconds(1));
  EXPECT_EQ(Next(&stream), "retry: 2000\n\n" + EpochEvent(2) + Message(2));
  EXPECT_EQ(Next(&stream), "");
  Append("c");
  EXPECT_EQ(Next(&stream), Message(3));
  EXPECT_EQ(Message(3).find("\"type\":\"c\"") == std::string::npos, false);
}

TEST_F(EventStreamTest, EveryMessageIsOneLineOfData) {
  ASSERT_TRUE(
      test::AppendEvents(&bus_, {{"t", "", "line one\nline two\r\n\u2028"}})
          .ok());
  EventStream stream(&bus_, &clock_, 0, milliseconds(1));
  const std::string chunk = Next(&stream);
  const std::string message = chunk.substr(chunk.find("id: 1\n"));
  EXPECT_EQ(message.find('\r'), std::string::npos);
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 3);
}

TEST_F(EventStreamTest, HeartbeatsWhileNothingHappens) {
  EventStream stream(&bus_, &clock_, 0, milliseconds(0));
  Next(&stream);
  clock_.Advance(kEventHeartbeat - seconds(1));
  EXPECT_EQ(Next(&stream), "");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Next(&stream), ": heartbeat\n\n");
  EXPECT_EQ(Next(&stream), "");
  Append("a");
  clock_.Advance(kEventHeartbeat);
  EXPECT_EQ(Next(&stream), Message(1));  // an event replaces the heartbeat
  EXPECT_EQ(Next(&stream), "");
}

TEST_F(EventStreamTest, TellsOfARestoreAndGoesOnBehindIt) {
  for (const char* type : {"a", "b", "c"}) Append(type);
  EventStream stream(&bus_, &clock_, 3, milliseconds(1));
  EXPECT_EQ(Next(&stream), "retry: 2000\n\n" + EpochEvent(3));
  bus_.Close();
  clock_.Advance(kEventHeartbeat);
  EXPECT_EQ(Next(&stream), ": heartbeat\n\n");  // sent while the bus is closed
  ASSERT_EQ(test::Shell("rm -rf '" + dir_.Sub("db") + "'"), 0);
  ASSERT_TRUE(bus_.Open().ok());
  Append("other");
  // Event 1 was appended after the restore: the client has not seen it.
  EXPECT_EQ(Next(&stream), EpochEvent(1) + Message(1));
  Append("next");
  EXPECT_EQ(Next(&stream), Message(2));
}

TEST_F(EventStreamTest, AClientThatIsAheadIsPutAtTheEnd) {
  Append("a");
  EventStream stream(&bus_, &clock_, 1000, milliseconds(1));
  EXPECT_EQ(Next(&stream), "retry: 2000\n\n" + EpochEvent(1));
  Append("b");
  EXPECT_EQ(Next(&stream), Message(2));
}

TEST_F(EventStreamTest, DamageEndsTheStreamWithAReason) {
  for (const char* type : {"a", "b", "c"}) Append(type);
  ASSERT_TRUE(bus_.db()->Delete(leveldb::WriteOptions(), EventKey(2)).ok());
  EventStream stream(&bus_, &clock_, 0, milliseconds(1));
  const std::string chunk = Next(&stream);
  EXPECT_NE(chunk.find("event: failure\ndata: {\"code\":\"corruption\","
                       "\"detail\":\"event 2 is missing (3 is the newest)\"}"
                       "\n\n"),
            std::string::npos)
      << chunk;
  std::string more;
  EXPECT_FALSE(stream.Next(&more));
  EXPECT_EQ(more, "");
}

TEST_F(EventStreamTest, EndsWhenTheProgramStops) {
  EventStream stream(&bus_, &clock_, 0, seconds(60));
  Next(&stream);
  bus_.Shutdown();
  std::string chunk;
  EXPECT_FALSE(stream.Next(&chunk));
}

}  // namespace
}  // namespace levelkeep::api
