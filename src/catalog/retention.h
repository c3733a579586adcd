// Decides which backups stay: pure functions without disk access.

#ifndef LEVELKEEP_CATALOG_RETENTION_H_
#define LEVELKEEP_CATALOG_RETENTION_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "levelkeep/options.h"

namespace levelkeep {

class Listing;

// What the rules know of one backup in one place. Value type.
struct RetentionItem {
  enum class Whose {
    kOwn,
    kOther,     // of another database
    kNameless,  // does not say of which database
    kUnknown,   // there is no database here that could own backups
  };
  std::string name;
  Time created;
  Time order_time;  // see format/manifest.h; not before `created`
  // When a later backup was skipped, because this one had every write. Age and
  // buckets count from then, if it is after `created`.
  Time covered_until = {};
  uint64_t size_bytes = 0;
  std::string epoch;  // backups with one epoch are one history
  Whose whose = Whose::kOwn;
  bool local = true;        // its archive is in the place that is rotated
  bool pinned = false;      // stays until somebody unpins it
  bool foreign = false;     // not made by LevelKeep
  bool unreadable = false;  // has no readable manifest
  bool damaged = false;     // failed its verification
  bool verified = false;    // every byte was read and was right
  bool in_use = false;      // just made, or being read
  bool restored = false;    // was restored, and that can still be undone
};

// The items of a listing, in its order. `in_use` has names; `restored` is a
// name, or empty.
std::vector<RetentionItem> RetentionItems(
    const Listing& listing, const std::vector<std::string>& in_use = {},
    const std::string& restored = "");

// A number that is missing or below 1 is a rule that is not set.
struct RetentionPolicy {
  // Clocks differ by this much without being wrong.
  static constexpr std::chrono::minutes kClockTolerance{5};
  static constexpr int kDefaultMaxBackups =
      BackupOptions::Retention::kDefaultMaxBackups;

  std::optional<int> max_backups;     // MAX_BACKUPS
  std::optional<int> retention_days;  // BACKUP_RETENTION_DAYS
  // How many such buckets keep a backup each: BACKUP_DAILY_RETENTION,
  // BACKUP_WEEKLY_RETENTION, BACKUP_MONTHLY_RETENTION, BACKUP_YEARLY_RETENTION.
  std::optional<int> daily, weekly, monthly, yearly;
  std::optional<int> minimum;         // BACKUP_MINIMUM
  std::optional<uint64_t> max_bytes;  // BACKUP_MAX_BYTES
  // BACKUP_VERIFY. False: an unverified backup is as good as a verified one,
  // because nothing will verify it.
  bool verification_expected = true;
  // How long a new backup may wait for its verification before it stops
  // counting as a good one.
  std::chrono::minutes verification_grace{60};
  // BACKUP_HISTORY_DAYS: how long the newest verified backup of a history stays
  // after that history has ended.
  std::chrono::days history{30};
  // Local time minus UTC at a time, in the zone that days, weeks, months and
  // years are counted in. Empty: UTC.
  std::function<std::chrono::seconds(Time)> utc_offset;
};

struct RetentionDecision {
  std::string name;
  bool keep = true;
  // Why it stays, or why it goes: "daily 3 of 7 (2025-01-13)". Never empty; the
  // first one is the most important.
  std::vector<std::string> reasons;

  const std::string& reason() const { return reasons.front(); }
};

// Returns the decisions in the order of `items`, which are sorted newest first
// as a Listing is. Takes O(n log n).
//
// Some backups always stay and are not counted: those that are not the owner's
// (or all, without an owner), those in other places only, pinned ones, and
// files that LevelKeep did not write or can't read. The other backups are
//  - trusted: verified, or unverified and younger than `verification_grace`
//    (each backup is read back when it is made);
//  - doubtful: unverified and older than that, also if a check could not be
//    done;
//  - damaged: failed their verification.
//
// A backup stays if any rule that is set wants it. If none of the first six
// rules of the policy is set, MAX_BACKUPS acts with its default.
//
// MAX_BACKUPS: a trusted backup goes when `max_backups` newer trusted ones
// exist, a doubtful or damaged one when `max_backups` newer trusted or doubtful
// ones exist. So with working verification exactly the newest `max_backups`
// stay; without verification, up to `max_backups` doubtful ones collect, but
// they push out no verified one; damaged ones push out nothing.
// Age: what is younger than `retention_days` stays.
// Buckets: each of the newest N days, weeks, months and years that hold a
// trusted backup keeps one: a verified one if there is one, of these the one
// nearest to the last moment of the day, to Sunday, to the first of the month,
// to 1 January; of several on that day the last one. A week whose Sunday is yet
// to come keeps its nearest one without being counted. While verification is
// expected, the nearest backup stays also if it is not verified yet or
// doubtful; these are counted by themselves, and push out no verified one.
//
// Floors, which no rule goes below: the newest verified backup, what is in use,
// what was restored while that can be undone, and the newest `minimum` (at
// least 1) by the rule of MAX_BACKUPS. The newest verified backup of each
// history stays until `history` after the next history's first backup was made:
// a restore or a fork must not lose the state before it.
//
// `max_bytes` then removes the oldest backups that no floor holds until the sum
// of the others and the pinned ones fits. A damaged backup has no floor here.
//
// Of a backup that is dated in the future, by more than minutes, age and
// buckets know nothing: if one of these rules is set, it stays and counts for
// nothing. MAX_BACKUPS goes by the order of backups, which no clock changes.
std::vector<RetentionDecision> DecideRetention(
    const std::vector<RetentionItem>& items, const RetentionPolicy& policy,
    Time now);

// True if `policy` has a rule of age or of buckets, which go by dates.
bool GoesByDates(const RetentionPolicy& policy);

// By how many bytes the backups that stay exceed `max_bytes`, which floors and
// pins can cause; 0: they fit, or there is no cap. `decisions` are those of
// `items`.
uint64_t BytesBeyondCap(const std::vector<RetentionItem>& items,
                        const std::vector<RetentionDecision>& decisions,
                        const RetentionPolicy& policy);

// When a backup goes, and why: the reasons of a RetentionDecision.
struct RetentionRemoval {
  Time at;
  std::vector<std::string> reasons;
  bool operator==(const RetentionRemoval&) const = default;
};

struct RetentionForecast {
  // For each item its removal; no value: it is not removed by `until`.
  std::vector<std::optional<RetentionRemoval>> removals;
  Time until;  // `now` + `horizon`, or earlier: see ForecastRetention
};

// The first time at which each item would be removed: `now`, or one of
// `future_backups` (in any order) within `horizon`. At each of these a verified
// backup is added, as large as the newest one and of its history, and the rules
// are asked. What is not verified now is taken never to be; what is in use or
// was restored now is taken not to be later. 10,000 items and an hourly
// schedule for 30 days take a fraction of a second; a forecast that would take
// longer than about a second ends earlier.
RetentionForecast ForecastRetention(const std::vector<RetentionItem>& items,
                                    const RetentionPolicy& policy, Time now,
                                    std::vector<Time> future_backups,
                                    std::chrono::days horizon);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_H_
