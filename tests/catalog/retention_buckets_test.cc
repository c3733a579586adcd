// One backup for each day, week, month and year.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "catalog/retention.h"
#include "catalog/retention_items.h"

namespace levelkeep::test {
namespace {

using Names = std::vector<std::string>;

RetentionPolicy Buckets(int daily, int weekly, int monthly, int yearly = 0) {
  RetentionPolicy policy;
  policy.daily = daily;
  policy.weekly = weekly;
  policy.monthly = monthly;
  policy.yearly = yearly;
  return policy;
}

RetentionPolicy InZone(RetentionPolicy policy, hours zone) {
  policy.utc_offset = [zone](Time) { return zone; };
  return policy;
}

// The example of a scheme that people know: a backup at each midnight, the last
// one on Wednesday, 15 January 2025.
const Names kExample = {"2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12",
                        "2025-01-11", "2025-01-10", "2025-01-09", "2025-01-05",
                        "2025-01-01", "2024-12-29", "2024-12-22", "2024-12-01",
                        "2024-11-01"};

RetentionPolicy ExamplePolicy() {
  RetentionPolicy policy = Buckets(7, 4, 3);
  policy.minimum = 5;
  return policy;
}

Names With(Names names, const std::string& out, const std::string& in) {
  std::erase(names, out);
  names.push_back(in);
  std::sort(names.rbegin(), names.rend());
  return names;
}

Names KeptWithout(const std::string& missing) {
  auto items = Midnights("2025-01-15", 150);
  std::erase_if(items, [&](const auto& one) { return one.name == missing; });
  return Kept(items, ExamplePolicy(), TimeOf("2025-01-15T01:00"));
}

TEST(RetentionBucketsTest, KeepsThirteenOfTheExample) {
  const auto items = Midnights("2025-01-15", 150);
  const Time now = TimeOf("2025-01-15T01:00");
  EXPECT_EQ(Kept(items, ExamplePolicy(), now), kExample);
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2025-01-15"),
            "keep; daily 1 of 7 (2025-01-15); weekly so far (week of "
            "2025-01-13); minimum 1 of 5; newest verified backup");
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2025-01-12"),
            "keep; daily 4 of 7 (2025-01-12); weekly 1 of 4 (week of "
            "2025-01-06); minimum 4 of 5");
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2024-12-22"),
            "keep; weekly 4 of 4 (week of 2024-12-16)");
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2024-11-01"),
            "keep; monthly 3 of 3 (2024-11)");
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2024-12-21"),
            "remove; beyond BACKUP_DAILY_RETENTION=7; another backup stays for "
            "week of 2024-12-16; another backup stays for 2024-12");
  EXPECT_EQ(Why(items, ExamplePolicy(), now, "2024-10-31"),
            "remove; beyond BACKUP_DAILY_RETENTION=7; beyond "
            "BACKUP_WEEKLY_RETENTION=4; beyond BACKUP_MONTHLY_RETENTION=3");
}

TEST(RetentionBucketsTest, ABackupThatIsMissingIsReplacedByTheNearest) {
  EXPECT_EQ(KeptWithout("2025-01-05"),
            With(kExample, "2025-01-05", "2025-01-04"));
  EXPECT_EQ(KeptWithout("2024-12-22"),
            With(kExample, "2024-12-22", "2024-12-21"));
  EXPECT_EQ(KeptWithout("2025-01-12"),
            With(kExample, "2025-01-12", "2025-01-08"))
      << "the 11th stands for the week, and the 8th is the seventh day";
  EXPECT_EQ(KeptWithout("2024-12-01"),
            With(kExample, "2024-12-01", "2024-12-02"));
}

// The same days in each zone, though the backups are made at other times.
TEST(RetentionBucketsTest, CountsInTheZoneOfThePolicy) {
  for (const hours zone : {hours(13), hours(-10)}) {
    const auto items = Midnights("2025-01-15", 150, zone);
    const Time now = TimeOf("2025-01-15T01:00") - zone;
    EXPECT_EQ(Kept(items, InZone(ExamplePolicy(), zone), now), kExample);
    EXPECT_EQ(Why(items, InZone(ExamplePolicy(), zone), now, "2025-01-13"),
              "keep; daily 3 of 7 (2025-01-13); minimum 3 of 5");
  }
  // 13 hours ahead, midnight is the day before in UTC: other days are kept.
  const auto ahead = Midnights("2025-01-15", 150, hours(13));
  EXPECT_EQ(Kept(ahead, ExamplePolicy(), TimeOf("2025-01-14T12:00")),
            (Names{"2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12",
                   "2025-01-11", "2025-01-10", "2025-01-09", "2025-01-06",
                   "2025-01-02", "2024-12-30", "2024-12-23", "2024-12-02",
                   "2024-11-02"}))
      << "Monday is Sunday, and months begin on the 2nd";
}

