#include "base/time_zone.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "support/scoped_tz.h"

namespace levelkeep {
namespace {

using std::chrono::minutes;
using test::ScopedTz;

Time At(const char* text) { return ParseTime(text).value(); }

std::string ErrorOf(const Result<TimeZone>& zone) {
  EXPECT_EQ(zone.status().code(), StatusCode::kInvalidArgument);
  return zone.status().message();
}

TEST(TimeZoneTest, OffsetsOfNamedZones) {
  const struct {
    const char* zone;
    const char* time;
    minutes offset;
  } kRows[] = {
      {"UTC", "2026-07-01T00:00:00Z", minutes(0)},
      {"Europe/Berlin", "2026-03-29T00:59:59Z", minutes(60)},
      {"Europe/Berlin", "2026-03-29T01:00:00Z", minutes(120)},
      {"Europe/Berlin", "2099-07-01T00:00:00Z", minutes(120)},
      {"America/New_York", "2026-01-01T00:00:00Z", minutes(-300)},
      {"Asia/Kathmandu", "2026-01-01T00:00:00Z", minutes(345)},
      {"Pacific/Apia", "2011-12-30T09:59:59Z", minutes(-600)},
      {"Pacific/Apia", "2011-12-30T10:00:00Z", minutes(840)},
  };
  for (const auto& row : kRows) {
    const auto zone = TimeZone::Load(row.zone);
    ASSERT_TRUE(zone.ok()) << zone.status().ToString();
    EXPECT_EQ(zone->name(), row.zone);
    EXPECT_EQ(zone->OffsetAt(At(row.time)), row.offset)
        << row.zone << " " << row.time;
  }
  EXPECT_EQ(TimeZone().name(), "UTC");
  EXPECT_EQ(TimeZone().OffsetAt(At("2026-07-01T00:00:00Z")), minutes(0));
}

TEST(TimeZoneTest, AZoneThatCantBeLoadedIsAnError) {
  for (const char* name :
       {"Mars/Olympus", "europe/berlin", "Europe", "CET-1CEST", "UTC+1", " UTC",
        ".", "../../../etc/passwd", "right/Europe/Berlin"}) {
    EXPECT_EQ(ErrorOf(TimeZone::Load(name)),
              "the time zone \"" + std::string(name) + "\" can't be loaded");
  }
  EXPECT_EQ(TimeZone::Load("\x1b[m").status().ToString(),
            "invalid_argument: the time zone \"\\x1b[m\" can't be loaded "
            "(hint: use a name of the time zone database, such as "
            "Europe/Berlin or UTC; the package tzdata must be installed)");
}

TEST(TimeZoneTest, TzNamesTheMachinesZone) {
  const struct {
    const char* tz;
    const char* name;
    minutes offset;
  } kRows[] = {
      {"Europe/Berlin", "Europe/Berlin", minutes(120)},
      {":Europe/Berlin", "Europe/Berlin", minutes(120)},
      {":/usr/share/zoneinfo/Europe/Berlin",
       "/usr/share/zoneinfo/Europe/Berlin", minutes(120)},
      {"EST5EDT", "EST5EDT", minutes(-240)},
      {"UTC", "UTC", minutes(0)},
      {"", "UTC", minutes(0)},
      {":", "UTC", minutes(0)},
  };
  for (const auto& row : kRows) {
    const ScopedTz tz(row.tz);
    const auto zone = TimeZone::Load();
    ASSERT_TRUE(zone.ok()) << zone.status().ToString();
    EXPECT_EQ(zone->name(), row.name);
    EXPECT_EQ(zone->OffsetAt(At("2026-07-01T00:00:00Z")), row.offset) << row.tz;
  }
  for (const char* rules : {"CET-1CEST", "UTC0", ":Mars/Olympus"}) {
    const ScopedTz tz(rules);
    const auto zone = TimeZone::Load();
    EXPECT_EQ(ErrorOf(zone), "the time zone of TZ=\"" + std::string(rules) +
                                 "\" can't be loaded");
    EXPECT_TRUE(zone.status().hint().ends_with(
        "; rules such as CET-1CEST are not supported"));
    EXPECT_EQ(TimeZone::Load("Europe/Berlin")->name(), "Europe/Berlin");
  }
}

TEST(TimeZoneTest, WithoutTzAFileSaysTheMachinesZone) {
  const ScopedTz tz(nullptr);
  const std::string file = "/usr/share/zoneinfo/Australia/Lord_Howe";
  const auto zone = TimeZone::Load("", file);
  ASSERT_TRUE(zone.ok()) << zone.status().ToString();
  EXPECT_EQ(zone->name(), file);
  EXPECT_EQ(zone->OffsetAt(At("2026-07-01T00:00:00Z")), minutes(630));
  const auto missing = TimeZone::Load("", "/missing/localtime");
  EXPECT_EQ(ErrorOf(missing),
            "the machine's time zone /missing/localtime can't be loaded");
  EXPECT_EQ(missing.status().hint(), "name the time zone, for example UTC");
}

}  // namespace
}  // namespace levelkeep
