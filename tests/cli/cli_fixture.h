// Support for the tests of the program: one installation in a temporary
// folder, runs in this process, and golden texts.

#ifndef LEVELKEEP_TESTS_CLI_CLI_FIXTURE_H_
#define LEVELKEEP_TESTS_CLI_CLI_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "eventstore/event_bus.h"
#include "leveldb/env.h"
#include "support/events.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep::cli {

// Compares with tests/golden/cli/NAME. LEVELKEEP_UPDATE_GOLDEN=1 writes it.
inline void ExpectGolden(const std::string& name, const std::string& text) {
  const std::string path =
      std::string(LEVELKEEP_TEST_DATA) + "/golden/cli/" + name;
  if (std::getenv("LEVELKEEP_UPDATE_GOLDEN") != nullptr) {
    test::WriteFile(path, text);
  }
  EXPECT_EQ(text, test::ReadFile(path)) << path;
}

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;    // the text after `place`
  std::string place;  // the line with which most verbs begin, on standard error

  nlohmann::json json() const {
    EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 1) << out;
    return nlohmann::json::parse(out);
  }
};

using Tree = std::map<std::string, std::string>;

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    environment_ = {{"STORAGE_DIR", dir_.Sub("storage")},
                    {"BACKUP_DIR", dir_.Sub("backups")},
                    {"RESTORE_DIR", dir_.Sub("restore")},
                    {"BACKUP_RESERVE", "0"},
                    {"AUTO_BACKUP_ENABLED", "false"},
                    {"LOG_LEVEL", "off"}};
  }

  World NewWorld(std::istream* in, std::ostream* out, std::ostream* err) {
    World world;
    world.in = in;
    world.out = out;
    world.err = err;
    world.in_is_terminal = terminal_;
    world.out_is_terminal = terminal_;
    world.err_is_terminal = terminal_;
    world.environment = environment_;
    world.stop = stop_.get_token();
    world.fs = FileSystem::Posix();
    world.clock = &clock_;
    return world;
  }

  Outcome RunCli(const std::vector<std::string>& arguments,
                 const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    Outcome outcome;
    outcome.code = cli::Run(arguments, NewWorld(&in, &out, &err));
    outcome.out = out.str();
    outcome.err = err.str();
    if (outcome.err.starts_with("database ")) {
      const size_t line = outcome.err.find('\n') + 1;
      outcome.place = outcome.err.substr(0, line);
      outcome.err.erase(0, line);
    }
    return outcome;
  }

  std::string db_dir() const { return dir_.Sub("storage/event_registry_db"); }

  // Appends that many events to the (closed) database; makes one if needed.
  void AppendEvents(int count) { AppendEventsTo(db_dir(), count); }
  void AppendEventsTo(const std::string& database, int count) {
    std::filesystem::create_directories(
        std::filesystem::path(database).parent_path());
    EventBusOptions options;
    options.db_dir = database;
    options.sync = false;
    EventBus bus(options, leveldb::Env::Default());
    const Status opened = bus.Open();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(test::AppendEvents(&bus, {{"t", "s", i}}).ok());
    }
  }
  uint64_t CountEvents(const std::string& path) {
    EventBusOptions options;
    options.db_dir = path;
    EventBus bus(options, leveldb::Env::Default());
    const Status opened = bus.Open();
    EXPECT_TRUE(opened.ok()) << opened.ToString();
    return bus.Count().count;
  }
  // Makes a backup of the present database; returns its name.
  std::string CreateBackup() {
    const Outcome made = RunCli({"create", "--json"});
    EXPECT_EQ(made.code, 0) << made.err;
    if (made.code != 0) return "";
    clock_.Advance(std::chrono::seconds(1));
    return made.json().at("name").get<std::string>();
  }
  std::string BackupPath(const std::string& name) const {
    return dir_.Sub("backups/" + name);
  }
  void FlipByte(const std::string& path) {
    std::string content = test::ReadFile(path);
    content[content.size() / 2] =
        static_cast<char>(content[content.size() / 2] ^ 0x10);
    test::WriteFile(path, content);
  }

  // Replaces everything that differs between runs: folders, sizes, digests.
  std::string Normalize(std::string text) const {
    for (size_t at; (at = text.find(dir_.path())) != std::string::npos;) {
      text.replace(at, dir_.path().size(), "DIR");
    }
    text = std::regex_replace(text, std::regex("[0-9a-f]{64}"), "SHA256");
    text = std::regex_replace(text, std::regex("[0-9a-f]{32}"), "ID");
    text =
        std::regex_replace(text, std::regex("[0-9.]+ (B|[KMGTPE]iB)"), "SIZE");
    return std::regex_replace(text, std::regex("  +"), "  ");
  }

  // Names, kinds, modes, times and contents of all files in the temporary
  // folder.
  Tree TreeNow() const {
    Tree tree;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(dir_.path())) {
      struct stat info {};
      EXPECT_EQ(lstat(entry.path().c_str(), &info), 0);
      tree[entry.path()] =
          std::to_string(info.st_mode) + " " +
          std::to_string(info.st_mtim.tv_sec) + "." +
          std::to_string(info.st_mtim.tv_nsec) + " " +
          (S_ISREG(info.st_mode) ? test::ReadFile(entry.path()) : "");
    }
    return tree;
  }

  test::TempDir dir_;
  test::FakeClock clock_;
  std::stop_source stop_;
  bool terminal_ = false;
  std::map<std::string, std::string> environment_;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_TESTS_CLI_CLI_FIXTURE_H_
