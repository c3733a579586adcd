// The meaning of the end of levelkeep-check: a verdict needs evidence.

#include <chrono>
#include <csignal>
#include <filesystem>

#include "hostile/memory_peak.h"
#include "restore/store_check_fixture.h"

namespace levelkeep::test {
namespace {

class CheckProgramTest : public StoreCheckTest {
 protected:
  Status RunScript(const std::string& script) {
    context_.options.check_program = temp_.Sub("script");
    WriteFile(context_.options.check_program, "#!/bin/sh\n" + script + "\n");
    EXPECT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
    return Check().status();
  }
  // Each run records its arguments; `first` and `second` end the two runs.
  Status RunTwice(const std::string& first, const std::string& second) {
    const std::string runs = temp_.Sub("runs");
    (void)FileSystem::Posix()->RemoveFile(runs);
    return RunScript("echo \"$@\" >> '" + runs + "'\n[ $(wc -l < '" + runs +
                     "') = 2 ] || { " + first + "; }\n" + second);
  }
  std::string Runs() { return ReadFile(temp_.Sub("runs")); }
};

constexpr char kSound[] =
    "echo '{\"ok\":true,\"entries\":1,\"lastSequence\":7,\"tables\":1,"
    "\"tornTails\":0}'";

TEST_F(CheckProgramTest, ACrashThatComesAgainIsTheDatabasesFault) {
  for (const char* crash : {"ABRT", "SEGV", "BUS", "FPE", "ILL", "XCPU"}) {
    const std::string kill = std::string("kill -") + crash + " $$";
    const Status status = RunTwice(kill, kill);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << crash;
    EXPECT_NE(status.message().find("the database "), std::string::npos);
    EXPECT_FALSE(status.hint().empty());
    // The second run has twice the memory and an empty folder.
    const std::string runs = Runs();
    EXPECT_EQ(runs.find("--again"), runs.rfind("--again"));
    EXPECT_NE(runs.find("--again"), std::string::npos) << runs;
  }
}

TEST_F(CheckProgramTest, OnlyTheSecondRunAfterACrashCounts) {
  const std::string crash = "touch \"$3/left\"; kill -SEGV $$";
  EXPECT_TRUE(RunTwice(crash, kSound).ok());
  // Files of the first run would have been part of the database.
  EXPECT_TRUE(
      RunTwice(crash, "[ ! -e \"$3/left\" ] && " + std::string(kSound)).ok());
  EXPECT_EQ(RunTwice(crash, "kill -TERM $$").code(), StatusCode::kNotChecked);
  EXPECT_EQ(RunTwice(crash, "exit 1").code(), StatusCode::kNotChecked);
  const Status found = RunTwice(
      crash, "echo '{\"ok\":false,\"code\":\"corruption\",\"error\":\"bad\"}'");
  EXPECT_EQ(found.code(), StatusCode::kCorruption);
  EXPECT_EQ(found.message(), "bad");
}

TEST_F(CheckProgramTest, ACrashUnderALimitOfTheHostSaysNothing) {
  const Status status = RunTwice(
      "echo '{\"hostLimit\":\"memory of 3 MiB\"}'; kill -SEGV $$", "exit 1");
  EXPECT_EQ(status.code(), StatusCode::kNotChecked);
  EXPECT_EQ(status.message(),
            "the check of the database was ended (signal 11) under a limit of "
            "the host: memory of 3 MiB");
  EXPECT_EQ(Runs().find("--again"), std::string::npos);
  // A report counts even after a host limit.
  EXPECT_TRUE(
      RunScript("echo '{\"hostLimit\":\"x\"}'; " + std::string(kSound)).ok());
}

// Signals of a stopped service, of SIGKILL, of a file that grew too large, and
// of a closed terminal.
TEST_F(CheckProgramTest, OtherSignalsSayNothing) {
  for (const char* signal : {"TERM", "KILL", "HUP", "INT", "XFSZ", "USR1"}) {
    const Status status = RunTwice(std::string("kill -") + signal + " $$", "");
    EXPECT_EQ(status.code(), StatusCode::kNotChecked) << signal;
    EXPECT_NE(status.message().find("(signal "), std::string::npos);
    EXPECT_FALSE(status.hint().empty());
  }
}

TEST_F(CheckProgramTest, ReportsAreRead) {
  struct Case {
    const char* script;
    StatusCode code;
    const char* message;
    const char* hint = "";
  };
  const char* const kNoReport =
      "the check of the database ended without a report";
  for (const Case& c : std::vector<Case>{
           {kSound, StatusCode::kOk, ""},
           {"echo '{\"ok\":false,\"code\":\"corruption\",\"error\":\"bad\"}'; "
            "exit 1",
            StatusCode::kCorruption, "bad"},
           {"echo '{\"ok\":false,\"code\":\"no_space\",\"error\":\"full\","
            "\"hint\":\"free some\"}'",
            StatusCode::kNoSpace, "full", "free some"},
           {"echo '{\"ok\":false,\"code\":\"io_error\",\"error\":\"disk\"}'",
            StatusCode::kIoError, "disk"},
           {"echo '{\"ok\":false,\"code\":\"not_checked\",\"error\":\"x\"}'",
            StatusCode::kNotChecked, "x"},
           {"echo '{\"ok\":false,\"code\":\"of_later\",\"error\":\"x\"}'",
            StatusCode::kNotChecked, "x"},
           {"echo '{\"ok\":1}'", StatusCode::kNotChecked, kNoReport},
           {"echo '{\"ok\":true,\"entries\":1}'", StatusCode::kNotChecked,
            kNoReport},
           {"echo '{\"ok\":false,\"error\":\"bad\"}'", StatusCode::kNotChecked,
            kNoReport},
           {"echo nonsense", StatusCode::kNotChecked, kNoReport},
           {"exit 2", StatusCode::kNotChecked,
            "levelkeep-check does not know its arguments"},
           {"exit 127", StatusCode::kNotChecked, kNoReport},
           {"exit 0", StatusCode::kNotChecked, kNoReport}}) {
    const Status status = RunScript(c.script);
    EXPECT_EQ(status.code(), c.code) << c.script;
    EXPECT_EQ(status.message(), c.message) << c.script;
    if (*c.hint != 0) {
      EXPECT_EQ(status.hint(), c.hint) << c.script;
    }
  }
}

TEST_F(CheckProgramTest, StopEndsTheChild) {
  context_.options.check_program = temp_.Sub("script");
  WriteFile(context_.options.check_program, "#!/bin/sh\nexec sleep 1000\n");
  ASSERT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
  std::stop_source stop;
  stop.request_stop();
  const auto check =
      CheckStore(context_, db_, temp_.Sub("scratch"), stop.get_token());
  EXPECT_EQ(check.status().code(), StatusCode::kCancelled);
}

TEST_F(CheckProgramTest, TheProgramReadsNoFasterThanItIsTold) {
  uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(db_)) {
    bytes += file.file_size();
  }
  context_.options.check_rate = 4 * bytes;
  const auto begun = std::chrono::steady_clock::now();
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_GE(std::chrono::steady_clock::now() - begun,
            std::chrono::milliseconds(100));
}

TEST_F(CheckProgramTest, MissingProgramIsNotTheDatabasesFault) {
  context_.options.check_program = temp_.Sub("nowhere");
  const auto check = Check();
  EXPECT_EQ(check.status().code(), StatusCode::kNotChecked);
  EXPECT_NE(check.status().hint().find("LEVELKEEP_CHECK_PROGRAM"),
            std::string::npos);
}

TEST_F(CheckProgramTest, WrongArgumentsAreRefused) {
  const auto program = FindCheckProgram(FileSystem::Posix(), "");
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  for (const char* arguments :
       {"", "db", "--scratch s", "db --scratch", "db --scratch s --what",
        "db other --scratch s", "db --archive a --scratch s", "--archive a",
        "--archive --scratch s", "db --scratch s --largest-record x",
        "db --scratch s --processor-seconds", "db --scratch s --rate x"}) {
    EXPECT_EQ(Shell("'" + *program + "' " + arguments + " 2>/dev/null"), 2)
        << arguments;
  }
}

// --- the real program under limits of the host ---

class HostLimitTest : public CheckProgramTest {
 protected:
  Status CheckUnder(const std::string& limit) {
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    EXPECT_TRUE(program.ok());
    return RunScript(limit + "\nexec '" + *program + "' \"$@\"");
  }
  // The program's own report, before its parent interprets it.
  std::string OutputUnder(const std::string& limit) {
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    std::string output;
    Shell(limit + "; '" + *program + "' '" + db_ + "' --scratch '" +
              temp_.Sub("by hand") + "'",
          &output);
    return output;
  }
};

TEST_F(HostLimitTest, AFileThatMayNotGrowIsTheHosts) {
  // The log becomes a table of 40 KB, and LevelDB may write 4 KB.
  Entries entries;
  for (uint64_t i = 0; i < 40; ++i) {
    entries["k" + std::to_string(i)] = RandomBytes(i, 1000);
  }
  FillDb(db_, entries);
  const Status status = CheckUnder("ulimit -f 8");
  EXPECT_EQ(status.code(), StatusCode::kIoError) << status.ToString();
  EXPECT_NE(status.message().find("File too large"), std::string::npos);
  EXPECT_TRUE(CheckUnder("ulimit -f unlimited").ok());
}

TEST_F(HostLimitTest, TighterOnesAreToldBeforeAnythingIsRead) {
  if (!kMemoryCounts) return;  // the check has no limit, so none is tighter
  EXPECT_EQ(OutputUnder(":").find("hostLimit"), std::string::npos);
  for (const auto& [limit, told] :
       std::vector<std::pair<std::string, std::string>>{
           {"ulimit -v 600000", "address space (ulimit -v) of 585.9 MiB"},
           {"ulimit -d 100000", "memory (ulimit -d) of 97.7 MiB"},
           {"ulimit -t 30", "processor time (ulimit -t) of 30 s"}}) {
    const std::string output = OutputUnder(limit);
    EXPECT_TRUE(output.starts_with("{\"hostLimit\":\"" + told + "\"}\n"))
        << output;
    EXPECT_TRUE(CheckUnder(limit).ok()) << limit;
  }
}

// --- the sentence for an outcome ---

TEST(CheckOutcomeTest, EachEndHasASentence) {
  struct Case {
    int signal;
    StatusCode code;
    const char* start;
  };
  for (const Case& c : std::vector<Case>{
           {SIGABRT, StatusCode::kCorruption,
            "the database made LevelDB abort (signal 6)"},
           {SIGSEGV, StatusCode::kCorruption,
            "the database made LevelDB crash"},
           {SIGBUS, StatusCode::kCorruption, "the database made LevelDB crash"},
           {SIGXCPU, StatusCode::kCorruption,
            "the database kept LevelDB computing"},
           {SIGHUP, StatusCode::kNotChecked,
            "the check of the database was ended (signal 1)"},
           {SIGKILL, StatusCode::kNotChecked,
            "the check of the database was killed (signal 9)"}}) {
    ProgramOutcome outcome;
    outcome.signal = c.signal;
    const auto check = InterpretCheckOutcome(outcome, std::chrono::seconds(60));
    EXPECT_EQ(check.status().code(), c.code) << c.signal;
    EXPECT_TRUE(check.status().message().starts_with(c.start)) << c.signal;
    EXPECT_EQ(IsCrashOfCheck(outcome), c.code == StatusCode::kCorruption);
  }
}

// The host may have been asleep, stopped or busy.
TEST(CheckOutcomeTest, LatenessSaysNothing) {
  ProgramOutcome late;
  late.timed_out = true;
  late.signal = SIGKILL;
  auto check = InterpretCheckOutcome(late, std::chrono::seconds(61));
  EXPECT_EQ(check.status().code(), StatusCode::kNotChecked);
  EXPECT_EQ(check.status().message(),
            "the check of the database did not end within 61 s");
  check = InterpretCheckOutcome(late, CheckTimeout(0, /*idle=*/true),
                                /*idle=*/true);
  EXPECT_EQ(check.status().code(), StatusCode::kNotChecked);
  EXPECT_EQ(check.status().message(),
            "the check of the database did not end within 6000 s at idle "
            "priority");
  EXPECT_NE(check.status().hint().find("BACKUP_PRIORITY=low"),
            std::string::npos);
}

TEST(CheckOutcomeTest, TimeoutGrowsWithTheDatabase) {
  EXPECT_EQ(CheckTimeout(0), std::chrono::seconds(60));
  EXPECT_EQ(CheckTimeout(5'000'000), std::chrono::seconds(61));
  EXPECT_EQ(CheckTimeout(5'000'000'000), std::chrono::seconds(1060));
}

}  // namespace
}  // namespace levelkeep::test