TEST(RetentionBucketsTest, TheLastBackupOfTheLocalDayStays) {
  // 01:00, 12:00 and 23:00 on the 14th in each zone.
  for (const hours zone : {hours(13), hours(0), hours(-10)}) {
    std::vector<RetentionItem> items;
    for (const char* when :
         {"2025-01-15T01:00", "2025-01-14T23:00", "2025-01-14T12:00",
          "2025-01-14T01:00", "2025-01-13T23:00"}) {
      items.push_back(Made(when));
      items.back().created -= zone;
    }
    EXPECT_EQ(Kept(items, InZone(Buckets(2, 0, 0), zone),
                   TimeOf("2025-01-15T02:00") - zone),
              (Names{"2025-01-15T01:00", "2025-01-14T23:00"}));
  }
}

// Berlin, 30 March 2025: the day has 23 hours, and its last one is 21:00 UTC.
TEST(RetentionBucketsTest, FollowsAClockThatIsSetForward) {
  RetentionPolicy policy = Buckets(3, 0, 0);
  const Time change = TimeOf("2025-03-30T01:00");
  policy.utc_offset = [change](Time time) {
    return hours(time < change ? 1 : 2);
  };
  std::vector<RetentionItem> items;
  for (int i = 0; i < 60; i++) {
    const Time time = TimeOf("2025-03-31T10:00") - hours(i);
    items.push_back(Made(FormatTime(time).substr(0, 16)));
  }
  EXPECT_EQ(
      Kept(items, policy, TimeOf("2025-03-31T10:00")),
      (Names{"2025-03-31T10:00", "2025-03-30T21:00", "2025-03-29T22:00"}));
}

TEST(RetentionBucketsTest, WeeksAreNotCutByTheNewYear) {
  const auto items = Midnights("2027-01-10", 30);
  const Time now = TimeOf("2027-01-10T12:00");
  EXPECT_EQ(Kept(items, Buckets(0, 3, 0), now),
            (Names{"2027-01-10", "2027-01-03", "2026-12-27"}));
  EXPECT_EQ(Why(items, Buckets(0, 3, 0), now, "2027-01-03"),
            "keep; weekly 2 of 3 (week of 2026-12-28)");
  EXPECT_EQ(Why(items, Buckets(0, 3, 0), now, "2026-12-28"),
            "remove; another backup stays for week of 2026-12-28");
}

TEST(RetentionBucketsTest, AWeekBeforeItsSundayTakesNoOthersPlace) {
  const auto items = Midnights("2025-01-18", 30);  // a Saturday
  EXPECT_EQ(Kept(items, Buckets(0, 2, 0), TimeOf("2025-01-18T23:59")),
            (Names{"2025-01-18", "2025-01-12", "2025-01-05"}));
  EXPECT_EQ(Kept(items, Buckets(0, 2, 0), TimeOf("2025-01-19")),
            (Names{"2025-01-18", "2025-01-12"}))
      << "the Sunday has come";
}

TEST(RetentionBucketsTest, MonthsAndYearsKeepTheirBeginnings) {
  const std::vector<RetentionItem> items = {
      Made("2025-03-20"),       Made("2025-03-05"),       Made("2025-02-28"),
      Made("2025-02-01T23:00"), Made("2025-02-01T01:00"), Made("2024-12-31"),
      Made("2024-07-09T18:00"), Made("2024-07-09T06:00")};
  const Time now = TimeOf("2025-03-20T01:00");
  EXPECT_EQ(Kept(items, Buckets(0, 0, 4), now),
            (Names{"2025-03-20", "2025-03-05", "2025-02-01T23:00", "2024-12-31",
                   "2024-07-09T18:00"}));
  EXPECT_EQ(Kept(items, Buckets(0, 0, 0, 2), now),
            (Names{"2025-03-20", "2025-02-01T23:00", "2024-07-09T18:00"}));
  EXPECT_EQ(Why(items, Buckets(0, 0, 0, 2), now, "2024-07-09T18:00"),
            "keep; yearly 2 of 2 (2024)");
}

TEST(RetentionBucketsTest, VerifiedBackupsArePreferred) {
  RetentionPolicy policy = Buckets(2, 2, 2);
  policy.verification_expected = false;
  const std::vector<RetentionItem> items = {
      Made("2025-01-15"), Unverified("2025-01-12T10:00"), Made("2025-01-08"),
      Unverified("2025-01-07")};
  EXPECT_EQ(Kept(items, policy, TimeOf("2025-01-20")),
            (Names{"2025-01-15", "2025-01-12T10:00", "2025-01-08"}));
  EXPECT_EQ(Why(items, policy, TimeOf("2025-01-20"), "2025-01-08"),
            "keep; weekly 2 of 2 (week of 2025-01-06); monthly 1 of 2 "
            "(2025-01)");
}

