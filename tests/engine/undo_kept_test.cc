// How long the database that a restore replaced is kept: long enough for a
// person to notice, and until a backup that was begun later is verified.

#include <gtest/gtest.h>

#include <string>

#include "base/text.h"
#include "engine/site.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::Site;

class UndoKeptTest : public ::testing::Test {
 protected:
  UndoKeptTest() : site_(dir_.path(), "storage", &clock_) {
    site_.options_.retention.max_backups = 10;
    site_.Reset();
    site_.Put(0, 10);
    before_ = site_.Create();
    site_.Put(10, 20);
    clock_.Advance(std::chrono::minutes(1));
    EXPECT_TRUE(site_.Restore(before_).ok());
    clock_.Advance(std::chrono::minutes(1));
  }
  bool Kept() {
    const auto kept = site_.engine().ListKept();
    return kept.ok() && !kept->empty();
  }

  test::FakeClock clock_;
  test::TempDir dir_;
  Site site_;
  std::string before_;
};

TEST_F(UndoKeptTest, AVerifiedBackupEndsItOnlyAfterItsHours) {
  site_.Verify(site_.Create());
  EXPECT_TRUE(Kept()) << "a first verification is only minutes later";
  clock_.Advance(std::chrono::hours(23));
  EXPECT_FALSE(site_.engine().ForgetUndoWhenDue());
  clock_.Advance(std::chrono::hours(1));
  EXPECT_TRUE(site_.engine().ForgetUndoWhenDue());
  EXPECT_FALSE(Kept());
  EXPECT_FALSE(site_.engine().ForgetUndoWhenDue())
      << "a second call does nothing";
}

TEST_F(UndoKeptTest, TimeAloneDoesNotEndIt) {
  clock_.Advance(std::chrono::hours(1000));
  EXPECT_FALSE(site_.engine().ForgetUndoWhenDue());
  site_.Verify(before_);
  EXPECT_TRUE(Kept()) << "it was begun before the restore";
  const std::string later = site_.Create();
  EXPECT_FALSE(site_.engine().ForgetUndoWhenDue()) << "it is not verified";
  site_.Verify(later);
  EXPECT_FALSE(Kept());
}

// An undo continues the history: only the time shows that a backup is older.
TEST_F(UndoKeptTest, ABackupFromBeforeAnUndoDoesNotEndIt) {
  ASSERT_TRUE(site_.engine().Undo(UndoScope::kLast).ok());
  clock_.Advance(std::chrono::hours(30));
  site_.Verify(before_);
  EXPECT_TRUE(Kept());
  site_.Verify(site_.Create());
  EXPECT_FALSE(Kept());
}

TEST_F(UndoKeptTest, AClockThatWentBackKeepsMore) {
  clock_.SetWallClock(clock_.Now() - std::chrono::hours(100));
  site_.Verify(site_.Create());
  EXPECT_TRUE(Kept());
}

TEST_F(UndoKeptTest, ItIsForgottenOnRequest) {
  ASSERT_TRUE(site_.engine().ForgetUndo().ok());
  EXPECT_FALSE(Kept());
  EXPECT_EQ(site_.engine().Undo(UndoScope::kLast).status().code(),
            StatusCode::kNotFound);
}

// The end of a verification does not disturb the start or restore of another
// process.
TEST_F(UndoKeptTest, WhatAnotherProcessManagesIsLeftAlone) {
  const std::string later = site_.Create();
  clock_.Advance(std::chrono::hours(30));
  site_.Reset();
  const auto held = FileSystem::Posix()->Lock(
      WorkDirOf(site_.options_.storage_dir, site_.options_.db_name) +
      "/instance.lock");
  ASSERT_TRUE(held.ok());
  site_.Verify(later);
  EXPECT_TRUE(Kept());
}

// Lack of space never ends an undo: a backup without space says what could be
// given up.
TEST_F(UndoKeptTest, ABackupWithoutSpaceNamesItsSizeAndKeepsIt) {
  site_.options_.resources.reserve_bytes = uint64_t{1} << 60;
  site_.Reset();
  const auto made = site_.engine().Create({});
  EXPECT_EQ(made.status().code(), StatusCode::kNoSpace);
  const std::string size =
      FormatBytes(site_.engine().ListKept()->front().bytes);
  EXPECT_NE(made.status().hint().find("take " + size), std::string::npos)
      << made.status().hint();
  EXPECT_NE(made.status().hint().find("--forget-undo"), std::string::npos);
  EXPECT_TRUE(Kept());
  ASSERT_TRUE(site_.engine().ForgetUndo().ok());
  EXPECT_EQ(site_.engine().Create({}).status().hint().find("--forget-undo"),
            std::string::npos);
}

}  // namespace
}  // namespace levelkeep
