#include "format/backup_state.h"

#include <array>
#include <nlohmann/json.hpp>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

// In the order of VerifyDepth.
constexpr std::array<std::string_view, 3> kDepthNames = {"structure",
                                                         "checksums", "full"};

using Json = nlohmann::ordered_json;

Status Damaged(const std::string& what) {
  return Status(StatusCode::kCorruption, "state of a backup: " + what);
}

Result<VerifyRecord> DecodeVerification(const Json& json) {
  const auto text = [&](const char* key) -> std::string {
    const auto it = json.find(key);
    return it != json.end() && it->is_string() ? it->get<std::string>() : "";
  };
  VerifyRecord record;
  const auto depth = ParseVerifyDepth(text("depth"));
  if (!depth) return Damaged("\"depth\" is none of ours");
  record.depth = *depth;
  const auto passed = json.find("passed");
  if (passed == json.end() || !passed->is_boolean()) {
    return Damaged("\"passed\" is missing");
  }
  record.passed = passed->get<bool>();
  LEVELKEEP_ASSIGN_OR_RETURN(record.at, ParseTime(text("at")));
  record.message = text("message");
  return record;
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
  auto json = Json::object();
  json["format_version"] = 1;
  json["pinned"] = state.pinned;
  if (state.verification) {
    const VerifyRecord& record = *state.verification;
    auto verification = Json::object();
    verification["depth"] = VerifyDepthName(record.depth);
    verification["passed"] = record.passed;
    verification["at"] = FormatTime(record.at);
    verification["message"] = record.message;
    verification["size"] = state.size_bytes;
    verification["mtime_ns"] = state.mtime_ns;
    verification["sha256"] = state.sha256;
    json["verification"] = std::move(verification);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<BackupState> DecodeBackupState(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Damaged("is not a JSON object");
  BackupState state;
  const auto pinned = json.find("pinned");
  if (pinned == json.end() || !pinned->is_boolean()) {
    return Damaged("\"pinned\" is missing");
  }
  state.pinned = pinned->get<bool>();
  const auto verification = json.find("verification");
  if (verification == json.end()) return state;
  if (!verification->is_object()) {
    return Damaged("\"verification\" is not an object");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(state.verification,
                             DecodeVerification(*verification));
  const auto size = verification->find("size");
  const auto mtime = verification->find("mtime_ns");
  const auto sha256 = verification->find("sha256");
  if (size == verification->end() || !size->is_number_unsigned() ||
      mtime == verification->end() || !mtime->is_number_integer() ||
      sha256 == verification->end() || !sha256->is_string()) {
    return Damaged("the verification does not say of which archive");
  }
  state.size_bytes = size->get<uint64_t>();
  state.mtime_ns = mtime->get<int64_t>();
  state.sha256 = sha256->get<std::string>();
  return state;
}

bool SupersedesVerification(const VerifyRecord& old, const VerifyRecord& next) {
  return !next.passed || next.depth >= old.depth;
}

}  // namespace levelkeep
