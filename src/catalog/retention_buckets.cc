#include "catalog/retention_buckets.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace levelkeep {

namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

// The first `length` characters of "2025-01-13".
std::string DateText(sys_days day, size_t length) {
  const year_month_day date(day);
  std::array<char, 40> text;
  std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return std::string(text.data(), length);
}

// All days are local ones. The preferred day of a bucket is also its key: no
// two buckets of a kind have the same.
struct BucketKind {
  const char* word;
  const char* setting;
  std::optional<int> RetentionPolicy::*count;
  // The preferred day of the bucket that holds `day`; never falls as `day`
  // rises.
  sys_days (*preferred)(sys_days day);
  // What a user calls the bucket.
  std::string (*label)(sys_days preferred);
};

constexpr std::array<BucketKind, kBucketKinds> kKinds = {{
    {"daily", "BACKUP_DAILY_RETENTION", &RetentionPolicy::daily,
     [](sys_days day) { return day; },
     [](sys_days day) { return DateText(day, 10); }},
    // From Monday to Sunday. The Sunday names the week, so that no number of a
    // week meets the wrong year.
    {"weekly", "BACKUP_WEEKLY_RETENTION", &RetentionPolicy::weekly,
     [](sys_days day) {
       return day + (std::chrono::Sunday - std::chrono::weekday(day));
     },
     [](sys_days sunday) {
       return "week of " + DateText(sunday - days(6), 10);
     }},
    {"monthly", "BACKUP_MONTHLY_RETENTION", &RetentionPolicy::monthly,
     [](sys_days day) {
       const year_month_day date(day);
       return sys_days(date.year() / date.month() / 1);
     },
     [](sys_days first) { return DateText(first, 7); }},
    {"yearly", "BACKUP_YEARLY_RETENTION", &RetentionPolicy::yearly,
     [](sys_days day) {
       return sys_days(year_month_day(day).year() / std::chrono::January / 1);
     },
     [](sys_days first) { return DateText(first, 4); }},
}};

using Bucket = std::span<RetentionCandidate* const>;  // latest first

// The backup in the bucket that is nearest to the preferred day; null if there
// is none. Of trusted ones only, verified ones come first.
RetentionCandidate* Nearest(Bucket bucket, sys_days preferred,
                            bool trusted_only) {
  const auto rank = [&](const RetentionCandidate* one) {
    const days distance = one->day - preferred;
    return std::pair(trusted_only && !one->item->verified,
                     std::max(distance, -distance));
  };
  RetentionCandidate* nearest = nullptr;
  for (RetentionCandidate* const one : bucket) {
    const bool competes = trusted_only ? one->trusted() : one->good();
    if (!one->counted || !competes) continue;
    if (nearest == nullptr || rank(one) < rank(nearest)) nearest = one;
  }
  return nearest;
}

// Goes through the buckets of a kind, the latest one first. Those that hold a
// trusted backup are counted, and so are, by themselves, those that hold a good
// one.
class KindOfBuckets {
 public:
  KindOfBuckets(const BucketKind& kind, const RetentionPolicy& policy,
                sys_days today)
      : kind_(kind),
        count_((policy.*kind.count).value_or(0)),
        beyond_(std::string("beyond ") + kind.setting + "=" +
                std::to_string(count_)),
        unverified_too_(policy.verification_expected),
        today_(today) {}

  // True if no bucket is left that may keep a backup: good_ is not smaller.
  bool done() const { return trusted_ >= count_; }

  void Keep(Bucket bucket, sys_days preferred) {
    RetentionCandidate* const trusted = Nearest(bucket, preferred, true);
    RetentionCandidate* const good = Nearest(bucket, preferred, false);
    // A bucket whose preferred day is yet to come takes no other's place.
    const bool awaited = preferred > today_;
    if (trusted != nullptr && !awaited) trusted_++;
    if (good != nullptr && !awaited) good_++;
    if (trusted != nullptr && trusted_ <= count_) {
      trusted->Keep([&] { return Place(preferred, awaited, trusted_); });
    }
    // One that is nearer than the trusted one is not verified.
    const bool nearer = good != nullptr && good != trusted;
    if (unverified_too_ && nearer && good_ <= count_) {
      good->Keep(
          [&] { return Place(preferred, awaited, good_) + ", not verified"; });
    }
    std::string other;
    for (RetentionCandidate* const one : bucket) {
      if (!one->counted || !one->good()) continue;
      one->Against([&] {
        if ((one->trusted() ? trusted_ : good_) > count_) return beyond_;
        if (other.empty()) {
          other = "another backup stays for " + kind_.label(preferred);
        }
        return other;
      });
    }
  }

 private:
  // "weekly 2 of 4 (week of 2025-01-06)"
  std::string Place(sys_days preferred, bool awaited, int number) const {
    const std::string place =
        awaited ? "so far"
                : std::to_string(number) + " of " + std::to_string(count_);
    return std::string(kind_.word) + " " + place + " (" +
           kind_.label(preferred) + ")";
  }

  const BucketKind& kind_;
  const int count_;
  const std::string beyond_;
  const bool unverified_too_;
  const sys_days today_;
  int trusted_ = 0, good_ = 0;
};

}  // namespace

bool HasBuckets(const RetentionPolicy& policy) {
  return std::any_of(kKinds.begin(), kKinds.end(), [&](const auto& kind) {
    return (policy.*kind.count).value_or(0) > 0;
  });
}

std::array<sys_days, kBucketKinds> BucketsOf(sys_days day) {
  std::array<sys_days, kBucketKinds> buckets;
  for (size_t i = 0; i < kBucketKinds; i++) {
    buckets[i] = kKinds[i].preferred(day);
  }
  return buckets;
}

void KeepBuckets(const std::vector<RetentionCandidate*>& latest,
                 const RetentionPolicy& policy, sys_days today, bool explain) {
  for (size_t i = 0; i < kBucketKinds; i++) {
    if ((policy.*kKinds[i].count).value_or(0) < 1) continue;
    KindOfBuckets kind(kKinds[i], policy, today);
    for (auto begin = latest.begin(), end = begin; begin != latest.end();
         begin = end) {
      const sys_days preferred = (*begin)->buckets[i];
      end = std::find_if(begin, latest.end(), [&](const auto* one) {
        return one->buckets[i] != preferred;
      });
      kind.Keep(Bucket(begin, end), preferred);
      if (kind.done() && !explain) break;
    }
  }
}

}  // namespace levelkeep
