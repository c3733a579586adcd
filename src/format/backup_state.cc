#include "format/backup_state.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

// In the order of VerifyDepth.
constexpr std::array<std::string_view, 3> kDepthNames = {"structure",
                                                         "checksums", "full"};

using nlohmann::json;

Result<VerifyRecord> DecodeVerification(const json& verification) {
  VerifyRecord record;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string depth,
                             RequireText(verification, "depth"));
  const auto known = ParseVerifyDepth(depth);
  if (!known) {
    return Status(StatusCode::kCorruption, "field \"depth\" is none of ours");
  }
  record.depth = *known;
  LEVELKEEP_ASSIGN_OR_RETURN(record.passed,
                             RequireBool(verification, "passed"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string at,
                             RequireText(verification, "at"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.at, ParseTime(at));
  LEVELKEEP_ASSIGN_OR_RETURN(record.message,
                             OptionalText(verification, "message"));
  return record;
}

Result<NotChecked> DecodeNotChecked(const json& object) {
  NotChecked record;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string at, RequireText(object, "at"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.at, ParseTime(at));
  LEVELKEEP_ASSIGN_OR_RETURN(record.reason, RequireText(object, "reason"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.times, RequireUint(object, "times"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.mtime_ns, RequireInt(object, "mtime_ns"));
  return record;
}

Result<BackupState> Decode(std::string_view text) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json root, ParseJson(text, "it"));
  BackupState state;
  LEVELKEEP_ASSIGN_OR_RETURN(state.pinned, RequireBool(root, "pinned"));
  if (root.contains("not_checked")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* not_checked,
                               RequireObject(root, "not_checked"));
    LEVELKEEP_ASSIGN_OR_RETURN(state.not_checked,
                               DecodeNotChecked(*not_checked));
  }
  if (!root.contains("verification")) return state;
  LEVELKEEP_ASSIGN_OR_RETURN(const json* verification,
                             RequireObject(root, "verification"));
  LEVELKEEP_ASSIGN_OR_RETURN(state.verification,
                             DecodeVerification(*verification));
  LEVELKEEP_ASSIGN_OR_RETURN(state.size_bytes,
                             RequireUint(*verification, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(state.mtime_ns,
                             RequireInt(*verification, "mtime_ns"));
  LEVELKEEP_ASSIGN_OR_RETURN(state.sha256,
                             RequireText(*verification, "sha256"));
  return state;
}

}  // namespace

std::string VerifyDepthName(VerifyDepth depth) {
  return std::string(kDepthNames.at(static_cast<size_t>(depth)));
}

std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text) {
  for (VerifyDepth depth :
       {VerifyDepth::kStructure, VerifyDepth::kChecksums, VerifyDepth::kFull}) {
    if (text == VerifyDepthName(depth)) return depth;
  }
  return std::nullopt;
}

std::string EncodeBackupState(const BackupState& state) {
  auto root = nlohmann::ordered_json::object();
  root["format_version"] = 1;
  root["pinned"] = state.pinned;
  if (state.verification) {
    const VerifyRecord& record = *state.verification;
    auto verification = nlohmann::ordered_json::object();
    verification["depth"] = VerifyDepthName(record.depth);
    verification["passed"] = record.passed;
    verification["at"] = FormatTime(record.at);
    verification["message"] = record.message;
    verification["size"] = state.size_bytes;
    verification["mtime_ns"] = state.mtime_ns;
    verification["sha256"] = state.sha256;
    root["verification"] = std::move(verification);
  }
  if (state.not_checked) {
    auto not_checked = nlohmann::ordered_json::object();
    not_checked["at"] = FormatTime(state.not_checked->at);
    not_checked["reason"] = state.not_checked->reason;
    not_checked["times"] = state.not_checked->times;
    not_checked["size"] = state.not_checked->size_bytes;
    not_checked["mtime_ns"] = state.not_checked->mtime_ns;
    root["not_checked"] = std::move(not_checked);
  }
  return DumpJson(root, 2) + "\n";
}

Result<BackupState> DecodeBackupState(std::string_view text) {
  Result<BackupState> state = Decode(text);
  if (state.ok()) return state;
  return Status(StatusCode::kCorruption,
                "state of a backup: " + state.status().message());
}

bool SupersedesVerification(const VerifyRecord& old, const VerifyRecord& next) {
  return !next.passed || next.depth >= old.depth;
}

std::chrono::minutes PauseBeforeRecheck(uint64_t times) {
  constexpr std::chrono::minutes kLongest{6 * 60};
  constexpr uint64_t kMostDoublings = 9;  // more than kLongest
  const uint64_t doublings = times == 0 ? 0 : times - 1;
  if (doublings >= kMostDoublings) return kLongest;
  return std::min(kLongest, std::chrono::minutes(int64_t{1} << doublings));
}

}  // namespace levelkeep
