// Catalog entries made up for the tests of pure functions.

#ifndef LEVELKEEP_TESTS_CATALOG_ENTRIES_H_
#define LEVELKEEP_TESTS_CATALOG_ENTRIES_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catalog/listing.h"

namespace levelkeep::test {

inline Time Hour(int hour) {
  return Time(std::chrono::hours(480000 + hour));  // in October 2024
}

// A readable backup of `epoch`, made at Hour(hour).
inline CatalogEntry Entry(int hour, uint64_t sequence = 0,
                          const std::string& epoch = "") {
  CatalogEntry entry;
  entry.parsed.time = Hour(hour);
  entry.name = FormatBackupName(entry.parsed);
  entry.path = "/backups/" + entry.name;
  entry.manifest = Manifest();
  entry.manifest->created = Hour(hour);
  entry.manifest->last_sequence = sequence;
  entry.manifest->db_epoch = epoch;
  return entry;
}

inline CatalogEntry WithRecord(CatalogEntry entry, bool passed,
                               VerifyDepth depth) {
  VerifyRecord record;
  record.depth = depth;
  record.passed = passed;
  record.at = entry.created();
  entry.verification = record;
  return entry;
}

// The listing of a known database without an identity; these entries have none.
inline Listing ToListing(const std::vector<CatalogEntry>& entries) {
  std::vector<Listing::Entry> shared;
  for (const CatalogEntry& entry : entries) {
    shared.push_back(std::make_shared<const CatalogEntry>(entry));
  }
  return Listing(std::move(shared), Owner{.known = true});
}

inline std::vector<std::string> Names(const Listing& listing) {
  std::vector<std::string> names;
  for (const auto& entry : listing.entries()) names.push_back(entry->name);
  return names;
}

inline std::vector<std::string> Names(
    const std::vector<CatalogEntry>& entries) {
  std::vector<std::string> names;
  for (const CatalogEntry& entry : entries) names.push_back(entry.name);
  return names;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CATALOG_ENTRIES_H_
