#include "format/backup_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/report_names.h"
#include "base/status_macros.h"
#include "format/backup_name.h"

namespace levelkeep {
namespace {

using nlohmann::json;

Result<Time> RequireTime(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text, RequireText(object, name));
  return ParseTime(text);
}

Result<VerifyRecord> DecodeVerification(const json& verification) {
  VerifyRecord record;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string depth,
                             RequireText(verification, "depth"));
  const auto known = ParseVerifyDepth(depth);
  if (!known) {
    return Status(StatusCode::kCorruption,
                  "field \"depth\" has an unknown value");
  }
  record.depth = *known;
  LEVELKEEP_ASSIGN_OR_RETURN(record.passed,
                             RequireBool(verification, "passed"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.at, RequireTime(verification, "at"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.message,
                             OptionalText(verification, "message"));
  return record;
}

Result<NotChecked> DecodeNotChecked(const json& object) {
  NotChecked record;
  LEVELKEEP_ASSIGN_OR_RETURN(record.at, RequireTime(object, "at"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.reason, RequireText(object, "reason"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.times, RequireUint(object, "times"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(record.mtime_ns, RequireInt(object, "mtime_ns"));
  return record;
}

Result<Covered> DecodeCovered(const json& object) {
  Covered covered;
  LEVELKEEP_ASSIGN_OR_RETURN(covered.until, RequireTime(object, "until"));
  LEVELKEEP_ASSIGN_OR_RETURN(covered.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(covered.mtime_ns, RequireInt(object, "mtime_ns"));
  return covered;
}

Result<ManifestFacts> DecodeFacts(const json& object) {
  ManifestFacts facts;
  LEVELKEEP_ASSIGN_OR_RETURN(facts.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(facts.mtime_ns, RequireInt(object, "mtime_ns"));
  LEVELKEEP_ASSIGN_OR_RETURN(facts.sha256, RequireText(object, "sha256"));
  LEVELKEEP_ASSIGN_OR_RETURN(const json* manifest,
                             RequireObject(object, "manifest"));
  LEVELKEEP_ASSIGN_OR_RETURN(facts.manifest,
                             DecodeManifest(DumpJson(*manifest)));
  LEVELKEEP_ASSIGN_OR_RETURN(facts.manifest.manifest_number,
                             RequireUint(object, "manifest_number"));
  return facts;
}

Result<BackupCopy> DecodeCopy(const json& object) {
  BackupCopy copy;
  LEVELKEEP_ASSIGN_OR_RETURN(copy.destination,
                             RequireText(object, "destination"));
  LEVELKEEP_ASSIGN_OR_RETURN(copy.object, RequireText(object, "object"));
  LEVELKEEP_ASSIGN_OR_RETURN(copy.version, RequireText(object, "version"));
  LEVELKEEP_ASSIGN_OR_RETURN(copy.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(copy.sha256, RequireText(object, "sha256"));
  LEVELKEEP_ASSIGN_OR_RETURN(copy.at, RequireTime(object, "at"));
  return copy;
}

Status DecodeWhereAndWhat(const json& root, BackupState* state) {
  if (root.contains("facts")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* object,
                               RequireObject(root, "facts"));
    auto facts = DecodeFacts(*object);
    // Facts of a newer version are ignored; the archive itself is read.
    if (facts.status().code() != StatusCode::kUnsupported) {
      LEVELKEEP_ASSIGN_OR_RETURN(state->facts, std::move(facts));
    }
  }
  if (!root.contains("copies")) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(RequireList(root, "copies"));
  for (const json& object : root.at("copies")) {
    LEVELKEEP_ASSIGN_OR_RETURN(BackupCopy copy, DecodeCopy(object));
    state->copies.push_back(std::move(copy));
  }
  return Status::Ok();
}

Result<BackupState> Decode(std::string_view text) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json root, ParseJson(text, "it"));
  BackupState state;
  LEVELKEEP_ASSIGN_OR_RETURN(state.pinned, RequireBool(root, "pinned"));
  LEVELKEEP_ASSIGN_OR_RETURN(state.warning, OptionalText(root, "warning"));
  LEVELKEEP_RETURN_IF_ERROR(DecodeWhereAndWhat(root, &state));
  if (root.contains("not_checked")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* not_checked,
                               RequireObject(root, "not_checked"));
    LEVELKEEP_ASSIGN_OR_RETURN(state.not_checked,
                               DecodeNotChecked(*not_checked));
  }
  if (root.contains("covered")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* covered,
                               RequireObject(root, "covered"));
    LEVELKEEP_ASSIGN_OR_RETURN(state.covered, DecodeCovered(*covered));
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

std::string BackupOfState(std::string_view file_name) {
  constexpr std::string_view kSuffix = ".json";
  if (!file_name.ends_with(kSuffix)) return "";
  file_name.remove_suffix(kSuffix.size());
  return ParseBackupName(file_name) ? std::string(file_name) : "";
}

std::string EncodeBackupState(const BackupState& state) {
  nlohmann::ordered_json root;
  root["format_version"] = 1;
  root["pinned"] = state.pinned;
  if (!state.warning.empty()) root["warning"] = state.warning;
  if (state.verification) {
    const VerifyRecord& record = *state.verification;
    root["verification"] = {
        {"depth", NameOf(record.depth)}, {"passed", record.passed},
        {"at", FormatTime(record.at)},   {"message", record.message},
        {"size", state.size_bytes},      {"mtime_ns", state.mtime_ns},
        {"sha256", state.sha256}};
  }
  if (state.not_checked) {
    root["not_checked"] = {{"at", FormatTime(state.not_checked->at)},
                           {"reason", state.not_checked->reason},
                           {"times", state.not_checked->times},
                           {"size", state.not_checked->size_bytes},
                           {"mtime_ns", state.not_checked->mtime_ns}};
  }
  if (state.covered) {
    root["covered"] = {{"until", FormatTime(state.covered->until)},
                       {"size", state.covered->size_bytes},
                       {"mtime_ns", state.covered->mtime_ns}};
  }
  if (state.facts) {
    const Manifest& manifest = state.facts->manifest;
    root["facts"] = {
        {"size", state.facts->size_bytes},
        {"mtime_ns", state.facts->mtime_ns},
        {"sha256", state.facts->sha256},
        {"manifest_number", manifest.manifest_number},
        {"manifest", ParseJson(EncodeManifest(manifest), "it").value()}};
  }
  for (const BackupCopy& copy : state.copies) {
    root["copies"].push_back({{"destination", copy.destination},
                              {"object", copy.object},
                              {"version", copy.version},
                              {"size", copy.size_bytes},
                              {"sha256", copy.sha256},
                              {"at", FormatTime(copy.at)}});
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
