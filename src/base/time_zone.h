// Time zones by name, with the rules of the system's database (Debian: tzdata).

#ifndef LEVELKEEP_BASE_TIME_ZONE_H_
#define LEVELKEEP_BASE_TIME_ZONE_H_

#include <cctz/time_zone.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/clock.h"
#include "levelkeep/status.h"

namespace levelkeep {

// A value type; the default is UTC.
// Thread safety: const methods from several threads.
class TimeZone {
 public:
  TimeZone() = default;
  // The zone `name` of the database: "Europe/Berlin", "UTC". Without a name it
  // is the machine's zone: that of the environment variable TZ ("Europe/Berlin"
  // or ":Europe/Berlin"; empty means UTC, as in the C library), or, where TZ is
  // not set, that of `local_file` (other ones are for tests).
  // A process reads each zone once: a later change of the file, or a package
  // tzdata that is installed later, counts after a restart.
  // kInvalidArgument: the zone can't be loaded. It is never UTC instead.
  // Thread safety: any thread, unless another one changes the environment.
  static Result<TimeZone> Load(
      const std::string& name = "",
      const std::string& local_file = "/etc/localtime");

  // The name to show: "Europe/Berlin"; "/etc/localtime" if it comes from there.
  const std::string& name() const { return name_; }
  // What local clocks show at `time`, minus UTC: positive in the east.
  std::chrono::seconds OffsetAt(Time time) const;
  // The rules, for computing with local times.
  const cctz::time_zone& rules() const { return rules_; }

 private:
  TimeZone(std::string name, cctz::time_zone rules)
      : name_(std::move(name)), rules_(rules) {}

  std::string name_ = "UTC";
  cctz::time_zone rules_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_TIME_ZONE_H_
