#include "format/manifest.h"

#include <nlohmann/json.hpp>

#include "base/file_system.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/file_name.h"
#include "format/repeated_name.h"

namespace levelkeep {
namespace {

using nlohmann::json;

// Space to reserve for the line of a file, and for everything else.
constexpr size_t kFileLineBytes = 136;
constexpr size_t kOtherBytes = 4096;

std::string Field(const char* name, const std::string& value,
                  const char* indent = "  ") {
  std::string text = std::string(indent) + "\"" + name + "\": ";
  AppendQuoted(value, &text);
  return text + ",\n";
}

std::string Field(const char* name, uint64_t value, const char* indent = "  ") {
  return std::string(indent) + "\"" + name + "\": " + std::to_string(value) +
         ",\n";
}

// Removes the comma after the last field of an object.
void DropLastComma(std::string* text) {
  const size_t comma = text->rfind(',');
  if (comma != std::string::npos) text->erase(comma, 1);
}

std::string_view NameWithin(const ManifestFile& file) { return file.name; }
std::string NameWithin(const TocFile& file) { return BaseName(file.name); }

template <typename File>
void AppendFiles(const std::vector<File>& files, std::string* text) {
  if (files.empty()) {
    *text += "    \"files\": []\n";
    return;
  }
  // With a hundred thousand files, the text must not grow by doubling.
  text->reserve(text->size() + files.size() * kFileLineBytes + kOtherBytes);
  *text += "    \"files\": [\n";
  for (const File& file : files) {
    *text += "      {\"name\": ";
    AppendQuoted(NameWithin(file), text);
    *text += ", \"size\": ";
    *text += std::to_string(file.size_bytes);
    *text += ", \"sha256\": \"";
    *text += file.sha256.Hex();
    *text += "\"},\n";
  }
  DropLastComma(text);
  *text += "    ]\n";
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

// The fields of a file, in the order of FileFieldNames().
enum FileField : size_t { kName, kSize, kSha256 };
const std::vector<std::string_view>& FileFieldNames() {
  static const auto* const kNames =
      new std::vector<std::string_view>{"name", "size", "sha256"};
  return *kNames;
}

Result<ManifestFile> DecodeFile(const JsonElement& object) {
  ManifestFile file;
  LEVELKEEP_ASSIGN_OR_RETURN(file.name, object.RequireText(kName));
  LEVELKEEP_ASSIGN_OR_RETURN(file.size_bytes, object.RequireUint(kSize));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string_view digest,
                             object.RequireText(kSha256));
  const std::optional<Sha256> sha256 = Sha256::FromHex(digest);
  if (!sha256) {
    return Status(StatusCode::kCorruption,
                  "field \"sha256\" is not a hex number of the right length");
  }
  file.sha256 = *sha256;
  if (!IsBackedUp(ParseDbFileName(file.name).kind)) {
    return Status(StatusCode::kCorruption,
                  "\"" + Printable(file.name) + "\" is not a database file");
  }
  return file;
}

// Whether `name` is a single component of a path, other than "." and "..".
bool IsFlatName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) ==
             std::string_view::npos;
}

Status CheckNamesDiffer(const std::vector<ManifestFile>& files) {
  const auto twice = FindRepeatedName(files);
  if (!twice) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "\"" + Printable(*twice) + "\" is listed twice");
}

// The files are in `manifest` already; `elements` is the result of reading
// them.
Status DecodeDb(const json& db, const Status& elements, Manifest* manifest) {
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->db_name, RequireText(db, "name"));
  if (!IsFlatName(manifest->db_name)) {
    return Status(StatusCode::kCorruption,
                  "\"" + Printable(manifest->db_name) +
                      "\" can't be the name of a database folder");
  }
  for (const auto& [name, field] :
       {std::pair("id", &manifest->db_id),
        std::pair("parent", &manifest->db_parent)}) {
    if (!db.contains(name)) continue;
    LEVELKEEP_ASSIGN_OR_RETURN(*field, RequireHex(db, name, 32));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->db_epoch, RequireText(db, "epoch"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->comparator,
                             RequireText(db, "comparator"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->last_sequence,
                             RequireUint(db, "last_sequence"));
  if (db.contains("largest_record")) {
    LEVELKEEP_ASSIGN_OR_RETURN(manifest->largest_record,
                               RequireUint(db, "largest_record"));
  }
  LEVELKEEP_RETURN_IF_ERROR(RequireList(db, "files"));
  LEVELKEEP_RETURN_IF_ERROR(elements);
  return CheckNamesDiffer(manifest->files);
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

Result<Time> DecodeTime(const json& root, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text, RequireText(root, name));
  const Result<Time> time = ParseTime(text);
  if (time.ok()) return time;
  return Status(
      StatusCode::kCorruption,
      "\"" + std::string(name) + "\" is not a time: " + Printable(text));
}

Status DecodeOptionalParts(const json& root, Manifest* manifest) {
  if (root.contains("order_time")) {
    LEVELKEEP_ASSIGN_OR_RETURN(manifest->order_time,
                               DecodeTime(root, "order_time"));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->label, OptionalText(root, "label"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->hostname,
                             OptionalText(root, "hostname"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->levelkeep_version,
                             OptionalText(root, "levelkeep_version"));
  if (root.contains("events")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* events,
                               RequireObject(root, "events"));
    LEVELKEEP_RETURN_IF_ERROR(
        DecodeEvents(*events, manifest).WithContext("events"));
  }
  if (root.contains("previous")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const json* previous,
                               RequireObject(root, "previous"));
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
                      ", but this LevelKeep reads only up to " +
                      std::to_string(kManifestFormatVersion),
                  "read it with the LevelKeep that wrote it, or a newer one");
  }
  if (version < 1) {
    return Status(StatusCode::kCorruption, "format_version is 0");
  }
  return Status::Ok();
}

