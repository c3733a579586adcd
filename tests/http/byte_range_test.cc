#include <gtest/gtest.h>

#include <string>

#include "http/request_head.h"

namespace levelkeep::http {
namespace {

std::string Describe(const ByteRange& range) {
  switch (range.kind) {
    case RangeKind::kWhole:
      return "whole " + std::to_string(range.size);
    case RangeKind::kUnsatisfiable:
      return "416";
    case RangeKind::kPart:
      return std::to_string(range.offset) + "+" + std::to_string(range.size);
  }
  return "";
}

TEST(ByteRangeTest, ParsesByTheTable) {
  const std::pair<std::string, std::string> cases[] = {
      {"bytes=0-0", "0+1"},
      {"bytes=0-99", "0+100"},
      {"bytes=10-19", "10+10"},
      {"bytes=90-", "90+10"},
      {"bytes=0-", "0+100"},
      {"bytes=90-1000", "90+10"},
      {"bytes=99-99999999999999999999999", "99+1"},
      {"bytes=-1", "99+1"},
      {"bytes=-100", "0+100"},
      {"bytes=-1000", "0+100"},
      {"bytes= 5-6", "5+2"},
      {"bytes=100-", "416"},
      {"bytes=100-200", "416"},
      {"bytes=99999999999999999999999-", "416"},
      {"bytes=-0", "416"},
      // Headers that a server may ignore.
      {"", "whole 100"},
      {"bytes", "whole 100"},
      {"bytes=", "whole 100"},
      {"bytes=-", "whole 100"},
      {"bytes=a-b", "whole 100"},
      {"bytes=5", "whole 100"},
      {"bytes=6-5", "whole 100"},
      {"bytes=+1-2", "whole 100"},
      {"bytes=1--2", "whole 100"},
      {"lines=1-2", "whole 100"},
      {"bytes=0-1,5-6", "whole 100"},
      {"bytes=0-,0-,0-", "whole 100"},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(Describe(ParseRange(header, 100)), expected) << header;
  }
}

TEST(ByteRangeTest, AnEmptyFileHasNoRanges) {
  EXPECT_EQ(Describe(ParseRange("bytes=0-", 0)), "416");
  EXPECT_EQ(Describe(ParseRange("bytes=-1", 0)), "416");
  EXPECT_EQ(Describe(ParseRange("", 0)), "whole 0");
}

TEST(ByteRangeTest, FindsEtagsInLists) {
  const std::string etag = "\"abc\"";
  for (const char* list : {"\"abc\"", "*", " * ", "\"x\", \"abc\"", "W/\"abc\"",
                           "\"abc\" , W/\"z\""}) {
    EXPECT_TRUE(EtagListed(list, etag)) << list;
  }
  for (const char* list : {"", "abc", "\"ab\"", "\"x\",\"y\"", ","}) {
    EXPECT_FALSE(EtagListed(list, etag)) << list;
  }
}

TEST(EtagListedTest, StrongComparisonTakesNoWeakOne) {
  const auto listed = [](std::string_view list) {
    return EtagListed(list, "\"a\"", EtagComparison::kStrong);
  };
  for (const char* list :
       {"\"a\"", "*", " * ", "\"x\", \"a\"", "W/\"a\",\"a\""}) {
    EXPECT_TRUE(listed(list)) << list;
  }
  for (const char* list : {"", "a", "W/\"a\"", "\"x\"", "\"*\"", "\"A\""}) {
    EXPECT_FALSE(listed(list)) << list;
  }
}

}  // namespace
}  // namespace levelkeep::http
