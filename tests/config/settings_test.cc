#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "config/setting_rows.h"
#include "config/settings_fixture.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(SettingsTest, HasTheDefaultsOfTheManual) {
  std::string table;
  for (const SettingOrigin& origin : Load().origins) {
    EXPECT_EQ(origin.origin, "default") << origin.name;
    table += origin.name + "=" + origin.value_masked + "\n";
  }
  EXPECT_EQ(table,
            "STORAGE_DIR=./storage\n"
            "DB_NAME=event_registry_db\n"
            "BACKUP_DIR=./backups\n"
            "RESTORE_DIR=./restore\n"
            "AUTO_BACKUP_ENABLED=true\n"
            "AUTO_BACKUP_INTERVAL=3600000\n"
            "BACKUP_SCHEDULE=\n"
            "ROTATE_SCHEDULE=\n"
            "VERIFY_SCHEDULE=\n"
            "DRILL_SCHEDULE=\n"
            "SCHEDULE_TZ=\n"
            "SCHEDULE_JITTER=0\n"
            "BACKUP_ON_SHUTDOWN=false\n"
            "BACKUP_BEFORE_RESTORE=false\n"
            "BACKUP_WORKER_POLL_MS=5000\n"
            "BACKUP_RETRIES=2\n"
            "BACKUP_RETRY_DELAY=30\n"
            "BACKUP_TIMEOUT=300\n"
            "ROTATE_RETRIES=1\n"
            "ROTATE_RETRY_DELAY=30\n"
            "ROTATE_TIMEOUT=60\n"
            "VERIFY_TIMEOUT=21600\n"
            "DRILL_TIMEOUT=21600\n"
            "MAX_BACKUPS=10\n"
            "BACKUP_RETENTION_DAYS=0\n"
            "BACKUP_DAILY_RETENTION=0\n"
            "BACKUP_WEEKLY_RETENTION=0\n"
            "BACKUP_MONTHLY_RETENTION=0\n"
            "BACKUP_YEARLY_RETENTION=0\n"
            "BACKUP_MINIMUM=0\n"
            "BACKUP_MAX_BYTES=0\n"
            "BACKUP_HISTORY_DAYS=30\n"
            "BACKUP_COMPRESSION=true\n"
            "BACKUP_COMPRESSION_LEVEL=1\n"
            "BACKUP_REUSE=true\n"
            "BACKUP_CHECKSUM=sha256\n"
            "BACKUP_THREADS=0\n"
            "BACKUP_RATE_LIMIT=0\n"
            "BACKUP_PRIORITY=low\n"
            "BACKUP_RESERVE=268435456\n"
            "BACKUP_VERIFY=true\n"
            "VERIFY_BUDGET=0\n"
            "LEVELKEEP_CHECK_PROGRAM=\n"
            "AUTO_RESTORE_ENABLED=true\n"
            "BACKUP_UNDO_HOURS=24\n"
            "ALLOW_NEW_DATABASE=false\n"
            "RESTART_COMMAND=docker-compose restart app worker\n"
            "BACKUP_NOTIFY_ON=success,failure,recovered,absence\n"
            "BACKUP_ABSENCE_HOURS=0\n"
            "BACKUP_WEBHOOK_URL=\n"
            "BACKUP_WEBHOOK_SECRET=\n"
            "BACKUP_HEARTBEAT_URL=\n"
            "VERIFY_HEARTBEAT_URL=\n"
            "ROTATE_HEARTBEAT_URL=\n"
            "BACKUP_EMAIL_NOTIFY=false\n"
            "BACKUP_EMAIL_TO=\n"
            "SMTP_FROM=\n"
            "SMTP_HOST=127.0.0.1\n"
            "SMTP_PORT=25\n"
            "SMTP_TLS=auto\n"
            "SMTP_USER=\n"
            "SMTP_PASSWORD=\n"
            "SMTP_CA_FILE=\n"
            "BACKUP_HOOK_PRE=\n"
            "HOOK_PRE_REQUIRED=false\n"
            "BACKUP_HOOK_POST=\n"
            "BACKUP_HOOK_TIMEOUT=60\n"
            "API_HOST=127.0.0.1\n"
            "API_PORT=5050\n"
            "API_TOKEN=\n"
            "API_ALLOW_ANONYMOUS=false\n"
            "API_ALLOWED_HOSTS=\n"
            "STORAGE_SYNC=true\n"
            "BACKUP_WORKER_ENABLED=true\n"
            "LOG_LEVEL=info\n"
            "LOG_FORMAT=text\n"
            "LOG_DIR=\n"
            "LOG_RETENTION_DAYS=30\n");
}

