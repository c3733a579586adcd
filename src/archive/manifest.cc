#include "archive/manifest.h"

#include <nlohmann/json.hpp>
#include <set>

#include "archive/json_fields.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/file_name.h"

namespace levelkeep {
namespace {

using nlohmann::json;

// A JSON string; bytes that are not UTF-8 become U+FFFD instead of throwing.
std::string Quote(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string Field(const char* name, const std::string& value,
                  const char* indent = "  ") {
  return std::string(indent) + "\"" + name + "\": " + Quote(value) + ",\n";
}

std::string Field(const char* name, uint64_t value, const char* indent = "  ") {
  return std::string(indent) + "\"" + name + "\": " + std::to_string(value) +
         ",\n";
}

// The comma after the last field of an object is one too many.
void DropLastComma(std::string* text) {
  const size_t comma = text->rfind(',');
  if (comma != std::string::npos) text->erase(comma, 1);
}

std::string EncodeFiles(const std::vector<ManifestFile>& files) {
  if (files.empty()) return "    \"files\": []\n";
  std::string text = "    \"files\": [\n";
  for (const ManifestFile& file : files) {
    text += "      {\"name\": " + Quote(file.name) +
            ", \"size\": " + std::to_string(file.size_bytes) +
            ", \"sha256\": " + Quote(file.sha256) + "},\n";
  }
  DropLastComma(&text);
  return text + "    ]\n";
}

std::string EncodeEvents(const ManifestEvents& events) {
  std::string text = "  \"events\": {\n";
  text += Field("count", events.count, "    ");
  text += Field("first", events.first, "    ");
  text += Field("last", events.last, "    ");
  text += Field("first_time", events.first_time, "    ");
  text += Field("last_time", events.last_time, "    ");
  DropLastComma(&text);
  return text + "  },\n";
}

Result<ManifestFile> DecodeFile(const json& object) {
  ManifestFile file;
  LEVELKEEP_ASSIGN_OR_RETURN(file.name, RequireText(object, "name"));
  LEVELKEEP_ASSIGN_OR_RETURN(file.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(file.sha256, RequireHex(object, "sha256", 64));
  if (!IsBackedUp(ParseDbFileName(file.name).kind)) {
    return Status(StatusCode::kCorruption,
                  "\"" + Printable(file.name) + "\" is no database file");
  }
  return file;
}

Status DecodeDb(const json& db, Manifest* manifest) {
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->db_name, RequireText(db, "name"));
  if (!IsFlatName(manifest->db_name)) {
    return Status(StatusCode::kCorruption,
                  "\"" + Printable(manifest->db_name) +
                      "\" can't be the name of a database folder");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->db_epoch, RequireText(db, "epoch"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->comparator,
                             RequireText(db, "comparator"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->last_sequence,
                             RequireUint(db, "last_sequence"));
  LEVELKEEP_ASSIGN_OR_RETURN(const json* files,
                             RequireMember(db, "files", json::value_t::array));
  std::set<std::string_view> names;
  manifest->files.reserve(files->size());
  for (const json& object : *files) {
    LEVELKEEP_ASSIGN_OR_RETURN(ManifestFile file, DecodeFile(object));
    manifest->files.push_back(std::move(file));
  }
  for (const ManifestFile& file : manifest->files) {
    if (!names.insert(file.name).second) {
      return Status(StatusCode::kCorruption,
                    "\"" + file.name + "\" is listed twice");
    }
  }
  return Status::Ok();
}

Status DecodeEvents(const json& events, Manifest* manifest) {
  ManifestEvents decoded;
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.count, RequireUint(events, "count"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.first, RequireUint(events, "first"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.last, RequireUint(events, "last"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.first_time,
                             OptionalText(events, "first_time"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.last_time,
                             OptionalText(events, "last_time"));
  manifest->events = std::move(decoded);
  return Status::Ok();
}

Status DecodeOptionalParts(const json& root, Manifest* manifest) {
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->label, OptionalText(root, "label"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->hostname,
                             OptionalText(root, "hostname"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->levelkeep_version,
                             OptionalText(root, "levelkeep_version"));
  if (root.contains("events")) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const json* events,
        RequireMember(root, "events", json::value_t::object));
    LEVELKEEP_RETURN_IF_ERROR(
        DecodeEvents(*events, manifest).WithContext("events"));
  }
  if (root.contains("previous")) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const json* previous,
        RequireMember(root, "previous", json::value_t::object));
    LEVELKEEP_ASSIGN_OR_RETURN(manifest->previous_name,
                               RequireText(*previous, "name"));
    LEVELKEEP_ASSIGN_OR_RETURN(manifest->previous_sha256,
                               RequireHex(*previous, "sha256", 64));
  }
  return Status::Ok();
}

Status CheckFormatVersion(const json& root) {
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t version,
                             RequireUint(root, "format_version"));
  if (version > kManifestFormatVersion) {
    return Status(StatusCode::kUnsupported,
                  "the backup has format_version " + std::to_string(version) +
                      ", this LevelKeep reads up to " +
                      std::to_string(kManifestFormatVersion),
                  "read it with the LevelKeep that wrote it, or a newer one");
  }
  if (version < 1) {
    return Status(StatusCode::kCorruption, "format_version is 0");
  }
  return Status::Ok();
}

Result<Manifest> DecodeParsed(const json& root) {
  LEVELKEEP_RETURN_IF_ERROR(CheckFormatVersion(root));
  Manifest manifest;
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.id, RequireHex(root, "id", 32));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string created,
                             RequireText(root, "created"));
  Result<Time> time = ParseTime(created);
  if (!time.ok()) {
    return Status(StatusCode::kCorruption,
                  "\"created\" is no time: " + Printable(created));
  }
  manifest.created = *time;
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.trigger, RequireText(root, "trigger"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.snapshot_method,
                             RequireText(root, "snapshot_method"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.took_ms, RequireUint(root, "took_ms"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.source_bytes,
                             RequireUint(root, "source_bytes"));
  LEVELKEEP_ASSIGN_OR_RETURN(const json* db,
                             RequireMember(root, "db", json::value_t::object));
  LEVELKEEP_RETURN_IF_ERROR(DecodeDb(*db, &manifest).WithContext("db"));
  LEVELKEEP_RETURN_IF_ERROR(DecodeOptionalParts(root, &manifest));
  return manifest;
}

}  // namespace

std::string EncodeManifest(const Manifest& manifest) {
  std::string text = "{\n";
  text += Field("format_version", uint64_t{kManifestFormatVersion});
  text += Field("id", manifest.id);
  text += Field("created", FormatTime(manifest.created));
  text += Field("label", manifest.label);
  text += Field("trigger", manifest.trigger);
  text += Field("hostname", manifest.hostname);
  text += Field("levelkeep_version", manifest.levelkeep_version);
  text += Field("snapshot_method", manifest.snapshot_method);
  text += "  \"db\": {\n";
  text += Field("name", manifest.db_name, "    ");
  text += Field("epoch", manifest.db_epoch, "    ");
  text += Field("comparator", manifest.comparator, "    ");
  text += Field("last_sequence", manifest.last_sequence, "    ");
  text += EncodeFiles(manifest.files) + "  },\n";
  if (manifest.events) text += EncodeEvents(*manifest.events);
  if (!manifest.previous_name.empty()) {
    text += "  \"previous\": {\n";
    text += Field("name", manifest.previous_name, "    ");
    text += Field("sha256", manifest.previous_sha256, "    ");
    DropLastComma(&text);
    text += "  },\n";
  }
  text += Field("took_ms", manifest.took_ms);
  text += Field("source_bytes", manifest.source_bytes);
  DropLastComma(&text);
  return text + "}\n";
}

Result<Manifest> DecodeManifest(std::string_view text) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json root,
                             ParseJsonObject(text, "the manifest"));
  Result<Manifest> manifest = DecodeParsed(root);
  if (!manifest.ok()) {
    return manifest.status().WithContext("levelkeep-manifest.json");
  }
  return manifest;
}

}  // namespace levelkeep
