#include "base/time_zone.h"

#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr char kZoneHint[] =
    "use a name of the time zone database, such as Europe/Berlin or UTC; the "
    "package tzdata must be installed";

// What TZ names. glibc allows a colon before the name of a zone.
std::string NameFromTz(std::string_view tz) {
  if (tz.starts_with(':')) tz.remove_prefix(1);
  return tz.empty() ? "UTC" : std::string(tz);
}

Status NotLoaded(const std::string& what, const std::string& hint) {
  return {StatusCode::kInvalidArgument, what + " can't be loaded", hint};
}

}  // namespace

Result<TimeZone> TimeZone::Load(const std::string& name,
                                const std::string& local_file) {
  const char* const tz = std::getenv("TZ");
  std::string chosen = name;
  if (name.empty()) chosen = tz != nullptr ? NameFromTz(tz) : local_file;
  cctz::time_zone rules;
  if (cctz::load_time_zone(chosen, &rules)) return TimeZone(chosen, rules);
  if (!name.empty()) {
    return NotLoaded("the time zone \"" + Printable(name) + "\"", kZoneHint);
  }
  if (tz == nullptr) {
    return NotLoaded("the machine's time zone " + local_file,
                     "name the time zone, for example UTC");
  }
  return NotLoaded(
      "the time zone of TZ=\"" + Printable(tz) + "\"",
      std::string(kZoneHint) + "; rules such as CET-1CEST are not supported");
}

std::chrono::seconds TimeZone::OffsetAt(Time time) const {
  return std::chrono::seconds(rules_.lookup(time).offset);
}

}  // namespace levelkeep