TEST_F(SettingsTest, EverySettingIsDescribed) {
  std::map<std::string, int> names;
  for (const SettingInfo& info : AllSettings()) {
    EXPECT_FALSE(info.key.empty()) << info.name;
    EXPECT_FALSE(info.allowed.empty()) << info.name;
    EXPECT_TRUE(info.help.ends_with(".")) << info.name;
    EXPECT_EQ(info.flag.starts_with("--"), !info.secret) << info.name;
    EXPECT_EQ(info.flag.empty(), info.secret) << info.name;
    ++names[info.name];
    ++names[info.key];
    for (const std::string& alias : info.aliases) ++names[alias];
    if (!info.flag.empty()) ++names[info.flag];
  }
  for (const LaterFeature& feature : kLaterFeatures) {
    ++names[std::string(feature.name)];
  }
  for (const auto& [name, count] : names) EXPECT_EQ(count, 1) << name;
}

// One good value, which is not the default, and one bad one for each.
TEST_F(SettingsTest, EveryVariableIsUsedAndChecked) {
  const struct {
    const char* name;
    const char* good;
    const char* shown;
    const char* bad;
    const char* needed = nullptr;  // another setting, without which it is none
  } kCases[] = {
      {"STORAGE_DIR", "s", "s", ""},
      {"DB_NAME", "db", "db", "a/b"},
      {"BACKUP_DIR", "/b", "/b", ""},
      {"RESTORE_DIR", "../r", "../r", ""},
      {"AUTO_BACKUP_ENABLED", "no", "false", "maybe"},
      {"AUTO_RESTORE_ENABLED", "OFF", "false", ""},
      {"AUTO_BACKUP_INTERVAL", "1000", "1000", "999"},
      {"BACKUP_SCHEDULE", "@daily", "@daily", "a\nb"},
      {"ROTATE_SCHEDULE", "0 1 * * *", "0 1 * * *", "a\nb"},
      {"VERIFY_SCHEDULE", "0 4 * * *", "0 4 * * *", "a\nb"},
      {"VERIFY_BUDGET", "50G", "53687091200", "-1"},
      {"BACKUP_ON_SHUTDOWN", "yes", "true", "maybe"},
      {"BACKUP_BEFORE_RESTORE", "1", "true", "maybe"},
      {"DRILL_SCHEDULE", "0 3 * * 0", "0 3 * * 0", "a\nb"},
      {"SCHEDULE_TZ", "Europe/Berlin", "Europe/Berlin", "Mars/Phobos"},
      {"SCHEDULE_JITTER", "600", "600", "86401"},
      {"BACKUP_RETRIES", "0", "0", "101"},
      {"BACKUP_RETRY_DELAY", "1", "1", "0"},
      {"BACKUP_TIMEOUT", "0", "0", "-1"},
      {"ROTATE_RETRIES", "3", "3", "x"},
      {"ROTATE_RETRY_DELAY", "60", "60", "0"},
      {"ROTATE_TIMEOUT", "0", "0", "86401"},
      {"VERIFY_TIMEOUT", "0", "0", "1h"},
      {"DRILL_TIMEOUT", "86400", "86400", "-1"},
      {"MAX_BACKUPS", "100000", "100000", "0"},
      {"BACKUP_RETENTION_DAYS", "36500", "36500", "36501"},
      {"BACKUP_DAILY_RETENTION", "7", "7", "100001"},
      {"BACKUP_WEEKLY_RETENTION", "4", "4", "-1"},
      {"BACKUP_MONTHLY_RETENTION", "3", "3", "3.5"},
      {"BACKUP_YEARLY_RETENTION", "100000", "100000", "all"},
      {"BACKUP_MINIMUM", "5", "5", "100001"},
      {"BACKUP_MAX_BYTES", "20G", "21474836480", "20 GB"},
      {"BACKUP_HISTORY_DAYS", "0", "0", "36501"},
      {"BACKUP_UNDO_HOURS", "0", "0", "-1"},
      {"ALLOW_NEW_DATABASE", "true", "true", "maybe"},
      {"BACKUP_COMPRESSION", "0", "false", "gzip"},
      {"BACKUP_COMPRESSION_LEVEL", "3", "3", "9"},
      {"BACKUP_REUSE", "off", "false", "maybe"},
      {"BACKUP_CHECKSUM", "MD5", "md5", "sha1"},
      {"BACKUP_THREADS", "64", "64", "65"},
      {"BACKUP_RATE_LIMIT", "10M", "10485760", "fast"},
      {"BACKUP_PRIORITY", "Idle", "idle", "normal"},
      {"BACKUP_RESERVE", "0", "0", "-1"},
      {"BACKUP_VERIFY", "false", "false", "2"},
      {"RESTART_COMMAND", "", "", "a\nb"},
      {"LEVELKEEP_CHECK_PROGRAM", "/x", "/x", "a\nb"},
      {"BACKUP_NOTIFY_ON", "failure, absence", "failure,absence", "always"},
      {"BACKUP_ABSENCE_HOURS", "26", "26", "87601"},
      {"BACKUP_WEBHOOK_URL", "https://x.test/a", "********", "x.test/a"},
      {"BACKUP_WEBHOOK_SECRET", "key", "********", "a\nb"},
      {"BACKUP_HEARTBEAT_URL", "http://x.test", "********", "http://"},
      {"VERIFY_HEARTBEAT_URL", "http://x.test", "********", "http://a b/"},
      {"ROTATE_HEARTBEAT_URL", "http://x.test", "********", "http://x/#a"},
      {"BACKUP_EMAIL_NOTIFY", "yes", "true", "mail", "BACKUP_EMAIL_TO"},
      {"BACKUP_EMAIL_TO", "a@x.test,b@x.test", "a@x.test,b@x.test", "a b@x"},
      {"SMTP_FROM", "a@x.test", "a@x.test", "<a@x.test>"},
      {"SMTP_HOST", "mail.test", "mail.test", "a b"},
      {"SMTP_PORT", "465", "465", "0"},
      {"SMTP_TLS", "StartTLS", "starttls", "maybe"},
      {"SMTP_USER", "u", "u", "a\nb"},
      {"SMTP_PASSWORD", "p", "********", "a\nb", "SMTP_USER"},
      {"SMTP_CA_FILE", "ca.pem", "ca.pem", "a\nb"},
      {"BACKUP_HOOK_PRE", "a | b", "a | b", "a\nb"},
      {"HOOK_PRE_REQUIRED", "yes", "true", "maybe", "BACKUP_HOOK_PRE"},
      {"BACKUP_HOOK_POST", "a; b", "a; b", "a\nb"},
      {"BACKUP_HOOK_TIMEOUT", "3600", "3600", "0"},
      {"API_HOST", "::1", "::1", "a b"},
      {"API_PORT", "0", "0", "65536"},
      {"API_TOKEN", "t", "********", ""},
      {"API_ALLOW_ANONYMOUS", "true", "true", "y"},
      {"API_ALLOWED_HOSTS", "a.example, b", "a.example,b", "a/b"},
      {"STORAGE_SYNC", "no", "false", "async"},
      {"BACKUP_WORKER_ENABLED", "no", "false", "x"},
      {"BACKUP_WORKER_POLL_MS", "100", "100", "99"},
      {"LOG_LEVEL", "Debug", "debug", "loud"},
      {"LOG_FORMAT", "json", "json", "xml"},
      {"LOG_DIR", "logs", "logs", "a\tb"},
      {"LOG_RETENTION_DAYS", "0", "0", "36501"},
  };
  ASSERT_EQ(std::size(kCases), AllSettings().size());
  for (const auto& c : kCases) {
    sources_.environment = {{c.name, c.good}};
    if (c.needed != nullptr) sources_.environment[c.needed] = "a@x.test";
    const SettingOrigin origin = OriginOf(Load(), c.name);
    EXPECT_EQ(origin.value_masked, c.shown) << c.name;
    EXPECT_EQ(origin.origin, std::string("environment ") + c.name);
    sources_.environment = {{c.name, c.bad}};
    const std::string problems = LoadProblems();
    EXPECT_TRUE(problems.starts_with(std::string(c.name) + " is ")) << problems;
    EXPECT_THAT(problems, HasSubstr(": allowed is ")) << c.name;
    EXPECT_THAT(problems, Not(HasSubstr("\n"))) << c.name;
  }
}

