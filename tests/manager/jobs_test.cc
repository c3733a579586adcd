#include "manager/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

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

TEST(JobsTest, ClosedBoardStartsNothing) {
  JobBoard board(Clock::System());
  board.Close();
  const auto ticket = board.Begin(Kind::kCreate, std::stop_token());
  ASSERT_FALSE(ticket.ok());
  EXPECT_EQ(StatusCode::kCancelled, ticket.status().code());
}

}  // namespace
}  // namespace levelkeep
