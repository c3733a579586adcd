#include "catalog/retention.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "catalog/listing.h"
#include "catalog/retention_buckets.h"
#include "catalog/retention_candidate.h"

namespace levelkeep {

namespace {

using std::chrono::milliseconds;
using std::chrono::sys_days;
using Whose = RetentionItem::Whose;

// How many backups a forecast looks at in all; 10 million take about half a
// second.
constexpr size_t kMostSteps = 20'000'000;

// `later` - `earlier`; nanoseconds could overflow.
milliseconds Between(Time earlier, Time later) {
  return std::chrono::floor<milliseconds>(later) -
         std::chrono::floor<milliseconds>(earlier);
}

// The number of a rule that is set, or else 0.
int Number(const std::optional<int>& rule) {
  return std::max(rule.value_or(0), 0);
}

template <typename Integer>
std::string Setting(const char* name, Integer value) {
  return std::string(name) + "=" + std::to_string(value);
}

// What makes a backup stay whatever the rules say.
std::vector<std::string> WhatIsKnown(const RetentionItem& item) {
  if (item.whose == Whose::kUnknown) {
    return {"no database here shows which backups are its own"};
  }
  if (!item.local) return {"its archive is in another destination only"};
  if (item.whose == Whose::kOther) return {"of another database"};
  if (item.whose == Whose::kNameless) {
    return {"does not say of which database it is"};
  }
  std::vector<std::string> reasons;
  if (item.pinned) reasons.emplace_back("pinned");
  if (item.foreign) reasons.emplace_back("not made by LevelKeep");
  if (item.unreadable) reasons.emplace_back("unreadable");
  return reasons;
}

using Candidate = RetentionCandidate;

// A backup stands for the last time at which it had every write.
Time LastTime(const RetentionItem& item) {
  return std::max(item.created, item.covered_until);
}

// Latest first, by the clock.
bool IsLater(const Candidate* a, const Candidate* b) {
  const auto key = [](const Candidate* one) {
    return std::pair(one->day, LastTime(*one->item));
  };
  return key(a) > key(b);
}

// The rules of retention.h, a method for each, over a set of backups that may
// change between two decisions. `items`, newest first, and `policy` must
// outlive the object.
class Rules {
 public:
  Rules(const std::vector<RetentionItem>& items, const RetentionPolicy& policy,
        bool explain)
      : policy_(policy),
        explain_(explain),
        by_date_rules_(GoesByDates(policy)) {
    by_order_.reserve(items.size());
    for (const RetentionItem& item : items) by_order_.push_back(Prepare(item));
    by_date_ = by_order_;
    std::stable_sort(by_date_.begin(), by_date_.end(), IsLater);
    first_added_ = storage_.size();
  }

  void AddNewest(const RetentionItem& item) {
    Candidate* const newest = Prepare(added_.emplace_back(item));
    by_order_.insert(by_order_.begin(), newest);
    by_date_.insert(
        std::lower_bound(by_date_.begin(), by_date_.end(), newest, IsLater),
        newest);
  }

  // Newest first.
  const std::vector<Candidate*>& candidates() const { return by_order_; }

  // Sets `keep` of all candidates, and their reasons if they are to be
  // explained.
  void Decide(Time now) {
    now_ = now;
    Classify();
    KeepNewest();
    KeepYoung();
    if (HasBuckets(policy_)) {
      KeepBuckets(by_date_, policy_, LocalDay(now_), explain_);
    }
    KeepMinimum();
    KeepNewestVerified();
    KeepEndedHistories();
    RemoveBeyondMaxBytes();
    if (explain_) CompleteReasons();
  }

  // Decides again, and gives reasons to those that go.
  void ExplainRemoved() {
    bool any = false;
    for (Candidate* const one : by_order_) {
      if (one->keep || one->index >= first_added_) continue;
      one->reasons = std::make_unique<RetentionReasons>();
      any = true;
    }
    if (!any) return;
    explain_ = true;
    Decide(now_);
    explain_ = false;
  }

