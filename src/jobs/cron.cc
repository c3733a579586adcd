#include "jobs/cron.h"

#include <algorithm>
#include <chrono>

namespace levelkeep {
namespace {

using cctz::civil_day;
using cctz::civil_hour;
using cctz::civil_minute;
using cctz::civil_month;
using cctz::civil_second;

constexpr cctz::time_point<cctz::seconds> kEnd =
    std::chrono::ceil<cctz::seconds>(kLatestTime);

// The first whole minute at `time` or later.
civil_minute RoundUp(const civil_second& time) {
  return civil_minute(time) + (time.second() != 0 ? 1 : 0);
}

// The first change of the zone's clocks after `time`, or kEnd.
cctz::time_point<cctz::seconds> NextChange(
    const cctz::time_zone& zone, cctz::time_point<cctz::seconds> time) {
  cctz::time_zone::civil_transition change;
  if (!zone.next_transition(time, &change)) return kEnd;
  return std::min(zone.lookup(change.to).trans, kEnd);
}

}  // namespace

bool CronFields::MatchesDay(const civil_minute& minute) const {
  // cctz counts from Monday = 0, cron from Sunday = 0.
  const int weekday =
      (static_cast<int>(cctz::get_weekday(civil_day(minute))) + 1) % 7;
  const bool day = Has(kDay, minute.day());
  const bool of_week = Has(kWeekday, weekday);
  return either_day_ ? day || of_week : day && of_week;
}

std::optional<civil_minute> CronFields::FirstMatch(civil_minute from,
                                                   civil_minute end) const {
  while (from < end) {
    if (!Has(kMonth, from.month())) {
      from = civil_minute(civil_month(from) + 1);
    } else if (!MatchesDay(from)) {
      from = civil_minute(civil_day(from) + 1);
    } else if (!Has(kHour, from.hour())) {
      from = civil_minute(civil_hour(from) + 1);
    } else if (!Has(kMinute, from.minute())) {
      ++from;
    } else {
      return from;
    }
  }
  return std::nullopt;
}

Time CronSchedule::NextAfter(Time time) const {
  if (time >= kLatestTime) return Time::max();
  const Seconds from =
      std::chrono::floor<cctz::seconds>(time) + cctz::seconds(1);
  const Seconds next = fields_.fixed() ? NextFixed(from) : NextAtPace(from);
  return next < kEnd ? Time(next) : kLatestTime;
}

// `convert` gives the first of two equal local times, and the instant of the
// change for a skipped one; later local times never give earlier instants.
CronSchedule::Seconds CronSchedule::NextFixed(Seconds from) const {
  const civil_minute last(2262, 1, 2);  // later than kEnd in each zone
  // Just before `from`: at the instant of a change, the skipped times count.
  civil_minute minute(zone_.rules().lookup(from - cctz::seconds(1)).cs);
  while (const auto match = fields_.FirstMatch(minute, last)) {
    const Seconds run = cctz::convert(civil_second(*match), zone_.rules());
    if (run >= from) return run;
    minute = *match + 1;
  }
  return kEnd;
}

// Between two changes, local time is UTC with a fixed offset.
CronSchedule::Seconds CronSchedule::NextAtPace(Seconds from) const {
  while (from < kEnd) {
    const Seconds change = NextChange(zone_.rules(), from);
    const civil_second local = zone_.rules().lookup(from).cs;
    const auto match = fields_.FirstMatch(
        RoundUp(local), RoundUp(local + (change - from).count()));
    if (match) return from + cctz::seconds(civil_second(*match) - local);
    from = change;
  }
  return kEnd;
}

}  // namespace levelkeep