// `NAME=$UNSET` leaves an empty value: tried in each layer.
TEST_F(SettingsTest, NothingIsAValueOfFewSettingsOnly) {
  std::set<std::string> may_be_empty;
  for (const SettingInfo& info : AllSettings()) {
    sources_ = SettingsSources();
    sources_.environment = {{info.name, ""}};
    const bool ok = LoadSettings(sources_).ok();
    if (ok) may_be_empty.insert(info.name);
    EXPECT_EQ(info.allowed.ends_with(", or nothing"), ok) << info.name;
    for (const char* blank : {"", " ", "\t"}) {
      sources_.environment = {{info.name, blank}};
      if (ok) continue;
      EXPECT_FALSE(LoadSettings(sources_).ok()) << info.name;
    }
    sources_ = SettingsSources();
    test::WriteFile("keep.conf", info.name + "=\n");
    sources_.config_file = "keep.conf";
    EXPECT_EQ(LoadSettings(sources_).ok(), ok) << info.name;
    if (info.flag.empty()) continue;
    sources_ = SettingsSources();
    sources_.flags = {{info.name, ""}};
    EXPECT_EQ(LoadSettings(sources_).ok(), ok) << info.name;
  }
  EXPECT_EQ(may_be_empty, (std::set<std::string>{"API_ALLOWED_HOSTS",
                                                 "BACKUP_EMAIL_TO",
                                                 "BACKUP_HEARTBEAT_URL",
                                                 "BACKUP_HOOK_POST",
                                                 "BACKUP_HOOK_PRE",
                                                 "BACKUP_NOTIFY_ON",
                                                 "BACKUP_SCHEDULE",
                                                 "BACKUP_WEBHOOK_SECRET",
                                                 "BACKUP_WEBHOOK_URL",
                                                 "DRILL_SCHEDULE",
                                                 "LEVELKEEP_CHECK_PROGRAM",
                                                 "LOG_DIR",
                                                 "RESTART_COMMAND",
                                                 "ROTATE_HEARTBEAT_URL",
                                                 "ROTATE_SCHEDULE",
                                                 "SCHEDULE_TZ",
                                                 "SMTP_CA_FILE",
                                                 "SMTP_FROM",
                                                 "SMTP_PASSWORD",
                                                 "SMTP_USER",
                                                 "VERIFY_HEARTBEAT_URL",
                                                 "VERIFY_SCHEDULE"}));
}

