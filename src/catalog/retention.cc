#include "catalog/retention.h"

#include <algorithm>
#include <optional>
#include <set>

namespace levelkeep {

namespace {

enum class Trust { kTrusted, kDoubtful, kDamaged };

Trust TrustOf(const CatalogEntry& entry, const RetentionPolicy& policy,
              Time now) {
  if (entry.damaged()) return Trust::kDamaged;
  if (entry.verified() || !policy.verification_expected) {
    return Trust::kTrusted;
  }
  // A time in the future means that a clock is wrong; such a backup gets no
  // grace, which only keeps more backups.
  const auto age = now - entry.created();
  const bool waits =
      age >= Time::duration::zero() && age < policy.verification_grace;
  return waits ? Trust::kTrusted : Trust::kDoubtful;
}

// Walks from the newest to the oldest backup and counts.
class Decider {
 public:
  Decider(const Listing& listing, const RetentionPolicy& policy,
          const std::vector<std::string>& protect, Time now)
      : listing_(listing),
        policy_(policy),
        max_(std::max(policy.max_backups, 1)),
        protect_(protect),
        now_(now) {}

  RotationDecision Decide(const CatalogEntry& entry) {
    RotationDecision decision{entry.name, ""};
    if (!listing_.owner().known) {
      decision.reason = "no database here shows which backups are its own";
      return decision;
    }
    if (!entry.is_local()) {
      decision.reason = "its archive is in another destination only";
      return decision;
    }
    if (!listing_.IsOwn(entry)) {
      decision.reason = listing_.IsOther(entry)
                            ? "of another database"
                            : "does not say of which database it is";
      return decision;
    }
    const bool newest_verified = entry.verified() && !seen_verified_;
    const bool last_of_history = EndsHistory(entry);
    if (entry.verified()) seen_verified_ = true;
    if (entry.pinned) {
      decision.reason = "pinned";
    } else if (entry.foreign) {
      decision.reason = "not made by LevelKeep";
    } else if (!entry.manifest) {
      decision.reason = "unreadable";
    } else {
      decision.keep = KeepCounted(entry, &decision.reason);
      if (!decision.keep && newest_verified) {
        decision = {entry.name, "newest verified backup"};
      } else if (!decision.keep && last_of_history) {
        decision = {entry.name,
                    "newest verified backup of its history, within "
                    "BACKUP_HISTORY_DAYS=" +
                        std::to_string(policy_.history.count())};
      } else if (!decision.keep && InUse(entry.name)) {
        decision = {entry.name, "in use"};
      }
    }
    return decision;
  }

 private:
  bool InUse(const std::string& name) const {
    return std::ranges::find(protect_, name) != protect_.end();
  }

  // True for the newest verified backup of a history that ended not long ago. A
  // history ends when the next history's first backup is made: the last one
  // that was passed of another history.
  bool EndsHistory(const CatalogEntry& entry) {
    if (!entry.manifest) return false;
    const std::string& epoch = entry.manifest->db_epoch;
    if (epoch != epoch_) {
      ended_ = passed_;
      epoch_ = epoch;
    }
    passed_ = entry.order_time();
    if (!entry.verified() || !ended_) return false;
    if (!seen_histories_.insert(epoch).second) return false;
    return now_ - *ended_ < policy_.history;
  }

  bool KeepCounted(const CatalogEntry& entry, std::string* reason) {
    const std::string limit = "MAX_BACKUPS=" + std::to_string(max_);
    const Trust trust = TrustOf(entry, policy_, now_);
    const int newer_good = trusted_ + doubtful_;
    const int newer = trust == Trust::kTrusted ? trusted_ : newer_good;
    if (trust == Trust::kTrusted) trusted_++;
    if (trust == Trust::kDoubtful) doubtful_++;
    if (newer < max_) {
      if (trust == Trust::kDamaged) {
        *reason = "damaged, but fewer than " + limit + " newer good ones";
      } else if (newer_good >= max_) {
        *reason = "kept until newer ones are verified";
      } else {
        *reason = "within " + limit;
      }
      return true;
    }
    *reason = trust == Trust::kDamaged ? "damaged, and beyond " + limit
                                       : "beyond " + limit;
    return false;
  }

  const Listing& listing_;
  const RetentionPolicy& policy_;
  const int max_;
  const std::vector<std::string>& protect_;
  const Time now_;
  // Counts of the backups passed so far, which are newer than the current one.
  int trusted_ = 0;
  int doubtful_ = 0;
  bool seen_verified_ = false;
  std::string epoch_;                     // of the last backup passed
  std::optional<Time> passed_;            // when that backup was made
  std::optional<Time> ended_;             // when history epoch_ ended
  std::set<std::string> seen_histories_;  // those with a verified backup
};

}  // namespace

std::vector<RotationDecision> DecideRetention(
    const Listing& listing, const RetentionPolicy& policy,
    const std::vector<std::string>& protect, Time now) {
  Decider decider(listing, policy, protect, now);
  std::vector<RotationDecision> decisions;
  decisions.reserve(listing.size());
  for (const Listing::Entry& entry : listing.entries()) {
    decisions.push_back(decider.Decide(*entry));
  }
  return decisions;
}

}  // namespace levelkeep
