#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catalog/retention.h"
#include "catalog/retention_items.h"
#include "catalog/retention_random.h"

namespace levelkeep::test {
namespace {

using std::chrono::days;
using Forecast = std::vector<std::optional<Time>>;

// The times alone.
Forecast TimesOf(const RetentionForecast& forecast) {
  Forecast times;
  for (const auto& one : forecast.removals) {
    times.push_back(one ? std::optional(one->at) : std::nullopt);
  }
  return times;
}

std::vector<Time> MidnightsAfter(const std::string& day, int count) {
  std::vector<Time> times;
  for (int i = 1; i <= count; i++) times.push_back(TimeOf(day) + days(i));
  return times;
}

TEST(RetentionForecastTest, SaysWhenEachBackupGoes) {
  RetentionPolicy policy;
  policy.max_backups = 3;
  auto items = Midnights("2025-01-15", 5);
  items[4].pinned = true;
  const Time now = TimeOf("2025-01-15T01:00");
  EXPECT_EQ(
      TimesOf(ForecastRetention(items, policy, now,
                                MidnightsAfter("2025-01-15", 30), days(30))),
      (Forecast{TimeOf("2025-01-18"), TimeOf("2025-01-17"),
                TimeOf("2025-01-16"), now, std::nullopt}));
  EXPECT_EQ(TimesOf(ForecastRetention(
                items, policy, now, MidnightsAfter("2025-01-15", 30), days(2))),
            (Forecast{std::nullopt, TimeOf("2025-01-17"), TimeOf("2025-01-16"),
                      now, std::nullopt}))
      << "later backups do not matter";
  EXPECT_EQ(
      TimesOf(ForecastRetention(items, policy, now,
                                {TimeOf("2025-01-17"), TimeOf("2025-01-14"),
                                 now, TimeOf("2025-01-16")},
                                days(30))),
      (Forecast{std::nullopt, TimeOf("2025-01-17"), TimeOf("2025-01-16"), now,
                std::nullopt}))
      << "in any order; what is past is no forecast";
  EXPECT_EQ(TimesOf(ForecastRetention({}, policy, now, {TimeOf("2025-01-17")},
                                      days(9))),
            Forecast());
}

TEST(RetentionForecastTest, FollowsTheExampleOfDays) {
  RetentionPolicy policy;
  policy.daily = 7;
  policy.weekly = 4;
  policy.monthly = 3;
  const Time now = TimeOf("2025-01-15T01:00");
  const auto items = Rest(Midnights("2025-01-15", 150), policy, now);
  const auto forecast =
      ForecastRetention(items, policy, now, MidnightsAfter("2025-01-15", 30),
                        days(30))
          .removals;
  std::map<std::string, std::string> gone;
  for (size_t i = 0; i < items.size(); i++) {
    gone[items[i].name] =
        forecast[i] ? FormatTime(forecast[i]->at).substr(0, 10) : "never";
  }
  EXPECT_EQ(gone, (std::map<std::string, std::string>{
                      {"2025-01-15", "2025-01-22"},
                      {"2025-01-14", "2025-01-21"},
                      {"2025-01-13", "2025-01-20"},
                      {"2025-01-12", "2025-02-09"},  // the fifth Sunday
                      {"2025-01-11", "2025-01-18"},
                      {"2025-01-10", "2025-01-17"},
                      {"2025-01-09", "2025-01-16"},
                      {"2025-01-05", "2025-02-02"},
                      {"2025-01-01", "never"},
                      {"2024-12-29", "2025-01-26"},
                      {"2024-12-22", "2025-01-19"},
                      {"2024-12-01", "never"},
                      {"2024-11-01", "2025-02-01"}}));
}

TEST(RetentionForecastTest, NewBackupsAreAsLargeAsTheNewest) {
  RetentionPolicy policy;
  policy.max_bytes = 50;
  auto items = Midnights("2025-01-15", 3);
  items[0].size_bytes = 20;
  EXPECT_EQ(
      TimesOf(ForecastRetention(items, policy, TimeOf("2025-01-15T01:00"),
                                MidnightsAfter("2025-01-15", 2), days(30))),
      (Forecast{TimeOf("2025-01-17"), TimeOf("2025-01-17"),
                TimeOf("2025-01-16")}));
}

// Each minute for 30 days, and each of them stays.
TEST(RetentionForecastTest, ALongForecastEndsEarlier) {
  RetentionPolicy policy;
  policy.retention_days = 100;
  const Time now = TimeOf("2025-01-15T01:00");
  std::vector<Time> times;
  for (int i = 1; i <= 30 * 24 * 60; i++) {
    times.push_back(now + std::chrono::minutes(i));
  }
  const auto forecast = ForecastRetention(Midnights("2025-01-15", 3), policy,
                                          now, times, days(30));
  EXPECT_GT(forecast.until, now + days(2));
  EXPECT_LT(forecast.until, now + days(10));
  EXPECT_EQ(ForecastRetention({}, policy, now, {}, days(30)).until,
            now + days(30));
}

TEST(RetentionForecastTest, SaysWhy) {
  RetentionPolicy policy;
  policy.daily = 1;
  policy.weekly = 1;
  const auto forecast =
      ForecastRetention(Midnights("2025-01-15", 3), policy,
                        TimeOf("2025-01-15T01:00"),
                        MidnightsAfter("2025-01-15", 2), days(30))
          .removals;
  EXPECT_EQ(forecast[0]->at, TimeOf("2025-01-16"));
  EXPECT_EQ(forecast[0]->reasons,
            (std::vector<std::string>{
                "beyond BACKUP_DAILY_RETENTION=1",
                "another backup stays for week of 2025-01-13"}));
  EXPECT_EQ(forecast[2]->at, TimeOf("2025-01-15T01:00"));
  EXPECT_EQ(forecast[2]->reasons, forecast[0]->reasons);
}

TEST(RetentionForecastTest, WhatIsReadNowIsNotReadForever) {
  RetentionPolicy policy;
  policy.max_backups = 1;
  auto items = Midnights("2025-01-15", 2);
  items[1].in_use = true;
  EXPECT_EQ(
      TimesOf(ForecastRetention(items, policy, TimeOf("2025-01-15T01:00"),
                                MidnightsAfter("2025-01-15", 2), days(30))),
      (Forecast{TimeOf("2025-01-16"), TimeOf("2025-01-16")}));
}

TEST(RetentionForecastTest, TheDayOfABackupOfTheFutureComes) {
  RetentionPolicy policy;
  policy.daily = 2;
  EXPECT_EQ(
      TimesOf(ForecastRetention({Made("2025-01-17"), Made("2025-01-15")},
                                policy, TimeOf("2025-01-15T01:00"),
                                MidnightsAfter("2025-01-15", 4), days(30))),
      (Forecast{TimeOf("2025-01-17"), TimeOf("2025-01-17")}))
      << "a newer one is made on that day";
}

// Decides with texts at each time, over the items themselves.
std::vector<std::optional<RetentionRemoval>> Simulate(
    std::vector<RetentionItem> items, const RetentionPolicy& policy, Time now,
    const std::vector<Time>& times) {
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < items.size(); i++) index[items[i].name] = i;
  std::vector<std::optional<RetentionRemoval>> removed(items.size());
  RetentionItem next = Made("2025-01-01");
  next.size_bytes = 0;
  for (auto it = items.rbegin(); it != items.rend(); ++it) {
    if (it->whose != RetentionItem::Whose::kOwn || !it->local || it->foreign ||
        it->unreadable) {
      continue;
    }
    next.size_bytes = it->size_bytes;
    next.epoch = it->epoch;
  }
  const auto rotate = [&](Time time) {
    for (const auto& one : DecideRetention(items, policy, time)) {
      if (!one.keep && index.contains(one.name)) {
        removed[index[one.name]] = {time, one.reasons};
      }
    }
    items = Rest(items, policy, time);
  };
  rotate(now);
  for (RetentionItem& item : items) item.in_use = item.restored = false;
  for (const Time time : times) {
    next.name = FormatTime(time);
    next.created = next.order_time = time;
    items.insert(items.begin(), next);
    rotate(time);
  }
  return removed;
}

TEST(RetentionForecastTest, EqualsARotationAfterEachBackup) {
  const unsigned seed = std::random_device()();
  for (unsigned round = 0; round < 100; round++) {
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    RandomRetention random(seed + round);
    const auto items = random.Items();
    RetentionPolicy policy = random.Policy();
    if (random.OneIn(3)) policy.max_bytes = 1 + random.Below(1500);
    std::vector<Time> times;
    Time time = RandomRetention::Now();
    for (int i = 0; i < 50; i++) {
      time += std::chrono::minutes(1 + random.Below(1000));
      times.push_back(time);
    }
    ASSERT_EQ(ForecastRetention(items, policy, RandomRetention::Now(), times,
                                days(1000))
                  .removals,
              Simulate(items, policy, RandomRetention::Now(), times));
  }
}

}  // namespace
}  // namespace levelkeep::test