TEST_F(SettingsTest, ReachesTheFieldsOfTheProgram) {
  sources_.environment = {
      {"MAX_BACKUPS", "3"},        {"AUTO_BACKUP_INTERVAL", "2000"},
      {"BACKUP_CHECKSUM", "md5"},  {"API_PORT", "8080"},
      {"API_TOKEN", "geheim"},     {"API_ALLOWED_HOSTS", "a,::1"},
      {"LOG_LEVEL", "error"},      {"LOG_FORMAT", "json"},
      {"STORAGE_SYNC", "false"},   {"BACKUP_WORKER_POLL_MS", "250"},
      {"BACKUP_RATE_LIMIT", "1K"}, {"BACKUP_STORAGE_DIR", "here/../there"},
      {"BACKUP_PRIORITY", "idle"}};
  const Settings settings = Load().settings;
  EXPECT_EQ(settings.backup.retention.max_backups, 3);
  EXPECT_EQ(settings.backup.schedule.interval.count(), 2000);
  EXPECT_TRUE(settings.backup.archive.md5_sidecar);
  EXPECT_EQ(settings.backup.resources.rate_limit_bytes_per_second, 1024u);
  EXPECT_EQ(settings.backup.resources.priority, ThreadPriority::kIdle);
  EXPECT_EQ(settings.backup.backup_dir, "here/../there");  // as given
  EXPECT_EQ(settings.api.port, 8080);
  EXPECT_EQ(settings.api.token, "geheim");
  EXPECT_THAT(settings.api.allowed_hosts, ElementsAre("a", "::1"));
  EXPECT_EQ(settings.log.level, LogLevel::kError);
  EXPECT_TRUE(settings.log.json);
  EXPECT_FALSE(settings.storage_sync);
  EXPECT_EQ(settings.backup.schedule.poll.count(), 250);
}

