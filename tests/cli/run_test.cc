// The frame around the verbs: help, version, usage, configuration.

#include <filesystem>
#include <functional>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/process.h"
#include "cli/arguments.h"
#include "cli_fixture.h"
#include "config/settings.h"

namespace levelkeep::cli {
namespace {

using RunTest = CliTest;

TEST_F(RunTest, HelpIsTheGoldenText) {
  const Outcome help = RunCli({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.err, "");
  ExpectGolden("help.txt", help.out);
  for (const Verb* verb : AllVerbs()) {
    const Outcome verb_help = RunCli({verb->name, "--help"});
    EXPECT_EQ(verb_help.code, 0);
    ExpectGolden(std::string("help-") + verb->name + ".txt", verb_help.out);
  }
}

// A user in the wrong directory sees that first, also when the verb fails.
TEST_F(RunTest, VerbsSayWhichDatabaseTheyAreAbout) {
  environment_["STORAGE_DIR"] = "relative/../storage";
  const std::string here = std::filesystem::current_path().string();
  const std::string database = here + "/storage/event_registry_db";
  for (const char* verb :
       {"create", "list", "inspect", "verify", "restore", "accept-loss",
        "rotate", "pin", "unpin", "delete", "own"}) {
    EXPECT_EQ(RunCli({verb}).place, "database " + database + ", backups in " +
                                        dir_.Sub("backups") + "\n")
        << verb;
    EXPECT_EQ(RunCli({verb, "--quiet"}).place, "") << verb;
    const auto json = RunCli({verb, "--json"}).json();
    EXPECT_EQ(json.at("database"), database) << verb;
    EXPECT_EQ(json.at("backupDir"), dir_.Sub("backups")) << verb;
  }
  EXPECT_EQ(RunCli({"config"}).place, "");
}

TEST_F(RunTest, HelpFitsATerminal) {
  std::vector<std::string> texts = {HelpText(nullptr)};
  for (const Verb* verb : AllVerbs()) texts.push_back(HelpText(verb));
  for (const std::string& text : texts) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100u) << line;
    }
  }
}

TEST_F(RunTest, TheDocsNameEachVerbAndExitCode) {
  const std::string docs =
      test::ReadFile(std::string(LEVELKEEP_SOURCE_DIR) + "/docs/cli.md");
  for (const Verb* verb : AllVerbs()) {
    EXPECT_NE(docs.find(std::string("levelkeep ") + verb->name),
              std::string::npos)
        << verb->name;
  }
  for (const char* code : {"0", "1", "2", "3", "4", "5", "6", "130"}) {
    EXPECT_NE(docs.find(std::string("\n| ") + code + " | "), std::string::npos)
        << code;
  }
}

TEST_F(RunTest, TheCompletionAndTheManPageKnowEachVerb) {
  const std::string packaging =
      std::string(LEVELKEEP_SOURCE_DIR) + "/packaging/";
  const std::string completion =
      test::ReadFile(packaging + "completions/levelkeep.bash");
  // roff writes a hyphen that is meant literally as \\-.
  const std::string man = std::regex_replace(
      test::ReadFile(packaging + "man/levelkeep.1"), std::regex("\\\\-"), "-");
  for (const Verb* verb : AllVerbs()) {
    EXPECT_NE(completion.find(verb->name), std::string::npos) << verb->name;
    EXPECT_NE(man.find(std::string(".B ") + verb->name + "\n"),
              std::string::npos)
        << verb->name;
  }
}

