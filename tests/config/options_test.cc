#include "levelkeep/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace levelkeep {
namespace {

using testing::HasSubstr;

TEST(BackupOptionsTest, TheDefaultsAreValid) {
  const BackupOptions options;
  EXPECT_TRUE(options.Validate().ok()) << options.Validate().ToString();
  EXPECT_EQ(options.storage_path(), "./storage/event_registry_db");
}

TEST(BackupOptionsTest, ReportsAllProblemsAtOnce) {
  BackupOptions options;
  options.retention.max_backups = -1;
  options.schedule.interval = std::chrono::milliseconds(-5);
  options.archive.compression_level = 4;
  options.resources.threads = 65;
  options.resources.priority = static_cast<ThreadPriority>(2);
  options.db_name = "../up";
  const Status status = options.Validate();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "DB_NAME is \"../up\": allowed is one folder name that does not "
            "begin with a dot\n"
            "AUTO_BACKUP_INTERVAL is \"-5\": allowed is 1000 to 2592000000 ms\n"
            "MAX_BACKUPS is \"-1\": allowed is 1 to 100000\n"
            "BACKUP_COMPRESSION_LEVEL is \"4\": allowed is 0 to 3\n"
            "BACKUP_THREADS is \"65\": allowed is 0 to 64\n"
            "BACKUP_PRIORITY is \"2\": allowed is low, idle");
  EXPECT_NE(status.hint(), "");
}

TEST(BackupOptionsTest, ChecksEachText) {
  const auto problem_of = [](auto change) {
    BackupOptions options;
    change(&options);
    return options.Validate().message();
  };
  EXPECT_EQ(problem_of([](auto* o) { o->storage_dir = ""; }),
            "STORAGE_DIR is empty: allowed is a folder");
  EXPECT_THAT(problem_of([](auto* o) { o->db_name = ""; }),
              HasSubstr("DB_NAME is empty"));
  EXPECT_THAT(problem_of([](auto* o) { o->db_name = ".levelkeep"; }),
              HasSubstr("DB_NAME"));
  EXPECT_THAT(problem_of([](auto* o) { o->backup_dir = "a\nb"; }),
              HasSubstr("BACKUP_DIR is \"a\\x0ab\""));
  EXPECT_THAT(
      problem_of([](auto* o) { o->resources.reserve_bytes = UINT64_MAX; }),
      HasSubstr("BACKUP_RESERVE"));
  EXPECT_THAT(problem_of([](auto* o) { o->comparator_name = ""; }),
              HasSubstr("comparator_name"));
}

TEST(BackupOptionsTest, TheFoldersMustNotBeEachOther) {
  const struct {
    const char* storage;
    const char* backup;
    const char* restore;
    const char* problem;  // empty: no problem
  } kCases[] = {
      {"./s", "./b", "./r", ""},
      {"/d", "/d/backups", "/d/restore", ""},
      {"/d/storage", "/d", "/d/restore", ""},
      {"./x", "x/", "./r", "STORAGE_DIR and BACKUP_DIR are both \"x\""},
      {"./x", "./b", "x", "STORAGE_DIR and RESTORE_DIR are both \"x\""},
      {"./s", "./x", "a/../x", "BACKUP_DIR and RESTORE_DIR are both \"x\""},
      {"/s", "/s/event_registry_db/b", "/r",
       "BACKUP_DIR is \"/s/event_registry_db/b\": allowed is a folder outside"},
      {"/s", "/b", "/s/./event_registry_db",
       "RESTORE_DIR is \"/s/event_registry_db\": allowed is a folder outside"},
      {"/s", "/s/event_registry_db2", "/r", ""},
  };
  for (const auto& c : kCases) {
    BackupOptions options;
    options.storage_dir = c.storage;
    options.backup_dir = c.backup;
    options.restore_dir = c.restore;
    const std::string message = options.Validate().message();
    if (*c.problem == '\0') {
      EXPECT_EQ(message, "");
    } else {
      EXPECT_THAT(message, HasSubstr(c.problem));
    }
  }
}

class FromEnvironmentTest : public testing::Test {
 protected:
  ~FromEnvironmentTest() override {
    for (const std::string& name : set_) ::unsetenv(name.c_str());
  }
  void Set(const std::string& name, const std::string& value) {
    ASSERT_EQ(::setenv(name.c_str(), value.c_str(), 1), 0);
    set_.push_back(name);
  }
  std::vector<std::string> set_;
};

TEST_F(FromEnvironmentTest, OverridesTheDefaults) {
  Set("MAX_BACKUPS", "3");
  Set("BACKUP_STORAGE_DIR", "/elsewhere");
  const auto options = BackupOptions::FromEnvironment();
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->retention.max_backups, 3);
  EXPECT_EQ(options->backup_dir, "/elsewhere");
  EXPECT_EQ(options->db_name, "event_registry_db");
}

// Each application is restarted in its own way.
TEST_F(FromEnvironmentTest, KnowsARestartCommandOnlyIfThereIsOne) {
  EXPECT_EQ(BackupOptions().restore.restart_command, "");
  EXPECT_EQ(BackupOptions::FromEnvironment()->restore.restart_command, "");
  Set("RESTART_COMMAND", "systemctl restart shop");
  EXPECT_EQ(BackupOptions::FromEnvironment()->restore.restart_command,
            "systemctl restart shop");
}

TEST_F(FromEnvironmentTest, ReportsBadValues) {
  Set("MAX_BACKUPS", "many");
  Set("BACKUP_ENCRYPT", "true");
  const auto options = BackupOptions::FromEnvironment();
  EXPECT_EQ(options.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(options.status().message(), HasSubstr("MAX_BACKUPS is \"many\""));
  EXPECT_THAT(options.status().message(), HasSubstr("BACKUP_ENCRYPT"));
}

// An application has an API, a port and logs of its own.
TEST_F(FromEnvironmentTest, LeavesTheApplicationsOwnVariablesAlone) {
  Set("API_PORT", "tcp://10.0.0.1:80");
  Set("PORT", "x");
  Set("LOG_LEVEL", "verbose");
  Set("API_TOKEN", "");
  Set("API_HOSTS", "x");
  EXPECT_TRUE(BackupOptions::FromEnvironment().ok());
}

}  // namespace
}  // namespace levelkeep