TEST_F(SettingsTest, APriorityThatIsNoneIsToldWithThoseThatAre) {
  EXPECT_EQ(Load().settings.backup.resources.priority, ThreadPriority::kLow);
  for (const std::string bad : {"normal", "1", "idle,low", "high"}) {
    sources_.flags = {{"BACKUP_PRIORITY", bad}};
    EXPECT_EQ(LoadProblems(), "BACKUP_PRIORITY is \"" + bad +
                                  "\" (flag --backup-priority): allowed is "
                                  "low, idle");
  }
  sources_.flags = {{"BACKUP_PRIORITY", ""}};
  EXPECT_EQ(LoadProblems(),
            "BACKUP_PRIORITY is empty (flag --backup-priority): allowed is "
            "low, idle");
}

TEST_F(SettingsTest, FlagsBeatTheEnvironmentWhichBeatsTheFile) {
  test::WriteFile(".env", "\nAPI_PORT=1\nMAX_BACKUPS=1\nDB_NAME=one\n");
  sources_.environment = {{"PORT", "2"}, {"MAX_BACKUPS", "2"}};
  sources_.flags = {{"API_PORT", "3"}};
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.api.port, 3);
  EXPECT_EQ(loaded.settings.backup.retention.max_backups, 2);
  EXPECT_EQ(loaded.settings.backup.db_name, "one");
  EXPECT_EQ(OriginOf(loaded, "API_PORT").origin, "flag --port");
  EXPECT_EQ(OriginOf(loaded, "MAX_BACKUPS").origin, "environment MAX_BACKUPS");
  EXPECT_EQ(OriginOf(loaded, "DB_NAME").origin, "file .env line 4");
  EXPECT_EQ(OriginOf(loaded, "API_HOST").origin, "default");
}

TEST_F(SettingsTest, NamesTheFileThatWasNamed) {
  test::WriteFile("keep.conf", "PORT=7");
  test::WriteFile(".env", "PORT=8");
  sources_.config_file = "keep.conf";
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.api.port, 7);
  EXPECT_EQ(OriginOf(loaded, "API_PORT").origin, "file keep.conf line 1");
  sources_.config_file = "none.conf";
  EXPECT_THAT(LoadProblems(), HasSubstr("none.conf"));
}

TEST_F(SettingsTest, TheFileMayBeALink) {
  test::WriteFile("real", "PORT=7");
  ASSERT_EQ(::symlink("real", ".env"), 0);
  EXPECT_EQ(Load().settings.api.port, 7);
}