TEST_F(RunTest, VersionIsOneLine) {
  const Outcome version = RunCli({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, std::string("levelkeep ") + LevelKeepVersion() + "\n");
  EXPECT_EQ(RunCli({"--version", "--json"}).json().at("version"),
            LevelKeepVersion());
}

TEST_F(RunTest, UsageErrorsAreTwoLinesAndCode2) {
  const Outcome none = RunCli({});
  EXPECT_EQ(none.code, 2);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(none.err, "error: no verb is given\nhint: see levelkeep --help\n");
  const Outcome unknown = RunCli({"restor"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_EQ(unknown.err,
            "error: unknown verb restor\nhint: did you mean restore?\n");
}

TEST_F(RunTest, UsageErrorsAreJsonToo) {
  const auto json = RunCli({"restor", "--json"}).json();
  EXPECT_EQ(json.dump(),
            "{\"code\":\"invalid_argument\",\"exitCode\":2,"
            "\"hint\":\"did you mean restore?\","
            "\"message\":\"unknown verb restor\",\"success\":false}");
}

TEST_F(RunTest, AllProblemsOfTheConfigurationAtOnce) {
  environment_["MAX_BACKUPS"] = "0";
  environment_["API_PORT"] = "99999";
  for (const char* verb : {"config", "list", "serve", "worker"}) {
    const Outcome outcome = RunCli({verb});
    EXPECT_EQ(outcome.code, 2) << verb;
    EXPECT_NE(outcome.err.find("MAX_BACKUPS"), std::string::npos) << verb;
    EXPECT_NE(outcome.err.find("99999"), std::string::npos) << verb;
  }
  const auto json = RunCli({"config", "--check", "--json"}).json();
  EXPECT_EQ(json.at("success"), false);
  EXPECT_EQ(json.at("exitCode"), 2);
}

TEST_F(RunTest, ConfigShowsValueAndOriginOfEachSetting) {
  environment_["API_TOKEN"] = "s3cret-s3cret";
  environment_["AUTO_BACKUP_INTERVAL"] = "5000";
  test::WriteFile(dir_.Sub("my.conf"), "MAX_BACKUPS=7\n");
  const Outcome shown =
      RunCli({"config", "--config", dir_.Sub("my.conf"), "--port", "8080"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  const std::string text = Normalize(shown.out);
  EXPECT_NE(text.find("API_PORT  8080  flag --port\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("MAX_BACKUPS  7  file DIR/my.conf line 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("AUTO_BACKUP_INTERVAL  5000  environment "
                      "AUTO_BACKUP_INTERVAL\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("API_HOST  127.0.0.1  default\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;
  const auto json = RunCli({"config", "--json"}).json();
  EXPECT_EQ(json.dump().find("s3cret"), std::string::npos);
  EXPECT_EQ(json.at("settings").size(), AllSettings().size());
  EXPECT_EQ(RunCli({"config", "--check"}).out, "the configuration is fine\n");
}

// Standard output may be full or closed: a report that nobody can read is an
// error.
class BrokenOutputTest : public CliTest {
 protected:
  Outcome RunInto(std::ostream* out,
                  const std::vector<std::string>& arguments) {
    std::istringstream in;
    std::ostringstream err;
    Outcome outcome;
    outcome.code = cli::Run(arguments, NewWorld(&in, out, &err));
    outcome.err = err.str();
    return outcome;
  }
};

TEST_F(BrokenOutputTest, IsAnErrorOfEveryVerbAndTheActStays) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  const std::string lost =
      "error: standard output can't be written: it is "
      "closed\nhint: the operation succeeded, only its report is lost\n";
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"--help"},
        {"--version"},
        {"list"},
        {"inspect", name},
        {"verify", name},
        {"verify", "--all"},
        {"restore", name, "--dry-run"},
        {"restore", name, "--to", dir_.Sub("to")},
        {"restore", name, "--yes"},
        {"restore", "--undo", "--list"},
        {"restore", "--undo", "--yes"},
        {"rotate", "--dry-run"},
        {"rotate"},
        {"pin", name},
        {"unpin", name},
        {"create"},
        {"config"},
        {"config", "--check"},
        {"worker", "--once"},
        {"delete", name, "--yes", "--force"}}) {
    for (const bool json : {false, true}) {
      auto arguments = verb;
      if (json) arguments.emplace_back("--json");
      if (json) arguments.emplace_back("--quiet");
      // In the second run, the target folder is new again and the backup is
      // gone.
      std::filesystem::remove_all(dir_.Sub("to"));
      if (json && verb[0] == "delete") continue;
      std::ostream closed(nullptr);
      const Outcome outcome = RunInto(&closed, arguments);
      EXPECT_EQ(outcome.code, 1) << verb[0] << " " << outcome.err;
      EXPECT_TRUE(outcome.err.ends_with(lost)) << verb[0] << outcome.err;
    }
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_FALSE(std::filesystem::exists(BackupPath(name))) << "deleted";
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 2) << "made";
}

TEST_F(BrokenOutputTest, DoesNotHideWhatElseFailed) {
  std::ostream closed(nullptr);
  const Outcome outcome = RunInto(&closed, {"create", "--json"});
  EXPECT_EQ(outcome.code, 5);
  EXPECT_EQ(outcome.err.rfind("error: there is no database", 0), 0u);
  EXPECT_TRUE(outcome.err.ends_with(
      "error: standard output can't be written: it is closed\nhint: the "
      "report is lost\n"))
      << outcome.err;
}

TEST_F(RunTest, AMissingConfigFileIsNamed) {
  const Outcome outcome = RunCli({"config", "--config", dir_.Sub("none")});
  EXPECT_NE(outcome.code, 0);
  EXPECT_NE(outcome.err.find(dir_.Sub("none")), std::string::npos);
}

TEST_F(RunTest, AStopIsInterrupted) {
  AppendEvents(1);
  stop_.request_stop();
  const Outcome outcome = RunCli({"create"});
  EXPECT_EQ(outcome.code, 130) << outcome.err;
  EXPECT_EQ(test::Shell("ls '" + dir_.Sub("backups") +
                        "'/backup_* 2>&1 "
                        "| grep -q 'No such'"),
            0);
}

class ThrowingClock : public test::FakeClock {
 public:
  explicit ThrowingClock(std::function<void()> thrower)
      : throw_(std::move(thrower)) {}
  Time Now() override {
    throw_();
    return FakeClock::Now();
  }

 private:
  const std::function<void()> throw_;
};

TEST_F(RunTest, WhatTheSystemLacksIsAnErrorAsAnyOther) {
  AppendEvents(1);
  CreateBackup();
  const struct {
    std::function<void()> thrower;
    const char* message;
    const char* hint;
  } cases[] = {{[] {
                  throw std::system_error(std::make_error_code(
                      std::errc::resource_unavailable_try_again));
                },
                "the system gives this process no more threads: ", "ulimit -u"},
               {[] { throw std::runtime_error("odd"); }, "odd", ""}};
  for (const auto& c : cases) {
    ThrowingClock clock(c.thrower);
    std::istringstream in;
    std::ostringstream out, err;
    World world = NewWorld(&in, &out, &err);
    world.clock = &clock;
    EXPECT_EQ(cli::Run({"list", "--json"}, world), 1);
    const auto json = nlohmann::json::parse(out.str(), nullptr, false);
    ASSERT_TRUE(json.is_object()) << out.str();
    EXPECT_EQ(json.at("success"), false);
    EXPECT_EQ(json.at("exitCode"), 1);
    EXPECT_EQ(json.at("message").get<std::string>().rfind(c.message, 0), 0u)
        << json;
    EXPECT_NE(json.at("hint").get<std::string>().find(c.hint),
              std::string::npos)
        << json;
    EXPECT_NE(err.str().find(std::string("error: ") + c.message),
              std::string::npos)
        << err.str();
  }
}

}  // namespace
}  // namespace levelkeep::cli
