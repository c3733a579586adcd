#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/console.h"
#include "config/settings.h"

namespace levelkeep::cli {
namespace {

CommandLine Parse(const std::vector<std::string>& arguments) {
  auto line = ParseCommandLine(arguments);
  EXPECT_TRUE(line.ok()) << line.status().ToString();
  return line.ok() ? *line : CommandLine();
}

TEST(ArgumentsTest, GlobalOptionsStandBeforeOrBehindTheVerb) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--json", "--storage-dir", "x", "list"},
        {"list", "--storage-dir", "x", "--json"},
        {"--storage-dir=x", "list", "--json"}}) {
    const CommandLine line = Parse(arguments);
    EXPECT_EQ(line.verb, &kListVerb);
    EXPECT_TRUE(line.json);
    EXPECT_EQ(line.settings.at("STORAGE_DIR"), "x");
  }
}

TEST(ArgumentsTest, SettingsAreOnlyThoseThatWereGiven) {
  EXPECT_TRUE(Parse({"list"}).settings.empty());
  const CommandLine line = Parse({"serve", "--port", "8080", "--host", "::1",
                                  "--auto-backup-enabled", "false"});
  EXPECT_EQ(line.settings, (std::map<std::string, std::string>{
                               {"API_PORT", "8080"},
                               {"API_HOST", "::1"},
                               {"AUTO_BACKUP_ENABLED", "false"}}));
}

TEST(ArgumentsTest, AVerbTakesTheFlagsOfSettingsThatItUses) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"list", "--port", "80"},
        {"--port=80", "list"},
        {"--json", "list", "--port="}}) {
    const Status status = ParseCommandLine(arguments).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(),
              "option --port is not for levelkeep list: it is for serve, "
              "health, config");
    EXPECT_EQ(status.hint(),
              "leave it out; environment and files may set API_PORT for every "
              "verb");
  }
  for (const Verb* verb : AllVerbs()) {
    const std::string help = HelpText(verb);
    for (const SettingInfo& info : AllSettings()) {
      if (info.flag.empty()) continue;
      const bool taken =
          ParseCommandLine({verb->name, info.flag, "1"}).status().ok();
      EXPECT_EQ(taken, info.IsFor(verb->name)) << verb->name << info.flag;
      EXPECT_EQ(help.find("  " + info.flag + " ") != std::string::npos, taken)
          << verb->name << info.flag;
    }
  }
  EXPECT_EQ(ParseCommandLine({"list", "--prot", "1"}).status().hint(),
            "see levelkeep --help")
      << "only flags that the verb takes are suggested";
}

TEST(ArgumentsTest, VerbsHaveTheirOptions) {
  const CommandLine restore = Parse({"restore", "latest", "--to", "x", "--yes",
                                     "-vv", "--config", "my.conf"});
  EXPECT_EQ(restore.verb, &kRestoreVerb);
  EXPECT_EQ(restore.arguments.source, "latest");
  EXPECT_EQ(restore.arguments.target_dir, "x");
  EXPECT_TRUE(restore.arguments.yes);
  EXPECT_FALSE(restore.arguments.undo);
  EXPECT_EQ(restore.verbosity, 2);
  EXPECT_EQ(restore.config_file, "my.conf");
  EXPECT_TRUE(Parse({"restore", "-y", "--undo"}).arguments.undo);
  EXPECT_EQ(Parse({"verify", "x"}).arguments.depth, "");
  EXPECT_EQ(Parse({"verify", "--all", "--depth", "checksums"}).arguments.depth,
            "checksums");
  EXPECT_EQ(Parse({"list", "--limit", "3"}).arguments.limit, 3u);
  EXPECT_EQ(Parse({"inspect", "--", "--odd"}).arguments.source, "--odd");
}

TEST(ArgumentsTest, NoVerbIsForTheCallerToJudge) {
  EXPECT_EQ(Parse({}).verb, nullptr);
  EXPECT_TRUE(Parse({"--version"}).version);
  EXPECT_TRUE(Parse({"-h"}).help);
  EXPECT_TRUE(Parse({"list", "--help"}).help);
}

