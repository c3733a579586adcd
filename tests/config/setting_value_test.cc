#include "config/setting_value.h"

#include <gtest/gtest.h>

namespace levelkeep {
namespace {

TEST(SettingValueTest, KnowsTheWordsForTrueAndFalse) {
  for (const char* text : {"true", "TRUE", "True", "1", "yes", "Yes", "on"}) {
    EXPECT_EQ(ParseBool(text), std::optional<bool>(true)) << text;
  }
  for (const char* text : {"false", "FALSE", "0", "no", "off", "OFF"}) {
    EXPECT_EQ(ParseBool(text), std::optional<bool>(false)) << text;
  }
  for (const char* text : {"", "2", "tru", "enabled", "y", " true", "t"}) {
    EXPECT_FALSE(ParseBool(text).has_value()) << text;
  }
}

TEST(SettingValueTest, KnowsUnitsOfBytes) {
  const struct {
    const char* text;
    uint64_t bytes;
  } kGood[] = {{"0", 0},
               {"1048576", 1 << 20},
               {"1K", 1024},
               {"1k", 1024},
               {"256M", 256u << 20},
               {"256MiB", 256u << 20},
               {"3G", uint64_t{3} << 30},
               {"2T", uint64_t{2} << 40},
               {"16777215T", uint64_t{16777215} << 40}};
  for (const auto& c : kGood) {
    EXPECT_EQ(ParseBytes(c.text), std::optional<uint64_t>(c.bytes)) << c.text;
  }
  for (const char* text : {"", "M", "1.5G", "-1", "1 M", "1MB", "1X", "1MM",
                           "16777216T", "99999999999999999999"}) {
    EXPECT_FALSE(ParseBytes(text).has_value()) << text;
  }
}

TEST(SettingValueTest, ParsesEachKindOfField) {
  std::string text = "before";
  bool flag = false;
  int number = 0;
  uint64_t bytes = 0;
  std::chrono::milliseconds time{0};
  std::vector<std::string> list;
  LogLevel level = LogLevel::kInfo;
  SettingLimits limits;
  limits.min = 1;
  limits.max = 1000;
  EXPECT_TRUE(ParseSetting("after", limits, &text));
  EXPECT_EQ(text, "after");
  EXPECT_TRUE(ParseSetting(" yes\n", limits, &flag));
  EXPECT_TRUE(flag);
  EXPECT_TRUE(ParseSetting("1000", limits, &number));
  EXPECT_EQ(number, 1000);
  EXPECT_TRUE(ParseSetting("500", limits, &bytes));
  EXPECT_EQ(bytes, 500u);
  EXPECT_TRUE(ParseSetting("1", limits, &time));
  EXPECT_EQ(time.count(), 1);
  EXPECT_TRUE(ParseSetting("a, b ,c", limits, &list));
  EXPECT_EQ(list, (std::vector<std::string>{"a", "b", "c"}));
  limits.may_be_empty = true;
  EXPECT_TRUE(ParseSetting("", limits, &list));
  EXPECT_TRUE(list.empty());
  limits.may_be_empty = false;
  limits.choices = {"trace", "debug", "info", "warn", "error", "off"};
  EXPECT_TRUE(ParseSetting("WARN", limits, &level));
  EXPECT_EQ(level, LogLevel::kWarn);
  limits.choices = {"text", "json"};
  EXPECT_TRUE(ParseSetting("text", limits, &flag));
  EXPECT_FALSE(flag);
}

TEST(SettingValueTest, LeavesTheFieldAloneWhenTheTextIsWrong) {
  std::string text = "before";
  bool flag = true;
  int number = 7;
  uint64_t bytes = 7;
  std::chrono::milliseconds time{7};
  std::vector<std::string> list = {"before"};
  LogLevel level = LogLevel::kWarn;
  SettingLimits limits;
  limits.min = 1;
  limits.max = 1000;
  limits.accepts = [](std::string_view t) { return t == "good"; };
  EXPECT_FALSE(ParseSetting("bad", limits, &text));
  EXPECT_FALSE(ParseSetting("maybe", limits, &flag));
  for (const char* wrong : {"0", "1001", "", "x", "1.0", "-1"}) {
    EXPECT_FALSE(ParseSetting(wrong, limits, &number)) << wrong;
    EXPECT_FALSE(ParseSetting(wrong, limits, &bytes)) << wrong;
    EXPECT_FALSE(ParseSetting(wrong, limits, &time)) << wrong;
  }
  for (const char* blank : {"", " ", "\t\n"}) {
    EXPECT_FALSE(ParseSetting(blank, limits, &list));
    EXPECT_FALSE(ParseSetting(blank, limits, &text));
  }
  EXPECT_FALSE(ParseSetting("good,bad", limits, &list));
  EXPECT_FALSE(ParseSetting("good,,good", limits, &list));
  limits.choices = {"trace", "debug", "info", "warn", "error", "off"};
  EXPECT_FALSE(ParseSetting("loud", limits, &level));
  EXPECT_FALSE(ParseSetting("true", limits, &flag));
  EXPECT_EQ(text, "before");
  EXPECT_TRUE(flag);
  EXPECT_EQ(number, 7);
  EXPECT_EQ(bytes, 7u);
  EXPECT_EQ(time.count(), 7);
  EXPECT_EQ(list, std::vector<std::string>{"before"});
  EXPECT_EQ(level, LogLevel::kWarn);
}

}  // namespace
}  // namespace levelkeep
