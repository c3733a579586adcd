#include "catalog/listing.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace levelkeep {

namespace {

OrderKey KeyOf(const CatalogEntry& entry) {
  const int counter = entry.parsed.counter;
  if (entry.manifest) return {*entry.manifest, counter, entry.name};
  OrderKey key;  // without a history
  key.order_time = entry.order_time();
  key.counter = counter;
  key.name = entry.name;
  return key;
}

void SortNewestFirst(std::vector<Listing::Entry>* entries) {
  std::vector<OrderKey> keys;
  keys.reserve(entries->size());
  for (const Listing::Entry& entry : *entries) keys.push_back(KeyOf(*entry));
  std::vector<Listing::Entry> sorted;
  sorted.reserve(entries->size());
  for (const size_t i : NewestFirst(keys)) {
    sorted.push_back(std::move((*entries)[i]));
  }
  *entries = std::move(sorted);
}

// True if the manifests name more than one database.
bool NameSeveral(const std::vector<Listing::Entry>& entries) {
  const std::string* first = nullptr;
  for (const Listing::Entry& entry : entries) {
    if (!entry->manifest || entry->manifest->db_id.empty()) continue;
    if (first != nullptr && *first != entry->manifest->db_id) return true;
    first = &entry->manifest->db_id;
  }
  return false;
}

}  // namespace

Listing::Listing(std::vector<Entry> entries, Owner owner)
    : entries_(std::move(entries)), owner_(std::move(owner)) {
  SortNewestFirst(&entries_);
  const bool others = std::ranges::any_of(
      entries_, [this](const Entry& entry) { return owner_.IsOther(*entry); });
  alone_ = owner_.known ? owner_.alone && !others : !NameSeveral(entries_);
  for (const Entry& entry : entries_) Count(*entry);
}

bool Listing::IsOwn(const CatalogEntry& entry) const {
  if (IsOther(entry)) return false;
  const bool named = entry.manifest && !entry.manifest->db_id.empty();
  return alone_ || (owner_.known && named);
}

void Listing::Count(const CatalogEntry& entry) {
  if (IsOther(entry) || !entry.is_local()) return;
  count_++;
  total_bytes_ += entry.size_bytes;
  by_status_[entry.status()]++;
  const bool damaged = entry.damaged();
  const bool bad = damaged || (!entry.manifest && !entry.foreign);
  if (bad) bad_.push_back(&entry);
  if (!IsOwn(entry)) return;
  latest_created_ = std::max(latest_created_, entry.created());
  if (!bad && newest_good_ == nullptr) {
    newest_good_ = &entry;
  }
  if (entry.waits_for_check()) waiting_.push_back(&entry);
  if (newest_verified_ == nullptr && entry.verified()) {
    newest_verified_ = &entry;
  }
  if (!entry.manifest || damaged) return;
  if (newest_usable_ == nullptr) newest_usable_ = &entry;
  // The order is newest first, so that the first backup of an epoch stays.
  if (CountsWrites(*entry.manifest)) {
    newest_of_epoch_.emplace(entry.manifest->db_epoch, &entry);
  }
}

std::optional<Time> Listing::OrderTimeAt(Time now) const {
  using Millis = std::chrono::milliseconds;
  Time latest = Time::min();
  for (const Entry& entry : entries_) {
    if (IsOwn(*entry)) latest = std::max(latest, entry->order_time());
  }
  if (std::chrono::floor<Millis>(now) >= latest) return std::nullopt;
  // No backup can be ordered after the last time that can be written.
  const Time after = std::chrono::floor<Millis>(latest) + Millis(1);
  return after <= kLatestTime ? std::optional(after) : std::nullopt;
}

const CatalogEntry* Listing::NewestOfEpoch(std::string_view epoch) const {
  const auto it = newest_of_epoch_.find(epoch);
  return it == newest_of_epoch_.end() ? nullptr : it->second;
}

Time CatalogEntry::created() const {
  return manifest ? manifest->created : parsed.time;
}

Time CatalogEntry::order_time() const {
  return manifest ? OrderTimeOf(*manifest) : parsed.time;
}

BackupStatus CatalogEntry::status() const {
  if (damaged()) return BackupStatus::kDamaged;
  if (!manifest && !foreign) return BackupStatus::kUnreadable;
  return verified() ? BackupStatus::kVerified : BackupStatus::kUnverified;
}

}  // namespace levelkeep
