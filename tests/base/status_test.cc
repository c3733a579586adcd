#include "levelkeep/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "base/process.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

TEST(StatusTest, IsOkByDefault) {
  const Status status;
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(status.ToString(), "ok");
  EXPECT_EQ(status.message(), "");
  EXPECT_EQ(status.hint(), "");
}

TEST(StatusTest, SaysCodeMessageAndHint) {
  const Status status(StatusCode::kBusy, "x is locked", "stop it");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.ToString(), "busy: x is locked (hint: stop it)");
  EXPECT_EQ(Status(StatusCode::kNoSpace, "full").ToString(), "no_space: full");
}

TEST(StatusTest, AddsContextBeforeTheMessage) {
  const Status status(StatusCode::kNotFound, "no a", "make a");
  EXPECT_EQ(status.WithContext("copy").ToString(),
            "not_found: copy: no a (hint: make a)");
  EXPECT_TRUE(Status::Ok().WithContext("copy").ok());
}

TEST(StatusTest, KeepsTheFirstHint) {
  const Status bare(StatusCode::kNotFound, "no a");
  EXPECT_EQ(bare.WithHint("first").WithHint("second").hint(), "first");
  EXPECT_EQ(Status::Ok().WithHint("never").ToString(), "ok");
}

TEST(StatusTest, EveryCodeHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  for (int code = 0; code <= static_cast<int>(StatusCode::kInternal); ++code) {
    const auto word = StatusCodeName(static_cast<StatusCode>(code));
    EXPECT_FALSE(word.empty());
    EXPECT_TRUE(words.insert(word).second) << word;
    EXPECT_EQ(word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"),
              std::string_view::npos);
  }
  EXPECT_EQ(words.size(), 13u);
}

Result<int> Half(int number) {
  if (number % 2 != 0) return Status(StatusCode::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  LEVELKEEP_ASSIGN_OR_RETURN(const int half, Half(number));
  LEVELKEEP_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status CheckQuarter(int number) {
  LEVELKEEP_RETURN_IF_ERROR(Quarter(number).status());
  return Status::Ok();
}

TEST(ResultTest, PassesValuesAndFailuresOn) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
  EXPECT_TRUE(CheckQuarter(4).ok());
  EXPECT_EQ(CheckQuarter(1).code(), StatusCode::kInvalidArgument);
}

TEST(ResultTest, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(ResultDeathTest, AMissingValueEndsTheProcessAndSaysWhy) {
  const Result<int> failed = Quarter(6);
  EXPECT_DEATH((void)failed.value(),
               "a Result without a value was used: .*odd");
  EXPECT_DEATH((void)*failed, "odd");
  EXPECT_DEATH((void)Quarter(6).value(), "ask ok\\(\\) before");
}

TEST(VersionTest, HasThreeNumbers) {
  int major = -1;
  int minor = -1;
  int patch = -1;
  ASSERT_EQ(std::sscanf(LevelKeepVersion(), "%d.%d.%d", &major, &minor, &patch),
            3);
  EXPECT_GE(major, 0);
}

}  // namespace
}  // namespace levelkeep
