#include "catalog/listing.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "format/backup_order.h"

namespace levelkeep {

namespace {

OrderKey KeyOf(const CatalogEntry& entry) {
  const int counter = entry.parsed.counter;
  if (entry.manifest) return {*entry.manifest, counter, entry.name};
  OrderKey key;  // of no history
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

}  // namespace

Listing::Listing(std::vector<Entry> entries) : entries_(std::move(entries)) {
  SortNewestFirst(&entries_);
  for (const Entry& entry : entries_) Count(*entry);
}

void Listing::Count(const CatalogEntry& entry) {
  total_bytes_ += entry.size_bytes;
  const bool damaged = entry.damaged();
  if (damaged || (!entry.manifest && !entry.foreign)) {
    bad_.push_back(&entry);
  } else if (newest_good_ == nullptr) {
    newest_good_ = &entry;
  }
  if (entry.waits_for_check()) waiting_.push_back(&entry);
  if (newest_verified_ == nullptr && entry.verified()) {
    newest_verified_ = &entry;
  }
  if (!entry.manifest || damaged) return;
  if (newest_usable_ == nullptr) newest_usable_ = &entry;
  // Newest first: the first one of an epoch stays.
  newest_of_epoch_.emplace(entry.manifest->db_epoch, &entry);
}

std::optional<Time> Listing::OrderTimeAt(Time now) const {
  using Millis = std::chrono::milliseconds;
  Time latest = Time::min();
  for (const Entry& entry : entries_) {
    latest = std::max(latest, entry->order_time());
  }
  if (std::chrono::floor<Millis>(now) >= latest) return std::nullopt;
  // Behind the last time that can be written nothing can be ordered.
  const Time after = std::chrono::floor<Millis>(latest) + Millis(1);
  return after <= kLatestTime ? std::optional(after) : std::nullopt;
}

const CatalogEntry* Listing::NewestOfEpoch(std::string_view epoch) const {
  const auto it = newest_of_epoch_.find(epoch);
  return it == newest_of_epoch_.end() ? nullptr : it->second;
}

}  // namespace levelkeep
