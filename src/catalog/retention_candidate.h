// One backup while retention decides.

#ifndef LEVELKEEP_CATALOG_RETENTION_CANDIDATE_H_
#define LEVELKEEP_CATALOG_RETENTION_CANDIDATE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "catalog/retention.h"

namespace levelkeep {

inline constexpr size_t kBucketKinds = 4;

// See DecideRetention.
enum class Trust { kTrusted, kDoubtful, kDamaged };

struct RetentionReasons {
  std::vector<std::string> pro, contra;
};

// The values up to `history` are set once, the others by each decision.
struct RetentionCandidate {
  const RetentionItem* item = nullptr;
  size_t index = 0;           // in the order in which candidates were added
  std::chrono::sys_days day;  // when it was made, in the policy's zone
  // The preferred day of its bucket of each kind.
  std::array<std::chrono::sys_days, kBucketKinds> buckets;
  size_t history = 0;  // equal for equal epochs

  bool own = false;      // in this place, with a date that can be used
  bool counted = false;  // a rule may remove it
  Trust trust = Trust::kDoubtful;
  // How many newer trusted ones there are, or trusted and doubtful ones.
  int newer_trusted = 0, newer_good = 0;
  bool keep = true;
  bool floor = false;  // BACKUP_MAX_BYTES must not remove it
  std::unique_ptr<RetentionReasons> reasons;  // null: nobody wants them

  bool readable() const { return !item->foreign && !item->unreadable; }
  bool trusted() const { return trust == Trust::kTrusted; }
  bool good() const { return trust != Trust::kDamaged; }
  // How many of the newer backups it competes with.
  int newer() const { return trusted() ? newer_trusted : newer_good; }

  // `text` is a function, which is called only if reasons are wanted.
  template <typename Text>
  void Keep(const Text& text) {
    keep = true;
    if (reasons) reasons->pro.push_back(text());
  }
  template <typename Text>
  void KeepAsFloor(const Text& text) {
    floor = true;
    Keep(text);
  }
  // Says why a rule does not want it, which matters if none does.
  template <typename Text>
  void Against(const Text& text) {
    if (reasons && !keep) reasons->contra.push_back(text());
  }
};

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_CANDIDATE_H_
