#include "catalog/growth.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace levelkeep {

namespace {

constexpr size_t kFewest = 3;
constexpr size_t kNewest = 100;
constexpr double kLongest = 3650;  // days

struct Point {
  double day = 0;  // before the newest backup: 0 or less
  double bytes = 0;
};

double DaysBetween(Time from, Time to) {
  using Days = std::chrono::duration<double, std::ratio<86400>>;
  // Nanoseconds between two times of a manifest could overflow.
  return Days(std::chrono::floor<std::chrono::milliseconds>(to) -
              std::chrono::floor<std::chrono::milliseconds>(from))
      .count();
}

bool Counts(const Listing& listing, const CatalogEntry& entry) {
  return entry.is_local() && entry.manifest && listing.IsOwn(entry);
}

// The newest backups, newest first.
std::vector<Point> NewestOf(const Listing& listing) {
  std::vector<Point> points;
  std::optional<Time> newest;
  for (const Listing::Entry& entry : listing.entries()) {
    if (points.size() == kNewest) break;
    if (!Counts(listing, *entry)) continue;
    if (!newest) newest = entry->created();
    points.push_back({DaysBetween(*newest, entry->created()),
                      static_cast<double>(entry->size_bytes)});
  }
  return points;
}

// The days between the oldest and the newest backup.
double SpanOf(const Listing& listing, Time newest) {
  const auto oldest =
      std::find_if(listing.entries().rbegin(), listing.entries().rend(),
                   [&](const auto& entry) { return Counts(listing, *entry); });
  return DaysBetween((*oldest)->created(), newest);
}

// Bytes per day of the line with the least squares.
double SlopeOf(const std::vector<Point>& points) {
  const auto n = static_cast<double>(points.size());
  Point mean;
  for (const Point& point : points) {
    mean.day += point.day / n;
    mean.bytes += point.bytes / n;
  }
  double both = 0, days = 0;
  for (const Point& point : points) {
    both += (point.day - mean.day) * (point.bytes - mean.bytes);
    days += (point.day - mean.day) * (point.day - mean.day);
  }
  return days > 0 ? both / days : 0;
}

double ValueOf(const std::optional<int>& rule) {
  return std::max(rule.value_or(0), 0);
}

// How many backups the rules keep at most, if a day brings `per_day`.
double MostKept(const RetentionPolicy& policy, double per_day) {
  const double most = ValueOf(policy.max_backups) +
                      ValueOf(policy.retention_days) * per_day +
                      ValueOf(policy.daily) + ValueOf(policy.weekly) +
                      ValueOf(policy.monthly) + ValueOf(policy.yearly);
  return std::max(most > 0 ? most : RetentionPolicy::kDefaultMaxBackups,
                  ValueOf(policy.minimum));
}

}  // namespace

std::optional<double> DaysUntilFull(const Listing& listing,
                                    const RetentionPolicy& policy,
                                    uint64_t free_bytes) {
  const std::vector<Point> points = NewestOf(listing);
  if (points.size() < kFewest || listing.newest_usable() == nullptr) return {};
  const double span = SpanOf(listing, listing.newest_usable()->created());
  const double span_of_newest = -points.back().day;
  if (span < 1 || span_of_newest <= 0) return std::nullopt;
  const double per_day =
      static_cast<double>(points.size() - 1) / span_of_newest;
  const auto count = static_cast<double>(listing.count());
  const auto total = static_cast<double>(listing.total_bytes());
  const auto free = static_cast<double>(free_bytes);
  double at_last = MostKept(policy, per_day) * points.front().bytes;
  if (policy.max_bytes && *policy.max_bytes > 0) {
    at_last = std::min(at_last, static_cast<double>(*policy.max_bytes));
  }
  const double growth =
      at_last - total > free ? total / span : SlopeOf(points) * count;
  if (growth <= 0 || free / growth > kLongest) return std::nullopt;
  return free / growth;
}

}  // namespace levelkeep