TEST(ArgumentsTest, MistakesAreNamedWithWhatWasMeant) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
    const char* hint;
  };
  const Case cases[] = {
      {{"lst"}, "unknown verb lst", "did you mean list?"},
      {{"xyzzy"}, "unknown verb xyzzy", "see levelkeep --help"},
      {{"list", "--jsno"}, "unknown option --jsno", "did you mean --json?"},
      {{"restore", "x", "--udno"},
       "unknown option --udno",
       "did you mean --undo?"},
      {{"--storge-dir=x", "list"},
       "unknown option --storge-dir=x",
       "did you mean --storage-dir?"},
      {{"list", "extra"}, "unexpected argument extra", "see levelkeep --help"},
      {{"inspect", "a", "b"}, "unexpected argument b", "see levelkeep --help"},
      {{"restore", "x", "--to"},
       "option --to needs a value",
       "see levelkeep --help"},
      {{"list", "--storage-dir"},
       "option --storage-dir needs a value",
       "see levelkeep --help"},
      {{"list", "--storage-dir", "--json"},
       "option --storage-dir needs a value, not --json",
       "see levelkeep --help"},
      {{"list", "--storage-dir", "a", "--storage-dir", "b"},
       "option --storage-dir is given twice",
       "see levelkeep --help"},
      {{"list", "a\nb\x1b[31m"},
       "unexpected argument a\\x0ab\\x1b[31m",
       "see levelkeep --help"},
  };
  for (const Case& c : cases) {
    const Status status = ParseCommandLine(c.arguments).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), c.message);
    EXPECT_EQ(status.hint(), c.hint);
  }
  EXPECT_EQ(ParseCommandLine({"list", "--limit", "x"}).status().code(),
            StatusCode::kInvalidArgument);
}

// "$UNSET" in a script gives an empty argument: tried in every place of every
// verb.
TEST(ArgumentsTest, NothingIsGuessedFromAnEmptyArgument) {
  const std::string hint =
      "is a shell variable not set? leave the argument out, or give a value";
  const auto refused = [&](const std::vector<std::string>& arguments,
                           const std::string& message) {
    const Status status = ParseCommandLine(arguments).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << arguments[0];
    EXPECT_EQ(status.message(), message);
    EXPECT_EQ(status.hint(), hint);
  };
  for (const Verb* verb : AllVerbs()) {
    refused({verb->name, ""},
            verb->options.empty() || verb->options[0].name[0] == '-'
                ? "an argument is empty"
                : "the argument is empty");
    for (const VerbOption& option : verb->options) {
      const std::string name = option.name;
      // CLI11 has its own message for a text that is not a number.
      if (option.value == nullptr || name[0] != '-' ||
          option.target.index() != 0)
        continue;
      refused({verb->name, name, ""}, "option " + name + " is empty");
      refused({verb->name, name, " "}, "option " + name + " is empty");
      refused({verb->name, name + "=", "--json"},
              "option " + name + " is empty");
    }
  }
  refused({""}, "an argument is empty");
  refused({"list", "--config", ""}, "option --config is empty");
  refused({"restore", "latest", "--yes="}, "an argument is empty");
  refused({"verify", "--all", ""}, "the argument is empty");
  EXPECT_FALSE(ParseCommandLine({"list", "--limit", ""}).ok());
  EXPECT_FALSE(ParseCommandLine({"list", "--limit="}).ok());
}

TEST(ArgumentsTest, ASettingMayBeEmptyWhereItsTableSaysSo) {
  const CommandLine line = Parse({"list", "--log-dir=", "--json"});
  EXPECT_EQ(line.settings.at("LOG_DIR"), "");
  EXPECT_TRUE(line.json);
}

TEST(ArgumentsTest, AnOptionIsNoValueOfTheOneBeforeIt) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"restore", "latest", "--to", "--yes"},
        {"restore", "latest", "--to", "-y"},
        {"create", "--label", "--quiet"},
        {"list", "--limit", "-1"},
        {"health", "--timeout", "-1"},
        {"list", "--config", "-v"}}) {
    const Status status = ParseCommandLine(arguments).status();
    EXPECT_NE(status.message().find(" needs a value, not "), std::string::npos)
        << status.message();
  }
  EXPECT_EQ(Parse({"verify", "--all", "--backup-undo-hours", "-1"})
                .settings.at("BACKUP_UNDO_HOURS"),
            "-1")
      << "the table of settings checks the value";
}

