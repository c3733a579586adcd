// The gate of the handlers and the places of transfers, without sockets.

#include "http/server_limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace levelkeep::http {
namespace {

class EndlessStream : public BodyStream {
 public:
  bool Next(std::string* chunk) override {
    *chunk += "x";
    return true;
  }
};

Response StreamResponse() {
  Response response;
  response.stream = std::make_shared<EndlessStream>();
  response.headers["X-Request-Id"] = "id";
  return response;
}

TEST(WorkGateTest, AQuarterIsForThoseWhoRead) {
  WorkGate gate(4);
  for (int i = 0; i < 3; i++) ASSERT_TRUE(gate.Enter(true));
  std::atomic<bool> entered{false};
  std::thread fourth([&] {
    entered = gate.Enter(true);
    gate.Leave(true);
  });
  // Requests that only read come and go all the same.
  for (int i = 0; i < 100; i++) {
    ASSERT_TRUE(gate.Enter(false));
    gate.Leave(false);
  }
  EXPECT_FALSE(entered);
  gate.Leave(true);
  fourth.join();
  EXPECT_TRUE(entered);
}

TEST(WorkGateTest, ClosingSendsThoseAwayWhoWait) {
  WorkGate gate(2);
  ASSERT_TRUE(gate.Enter(true));
  std::atomic<int> refused{0};
  std::thread waiting([&] {
    if (!gate.Enter(true)) refused++;
  });
  gate.Close();
  waiting.join();
  EXPECT_EQ(refused, 1);
  EXPECT_FALSE(gate.Enter(false));
}

TEST(TransferLimitsTest, APlaceIsFreeWhenTheResponseIsGone) {
  TransferLimits limits(1, 1, 1 << 20);
  {
    const Response first = limits.Admit(StreamResponse());
    EXPECT_EQ(first.status, 200);
    const Response second = limits.Admit(StreamResponse());
    EXPECT_EQ(second.status, 503);
    EXPECT_EQ(second.stream, nullptr);
    EXPECT_EQ(second.headers.at("X-Request-Id"), "id");
    EXPECT_EQ(second.headers.at("Retry-After"), "5");
  }
  EXPECT_EQ(limits.Admit(StreamResponse()).status, 200);
}

TEST(TransferLimitsTest, OthersNeedNoPlace) {
  TransferLimits limits(1, 1, 0);
  const Response stream = limits.Admit(StreamResponse());
  EXPECT_EQ(limits.Admit(JsonResponse("{}")).status, 200);
  EXPECT_EQ(limits.Admit(StreamResponse()).status, 503);
}

TEST(TransferLimitsTest, LargeAnswersShareTheirMemory) {
  TransferLimits limits(0, 0, 100'000);
  const auto answer = [&limits](size_t bytes) {
    return limits.Admit(JsonResponse(std::string(bytes, 'x')));
  };
  {
    const Response first = answer(60'000);
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(answer(60'000).status, 503);
    EXPECT_EQ(answer(40'000).status, 200);
    EXPECT_EQ(answer(Budget::kSmallBytes).status, 200);
  }
  // An answer larger than the whole budget is sent, but alone.
  const Response large = answer(1'000'000);
  EXPECT_EQ(large.status, 200);
  EXPECT_EQ(large.body.size(), 1'000'000u);
  EXPECT_EQ(answer(40'000).status, 503);
}

TEST(TransferLimitsTest, StreamsEndWhenTold) {
  TransferLimits limits(1, 1, 1 << 20);
  const Response response = limits.Admit(StreamResponse());
  std::string part;
  EXPECT_TRUE(response.stream->Next(&part));
  EXPECT_EQ(part, "x");
  limits.EndStreams();
  EXPECT_FALSE(response.stream->Next(&part));
}

}  // namespace
}  // namespace levelkeep::http
