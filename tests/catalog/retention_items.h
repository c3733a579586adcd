// Plain items for the tests of retention's rules.

#ifndef LEVELKEEP_TESTS_CATALOG_RETENTION_ITEMS_H_
#define LEVELKEEP_TESTS_CATALOG_RETENTION_ITEMS_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "catalog/retention.h"

namespace levelkeep::test {

using std::chrono::hours;

// A verified backup; `when` is "2025-01-15" or "2025-01-15T23:00" in UTC.
inline RetentionItem Made(const std::string& when) {
  RetentionItem item;
  item.name = when;
  item.created =
      ParseTime(when.size() == 10 ? when + "T00:00:00Z" : when + ":00Z")
          .value();
  item.order_time = item.created;
  item.verified = true;
  item.size_bytes = 10;
  return item;
}

inline RetentionItem Unverified(const std::string& when) {
  RetentionItem item = Made(when);
  item.verified = false;
  return item;
}

inline RetentionItem Damaged(const std::string& when) {
  RetentionItem item = Unverified(when);
  item.damaged = true;
  return item;
}

inline Time TimeOf(const std::string& when) { return Made(when).created; }

// Verified backups at midnight in a zone, from the last day to the first one;
// they are named after the local day.
inline std::vector<RetentionItem> Midnights(const std::string& last, int count,
                                            hours zone = hours(0)) {
  std::vector<RetentionItem> items;
  for (int i = 0; i < count; i++) {
    const Time midnight = TimeOf(last) - std::chrono::days(i);
    RetentionItem item = Made(FormatTime(midnight).substr(0, 10));
    item.created = item.order_time = midnight - zone;
    items.push_back(item);
  }
  return items;
}

inline std::vector<std::string> Kept(const std::vector<RetentionItem>& items,
                                     const RetentionPolicy& policy, Time now) {
  std::vector<std::string> names;
  for (const auto& decision : DecideRetention(items, policy, now)) {
    if (decision.keep) names.push_back(decision.name);
  }
  return names;
}

// The items that stay.
inline std::vector<RetentionItem> Rest(const std::vector<RetentionItem>& items,
                                       const RetentionPolicy& policy,
                                       Time now) {
  const auto decisions = DecideRetention(items, policy, now);
  std::vector<RetentionItem> rest;
  for (size_t i = 0; i < items.size(); i++) {
    if (decisions[i].keep) rest.push_back(items[i]);
  }
  return rest;
}

// All reasons of the backup `name`.
inline std::string Why(const std::vector<RetentionItem>& items,
                       const RetentionPolicy& policy, Time now,
                       const std::string& name) {
  std::string text;
  for (const auto& decision : DecideRetention(items, policy, now)) {
    if (decision.name != name) continue;
    text = decision.keep ? "keep" : "remove";
    for (const std::string& reason : decision.reasons) text += "; " + reason;
  }
  return text;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CATALOG_RETENTION_ITEMS_H_