  void ForgetRemoved() {
    const auto removed = [](const Candidate* one) { return !one->keep; };
    std::erase_if(by_order_, removed);
    std::erase_if(by_date_, removed);
  }

 private:
  Candidate* Prepare(const RetentionItem& item) {
    Candidate& candidate = storage_.emplace_back();
    candidate.item = &item;
    candidate.index = storage_.size() - 1;
    candidate.day = LocalDay(LastTime(item));
    candidate.buckets = BucketsOf(candidate.day);
    if (explain_) candidate.reasons = std::make_unique<RetentionReasons>();
    candidate.history =
        histories_.try_emplace(item.epoch, histories_.size()).first->second;
    return &candidate;
  }

  sys_days LocalDay(Time time) const {
    auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    if (policy_.utc_offset) seconds += policy_.utc_offset(time);
    return std::chrono::floor<std::chrono::days>(seconds);
  }

  bool IsOfTheFuture(const RetentionItem& item) const {
    return LastTime(item) > now_ + RetentionPolicy::kClockTolerance;
  }

  // Finds out what each backup is, and counts from the newest one on.
  void Classify() {
    int trusted = 0, good = 0;
    for (Candidate* const one : by_order_) {
      const RetentionItem& item = *one->item;
      one->own = item.whose == Whose::kOwn && item.local &&
                 !(by_date_rules_ && IsOfTheFuture(item));
      one->counted = one->own && one->readable() && !item.pinned;
      one->keep = one->floor = !one->counted || item.in_use || item.restored;
      one->trust = TrustOf(item);
      one->newer_trusted = trusted;
      one->newer_good = good;
      if (one->reasons) one->reasons->pro = WhatIsKnown(item);
      if (!one->counted) continue;
      if (one->trusted()) trusted++;
      if (one->good()) good++;
    }
  }

  Trust TrustOf(const RetentionItem& item) const {
    if (item.damaged) return Trust::kDamaged;
    if (item.verified || !policy_.verification_expected) return Trust::kTrusted;
    // A time in the future means that a clock is wrong; such a backup gets no
    // grace, which only keeps more backups.
    const milliseconds age = Between(item.created, now_);
    const bool waits = age >= age.zero() && age < policy_.verification_grace;
    return waits ? Trust::kTrusted : Trust::kDoubtful;
  }

  void KeepNewest() {
    int limit = Number(policy_.max_backups);
    if (limit == 0 && by_date_rules_) return;
    if (limit == 0) limit = RetentionPolicy::kDefaultMaxBackups;
    const auto setting = [&] { return Setting("MAX_BACKUPS", limit); };
    for (Candidate* const one : by_order_) {
      if (!explain_ && one->newer_trusted >= limit) return;
      if (!one->counted) continue;
      if (one->newer() >= limit) {
        one->Against([&] {
          return (one->good() ? "beyond " : "damaged, and beyond ") + setting();
        });
      } else if (!one->good()) {
        one->Keep([&] {
          return "damaged, but fewer than " + setting() + " newer good ones";
        });
      } else {
        one->Keep([&] {
          return one->newer_good < limit ? "within " + setting()
                                         : "kept until newer ones are verified";
        });
      }
    }
  }

  void KeepYoung() {
    const int days = Number(policy_.retention_days);
    if (days == 0) return;
    const auto setting = [&] { return Setting("BACKUP_RETENTION_DAYS", days); };
    for (Candidate* const one : by_order_) {
      if (!one->counted) continue;
      // A backup that was made while the clock was behind is as old as its
      // order says, unless that is the future: then the clock was ahead before.
      const RetentionItem& item = *one->item;
      const Time made = std::max(
          LastTime(item), item.order_time <= now_ ? item.order_time : Time());
      if (Between(made, now_) < std::chrono::days(days)) {
        one->Keep([&] { return "younger than " + setting(); });
      } else {
        one->Against([&] { return "older than " + setting(); });
      }
    }
  }

