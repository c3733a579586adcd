#include "config/reload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "config/settings_fixture.h"

namespace levelkeep {
namespace {

std::string LinesOf(const ReloadPlan& plan) {
  std::string lines;
  for (const SettingChange& change : plan.changes) {
    lines += change.ToString() + "\n";
  }
  return lines;
}

TEST(ReloadPlanTest, TakesOverWhatCanBeReloadedAndNamesTheRest) {
  Settings present;
  present.api.token = "old-secret";
  Settings loaded = present;
  loaded.backup.retention.max_backups = 5;
  loaded.backup.storage_dir = "/elsewhere";
  loaded.api.port = 80;
  loaded.api.token = "new-secret";
  loaded.api.allowed_hosts = {"a.example", "b.example"};
  loaded.log.directory = "logs";
  const ReloadPlan plan = PlanReload(present, loaded, "serve");
  EXPECT_EQ(LinesOf(plan),
            "STORAGE_DIR: ./storage -> /elsewhere, needs a restart\n"
            "MAX_BACKUPS: (nothing) -> 5, in force now\n"
            "API_PORT: 5050 -> 80, needs a restart\n"
            "API_TOKEN: changed, in force now\n"
            "API_ALLOWED_HOSTS: (nothing) -> a.example,b.example, in force "
            "now\n"
            "LOG_DIR: (nothing) -> logs, in force now\n");
  EXPECT_EQ(plan.settings.backup.retention.max_backups, 5);
  EXPECT_EQ(plan.settings.backup.storage_dir, "./storage");
  EXPECT_EQ(plan.settings.api.port, 5050);
  EXPECT_EQ(plan.settings.api.token, "new-secret");
  EXPECT_EQ(plan.settings.api.allowed_hosts, loaded.api.allowed_hosts);
  EXPECT_EQ(plan.settings.log.directory, "logs");
  for (const SettingChange& change : plan.changes) {
    EXPECT_EQ(change.before.find("secret"), std::string::npos);
    EXPECT_EQ(change.after.find("secret"), std::string::npos);
  }
}

TEST(ReloadPlanTest, ASecretCanGo) {
  Settings present;
  present.api.token = "old-secret";
  const ReloadPlan plan = PlanReload(present, Settings(), "serve");
  EXPECT_EQ(plan.settings.api.token, "");
  EXPECT_EQ(LinesOf(plan), "API_TOKEN: changed, in force now\n");
}

TEST(ReloadPlanTest, SettingsOfOtherVerbsDoNotCount) {
  Settings loaded;
  loaded.backup.retention.max_backups = 5;
  loaded.backup.schedule.poll = std::chrono::milliseconds(100);
  EXPECT_EQ(LinesOf(PlanReload(Settings(), loaded, "worker")),
            "BACKUP_WORKER_POLL_MS: 5000 -> 100, in force now\n");
  EXPECT_TRUE(PlanReload(loaded, loaded, "worker").changes.empty());
}

TEST(ReloadPlanTest, AValueCannotForgeALine) {
  Settings loaded;
  loaded.backup.restore.restart_command = "a\nb";
  EXPECT_NE(LinesOf(PlanReload(Settings(), loaded, "serve")).find("a\\x0ab"),
            std::string::npos);
}

// Everything that operators expect; any other setting says that it needs a
// restart.
TEST(ReloadPlanTest, TheListOfReloadableSettings) {
  std::string names;
  for (const SettingInfo& info : AllSettings()) {
    if (info.reloadable) names += info.name + " ";
  }
  for (const char* name :
       {"LOG_LEVEL", "LOG_FORMAT", "LOG_DIR", "LOG_RETENTION_DAYS",
        "AUTO_BACKUP_ENABLED", "AUTO_BACKUP_INTERVAL", "MAX_BACKUPS",
        "BACKUP_HISTORY_DAYS", "BACKUP_RATE_LIMIT", "BACKUP_RESERVE",
        "BACKUP_VERIFY", "API_TOKEN", "API_ALLOWED_HOSTS", "RESTART_COMMAND"}) {
    EXPECT_NE(names.find(std::string(name) + " "), std::string::npos) << name;
  }
  for (const char* name : {"STORAGE_DIR", "API_PORT", "API_HOST", "DB_NAME"}) {
    EXPECT_EQ(names.find(std::string(name) + " "), std::string::npos) << name;
  }
  // As many as kReloadable has: each name there is a setting's.
  EXPECT_EQ(std::count(names.begin(), names.end(), ' '), 38);
}

class ReloadSourcesTest : public SettingsTest {
 protected:
  void Write(const std::string& name, const std::string& text) {
    test::WriteFile(dir_.Sub(name), text);
  }
};

TEST_F(ReloadSourcesTest, ReadsTheFileAgainAndKeepsFlagsAndEnvironment) {
  Write(".env", "MAX_BACKUPS=3\nAPI_PORT=1000\nLOG_LEVEL=warn\n");
  sources_.flags = {{"API_PORT", "2000"}};
  sources_.environment = {{"LOG_LEVEL", "debug"}};
  const ReloadSources reload(sources_);
  Write(".env", "MAX_BACKUPS=4\nAPI_PORT=1001\nLOG_LEVEL=error\n");
  const auto loaded = reload.Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->settings.backup.retention.max_backups, 4);
  EXPECT_EQ(loaded->settings.api.port, 2000);
  EXPECT_EQ(loaded->settings.log.level, LogLevel::kDebug);
}

TEST_F(ReloadSourcesTest, ABrokenFileIsAnError) {
  Write(".env", "MAX_BACKUPS=3\n");
  const ReloadSources reload(sources_);
  Write(".env", "MAX_BACKUPS=0\n");
  EXPECT_EQ(reload.Load().status().code(), StatusCode::kInvalidArgument);
}

// Otherwise a token would be gone while somebody replaces the file.
TEST_F(ReloadSourcesTest, AFileThatHasGoneIsAnError) {
  {
    const ReloadSources without(sources_);
    EXPECT_TRUE(without.Load().ok());
    Write(".env", "MAX_BACKUPS=3\n");
    EXPECT_TRUE(without.Load().ok());
  }
  const ReloadSources reload(sources_);
  std::filesystem::remove(dir_.Sub(".env"));
  const auto loaded = reload.Load();
  EXPECT_EQ(loaded.status().code(), StatusCode::kNotFound);
  EXPECT_NE(loaded.status().message().find(".env"), std::string::npos);
}

// systemd has filled the environment from the file.
TEST_F(ReloadSourcesTest, ValuesFromTheSupervisorsFileAreReadThereAgain) {
  const std::string file = dir_.Sub("levelkeep.env");
  const std::string folders = "STORAGE_DIR=/s\nBACKUP_DIR=/b\nRESTORE_DIR=/r\n";
  Write("levelkeep.env", folders + "MAX_BACKUPS=3\nAPI_PORT=1000\n");
  sources_.environment_file = file;
  sources_.environment = {{"STORAGE_DIR", "/s"}, {"BACKUP_DIR", "/b"},
                          {"RESTORE_DIR", "/r"}, {"MAX_BACKUPS", "3"},
                          {"API_PORT", "2000"},  // a drop-in of the unit
                          {"LOG_LEVEL", "warn"}};
  EXPECT_EQ(Load().settings.backup.retention.max_backups, 3);
  const ReloadSources reload(sources_);
  EXPECT_TRUE(reload.environment_file_status().ok());
  Write("levelkeep.env",
        folders + "MAX_BACKUPS=4\nAPI_PORT=1001\nBACKUP_VERIFY=false\n");
  auto loaded = reload.Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->settings.backup.retention.max_backups, 4);
  EXPECT_EQ(loaded->settings.backup.storage_dir, "/s");
  EXPECT_FALSE(loaded->settings.backup.verification.after_backup);
  EXPECT_EQ(loaded->settings.api.port, 2000);
  EXPECT_EQ(loaded->settings.log.level, LogLevel::kWarn);
  std::filesystem::remove(file);
  EXPECT_EQ(reload.Load().status().code(), StatusCode::kNotFound);
}

TEST_F(ReloadSourcesTest, SaysThatTheSupervisorsFileCouldNotBeRead) {
  sources_.environment_file = dir_.Sub("missing.env");
  sources_.environment = {{"MAX_BACKUPS", "3"}};
  const ReloadSources reload(sources_);
  EXPECT_EQ(reload.environment_file_status().code(), StatusCode::kNotFound);
  const auto loaded = reload.Load();
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->settings.backup.retention.max_backups, 3);
}

}  // namespace
}  // namespace levelkeep
