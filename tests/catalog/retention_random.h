// Made-up histories of backups and policies; equal seeds give equal ones.

#ifndef LEVELKEEP_TESTS_CATALOG_RETENTION_RANDOM_H_
#define LEVELKEEP_TESTS_CATALOG_RETENTION_RANDOM_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "catalog/retention.h"
#include "catalog/retention_items.h"

namespace levelkeep::test {

class RandomRetention {
 public:
  explicit RandomRetention(unsigned seed) : random_(seed) {}

  int Below(int limit) {
    return static_cast<int>(random_() % static_cast<unsigned>(limit));
  }
  bool OneIn(int chances) { return Below(chances) == 0; }

  static Time Now() { return TimeOf("2025-03-05T12:34"); }

  // Newest first, with order times as backups get them.
  std::vector<RetentionItem> Items() {
    std::vector<RetentionItem> items;
    const int count = Below(60);
    const int longest_gap = OneIn(2) ? 2 * 60 : 4 * 24 * 60;
    Time time = Now();
    for (int i = 0; i < count; i++) {
      time -= std::chrono::minutes(Below(longest_gap));
      items.push_back(Item(time, i));
    }
    Time latest = Time::min();
    for (auto it = items.rbegin(); it != items.rend(); ++it) {
      it->order_time =
          std::max(it->created, latest + std::chrono::milliseconds(1));
      latest = it->order_time;
    }
    return items;
  }

  // Has at least one of count, age and buckets.
  RetentionPolicy Policy() {
    RetentionPolicy policy;
    for (const auto rule : Selectors()) policy.*rule = Number(12);
    if (std::none_of(Selectors().begin(), Selectors().end(),
                     [&](const auto rule) { return policy.*rule > 0; })) {
      policy.*Selectors()[static_cast<size_t>(Below(6))] = 1 + Below(12);
    }
    policy.minimum = Number(8);
    policy.history = std::chrono::days(Below(40));
    policy.verification_expected = !OneIn(3);
    const hours zone(std::vector{0, 13, -10}[static_cast<size_t>(Below(3))]);
    if (zone != hours(0)) policy.utc_offset = [zone](Time) { return zone; };
    return policy;
  }

  // Sets one more rule, or raises its number.
  RetentionPolicy Wider(RetentionPolicy policy) {
    const int which = Below(8);
    if (which == 7) {
      policy.history += std::chrono::days(Below(40));
      return policy;
    }
    auto& rule = which == 6 ? policy.minimum
                            : policy.*Selectors()[static_cast<size_t>(which)];
    rule = rule.value_or(0) + 1 + Below(5);
    return policy;
  }

  void Shuffle(std::vector<size_t>* values) {
    std::shuffle(values->begin(), values->end(), random_);
  }

 private:
  using Rule = std::optional<int> RetentionPolicy::*;

  static const std::vector<Rule>& Selectors() {
    static const std::vector<Rule> kSelectors = {
        &RetentionPolicy::max_backups, &RetentionPolicy::retention_days,
        &RetentionPolicy::daily,       &RetentionPolicy::weekly,
        &RetentionPolicy::monthly,     &RetentionPolicy::yearly};
    return kSelectors;
  }

  std::optional<int> Number(int limit) {
    if (!OneIn(3)) return std::nullopt;
    return 1 + Below(limit);
  }

  RetentionItem Item(Time time, int index) {
    using Whose = RetentionItem::Whose;
    RetentionItem item;
    item.name = std::to_string(index);
    item.created = time;
    if (OneIn(15)) item.created += std::chrono::hours(Below(10'000));
    item.size_bytes = static_cast<uint64_t>(Below(100));
    // Histories follow each other; now and then two of them alternate.
    item.epoch = std::string(1, static_cast<char>('a' + index / 15));
    if (OneIn(6))
      item.epoch = std::string(1, static_cast<char>('a' + Below(4)));
    if (OneIn(12)) item.whose = OneIn(2) ? Whose::kOther : Whose::kNameless;
    item.local = !OneIn(20);
    item.pinned = OneIn(12);
    item.foreign = OneIn(20);
    item.unreadable = !item.foreign && OneIn(20);
    item.damaged = OneIn(8);
    item.verified = !item.damaged && OneIn(2);
    item.in_use = OneIn(15);
    item.restored = OneIn(20);
    return item;
  }

  std::mt19937 random_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CATALOG_RETENTION_RANDOM_H_
