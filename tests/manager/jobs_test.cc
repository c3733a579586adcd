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
      0u, second.status().message().find("a backup is being created since 20"));
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

TEST(JobsTest, WaitsForWhatIsInTheWay) {
  JobBoard board(Clock::System());
  auto first = board.Begin(Kind::kRestore, std::stop_token());
  ASSERT_TRUE(first.ok());
  // The time is over.
  const auto late = board.Begin(Kind::kCreate, std::stop_token(),
                                {.time = std::chrono::milliseconds(1)});
  EXPECT_EQ(StatusCode::kBusy, late.status().code());
  Status begun(StatusCode::kInternal, "");
  {
    std::jthread waiter([&] {
      begun = board.Begin(Kind::kCreate, std::stop_token(), kPatient).status();
    });
    first->reset();
  }
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
        refused.notify_all();
      });
    }
    for (int seen; (seen = refused) < 3;) refused.wait(seen);
    first->reset();
  }
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(begun, 2);
}

TEST(JobsTest, AWaitEndsByStopAndCancelAndClose) {
  for (const char* const way : {"stop", "cancel", "close"}) {
    SCOPED_TRACE(way);
    JobBoard board(Clock::System());
    auto first = board.Begin(Kind::kCreate, std::stop_token());
    ASSERT_TRUE(first.ok());
    std::stop_source stop;
    Status ended;
    // Ends the first one when it is told, as a job does.
    std::jthread job([&] {
      while (!(*first)->stop().stop_requested()) std::this_thread::yield();
      first->reset();
    });
    std::jthread waiter([&] {
      ended = board.Begin(Kind::kCreate, stop.get_token(), kPatient).status();
    });
    if (way == std::string("stop")) {
      stop.request_stop();
      waiter.join();
      EXPECT_EQ(StatusCode::kCancelled, ended.code());
    }
    if (way == std::string("cancel")) board.CancelAndWait(Kind::kCreate);
    board.Close();
    if (waiter.joinable()) waiter.join();
    // Cancelled before it came, it may have begun.
    if (way == std::string("close")) {
      EXPECT_EQ(StatusCode::kCancelled, ended.code());
    }
  }
}

// Its hooks end what uses the database, and begin it again.
TEST(JobsTest, WhoWaitsForARestoreGoesOnWaiting) {
  JobBoard board(Clock::System());
  auto restore = board.Begin(Kind::kRestore, std::stop_token());
  ASSERT_TRUE(restore.ok());
  Status begun;
  std::jthread waiter([&] {
    begun = board.Begin(Kind::kCreate, std::stop_token(), kPatient).status();
  });
  board.CancelAndWait(Kind::kCreate);
  restore->reset();
  waiter.join();
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
