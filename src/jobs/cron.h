// Cron expressions as schedules.
//
// The syntax is that of crontab(5) of Debian's cron (Paul Vixie's cron), and
// docs/schedules.md explains it to users. decisions/0033 gives the reasons for
// what differs.

#ifndef LEVELKEEP_JOBS_CRON_H_
#define LEVELKEEP_JOBS_CRON_H_

#include <cctz/civil_time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/time_zone.h"
#include "jobs/schedule.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The five fields: which minutes of local time match. A value type.
// Thread safety: const methods from several threads.
class CronFields {
 public:
  // The fields, in their order in the text.
  enum Field { kMinute, kHour, kDay, kMonth, kWeekday, kFieldCount };

  // Five fields, "0 2 * * MON-FRI", or one of @yearly, @annually, @monthly,
  // @weekly, @daily, @midnight and @hourly, in letters of any case.
  // kInvalidArgument: the message names the field and the text that is wrong,
  // and what is allowed; also for days that no year has ("0 0 30 2 *").
  static Result<CronFields> Parse(std::string_view expression);

  // The first minute from `from` on, and before `end`, that matches.
  std::optional<cctz::civil_minute> FirstMatch(cctz::civil_minute from,
                                               cctz::civil_minute end) const;
  // True if neither minute nor hour has a `*` or a step: the run belongs to
  // certain times of the day rather than to a pace.
  bool fixed() const { return fixed_; }

 private:
  bool Has(Field field, int value) const {
    return ((values_[field] >> value) & 1) != 0;
  }
  bool MatchesDay(const cctz::civil_minute& minute) const;
  bool EverMatches() const;

  std::array<uint64_t, kFieldCount> values_{};  // bit n: the value n matches
  // Both day fields are restricted, so that a match of either one is enough.
  bool either_day_ = false;
  bool fixed_ = false;
};

// Runs at the minutes of a cron expression, in the local time of a zone.
//
// When the clocks of the zone change:
// - A fixed time (`CronFields::fixed`) runs once. If the change skips it, it
//   runs at the instant of the change; if it comes twice, the first one counts.
// - Other expressions keep their pace: they run at each matching local time
//   that really occurs, so in a repeated hour, too, and never in a skipped one.
//
// Thread safety: const methods from several threads.
class CronSchedule : public Schedule {
 public:
  CronSchedule(const CronFields& fields, TimeZone zone)
      : fields_(fields), zone_(std::move(zone)) {}

  // For any `time`, also before 1970; in microseconds, and at most a few
  // milliseconds. No run is later than kLatestTime (base/clock.h): this is the
  // answer if none follows before it, as for a pace in an hour that the zone's
  // clocks always skip. From kLatestTime on, the answer is Time::max().
  Time NextAfter(Time time) const override;

  const TimeZone& zone() const { return zone_; }

 private:
  using Seconds = cctz::time_point<cctz::seconds>;

  // The first run at `from` or later.
  Seconds NextFixed(Seconds from) const;
  Seconds NextAtPace(Seconds from) const;

  const CronFields fields_;
  const TimeZone zone_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_JOBS_CRON_H_
