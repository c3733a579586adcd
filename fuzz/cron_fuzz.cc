// Cron expressions, in zones whose clocks change by an hour, half an hour, a
// day.

#include "base/text.h"
#include "jobs/cron.h"
#include "support.h"

namespace levelkeep::fuzz {

void Run(FuzzedBytes input) {
  constexpr const char* kZones[] = {"UTC", "Europe/Berlin",
                                    "Australia/Lord_Howe", "Pacific/Apia"};
  const char* const zone = kZones[input.Byte() % 4];
  const Time time{Time::duration(static_cast<int64_t>(input.Number()))};
  const std::string text(input.Rest());
  const auto fields = CronFields::Parse(text);
  const auto lower = CronFields::Parse(Lower(text));
  Require(fields.ok() == lower.ok(), "letters of any case mean the same");
  if (!fields.ok()) {
    Require(fields.status().code() == StatusCode::kInvalidArgument &&
                IsValidUtf8(fields.status().ToString()),
            "a refusal is a message for people");
    return;
  }
  const CronSchedule schedule(*fields, TimeZone::Load(zone).value());
  const Time next = schedule.NextAfter(time);
  Require(next > time || time == Time::max(), "the next run is later");
  if (time >= kLatestTime) return;
  Require(next <= kLatestTime, "no run is later than the latest time");
  Require(schedule.NextAfter(next - Time::duration(1)) == next,
          "a run comes after the moment before it");
  Require(CronSchedule(*lower, schedule.zone()).NextAfter(time) == next,
          "letters of any case mean the same");
}

}  // namespace levelkeep::fuzz
