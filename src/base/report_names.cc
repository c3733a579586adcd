#include "base/report_names.h"

#include <algorithm>
#include <array>

namespace levelkeep {
namespace {

// Each array is in the order of its enum.
constexpr std::array<std::string_view, 3> kDepths = {"structure", "checksums",
                                                     "full"};
constexpr std::array<std::string_view, 4> kStatuses = {"verified", "unverified",
                                                       "damaged", "unreadable"};
constexpr std::array<std::string_view, 6> kMethods = {
    "", "hot", "logical", "offline", "external", "other"};

constexpr std::array<std::string_view, 20> kHealthCodes = {
    "store_failed",       "store_closed",      "env_not_used",
    "check_missing",      "drop_not_restored", "backups_unreadable",
    "history_unverified", "backup_damaged",    "backup_not_checked",
    "backup_from_future", "backup_stale",      "backup_failed",
    "disk_low",           "disk_filling",      "notification_failed",
    "rotation_failed",    "cap_exceeded",      "job_stuck",
    "drill_failed",       "drill_missing"};
static_assert(kHealthCodes.size() ==
                  static_cast<size_t>(HealthCode::kDrillMissing) + 1,
              "each code has a word");

template <typename Enum, typename Names>
std::optional<Enum> Find(std::string_view text, const Names& names) {
  const auto* const found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view NameOf(VerifyDepth depth) {
  return kDepths.at(static_cast<size_t>(depth));
}

std::string_view NameOf(BackupStatus status) {
  return kStatuses.at(static_cast<size_t>(status));
}

std::string_view NameOf(SnapshotMethod method) {
  return kMethods.at(static_cast<size_t>(method));
}

std::string_view NameOf(HealthCode code) {
  return kHealthCodes.at(static_cast<size_t>(code));
}

std::optional<HealthCode> ParseHealthCode(std::string_view text) {
  return Find<HealthCode>(text, kHealthCodes);
}

std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text) {
  return Find<VerifyDepth>(text, kDepths);
}

SnapshotMethod ParseSnapshotMethod(std::string_view text) {
  return Find<SnapshotMethod>(text, kMethods).value_or(SnapshotMethod::kOther);
}

}  // namespace levelkeep
