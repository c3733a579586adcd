#include "format/manifest.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "base/file_system.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"

namespace levelkeep {

namespace {

using nlohmann::json;

// Room for the line of a file.
constexpr size_t kFileLineBytes = 136;
// Stands where the lines of the files come; no string in JSON holds it.
constexpr std::string_view kNoFiles = "\"files\": []";

// In lines of their own; of a hundred thousand no tree is made.
void AppendFiles(const std::vector<ManifestFile>& files, std::string* text) {
  // The text is not to grow by doubling.
  text->reserve(text->size() + (files.size() + 1) * kFileLineBytes);
  *text += "\"files\": [";
  for (const ManifestFile& file : files) {
    *text += &file == &files.front() ? "\n      {\"name\": "
                                     : ",\n      {\"name\": ";
    AppendQuoted(file.name, text);
    *text += ", \"size\": ";
    *text += std::to_string(file.size_bytes);
    *text += ", \"sha256\": \"";
    *text += file.sha256.Hex();
    *text += "\"}";
  }
  *text += "\n    ]";
}

Status BadManifest(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem);
}

Result<ManifestFile> DecodeFile(const json& object) {
  ManifestFile file;
  LEVELKEEP_ASSIGN_OR_RETURN(file.name, RequireText(object, "name"));
  LEVELKEEP_ASSIGN_OR_RETURN(file.size_bytes, RequireUint(object, "size"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string digest,
                             RequireText(object, "sha256"));
  const std::optional<Sha256> sha256 = Sha256::FromHex(digest);
  if (!sha256) {
    return BadManifest(
        "field \"sha256\" is not a hex number of the right length");
  }
  file.sha256 = *sha256;
  if (!IsBackedUp(ParseDbFileName(file.name).kind)) {
    return BadManifest("\"" + Printable(file.name) +
                       "\" is not a database file");
  }
  return file;
}

// Whether `name` is a single component of a path, other than "." and "..".
bool IsFlatName(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) ==
             std::string_view::npos;
}

// The files are in `manifest` already; `elements` is the result of reading
// them.
Status DecodeDb(const json& db, const Status& elements, Manifest* manifest) {
  LEVELKEEP_ASSIGN_OR_RETURN(manifest->db_name, RequireText(db, "name"));
  if (!IsFlatName(manifest->db_name)) {
    return BadManifest("\"" + Printable(manifest->db_name) +
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
  const auto twice = FindRepeatedName(manifest->files);
  if (!twice) return Status::Ok();
  return BadManifest("\"" + Printable(*twice) + "\" is listed twice");
}

Result<ManifestEvents> DecodeEvents(const json& events) {
  ManifestEvents decoded;
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.count, RequireUint(events, "count"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.first, RequireUint(events, "first"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.last, RequireUint(events, "last"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.first_time,
                             OptionalText(events, "first_time"));
  LEVELKEEP_ASSIGN_OR_RETURN(decoded.last_time,
                             OptionalText(events, "last_time"));
  return decoded;
}

Result<Time> DecodeTime(const json& root, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text, RequireText(root, name));
  const Result<Time> time = ParseTime(text);
  if (time.ok()) return time;
  return BadManifest("\"" + std::string(name) +
                     "\" is not a time: " + Printable(text));
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
    auto decoded = DecodeEvents(*events);
    if (!decoded.ok()) return decoded.status().WithContext("events");
    manifest->events = std::move(*decoded);
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
  return version == 0 ? BadManifest("format_version is 0") : Status::Ok();
}

Result<Manifest> DecodeText(std::string_view text) {
  Manifest manifest;
  const JsonList files = {
      {"db", "files"},
      [&manifest] { manifest.files.clear(); },
      [&manifest](const json& element) -> Status {
        LEVELKEEP_ASSIGN_OR_RETURN(ManifestFile file, DecodeFile(element));
        if (const DbFileName name = ParseDbFileName(file.name);
            name.kind == DbFileKind::kManifest) {
          manifest.manifest_number = name.number;
        }
        manifest.files.push_back(std::move(file));
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

// The order within one epoch: the oldest backup first.
bool MadeBefore(const OrderKey& a, const OrderKey& b) {
  return std::tie(a.sequence, a.order_time, a.counter, a.name) <
         std::tie(b.sequence, b.order_time, b.counter, b.name);
}

struct Position {
  // The latest (order_time, counter) up to here in the epoch. Within an epoch
  // neither this nor the sequence ever falls. So comparing them, and then the
  // rank, is a total order that agrees with MadeBefore in each epoch. Comparing
  // two keys directly, by sequence in one epoch and else by time, would not be
  // transitive.
  std::pair<Time, int> when;
  uint64_t sequence = 0;
  std::string_view epoch;
  size_t rank = 0;
  size_t index = 0;

  bool NewerThan(const Position& other) const {
    return std::tie(when, sequence, epoch, rank) >
           std::tie(other.when, other.sequence, other.epoch, other.rank);
  }
};

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
  nlohmann::ordered_json root;
  root["format_version"] = kManifestFormatVersion;
  root["id"] = manifest.id;
  root["created"] = FormatTime(manifest.created);
  if (manifest.order_time)
    root["order_time"] = FormatTime(*manifest.order_time);
  root["label"] = manifest.label;
  root["trigger"] = manifest.trigger;
  root["hostname"] = manifest.hostname;
  root["levelkeep_version"] = manifest.levelkeep_version;
  root["snapshot_method"] = manifest.snapshot_method;
  nlohmann::ordered_json& db = root["db"];
  db["name"] = manifest.db_name;
  if (!manifest.db_id.empty()) db["id"] = manifest.db_id;
  db["epoch"] = manifest.db_epoch;
  if (!manifest.db_parent.empty()) db["parent"] = manifest.db_parent;
  db["comparator"] = manifest.comparator;
  db["last_sequence"] = manifest.last_sequence;
  if (manifest.largest_record > 0) {
    db["largest_record"] = manifest.largest_record;
  }
  db["files"] = nlohmann::ordered_json::array();
  if (manifest.events) {
    root["events"] = {{"count", manifest.events->count},
                      {"first", manifest.events->first},
                      {"last", manifest.events->last},
                      {"first_time", manifest.events->first_time},
                      {"last_time", manifest.events->last_time}};
  }
  if (!manifest.previous_name.empty()) {
    root["previous"] = {{"name", manifest.previous_name},
                        {"sha256", manifest.previous_sha256}};
  }
  root["took_ms"] = manifest.took_ms;
  root["source_bytes"] = manifest.source_bytes;
  std::string text = DumpJson(root, 2) + "\n";
  if (manifest.files.empty()) return text;
  const size_t list = text.find(kNoFiles);
  const std::string rest = text.substr(list + kNoFiles.size());
  text.resize(list);
  AppendFiles(manifest.files, &text);
  text += rest;
  return text;
}

Result<Manifest> DecodeManifest(std::string_view text) {
  Result<Manifest> manifest = DecodeText(text);
  if (manifest.ok()) return manifest;
  return manifest.status().WithContext(std::string(kManifestEntryName));
}

Time OrderTimeOf(const Manifest& manifest) {
  return std::max(manifest.order_time.value_or(manifest.created),
                  manifest.created);
}

OrderKey::OrderKey(const Manifest& manifest, int name_counter,
                   std::string_view backup_name)
    : epoch(CountsWrites(manifest) ? std::string_view(manifest.db_epoch)
                                   : std::string_view()),
      sequence(epoch.empty() ? 0 : manifest.last_sequence),
      order_time(OrderTimeOf(manifest)),
      counter(name_counter),
      name(backup_name) {}

std::vector<size_t> NewestFirst(const std::vector<OrderKey>& keys) {
  std::map<std::string_view, std::vector<size_t>> epochs;
  for (size_t i = 0; i < keys.size(); i++) epochs[keys[i].epoch].push_back(i);
  std::vector<Position> positions;
  positions.reserve(keys.size());
  for (auto& [epoch, members] : epochs) {
    std::sort(members.begin(), members.end(),
              [&](size_t a, size_t b) { return MadeBefore(keys[a], keys[b]); });
    Position position;
    position.epoch = epoch;
    for (const size_t i : members) {
      const std::pair<Time, int> own(keys[i].order_time, keys[i].counter);
      position.when = position.rank == 0 ? own : std::max(position.when, own);
      position.sequence = keys[i].sequence;
      position.rank++;
      position.index = i;
      positions.push_back(position);
    }
  }
  std::sort(
      positions.begin(), positions.end(),
      [](const Position& a, const Position& b) { return a.NewerThan(b); });
  std::vector<size_t> indexes;
  indexes.reserve(positions.size());
  for (const Position& position : positions) indexes.push_back(position.index);
  return indexes;
}

}  // namespace levelkeep