TEST(RetentionBucketsTest, EmptyBucketsDoNotCount) {
  const std::vector<RetentionItem> items = {
      Made("2025-01-15"), Made("2025-01-02"), Made("2023-06-06"),
      Made("2019-01-01")};
  EXPECT_EQ(Kept(items, Buckets(3, 0, 0), TimeOf("2025-01-15")),
            (Names{"2025-01-15", "2025-01-02", "2023-06-06"}));
}

TEST(RetentionBucketsTest, DoubtfulBackupsPushOutNoTrustedOnes) {
  // The verification has not worked since the 13th.
  const std::vector<RetentionItem> items = {
      Unverified("2025-01-16T12:00"), Unverified("2025-01-16T06:00"),
      Unverified("2025-01-15T12:00"), Unverified("2025-01-14T12:00"),
      Unverified("2025-01-13T20:00"), Made("2025-01-13T12:00"),
      Made("2025-01-12T12:00"),       Made("2025-01-11T12:00")};
  const RetentionPolicy policy = Buckets(2, 0, 0);
  const Time now = TimeOf("2025-01-16T20:00");
  EXPECT_EQ(Kept(items, policy, now),
            (Names{"2025-01-16T12:00", "2025-01-15T12:00", "2025-01-13T12:00",
                   "2025-01-12T12:00"}));
  EXPECT_EQ(Why(items, policy, now, "2025-01-15T12:00"),
            "keep; daily 2 of 2 (2025-01-15), not verified");
  EXPECT_EQ(Why(items, policy, now, "2025-01-14T12:00"),
            "remove; beyond BACKUP_DAILY_RETENTION=2");
  EXPECT_EQ(Why(items, policy, now, "2025-01-16T06:00"),
            "remove; another backup stays for 2025-01-16");
  EXPECT_EQ(Why(items, policy, now, "2025-01-11T12:00"),
            "remove; beyond BACKUP_DAILY_RETENTION=2");
}

TEST(RetentionBucketsTest, ADoubtfulWeekBeforeItsSundayTakesNoOthersPlace) {
  const std::vector<RetentionItem> items = {
      Unverified("2025-01-15"), Unverified("2025-01-12"), Made("2025-01-01")};
  const Time now = TimeOf("2025-01-15T12:00");
  EXPECT_EQ(Kept(items, Buckets(0, 1, 0), now).size(), 3u);
  EXPECT_EQ(
      Why(items, Buckets(0, 1, 0), now, "2025-01-15"),
      "keep; weekly so far (week of 2025-01-13), not verified; newest good "
      "backup");
  EXPECT_EQ(Why(items, Buckets(0, 1, 0), now, "2025-01-12"),
            "keep; weekly 1 of 1 (week of 2025-01-06), not verified");
}

// Otherwise the last backup of a day would go before anybody could verify it.
TEST(RetentionBucketsTest, ABackupThatWaitsForItsVerificationStaysForItsDay) {
  const std::vector<RetentionItem> items = {
      Made("2025-01-16T00:10"), Unverified("2025-01-15T23:50"),
      Unverified("2025-01-15T23:40"), Made("2025-01-15T23:30")};
  EXPECT_EQ(
      Kept(items, Buckets(2, 0, 0), TimeOf("2025-01-16T00:11")),
      (Names{"2025-01-16T00:10", "2025-01-15T23:50", "2025-01-15T23:30"}));
}

TEST(RetentionBucketsTest, ANewBackupThatIsTheOnlyOneStandsForItsDay) {
  EXPECT_EQ(Why({Unverified("2025-01-15T23:50")}, Buckets(2, 0, 0),
                TimeOf("2025-01-16"), "2025-01-15T23:50"),
            "keep; daily 1 of 2 (2025-01-15); newest good backup");
}

// The clock stood still, or the times were cut.
TEST(RetentionBucketsTest, OfBackupsWithOneTimeTheNewestStays) {
  std::vector<RetentionItem> items;
  for (int i = 0; i < 100; i++) {
    items.push_back(Made("2025-01-15"));
    items.back().name = std::to_string(i);
  }
  EXPECT_EQ(Kept(items, Buckets(1, 1, 1), TimeOf("2025-01-16")), Names{"0"});
}

TEST(RetentionBucketsTest, DamagedBackupsFillNoBucket) {
  const std::vector<RetentionItem> items = {
      Damaged("2025-01-16"), Made("2025-01-15T06:00"),
      Damaged("2025-01-15T03:00"), Made("2025-01-14")};
  const Time now = TimeOf("2025-01-16T01:00");
  EXPECT_EQ(Kept(items, Buckets(2, 0, 0), now),
            (Names{"2025-01-16", "2025-01-15T06:00", "2025-01-14"}));
  EXPECT_EQ(Why(items, Buckets(2, 0, 0), now, "2025-01-16"),
            "keep; damaged, but there is no newer good one");
  EXPECT_EQ(Why(items, Buckets(2, 0, 0), now, "2025-01-15T03:00"),
            "remove; damaged");
}

}  // namespace
}  // namespace levelkeep::test
