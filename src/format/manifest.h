// levelkeep-manifest.json: what a backup says about itself, and by that, which
// of several backups is the newer one: one answer, for listings, for rotation,
// and where several archives were dropped.
//
// Format version 1. Unknown fields are ignored; another major version is
// refused before anything else is read. docs/format.md is the contract.

#ifndef LEVELKEEP_FORMAT_MANIFEST_H_
#define LEVELKEEP_FORMAT_MANIFEST_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr std::string_view kManifestEntryName =
    "levelkeep-manifest.json";
inline constexpr int kManifestFormatVersion = 1;

struct ManifestFile {
  std::string name;  // within the database folder
  uint64_t size_bytes = 0;
  Sha256 sha256;
};

struct ManifestEvents {  // counted by the host just before the cut
  uint64_t count = 0;
  uint64_t first = 0;
  uint64_t last = 0;
  std::string first_time;  // RFC 3339; empty if unknown
  std::string last_time;
};

struct Manifest {
  std::string id;  // 32 hex digits
  Time created;    // millisecond precision
  // Set if the clock was behind existing backups: a time later than `created`
  // that orders this backup after them.
  std::optional<Time> order_time;
  std::string label;
  std::string trigger;  // manual|scheduled|api|cli, or the application's own
  std::string hostname;
  std::string levelkeep_version;
  std::string snapshot_method;  // hot|logical|offline|external
  std::string db_name;
  // The database's identity: 32 hex digits. Empty in backups of 0.1.0.
  std::string db_id;
  std::string db_epoch;   // 32 hex digits: changes with each restore
  std::string db_parent;  // the epoch that this one left; empty: not known
  std::string comparator;
  uint64_t last_sequence = 0;
  // The size of the largest log batch or table block; 0: not known.
  uint64_t largest_record = 0;
  std::vector<ManifestFile> files;
  uint64_t manifest_number = 0;  // of the MANIFEST-NNNNNN among `files`
  std::optional<ManifestEvents> events;
  std::string previous_name;  // hash chain; empty for the first
  std::string previous_sha256;
  uint64_t took_ms = 0;  // from the cut to the last payload byte
  uint64_t source_bytes = 0;
};

// Whether last_sequence is LevelDB's own count of writes, so that it orders the
// backups of one epoch. The sequence of a logical backup counts keys.
bool CountsWrites(const Manifest& manifest);

// A copy without the fields that no listing, order or verdict needs: the files,
// the host, the version, the comparator and the previous backup. With 10,000
// backups these fields take half of the memory.
Manifest ManifestForListing(const Manifest& manifest);

// `manifest_number` is not written, because the files' names hold it.
std::string EncodeManifest(const Manifest& manifest);
// kCorruption if it is not such a document (bad JSON, missing or mistyped
// field, file name not of a database, duplicate name), kUnsupported if its
// format_version is newer; the message then says so.
Result<Manifest> DecodeManifest(std::string_view json);

// The time by which the backup is ordered: `created`, or a later time if the
// clock was known to be behind.
Time OrderTimeOf(const Manifest& manifest);

// The values that decide the place of a backup among others.
struct OrderKey {
  OrderKey() = default;
  OrderKey(const Manifest& manifest, int counter, std::string_view name);

  // Backups of one epoch are one history. Empty: no epoch, or a logical backup,
  // whose sequence counts keys and falls when keys are deleted.
  std::string_view epoch;
  uint64_t sequence = 0;  // in the history; 0 without one
  Time order_time;
  int counter = 0;        // the counter in its name
  std::string_view name;  // decides if all other values are equal
};

// Indexes into `keys`, newest first, by one total order:
//  - within one epoch by sequence, so that a clock that was set back changes
//    nothing; then by order_time, counter and name;
//  - logical backups, and those without an epoch, by order_time alone;
//  - between epochs by order_time, then counter, then sequence; a backup counts
//    as made no earlier than the backups before it in its epoch.
std::vector<size_t> NewestFirst(const std::vector<OrderKey>& keys);

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_MANIFEST_H_