enum class Files { kKeep, kOnlyCheck };

Result<Manifest> DecodeText(std::string_view text, Files kept,
                            size_t expected_files) {
  Manifest manifest;
  manifest.files.reserve(expected_files);
  const JsonList files = {
      {"db", "files"},
      FileFieldNames(),
      [&manifest] { manifest.files.clear(); },
      [&manifest, kept](const JsonElement& element) -> Status {
        LEVELKEEP_ASSIGN_OR_RETURN(ManifestFile file, DecodeFile(element));
        if (const DbFileName name = ParseDbFileName(file.name);
            name.kind == DbFileKind::kManifest) {
          manifest.manifest_number = name.number;
        }
        if (kept == Files::kKeep) manifest.files.push_back(std::move(file));
        return Status::Ok();
      }};
  Status taken;
  LEVELKEEP_ASSIGN_OR_RETURN(
      const json root, ParseJsonList(text, "the manifest", files, &taken));
  LEVELKEEP_RETURN_IF_ERROR(CheckFormatVersion(root));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.id, RequireHex(root, "id", 32));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.created, DecodeTime(root, "created"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.trigger, RequireText(root, "trigger"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.snapshot_method,
                             RequireText(root, "snapshot_method"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.took_ms, RequireUint(root, "took_ms"));
  LEVELKEEP_ASSIGN_OR_RETURN(manifest.source_bytes,
                             RequireUint(root, "source_bytes"));
  LEVELKEEP_ASSIGN_OR_RETURN(const json* db, RequireObject(root, "db"));
  LEVELKEEP_RETURN_IF_ERROR(DecodeDb(*db, taken, &manifest).WithContext("db"));
  LEVELKEEP_RETURN_IF_ERROR(DecodeOptionalParts(root, &manifest));
  return manifest;
}

template <typename File>
std::string Encode(const Manifest& manifest, const std::vector<File>& files) {
  std::string text = "{\n";
  text += Field("format_version", uint64_t{kManifestFormatVersion});
  text += Field("id", manifest.id);
  text += Field("created", FormatTime(manifest.created));
  if (manifest.order_time) {
    text += Field("order_time", FormatTime(*manifest.order_time));
  }
  text += Field("label", manifest.label);
  text += Field("trigger", manifest.trigger);
  text += Field("hostname", manifest.hostname);
  text += Field("levelkeep_version", manifest.levelkeep_version);
  text += Field("snapshot_method", manifest.snapshot_method);
  text += "  \"db\": {\n";
  text += Field("name", manifest.db_name, "    ");
  if (!manifest.db_id.empty()) text += Field("id", manifest.db_id, "    ");
  text += Field("epoch", manifest.db_epoch, "    ");
  if (!manifest.db_parent.empty()) {
    text += Field("parent", manifest.db_parent, "    ");
  }
  text += Field("comparator", manifest.comparator, "    ");
  text += Field("last_sequence", manifest.last_sequence, "    ");
  if (manifest.largest_record > 0) {
    text += Field("largest_record", manifest.largest_record, "    ");
  }
  AppendFiles(files, &text);
  text += "  },\n";
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
  text += "}\n";
  return text;
}

}  // namespace

bool CountsWrites(const Manifest& manifest) {
  return manifest.snapshot_method != "logical";
}

Manifest ManifestForListing(const Manifest& full) {
  Manifest manifest;
  manifest.created = full.created;
  manifest.order_time = full.order_time;
  manifest.label = full.label;
  manifest.trigger = full.trigger;
  manifest.snapshot_method = full.snapshot_method;
  manifest.db_name = full.db_name;
  manifest.db_id = full.db_id;
  manifest.db_epoch = full.db_epoch;
  manifest.manifest_number = full.manifest_number;
  manifest.last_sequence = full.last_sequence;
  manifest.events = full.events;
  manifest.took_ms = full.took_ms;
  manifest.source_bytes = full.source_bytes;
  return manifest;
}

std::string EncodeManifest(const Manifest& manifest) {
  return Encode(manifest, manifest.files);
}

std::string EncodeManifestOf(const Manifest& manifest,
                             const std::vector<TocFile>& archived) {
  return Encode(manifest, archived);
}

Result<Manifest> DecodeManifest(std::string_view text, size_t expected_files) {
  Result<Manifest> manifest = DecodeText(text, Files::kKeep, expected_files);
  if (manifest.ok()) return manifest;
  return manifest.status().WithContext(std::string(kManifestEntryName));
}

Status CheckManifest(std::string_view text) {
  return DecodeText(text, Files::kOnlyCheck, 0)
      .status()
      .WithContext(std::string(kManifestEntryName));
}

}  // namespace levelkeep
