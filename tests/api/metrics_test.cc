// GET /metrics: the whole answer, verbatim, and each row of the table.

#include "api/metrics.h"

#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <string>

#include "api/golden_fixture.h"

namespace levelkeep::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class MetricsTest : public GoldenTest {
 protected:
  std::string Get() {
    const Response response = api_->Handle(Make("GET", "/metrics"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type,
              "text/plain; version=0.0.4; charset=utf-8");
    return response.body;
  }
  // With <NUMBER> for values that differ between machines and runs.
  static std::string Comparable(std::string text) {
    for (const char* varying :
         {"levelkeep_disk_[a-z_]+", "levelkeep_backups?(_size)?_bytes",
          "levelkeep_backup_last_duration_seconds",
          "levelkeep_predicted_restore_seconds",
          "levelkeep_backups_removed_bytes_total\\{act=\"rotate\"\\}"}) {
      text = std::regex_replace(
          text, std::regex("(\n" + std::string(varying) + ") [0-9.e+]+"),
          "$1 <NUMBER>");
    }
    return std::regex_replace(text, std::regex("version=\"[^\"]+"),
                              "version=\"<VERSION>");
  }
};

TEST_F(MetricsTest, TheWholeAnswer) {
  options_.retention.max_backups = 1;
  Start();
  Append(3);
  api_->Handle(Make("POST", "/api/backup/create"));
  clock_.Advance(std::chrono::hours(1));
  Append(2);
  api_->Handle(Make("POST", "/api/backup/create"));
  api_->Handle(Make("POST", std::string("/api/backup/") + kSecond + "/verify"));
  Append(4);
  test::WriteFile(options_.restore_dir + "/half.tar.gz", "x");
  const std::string path =
      std::string(LEVELKEEP_TEST_DATA) + "/golden/http/metrics.txt";
  const std::string text = Comparable(Get());
  if (std::getenv("LEVELKEEP_UPDATE_GOLDEN") != nullptr) {
    test::WriteFile(path, text);
    return;
  }
  EXPECT_EQ(test::ReadFile(path), text);
}

TEST_F(MetricsTest, WhatDoesNotExistHasNoSeries) {
  Start();
  const std::string text = Get();
  for (const char* absent :
       {"backup_size", "backup_last", "last_verified", "health_reason",
        "job_running", "next_run", "full_in", "job_duration"}) {
    EXPECT_THAT(text, Not(HasSubstr(absent)));
  }
  EXPECT_THAT(text, HasSubstr("levelkeep_backups{status=\"verified\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlevelkeep_healthy 1\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\nlevelkeep_jobs_total{type=\"create\",status=\"failed\"} 0\n"))
      << "a first failure must be seen to rise";
}

TEST_F(MetricsTest, ASeriesGoesWithItsThing) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  const std::string backup = std::string("/api/backup/") + kFirst;
  api_->Handle(Make("POST", backup + "/verify"));
  std::string text = Get();
  EXPECT_THAT(text, HasSubstr("levelkeep_backup_last_success_timestamp_seconds "
                              "1735300800\n"));
  EXPECT_THAT(text, HasSubstr("levelkeep_last_verified_timestamp_seconds"));
  Request removal = Make("DELETE", backup + "?force=true");
  ASSERT_EQ(api_->Handle(removal).status, 200);
  text = Get();
  EXPECT_THAT(text, Not(HasSubstr("levelkeep_backup_last")));
  EXPECT_THAT(text, Not(HasSubstr("levelkeep_last_verified")));
  EXPECT_THAT(text, Not(HasSubstr("levelkeep_predicted_restore_seconds")));
  EXPECT_THAT(text, HasSubstr("levelkeep_backups_bytes 0\n"));
}

TEST_F(MetricsTest, ARestartChangesNoNumber) {
  Start();
  Append(3);
  api_->Handle(Make("POST", "/api/backup/create"));
  api_->Handle(Make("POST", "/api/backup/rotate"));
  static const std::regex kFree("levelkeep_disk_free_bytes [0-9.e+]+");
  const std::string before = std::regex_replace(Get(), kFree, "");
  EXPECT_TRUE(CloseStore().ok());
  api_.reset();
  manager_.reset();
  Start();
  EXPECT_EQ(std::regex_replace(Get(), kFree, ""), before);
}

TEST(MetricsTableTest, EachRowHasAValidName) {
  std::set<std::string> names;
  for (const Metric& metric : AllMetrics()) {
    const std::string name = metric.name;
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_TRUE(std::regex_match(name, std::regex("levelkeep(_[a-z]+)+")));
    EXPECT_EQ(name.ends_with("_total"), metric.type == std::string("counter"));
    EXPECT_TRUE(std::string(metric.help).ends_with("."));
  }
}

