// Helpers for the tests of cron schedules.

#ifndef LEVELKEEP_TESTS_JOBS_CRON_FIXTURE_H_
#define LEVELKEEP_TESTS_JOBS_CRON_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "jobs/cron.h"

namespace levelkeep::test {

// The schedule; the test fails if it is refused.
inline CronSchedule Cron(std::string_view expression,
                         const std::string& zone = "UTC") {
  return {CronFields::Parse(expression).value(), TimeZone::Load(zone).value()};
}

// "2026-03-29T01:00Z"
inline Time AtMinute(const std::string& text) {
  return ParseTime(text.substr(0, 16) + ":00Z").value();
}

inline std::string MinuteText(Time time) {
  return FormatTime(time).substr(0, 16) + "Z";
}

// The first `count` runs after `time`, as "2026-03-29T01:00Z 2026-…".
inline std::string Runs(const CronSchedule& schedule, Time time, int count) {
  std::vector<std::string> runs;
  for (; count > 0; --count) {
    time = schedule.NextAfter(time);
    runs.push_back(MinuteText(time));
  }
  std::string text;
  for (const std::string& run : runs) text += (text.empty() ? "" : " ") + run;
  return text;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_JOBS_CRON_FIXTURE_H_