TEST(ArgumentsTest, NumbersAreDecimalDigitsWithinBounds) {
  EXPECT_EQ(Parse({"list", "--limit", "010"}).arguments.limit, 10u);
  EXPECT_EQ(Parse({"list", "--limit=1000000"}).arguments.limit, 1000000u);
  EXPECT_EQ(Parse({"health", "--timeout", "1"}).arguments.timeout_ms, 1u);
  for (const char* wrong :
       {"0", "0x3", " 3", "3 ", "+3", "3.0", "3e1", "1'000", "ten", "1000001",
        "99999999999999999999", "18446744073709551616", "[3]"}) {
    for (const auto& [verb, name] :
         {std::pair{"list", "--limit"}, {"health", "--timeout"}}) {
      const Status status = ParseCommandLine({verb, name, wrong}).status();
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << wrong;
      EXPECT_EQ(status.message().rfind("option " + std::string(name), 0), 0u)
          << status.message();
    }
  }
  EXPECT_EQ(ParseCommandLine({"list", "--limit", "0x3"}).status().message(),
            "option --limit is \"0x3\": allowed is a number from 1 to 1000000");
}

// Regression: "--dry-run=-1" was no dry run, and cancelled an earlier
// --dry-run.
TEST(ArgumentsTest, AFlagTakesNoValue) {
  for (const Verb* verb : AllVerbs()) {
    std::vector<std::string> flags = {"--json", "--quiet", "--verbose",
                                      "--help", "--version"};
    for (const VerbOption& option : verb->options) {
      if (option.value == nullptr) flags.push_back(option.name);
    }
    for (const std::string& flag : flags) {
      for (const char* value : {"true", "false", "-1", "1", "0", "{}", "x"}) {
        const std::string given = flag + "=" + value;
        const Status status =
            ParseCommandLine({verb->name, flag, given}).status();
        EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << given;
        EXPECT_EQ(status.message(),
                  "option " + flag + " takes no value: " + given);
        EXPECT_EQ(status.hint(), "give " + flag + ", or leave it out");
      }
    }
  }
  EXPECT_FALSE(ParseCommandLine({"restore", "latest", "-y=0"}).ok());
  EXPECT_FALSE(ParseCommandLine({"list", "-v3"}).ok());
  EXPECT_TRUE(Parse({"delete", "x", "--yes", "--yes"}).arguments.yes);
  EXPECT_EQ(Parse({"inspect", "--", "--json=1"}).arguments.source, "--json=1");
}

TEST(ArgumentsTest, TextsAreTakenAsTheyAre) {
  for (const char* text : {"[a]", "[a,b]", "a,b", "\"a\"", "'a'", "{}"}) {
    EXPECT_EQ(Parse({"inspect", text}).arguments.source, text);
    EXPECT_EQ(Parse({"create", "--label", text}).arguments.label, text);
  }
}

TEST(ArgumentsTest, SecretsHaveNoFlag) {
  EXPECT_FALSE(ParseCommandLine({"serve", "--api-token", "x"}).ok());
  EXPECT_EQ(HelpText(nullptr).find("--api-token"), std::string::npos);
}

TEST(ArgumentsTest, JsonIsRecognizedBeforeAnythingIsParsed) {
  EXPECT_TRUE(AsksForJson({"lst", "--json"}));
  EXPECT_TRUE(AsksForJson({"list", "--json=true", "--nosuch"}));
  EXPECT_FALSE(AsksForJson({"lst"}));
  EXPECT_FALSE(AsksForJson({"inspect", "--", "--json"}));
}

TEST(ExitCodeTest, EachFailureHasItsStableCode) {
  const struct {
    StatusCode status;
    int code;
  } cases[] = {{StatusCode::kOk, 0},
               {StatusCode::kInvalidArgument, 2},
               {StatusCode::kNotFound, 5},
               {StatusCode::kAlreadyExists, 1},
               {StatusCode::kBusy, 4},
               {StatusCode::kNoSpace, 6},
               {StatusCode::kPermissionDenied, 1},
               {StatusCode::kCorruption, 3},
               {StatusCode::kUnsupported, 1},
               {StatusCode::kRefused, 1},
               {StatusCode::kIoError, 1},
               {StatusCode::kCancelled, 130},
               {StatusCode::kInternal, 1},
               {StatusCode::kNotChecked, 7},
               {StatusCode::kDegraded, 7}};
  for (const auto& c : cases) {
    EXPECT_EQ(ExitCodeFor(c.status), c.code) << StatusCodeName(c.status);
  }
}

}  // namespace
}  // namespace levelkeep::cli
