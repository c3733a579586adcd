#include "config/env_file.h"

#include <gtest/gtest.h>

#include <random>

namespace levelkeep {
namespace {

std::map<std::string, std::string> Environment() {
  return {{"HOME", "/home/me"}, {"EMPTY", ""}};
}

TEST(EnvFileTest, ReadsValuesInAllTheirForms) {
  const struct {
    const char* line;
    const char* value;
  } kCases[] = {
      {"A=1", "1"},
      {"A=", ""},
      {"A=   ", ""},
      {"  A = x y  ", "x y"},
      {"export A=1", "1"},
      {"A=1 # comment", "1"},
      {"A=# comment", ""},
      {"A=a#b", "a#b"},
      {"A=a=b", "a=b"},
      {"A=\"a b\" # comment", "a b"},
      {"A=\"a # b\"", "a # b"},
      {"A=\"\"", ""},
      {"A=\"a\\\"b\\\\c\\nd\\te\"", "a\"b\\c\nd\te"},
      {"A='a \"b\" \\n ${HOME} $$'", "a \"b\" \\n ${HOME} $$"},
      {"A=''", ""},
      {"A=it's", "it's"},
      {"A=${HOME}/x", "/home/me/x"},
      {"A=\"${HOME}\"", "/home/me"},
      {"A=x${EMPTY}y", "xy"},
      {"A=$HOME", "$HOME"},
      {"A=5$", "5$"},
      {"A=$${HOME}", "${HOME}"},
      {"A=$$$$", "$$"},
      {"A=1\r", "1"},
      {"\xef\xbb\xbf"
       "A=1",
       "1"},
      {"A=ä\xff", "ä\xff"},
  };
  for (const auto& c : kCases) {
    const EnvFile file = ParseEnvFile(c.line, ".env", Environment());
    EXPECT_TRUE(file.problems.empty()) << c.line << ": " << file.problems[0];
    ASSERT_EQ(file.entries.size(), 1u) << c.line;
    EXPECT_EQ(file.entries[0].key, "A") << c.line;
    EXPECT_EQ(file.entries[0].value, c.value) << c.line;
  }
}

TEST(EnvFileTest, RemembersLinesAndUsesEarlierOnes) {
  const EnvFile file = ParseEnvFile(
      "# head\n\nROOT=/data\r\n  # more\nB=${ROOT}/b\nHOME=/x\nC=${HOME}\n",
      ".env", Environment());
  EXPECT_TRUE(file.problems.empty());
  ASSERT_EQ(file.entries.size(), 4u);
  EXPECT_EQ(file.entries[0].line, 3);
  EXPECT_EQ(file.entries[1].value, "/data/b");
  EXPECT_EQ(file.entries[1].line, 5);
  // The environment overrides the file, here as everywhere.
  EXPECT_EQ(file.entries[3].value, "/home/me");
}

TEST(EnvFileTest, ReportsEveryBadLineWithItsNumber) {
  const struct {
    const char* text;
    const char* problem;
  } kCases[] = {
      {"A", "file .env line 1: not a KEY=VALUE line"},
      {"\n=1", "file .env line 2: not a KEY=VALUE line"},
      {"1A=1", "file .env line 1: not a KEY=VALUE line"},
      {"A-B=1", "file .env line 1: not a KEY=VALUE line"},
      {"A B=1", "file .env line 1: not a KEY=VALUE line"},
      {"export", "file .env line 1: not a KEY=VALUE line"},
      {"A=\"x", "file .env line 1: the quoted value of A has no end"},
      {"A='x", "file .env line 1: the quoted value of A has no end"},
      {"A=\"x\\\"", "file .env line 1: the quoted value of A has no end"},
      {"A=\"x\\", "file .env line 1: the quoted value of A has no end"},
      {"A='x' y",
       "file .env line 1: there is text after the quoted value of A"},
      {"A=${NO_SUCH}",
       "file .env line 1: the value of A uses ${NO_SUCH}, which is not set"},
      {"A=${HOME",
       "file .env line 1: the value of A has a ${ that does not begin a "
       "${NAME}"},
      {"A=${HOME:-x}",
       "file .env line 1: the value of A has a ${ that does not begin a "
       "${NAME}"},
      {"A=${}",
       "file .env line 1: the value of A has a ${ that does not begin a "
       "${NAME}"},
      {"A=1\nA=1", "file .env line 2: A was set in line 1 already"},
  };
  for (const auto& c : kCases) {
    const EnvFile file = ParseEnvFile(c.text, ".env", Environment());
    ASSERT_EQ(file.problems.size(), 1u) << c.text;
    EXPECT_EQ(file.problems[0], c.problem) << c.text;
  }
}

TEST(EnvFileTest, WhatSystemdReadsInAnotherWayIsAProblemThere) {
  const auto problems = [](std::string_view text, EnvReaders readers) {
    return ParseEnvFile(text, "f", Environment(), readers).problems;
  };
  const std::string comment =
      "file f line 1: systemd reads the comment after the value of A as part "
      "of the value: put the comment on its own line";
  const auto sign = [](const std::string& sign) {
    return "file f line 1: systemd reads the " + sign +
           " in the value of A differently: put the value in single quotes, or "
           "write it out";
  };
  const struct {
    std::string text, problem;
  } kCases[] = {
      {"A=1 # one", comment},
      {"A='1' # one", comment},
      {"A=\"1\"# one", comment},
      {"A= # none", comment},
      {"export A=1",
       "file f line 1: systemd ignores a line that begins with export: remove "
       "the word export"},
      {"A=${HOME}/x", sign("$")},
      {"A=a$$b", sign("$")},
      {"A=\"$$\"", sign("$")},
      {"A=a\\b", sign("\\")},
      {"A=\"a\\n\"", sign("\\")},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(problems(c.text, EnvReaders::kSystemdToo),
              std::vector<std::string>{c.problem})
        << c.text;
    EXPECT_TRUE(problems(c.text, EnvReaders::kOursOnly).empty()) << c.text;
  }
  for (const char* text : {"A=1", "A=a#b", "# A", "A='a\\b ${C} $$ #'",
                           "A=\"a\\\"\\\\b # \"", "A=", "A=$5"}) {
    EXPECT_TRUE(problems(text, EnvReaders::kSystemdToo).empty()) << text;
  }
}

TEST(EnvFileTest, TakesAnyBytesWithoutHarm) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view kAlphabet = "AB=\"'\\$ {}#\n\r\t\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 30, '\0');
    for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
    const EnvFile file = ParseEnvFile(text, "f", Environment());
    for (const auto& entry : file.entries) ASSERT_GT(entry.line, 0);
  }
}

}  // namespace
}  // namespace levelkeep
