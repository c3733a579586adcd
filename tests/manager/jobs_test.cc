#include "manager/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace levelkeep {
namespace {

using Kind = JobKind;

TEST(JobsTest, MatrixIsSymmetricAndAsDocumented) {
  const struct {
    Kind a, b;
    bool together;
  } kRows[] = {
      {Kind::kCreate, Kind::kCreate, false},
      {Kind::kCreate, Kind::kRestore, false},
      {Kind::kCreate, Kind::kVerify, true},
      {Kind::kCreate, Kind::kRotate, false},
      {Kind::kRestore, Kind::kRestore, false},
      {Kind::kRestore, Kind::kVerify, false},
      {Kind::kRestore, Kind::kRotate, false},
      {Kind::kVerify, Kind::kVerify, false},
      {Kind::kVerify, Kind::kRotate, true},
      {Kind::kRotate, Kind::kRotate, false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(row.together, MayRunTogether(row.a, row.b))
        << JobKindName(row.a) << " " << JobKindName(row.b);
    EXPECT_EQ(row.together, MayRunTogether(row.b, row.a));
  }
}

TEST(JobsTest, SecondJobIsToldWhatRuns) {
  JobBoard board(Clock::System());
  auto first = board.Begin(Kind::kCreate, std::stop_token());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ("create", board.Running());
  const auto second = board.Begin(Kind::kRestore, std::stop_token());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(StatusCode::kBusy, second.status().code());
  EXPECT_EQ(
      0u, second.status().message().find("a backup has been running since 20"));
  first->reset();
  EXPECT_EQ("", board.Running());
  EXPECT_TRUE(board.Begin(Kind::kRestore, std::stop_token()).ok());
}

TEST(JobsTest, CallersStopReachesTheJob) {
  JobBoard board(Clock::System());
  std::stop_source caller;
  auto ticket = board.Begin(Kind::kVerify, caller.get_token());
  ASSERT_TRUE(ticket.ok());
  EXPECT_FALSE((*ticket)->stop().stop_requested());
  caller.request_stop();
  EXPECT_TRUE((*ticket)->stop().stop_requested());
}

TEST(JobsTest, CancelStopsTheJobAndWaitsForItsEnd) {
  JobBoard board(Clock::System());
  auto ticket = board.Begin(Kind::kVerify, std::stop_token());
  ASSERT_TRUE(ticket.ok());
  std::atomic<bool> ended = false;
  std::jthread worker([&] {
    while (!(*ticket)->stop().stop_requested()) std::this_thread::yield();
    ended = true;
    ticket->reset();
  });
  board.CancelAndWait(Kind::kVerify);
  EXPECT_TRUE(ended);
  EXPECT_EQ("", board.Running());
  board.CancelAndWait(Kind::kVerify);  // nothing runs: returns at once
}

// The verifier goes on with the next backup as soon as one was stopped.
TEST(JobsTest, BeginsInsteadOfOneThatIsBegunAgainAndAgain) {
  JobBoard board(Clock::System());
  std::atomic<bool> begun = false;
  std::jthread verifier([&](std::stop_token end) {
    while (!end.stop_requested()) {
      const auto ticket = board.Begin(Kind::kVerify, std::stop_token());
      if (!ticket.ok()) continue;
      begun = true;
      while (!(*ticket)->stop().stop_requested() && !end.stop_requested()) {
        std::this_thread::yield();
      }
    }
  });
  while (!begun) std::this_thread::yield();
  for (int i = 0; i < 200; ++i) {
    const auto restore =
        board.BeginInsteadOf(Kind::kVerify, Kind::kRestore, std::stop_token());
    ASSERT_TRUE(restore.ok()) << i << ": " << restore.status().ToString();
  }
}

constexpr Patience kPatient{.time = std::chrono::hours(1)};

// One that begins a create and waits for it, on a thread of its own.
class Waiter {
 public:
  explicit Waiter(JobBoard* board, std::stop_token stop = {},
                  Patience patience = kPatient)
      : thread_([this, board, stop, patience] {
          status_ = board->Begin(Kind::kCreate, stop, patience).status();
          ended_ = true;
        }) {
    while (board->Waiting() == 0 && !ended_) std::this_thread::yield();
    EXPECT_FALSE(ended_) << "it did not wait";
  }
  Status Join() {
    thread_.join();
    return status_;
  }

 private:
  Status status_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

TEST(JobsTest, WaitsForWhatIsInTheWay) {
  JobBoard board(Clock::System());
  auto first = board.Begin(Kind::kRestore, std::stop_token());
  ASSERT_TRUE(first.ok());
  // The time is over.
  const auto late = board.Begin(Kind::kCreate, std::stop_token(),
                                {.time = std::chrono::milliseconds(1)});
  EXPECT_EQ(StatusCode::kBusy, late.status().code());
  Waiter waiter(&board);
  first->reset();
  const Status begun = waiter.Join();
  EXPECT_TRUE(begun.ok()) << begun.ToString();
  EXPECT_TRUE(board.Begin(Kind::kCreate, std::stop_token(), kPatient).ok());
}

// With one place: as long as a wait takes it, nobody else waits.
TEST(JobsTest, WaitsOnlyWhileThereIsAPlace) {
  JobBoard board(Clock::System());
  auto first = board.Begin(Kind::kCreate, std::stop_token());
  ASSERT_TRUE(first.ok());
  std::atomic<int> refused = 0;
  std::atomic<int> begun = 0;
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < 5; ++i) {
      callers.emplace_back([&] {
        const auto ticket = board.Begin(Kind::kCreate, std::stop_token(),
                                        {.time = kPatient.time, .places = 2});
        ++(ticket.ok() ? begun : refused);
      });
    }
    while (refused < 3 || board.Waiting() < 2) {
      ASSERT_EQ(begun, 0);
      ASSERT_LE(refused, 3);
      std::this_thread::yield();
    }
    first->reset();
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(begun, 2);
}

TEST(JobsTest, AWaitEndsByStopAndCancelAndClose) {
  for (const std::string way : {"stop", "cancel", "close"}) {
    SCOPED_TRACE(way);
    JobBoard board(Clock::System());
    auto first = board.Begin(Kind::kCreate, std::stop_token());
    ASSERT_TRUE(first.ok());
    // Ends the first one when it is told, as a job does.
    std::jthread job([&] {
      while (!(*first)->stop().stop_requested()) std::this_thread::yield();
      first->reset();
    });
    std::stop_source stop;
    Waiter waiter(&board, stop.get_token());
    if (way == "stop") stop.request_stop();
    if (way == "cancel") board.CancelAndWait(Kind::kCreate);
    if (way == "close") board.Close();
    EXPECT_EQ(StatusCode::kCancelled, waiter.Join().code());
    EXPECT_EQ(0, board.Waiting());
    board.Close();
  }
}

// Its hooks end what uses the database, and begin it again.
TEST(JobsTest, WhoWaitsForARestoreGoesOnWaiting) {
  JobBoard board(Clock::System());
  auto restore = board.Begin(Kind::kRestore, std::stop_token());
  ASSERT_TRUE(restore.ok());
  Waiter waiter(&board);
  board.CancelAndWait(Kind::kCreate);
  restore->reset();
  const Status begun = waiter.Join();
  EXPECT_TRUE(begun.ok()) << begun.ToString();
}

TEST(JobsTest, ClosedBoardStartsNothing) {
  JobBoard board(Clock::System());
  board.Close();
  const auto ticket = board.Begin(Kind::kCreate, std::stop_token());
  ASSERT_FALSE(ticket.ok());
  EXPECT_EQ(StatusCode::kCancelled, ticket.status().code());
}

}  // namespace
}  // namespace levelkeep