  void KeepMinimum() {
    const bool is_set = Number(policy_.minimum) > 0;
    const int limit = std::max(Number(policy_.minimum), 1);
    for (Candidate* const one : by_order_) {
      if (one->newer_trusted >= limit) return;
      if (!one->counted || one->newer() >= limit) continue;
      if (one->good()) {
        one->KeepAsFloor([&]() -> std::string {
          if (!is_set) return "newest good backup";
          return "minimum " + std::to_string(one->newer() + 1) + " of " +
                 std::to_string(limit);
        });
      } else {
        one->Keep([&]() -> std::string {
          if (!is_set) return "damaged, but there is no newer good one";
          return "damaged, but fewer than " + Setting("BACKUP_MINIMUM", limit) +
                 " newer good ones";
        });
      }
    }
  }

  void KeepNewestVerified() {
    for (Candidate* const one : by_order_) {
      if (!one->own || !one->readable() || !one->item->verified) continue;
      return one->KeepAsFloor([] { return "newest verified backup"; });
    }
  }

  // A history ends when the next history's first backup is made: the last one
  // that was passed of another history.
  void KeepEndedHistories() {
    std::vector<bool> has_floor(histories_.size());
    const Candidate* passed = nullptr;
    std::optional<Time> ended;
    for (Candidate* const one : by_order_) {
      if (!one->own || !one->readable()) continue;
      if (passed != nullptr && passed->history != one->history) {
        ended = passed->item->order_time;
      }
      passed = one;
      if (!one->item->verified || has_floor[one->history]) continue;
      has_floor[one->history] = true;
      if (!ended || Between(*ended, now_) >= policy_.history) continue;
      one->KeepAsFloor([this] {
        return "newest verified backup of its history, within " +
               Setting("BACKUP_HISTORY_DAYS", policy_.history.count());
      });
    }
  }

  void RemoveBeyondMaxBytes() {
    const uint64_t max_bytes = policy_.max_bytes.value_or(0);
    if (max_bytes == 0) return;
    uint64_t sum = 0;
    for (const Candidate* const one : by_order_) {
      const bool counts = one->own && one->readable() && one->keep;
      if (counts) sum += one->item->size_bytes;
    }
    for (auto it = by_order_.rbegin(); it != by_order_.rend(); ++it) {
      if (sum <= max_bytes) return;
      Candidate* const one = *it;
      if (!one->keep || one->floor) continue;
      one->keep = false;
      sum -= one->item->size_bytes;
      if (!one->reasons) continue;
      one->reasons->contra = {Setting("beyond BACKUP_MAX_BYTES", max_bytes)};
      for (const std::string& reason : one->reasons->pro) {
        one->reasons->contra.push_back("although " + reason);
      }
    }
  }

  void CompleteReasons() {
    for (Candidate* const one : by_order_) {
      if (!one->reasons) continue;
      const RetentionItem& item = *one->item;
      auto& [pro, contra] = *one->reasons;
      if (contra.empty()) contra.emplace_back("damaged");
      if (one->own && item.in_use) pro.emplace_back("in use");
      if (one->own && item.restored) {
        pro.emplace_back("was restored, and the restore can be undone");
      }
      if (item.whose != Whose::kOwn || !IsOfTheFuture(item)) continue;
      pro.push_back("dated in the future (" + FormatTime(item.created) + ")");
    }
  }