TEST_F(SettingsTest, RefusesFilesThatCannotBeRead) {
  std::filesystem::create_directory(".env");
  EXPECT_EQ(LoadProblems(),
            "file .env: ./.env is a folder, not a regular file");
  std::filesystem::remove(".env");
  test::WriteFile(".env", std::string((1 << 20) + 1, '#'));
  EXPECT_EQ(LoadProblems(), "file .env: ./.env is larger than 1048576 bytes");
}

// docker's --env-file and a .env file without a shell pass such paths on.
TEST_F(SettingsTest, APathThatAShellWouldHaveReplacedIsTold) {
  for (const char* path :
       {"\"/mnt/b\"", "'/mnt/b'", "$HOME/b", "/mnt/${X}", "~", "~/backups"}) {
    sources_.environment["BACKUP_DIR"] = path;
    EXPECT_THAT(LoadProblems(), HasSubstr("would be part of the name")) << path;
  }
  for (const char* path : {"/mnt/$", "/mnt/a~b", "/mnt/a'b", "/mnt/$1"}) {
    sources_.environment["BACKUP_DIR"] = path;
    EXPECT_EQ(Load().settings.backup.backup_dir, path);
  }
}

TEST_F(SettingsTest, TheTwoNamesOfASettingMustAgree) {
  sources_.environment = {{"PORT", "1"}, {"API_PORT", "1"}};
  EXPECT_EQ(OriginOf(Load(), "API_PORT").origin, "environment API_PORT");
  sources_.environment["PORT"] = "2";
  EXPECT_EQ(LoadProblems(),
            "environment API_PORT and environment PORT set different values "
            "for API_PORT: allowed is one of the two, or the same value");
  // The contradiction is an error even if a flag overrides both values.
  sources_.flags = {{"API_PORT", "3"}};
  EXPECT_THAT(LoadProblems(), HasSubstr("different values"));
}

TEST_F(SettingsTest, ReportsAllProblemsAtOnce) {
  test::WriteFile(".env", "what\nBACKUP_DRI=x\nMAX_BACKUPS=0\n");
  sources_.environment = {{"API_PORT", "70000"}, {"BACKUP_S3", "true"}};
  sources_.flags = {{"LOG_LEVEL", "loud"}};
  EXPECT_EQ(
      LoadProblems(),
      "BACKUP_S3 is \"true\" (environment BACKUP_S3): not supported by this "
      "version; remove it\n"
      "file .env line 1: not a KEY=VALUE line\n"
      "BACKUP_DRI (file .env line 2) is not known: did you mean BACKUP_DIR?\n"
      "MAX_BACKUPS is \"0\" (file .env line 3): allowed is 1 to 100000\n"
      "API_PORT is \"70000\" (environment API_PORT): allowed is 0 to 65535, or "
      "none\n"
      "LOG_LEVEL is \"loud\" (flag --log-level): allowed is trace, debug, "
      "info, warn, error, off");
}

TEST_F(SettingsTest, UnknownNamesDependOnWhereTheyStand) {
  const struct {
    const char* name;
    bool environment;  // is it a problem in the environment?
    bool shared_file;
    bool named_file;
  } kCases[] = {
      {"BACKUP_DIRS", true, true, true},       // a typo
      {"MAX_BACKUP", true, true, true},        // a typo, without our prefix
      {"API_GATEWAY_URL", false, true, true},  // of another API
      {"POSTGRES_PASSWORD", false, false, true}, {"PORTS", false, false, true},
      {"MAX_BACKUPS", false, false, false},
  };
  for (const auto& c : kCases) {
    const std::string value = "7";
    sources_ = SettingsSources();
    std::filesystem::remove(".env");
    sources_.environment = {{c.name, value}};
    EXPECT_EQ(!LoadSettings(sources_).ok(), c.environment) << c.name;
    sources_.environment.clear();
    test::WriteFile(".env", std::string(c.name) + "=" + value);
    EXPECT_EQ(!LoadSettings(sources_).ok(), c.shared_file) << c.name;
    sources_.config_file = ".env";
    EXPECT_EQ(!LoadSettings(sources_).ok(), c.named_file) << c.name;
  }
  sources_ = SettingsSources();
  std::filesystem::remove(".env");
  sources_.flags = {{"NO_SUCH", "1"}};
  EXPECT_THAT(LoadProblems(), HasSubstr("flag NO_SUCH"));
}

