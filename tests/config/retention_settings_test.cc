// The settings of retention: which rules act, and in which time zone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/settings_fixture.h"
#include "support/scoped_tz.h"

namespace levelkeep {
namespace {

using testing::HasSubstr;

using RetentionSettingsTest = SettingsTest;

TEST_F(RetentionSettingsTest, MaxBackupsActsWhenItIsSetOrNoOtherRuleIs) {
  EXPECT_EQ(OriginOf(Load(), "MAX_BACKUPS").value_masked, "10");
  for (const char* rule :
       {"BACKUP_RETENTION_DAYS", "BACKUP_DAILY_RETENTION",
        "BACKUP_WEEKLY_RETENTION", "BACKUP_MONTHLY_RETENTION",
        "BACKUP_YEARLY_RETENTION"}) {
    sources_.environment = {{rule, "3"}};
    LoadedSettings loaded = Load();
    EXPECT_FALSE(loaded.settings.backup.retention.max_backups) << rule;
    EXPECT_EQ(OriginOf(loaded, "MAX_BACKUPS").value_masked, "") << rule;
    sources_.environment["MAX_BACKUPS"] = "10";
    loaded = Load();
    EXPECT_EQ(loaded.settings.backup.retention.max_backups, 10) << rule;
    EXPECT_EQ(OriginOf(loaded, "MAX_BACKUPS").value_masked, "10") << rule;
    sources_.environment = {{rule, "0"}};
    EXPECT_EQ(OriginOf(Load(), "MAX_BACKUPS").value_masked, "10")
        << rule << "=0 is a rule that is not set";
  }
  sources_.environment = {{"BACKUP_MINIMUM", "3"}, {"BACKUP_MAX_BYTES", "1G"}};
  EXPECT_EQ(OriginOf(Load(), "MAX_BACKUPS").value_masked, "10")
      << "a floor and a cap are no rules";
}

TEST_F(RetentionSettingsTest, ReachTheirMembers) {
  sources_.environment = {
      {"BACKUP_RETENTION_DAYS", "30"},   {"BACKUP_DAILY_RETENTION", "7"},
      {"BACKUP_WEEKLY_RETENTION", "4"},  {"BACKUP_MONTHLY_RETENTION", "3"},
      {"BACKUP_YEARLY_RETENTION", "2"},  {"BACKUP_MINIMUM", "5"},
      {"BACKUP_MAX_BYTES", "1M"},        {"SCHEDULE_TZ", "Asia/Kathmandu"},
      {"AUTO_BACKUP_INTERVAL", "60000"}, {"BACKUP_HISTORY_DAYS", "9"}};
  const BackupOptions options = Load().settings.backup;
  const BackupOptions::Retention& rules = options.retention;
  EXPECT_EQ(rules.retention_days, 30);
  EXPECT_EQ(rules.daily, 7);
  EXPECT_EQ(rules.weekly, 4);
  EXPECT_EQ(rules.monthly, 3);
  EXPECT_EQ(rules.yearly, 2);
  EXPECT_EQ(rules.minimum, 5);
  EXPECT_EQ(rules.max_bytes, uint64_t{1} << 20);
  EXPECT_EQ(rules.history_days, 9);
  EXPECT_EQ(options.schedule.time_zone, "Asia/Kathmandu");
}

TEST_F(RetentionSettingsTest, AllProblemsAreToldAtOnceWithTheirRanges) {
  sources_.environment = {{"MAX_BACKUPS", "0"},
                          {"BACKUP_RETENTION_DAYS", "99999"},
                          {"BACKUP_WEEKLY_RETENTION", "four"},
                          {"BACKUP_MAX_BYTES", "much"},
                          {"SCHEDULE_TZ", "CET-1CEST"}};
  EXPECT_EQ(LoadProblems(),
            "SCHEDULE_TZ is \"CET-1CEST\" (environment SCHEDULE_TZ): allowed "
            "is a name of the time zone database (package tzdata), such as "
            "Europe/Berlin or UTC, or nothing\n"
            "MAX_BACKUPS is \"0\" (environment MAX_BACKUPS): allowed is 1 to "
            "100000\n"
            "BACKUP_RETENTION_DAYS is \"99999\" (environment "
            "BACKUP_RETENTION_DAYS): allowed is 0 to 36500\n"
            "BACKUP_WEEKLY_RETENTION is \"four\" (environment "
            "BACKUP_WEEKLY_RETENTION): allowed is 0 to 100000\n"
            "BACKUP_MAX_BYTES is \"much\" (environment BACKUP_MAX_BYTES): "
            "allowed is bytes, or a number with K, M, G or T");
}

// A machine without a usable zone that counts no days starts as before.
TEST_F(RetentionSettingsTest, AZoneThatCanNotBeLoadedStopsTheStart) {
  const test::ScopedTz tz("CET-1CEST");
  sources_.environment = {{"BACKUP_RETENTION_DAYS", "30"}};
  Load();
  for (const char* rule :
       {"BACKUP_DAILY_RETENTION", "BACKUP_WEEKLY_RETENTION",
        "BACKUP_MONTHLY_RETENTION", "BACKUP_YEARLY_RETENTION"}) {
    sources_.environment = {{rule, "1"}};
    EXPECT_THAT(LoadProblems(),
                HasSubstr("SCHEDULE_TZ is not set, and the time zone of "
                          "TZ=\"CET-1CEST\" can't be loaded: use a name"))
        << rule;
    sources_.environment["SCHEDULE_TZ"] = "UTC";
    Load();
  }
  BackupOptions options;
  options.retention.daily = 1;
  EXPECT_EQ(options.Validate().code(), StatusCode::kInvalidArgument);
  options.schedule.time_zone = "Mars/Phobos";
  EXPECT_THAT(options.Validate().message(),
              HasSubstr("SCHEDULE_TZ is \"Mars/Phobos\": allowed is a name"));
  options.schedule.time_zone = "Europe/Berlin";
  EXPECT_TRUE(options.Validate().ok());
}

// An application that sets nothing, and one that sets the number alone.
TEST_F(RetentionSettingsTest, AnApplicationMaySetMaxBackupsAlone) {
  BackupOptions options;
  EXPECT_FALSE(options.retention.max_backups);
  options.retention.max_backups = 3;
  EXPECT_TRUE(options.Validate().ok());
  EXPECT_EQ(options.retention.max_backups, 3);
  EXPECT_EQ(BackupOptions::Retention::kDefaultMaxBackups, 10);
}

}  // namespace
}  // namespace levelkeep
