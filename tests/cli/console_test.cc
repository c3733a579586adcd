#include "cli/console.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "support/fake_clock.h"

namespace levelkeep::cli {
namespace {

using std::chrono::milliseconds;

class ConsoleTest : public ::testing::Test {
 protected:
  ConsoleTest() {
    world_.in = &in_;
    world_.out = &out_;
    world_.err = &err_;
    world_.clock = &clock_;
  }
  void OnTerminal(const std::string& term = "xterm") {
    world_.in_is_terminal = true;
    world_.out_is_terminal = true;
    world_.err_is_terminal = true;
    world_.environment["TERM"] = term;
  }

  std::istringstream in_;
  std::ostringstream out_, err_;
  test::FakeClock clock_;
  World world_;
};

const Status kProblem(StatusCode::kBusy, "it is busy", "wait");

TEST_F(ConsoleTest, DataGoesOutAndTalkGoesToErr) {
  Console console(&world_, {.json = false, .quiet = false});
  console.Print("data\n");
  console.Say("talk");
  console.Warn("careful");
  console.PrintError(kProblem);
  EXPECT_EQ(out_.str(), "data\n");
  EXPECT_EQ(err_.str(),
            "talk\nwarning: careful\nerror: it is busy\nhint: wait\n");
}

TEST_F(ConsoleTest, QuietLeavesDataAndErrors) {
  Console console(&world_, {.json = false, .quiet = true});
  console.Print("data\n");
  console.Say("talk");
  console.Warn("careful");
  console.PrintError(Status(StatusCode::kIoError, "no hint"));
  EXPECT_EQ(out_.str(), "data\n");
  EXPECT_EQ(err_.str(), "error: no hint\n");
}

TEST_F(ConsoleTest, JsonLeavesOneObjectOnOut) {
  Console console(&world_, {.json = true, .quiet = false});
  console.Print("for people\n");
  console.Say("talk");
  console.PrintJson("{}");
  EXPECT_EQ(out_.str(), "{}\n");
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ConsoleTest, ColoursOnlyWhereTheyAreWanted) {
  const auto green = [this] {
    return Console(&world_, {.json = false, .quiet = false}).Green("ok");
  };
  EXPECT_EQ(green(), "ok");
  OnTerminal();
  EXPECT_EQ(green(), "\x1b[32mok\x1b[0m");
  world_.environment["NO_COLOR"] = "";  // empty does not count
  EXPECT_EQ(green(), "\x1b[32mok\x1b[0m");
  world_.environment["NO_COLOR"] = "0";
  EXPECT_EQ(green(), "ok");
  world_.environment.erase("NO_COLOR");
  world_.environment["TERM"] = "dumb";
  EXPECT_EQ(green(), "ok");
}

TEST_F(ConsoleTest, AsksOnlyAPersonAndTakesOnlyAYes) {
  const Status nobody(StatusCode::kInvalidArgument, "nobody can confirm it");
  const auto code = [&](bool json) {
    Console console(&world_, {.json = json, .quiet = true});
    return console.Confirm("It is removed.", nobody).code();
  };
  in_.str("y\n");
  EXPECT_EQ(code(false), StatusCode::kInvalidArgument);
  OnTerminal();
  EXPECT_EQ(code(true), StatusCode::kInvalidArgument);
  for (const char* yes : {"y\n", "Y\n", "yes\n"}) {
    in_.str(yes);
    in_.clear();
    EXPECT_EQ(code(false), StatusCode::kOk) << yes;
  }
  for (const char* no : {"\n", "", "n\n", "no\n", "yesterday\n"}) {
    in_.str(no);
    in_.clear();
    EXPECT_EQ(code(false), StatusCode::kRefused) << no;
  }
  EXPECT_TRUE(err_.str().starts_with("It is removed.\nContinue? [y/N] "));
}

TEST_F(ConsoleTest, ProgressElsewhereIsALineEachTenPercent) {
  Console console(&world_, {.json = false, .quiet = false});
  Progress progress(&console, "working");
  for (int i = 0; i <= 1000; ++i) {
    progress.Update(i / 1000.0);
    clock_.Advance(milliseconds(20));
  }
  std::string expected;
  for (int percent = 10; percent < 100; percent += 10) {
    expected += "working: " + std::to_string(percent) + " %\n";
  }
  EXPECT_EQ(err_.str(), expected);
}

TEST_F(ConsoleTest, ProgressOfAShortJobIsSilent) {
  Console console(&world_, {.json = false, .quiet = false});
  {
    Progress progress(&console, "working");
    for (int i = 0; i <= 100; ++i) progress.Update(i / 100.0);
  }
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ConsoleTest, ProgressOfAnErraticJobNeverGoesBack) {
  Console console(&world_, {.json = false, .quiet = false});
  Progress progress(&console, "working");
  for (const double fraction : {0.35, 0.2, -1.0, 0.36, 7.0}) {
    clock_.Advance(milliseconds(1500));
    progress.Update(fraction);
  }
  EXPECT_EQ(err_.str(), "working: 30 %\n");
}

TEST_F(ConsoleTest, ProgressOnATerminalIsABarThatGoesAway) {
  OnTerminal();
  Console console(&world_, {.json = false, .quiet = false});
  {
    Progress progress(&console, "working");
    progress.Update(0.5);  // too early
    EXPECT_EQ(err_.str(), "");
    clock_.Advance(milliseconds(100));
    progress.Update(0.5);
    progress.Update(0.6);  // too soon
    clock_.Advance(milliseconds(100));
    progress.Update(0.501);  // the same percentage
  }
  EXPECT_EQ(err_.str(),
            "\r\x1b[Kworking [###############...............] 50 %\r\x1b[K");
}

TEST_F(ConsoleTest, ProgressIsTalk) {
  for (const ConsoleOptions options :
       {ConsoleOptions{.json = true, .quiet = false},
        ConsoleOptions{.json = false, .quiet = true}}) {
    Console console(&world_, options);
    Progress progress(&console, "working");
    clock_.Advance(milliseconds(5000));
    progress.callback()(0.5);
  }
  EXPECT_EQ(err_.str(), "");
}

TEST(TableTest, AlignsByWhatIsSeen) {
  Table table({"NAME", "SIZE", "STATUS"},
              {Align::kLeft, Align::kRight, Align::kLeft});
  table.AddRow({{"a", ""}, {"1", ""}, {"ok", "\x1b[32mok\x1b[0m"}});
  table.AddRow(
      {{"\u00e9\u00e9\u00e9\u00e9\u00e9", ""}, {"12345", ""}, {"", ""}});
  EXPECT_EQ(table.ToString(),
            "NAME    SIZE  STATUS\n"
            "a          1  \x1b[32mok\x1b[0m\n"
            "\u00e9\u00e9\u00e9\u00e9\u00e9  12345\n");
}

TEST(TableTest, AgesInTheLargestFittingUnit) {
  const Time now = ParseTime("2024-12-27T12:00:00Z").value();
  const struct {
    int64_t seconds;
    const char* text;
  } cases[] = {{0, "0 s"},         {119, "119 s"},       {120, "2 min"},
               {7199, "119 min"},  {7200, "2 h"},        {172799, "47 h"},
               {172800, "2 days"}, {-5, "in the future"}};
  for (const auto& c : cases) {
    EXPECT_EQ(FormatAge(now - std::chrono::seconds(c.seconds), now), c.text);
  }
  EXPECT_EQ(FormatTimeForPeople(now), "2024-12-27 12:00:00");
}

}  // namespace
}  // namespace levelkeep::cli
