#include <gtest/gtest.h>

#include "base/text.h"

namespace levelkeep {
namespace {

using Parts = std::vector<std::string_view>;

TEST(AsciiTest, LowersLettersOfAsciiOnly) {
  EXPECT_EQ(Lower("AZ az@[`{ 09"), "az az@[`{ 09");
  EXPECT_EQ(Lower("\xc3\x84\xc9"), "\xc3\x84\xc9");  // not ASCII letters
  EXPECT_EQ(Lower('Q'), 'q');
}

TEST(AsciiTest, TrimsBothEnds) {
  EXPECT_EQ(Trim(" \t a b\t "), "a b");
  EXPECT_EQ(Trim(" \t"), "");
  EXPECT_EQ(Trim(""), "");
  EXPECT_EQ(Trim("a\n"), "a\n");
  EXPECT_EQ(Trim("\r\n a\n", " \t\r\n"), "a");
}

TEST(AsciiTest, SplitsAtEachSeparator) {
  EXPECT_EQ(Split("a,b", ','), (Parts{"a", "b"}));
  EXPECT_EQ(Split("", ','), (Parts{""}));
  EXPECT_EQ(Split(",", ','), (Parts{"", ""}));
  EXPECT_EQ(Split(",a,,b,", ','), (Parts{"", "a", "", "b", ""}));
}

TEST(AsciiTest, HexDigitsAreLowerCase) {
  for (int c = 0; c < 256; ++c) {
    const auto at =
        std::string_view("0123456789abcdef").find(static_cast<char>(c));
    EXPECT_EQ(HexDigit(static_cast<char>(c)),
              at == std::string_view::npos ? -1 : static_cast<int>(at))
        << c;
  }
  EXPECT_TRUE(IsLowerHex("00ff", 4));
  EXPECT_TRUE(IsLowerHex("", 0));
  EXPECT_FALSE(IsLowerHex("00ff", 5));
  EXPECT_FALSE(IsLowerHex("00ff", 3));
  EXPECT_FALSE(IsLowerHex("00fF", 4));
}

}  // namespace
}  // namespace levelkeep