  const RetentionPolicy& policy_;
  bool explain_;
  const bool by_date_rules_;  // age or buckets
  size_t first_added_ = 0;    // the index of the first one that was added
  Time now_;
  std::map<std::string, size_t> histories_;
  std::deque<RetentionItem> added_;
  std::deque<Candidate> storage_;
  std::vector<Candidate*> by_order_;  // newest first
  std::vector<Candidate*> by_date_;   // latest first
};

Whose WhoseIs(const Listing& listing, const CatalogEntry& entry) {
  if (!listing.owner().known) return Whose::kUnknown;
  if (listing.IsOwn(entry)) return Whose::kOwn;
  return listing.IsOther(entry) ? Whose::kOther : Whose::kNameless;
}

// A verified backup that will be made after `items`.
RetentionItem Successor(const std::vector<RetentionItem>& items) {
  const auto newest =
      std::find_if(items.begin(), items.end(), [](const RetentionItem& item) {
        return item.whose == Whose::kOwn && item.local && !item.foreign &&
               !item.unreadable;
      });
  RetentionItem next;
  next.verified = true;
  if (newest == items.end()) return next;
  next.size_bytes = newest->size_bytes;
  next.epoch = newest->epoch;
  return next;
}

}  // namespace

bool GoesByDates(const RetentionPolicy& policy) {
  return Number(policy.retention_days) > 0 || HasBuckets(policy);
}

uint64_t BytesBeyondCap(const std::vector<RetentionItem>& items,
                        const std::vector<RetentionDecision>& decisions,
                        const RetentionPolicy& policy) {
  const uint64_t cap = policy.max_bytes.value_or(0);
  uint64_t sum = 0;
  for (size_t i = 0; i < items.size(); i++) {
    const RetentionItem& item = items[i];
    const bool counts = decisions[i].keep && item.whose == Whose::kOwn &&
                        item.local && !item.foreign && !item.unreadable;
    if (counts) sum += item.size_bytes;
  }
  return cap == 0 || sum <= cap ? 0 : sum - cap;
}

std::vector<RetentionItem> RetentionItems(
    const Listing& listing, const std::vector<std::string>& in_use,
    const std::string& restored) {
  const std::set<std::string_view> used(in_use.begin(), in_use.end());
  std::vector<RetentionItem> items;
  items.reserve(listing.size());
  for (const Listing::Entry& entry : listing.entries()) {
    items.push_back({
        .name = entry->name,
        .created = entry->created(),
        .order_time = entry->order_time(),
        .covered_until = entry->covered_until.value_or(Time()),
        .size_bytes = entry->size_bytes,
        .epoch = entry->manifest ? entry->manifest->db_epoch : "",
        .whose = WhoseIs(listing, *entry),
        .local = entry->is_local(),
        .pinned = entry->pinned,
        .foreign = entry->foreign,
        .unreadable = !entry->manifest && !entry->foreign,
        .damaged = entry->damaged(),
        .verified = entry->verified(),
        .in_use = used.contains(entry->name),
        .restored = entry->name == restored,
    });
  }
  return items;
}

std::vector<RetentionDecision> DecideRetention(
    const std::vector<RetentionItem>& items, const RetentionPolicy& policy,
    Time now) {
  Rules rules(items, policy, /*explain=*/true);
  rules.Decide(now);
  std::vector<RetentionDecision> decisions;
  decisions.reserve(items.size());
  for (Candidate* const one : rules.candidates()) {
    auto& reasons = one->keep ? one->reasons->pro : one->reasons->contra;
    decisions.push_back({one->item->name, one->keep, std::move(reasons)});
  }
  return decisions;
}

RetentionForecast ForecastRetention(const std::vector<RetentionItem>& items,
                                    const RetentionPolicy& policy, Time now,
                                    std::vector<Time> future_backups,
                                    std::chrono::days horizon) {
  RetentionForecast forecast;
  auto& removals = forecast.removals;
  removals.resize(items.size());
  std::vector<RetentionItem> present = items;
  Rules rules(present, policy, /*explain=*/false);
  size_t steps = 0;
  const auto rotate = [&](Time time) {
    steps += rules.candidates().size();
    rules.Decide(time);
    rules.ExplainRemoved();
    for (const Candidate* const one : rules.candidates()) {
      const bool present_one = one->index < removals.size();
      if (!present_one || one->keep) continue;
      removals[one->index] = {time, std::move(one->reasons->contra)};
    }
    rules.ForgetRemoved();
    forecast.until = time;
  };
  rotate(now);
  for (RetentionItem& item : present) item.in_use = item.restored = false;
  std::sort(future_backups.begin(), future_backups.end());
  RetentionItem next = Successor(items);
  for (const Time time : future_backups) {
    if (time <= now || time > now + horizon) continue;
    if (steps > kMostSteps) return forecast;
    next.created = next.order_time = time;
    rules.AddNewest(next);
    rotate(time);
  }
  forecast.until = now + horizon;
  return forecast;
}

}  // namespace levelkeep