TEST_F(SettingsTest, RefusesToForgetWhatALaterVersionKnows) {
  const struct {
    const char* name;
    const char* value;
    bool refused;
  } kCases[] = {
      {"BACKUP_S3", "true", true},
      {"BACKUP_S3", "false", false},
      {"BACKUP_S3", "", false},
      {"BACKUP_S3", "1", true},
      {"BACKUP_MINIO", "on", true},
      {"BACKUP_REMOTE", "yes", true},
      {"BACKUP_ENCRYPT", "true", true},
      {"BACKUP_ENCRYPT", "gpg", true},
      {"BACKUP_ENCRYPT", "false", false},
      {"BACKUP_GPG_RECIPIENT", "me", true},
      {"BACKUP_GPG_RECIPIENT", "", false},
      {"BACKUP_AGE_RECIPIENT", "a", true},
      {"BACKUP_LOCAL", "true", false},
      {"BACKUP_LOCAL", "false", true},
  };
  for (const auto& c : kCases) {
    sources_.environment = {{c.name, c.value}};
    const auto loaded = LoadSettings(sources_);
    EXPECT_EQ(!loaded.ok(), c.refused) << c.name << "=" << c.value;
    if (c.refused) {
      EXPECT_THAT(loaded.status().message(),
                  HasSubstr("not supported by this version"));
    }
  }
  // The higher layer decides.
  test::WriteFile(".env", "BACKUP_S3=true");
  sources_.environment = {{"BACKUP_S3", "false"}};
  EXPECT_TRUE(LoadSettings(sources_).ok());
}

TEST_F(SettingsTest, NotesValuesThatThisVersionIgnores) {
  sources_.environment = {{"BACKUP_S3_BUCKET", "b"}};
  EXPECT_THAT(Load().notes,
              ElementsAre("BACKUP_S3_BUCKET (environment BACKUP_S3_BUCKET) is "
                          "ignored: not supported by this version"));
}

TEST_F(SettingsTest, AWrongScheduleIsExplained) {
  sources_.environment = {{"BACKUP_SCHEDULE", "0 25 * * *"},
                          {"ROTATE_SCHEDULE", "0 0 31 4 *"},
                          {"DRILL_SCHEDULE", "@sometimes"},
                          {"SCHEDULE_TZ", "Europe/Atlantis"}};
  const std::string problems = LoadProblems();
  EXPECT_THAT(problems, HasSubstr("BACKUP_SCHEDULE: "));
  EXPECT_THAT(problems, HasSubstr("\"25\""));
  EXPECT_THAT(problems, HasSubstr("ROTATE_SCHEDULE: "));
  EXPECT_THAT(problems, HasSubstr("DRILL_SCHEDULE: "));
  EXPECT_THAT(problems, HasSubstr("SCHEDULE_TZ is "));
  EXPECT_THAT(problems, HasSubstr("Europe/Atlantis"));
}

TEST_F(SettingsTest, TheEnvironmentOfTheProcessIsComplete) {
  ASSERT_EQ(::setenv("LEVELKEEP_TEST_VARIABLE", "a=b", 1), 0);
  EXPECT_EQ(ProcessEnvironment().at("LEVELKEEP_TEST_VARIABLE"), "a=b");
  ASSERT_EQ(::unsetenv("LEVELKEEP_TEST_VARIABLE"), 0);
  EXPECT_FALSE(ProcessEnvironment().contains("LEVELKEEP_TEST_VARIABLE"));
}

}  // namespace
}  // namespace levelkeep