TEST(MetricsTableTest, ThePageHasEachMetricAndNoOther) {
  const std::string page =
      test::ReadFile(std::string(LEVELKEEP_SOURCE_DIR) + "/docs/metrics.md");
  static const std::regex kRow(
      "\n\\| `(levelkeep_[a-z_]+)[^|]*\\| ([a-z]+) \\|");
  std::vector<std::string> documented, known;
  for (std::sregex_iterator it(page.begin(), page.end(), kRow), end; it != end;
       ++it) {
    documented.push_back((*it)[1].str() + " " + (*it)[2].str());
  }
  for (const Metric& metric : AllMetrics()) {
    known.push_back(std::string(metric.name) + " " + metric.type);
  }
  EXPECT_EQ(documented, known);
}

std::string TextOf(const Scrape& scrape) { return MetricsText(scrape); }

TEST(MetricsTextTest, EachStateHasItsSamples) {
  Scrape scrape;
  scrape.health.store_usable = true;
  scrape.health.reasons = {{HealthCode::kBackupDamaged, "a"},
                           {HealthCode::kBackupDamaged, "b"},
                           {HealthCode::kJobStuck, "c"}};
  scrape.health.disk_bytes = 1'000'000'000'000;
  scrape.health.free_bytes = 123'456'789'012;
  scrape.health.days_until_full = 1.5;
  scrape.health.unsaved_events = 7;
  scrape.health.removed = {{"rotate", 3, 4096}, {"delete", 0, 0}};
  DrillReport drill;
  drill.at = ParseTime("2024-12-27T12:00:00Z").value();
  drill.seconds = 2.5;
  scrape.health.last_drill = drill;
  scrape.running.resize(2);
  scrape.running[1].request.type = JobType::kVerify;
  const std::string text = TextOf(scrape);
  for (const char* sample :
       {"levelkeep_healthy 0", "levelkeep_store_usable 1",
        "levelkeep_health_reason{code=\"backup_damaged\"} 2",
        "levelkeep_health_reason{code=\"job_stuck\"} 1",
        "levelkeep_disk_free_bytes 123456789012",
        "levelkeep_disk_size_bytes 1000000000000",
        "levelkeep_disk_full_in_seconds 129600", "levelkeep_unsaved_events 7",
        "levelkeep_backups_removed_total{act=\"rotate\"} 3",
        "levelkeep_backups_removed_total{act=\"delete\"} 0",
        "levelkeep_backups_removed_bytes_total{act=\"rotate\"} 4096",
        "levelkeep_drill_last_timestamp_seconds 1735300800",
        "levelkeep_drill_last_ok 1",
        "levelkeep_drill_last_duration_seconds 2.5",
        "levelkeep_job_running{type=\"create\"} 1",
        "levelkeep_job_running{type=\"verify\"} 1"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(sample) + "\n"));
  }
  EXPECT_THAT(text, Not(HasSubstr("levelkeep_backups{")))
      << "the folder can't be read";
  EXPECT_THAT(text, Not(HasSubstr("unsaved_writes"))) << "nobody counts them";
}

// A backup of twenty minutes must not fall into the last bucket.
TEST(MetricsTextTest, DurationsOfHoursHaveBuckets) {
  Scrape scrape;
  JobTotal total;
  total.jobs = 10;
  total.seconds = 12'000.5;
  for (size_t i = 0; i < JobTotal::kBounds; ++i) {
    total.at_most[i] = JobTotal::kSeconds[i] >= 1200 ? 10 : 0;
  }
  scrape.totals = {total};
  const std::string text = TextOf(scrape);
  const std::string name = "levelkeep_job_duration_seconds";
  EXPECT_THAT(text,
              HasSubstr(name + "_bucket{type=\"create\",le=\"0.1\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr(name + "_bucket{type=\"create\",le=\"600\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr(name + "_bucket{type=\"create\",le=\"1200\"} 10\n"));
  EXPECT_THAT(text,
              HasSubstr(name + "_bucket{type=\"create\",le=\"86400\"} 10\n"));
  EXPECT_THAT(text,
              HasSubstr(name + "_bucket{type=\"create\",le=\"+Inf\"} 10\n" +
                        name + "_sum{type=\"create\"} 12000.5\n" + name +
                        "_count{type=\"create\"} 10\n"));
  scrape.totals[0].status = JobStatus::kFailed;
  EXPECT_THAT(TextOf(scrape), Not(HasSubstr(name)))
      << "how long a failure took says nothing";
}

}  // namespace
}  // namespace levelkeep::api
