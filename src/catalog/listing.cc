#include "catalog/listing.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace levelkeep {

namespace {

// Backups of one epoch are one history. What has no epoch is no history.
std::string_view EpochOf(const CatalogEntry& entry) {
  return entry.manifest ? entry.manifest->db_epoch : std::string_view();
}

uint64_t SequenceOf(const CatalogEntry& entry) {
  return EpochOf(entry).empty() ? 0 : entry.manifest->last_sequence;
}

// Oldest first within one epoch.
bool MadeBefore(const CatalogEntry& a, const CatalogEntry& b) {
  return std::make_tuple(SequenceOf(a), a.created(), a.parsed.counter,
                         std::string_view(a.name)) <
         std::make_tuple(SequenceOf(b), b.created(), b.parsed.counter,
                         std::string_view(b.name));
}

struct Position {
  // The latest (created, counter) up to here in the epoch. Comparing this
  // and then the rank is a total order that agrees with MadeBefore in every
  // epoch; comparing two entries directly by "sequence if of one epoch, else
  // time" would not be transitive.
  std::pair<Time, int> when;
  std::string_view epoch;
  size_t rank = 0;
  size_t index = 0;  // in the unsorted entries

  bool NewerThan(const Position& other) const {
    return std::tie(when, epoch, rank) >
           std::tie(other.when, other.epoch, other.rank);
  }
};

void SortNewestFirst(std::vector<Listing::Entry>* entries) {
  std::map<std::string_view, std::vector<size_t>> epochs;
  for (size_t i = 0; i < entries->size(); i++) {
    epochs[EpochOf(*(*entries)[i])].push_back(i);
  }
  std::vector<Position> positions;
  positions.reserve(entries->size());
  for (auto& [epoch, members] : epochs) {
    std::sort(members.begin(), members.end(), [&](size_t a, size_t b) {
      return MadeBefore(*(*entries)[a], *(*entries)[b]);
    });
    Position position;
    position.epoch = epoch;
    for (size_t i : members) {
      const CatalogEntry& entry = *(*entries)[i];
      const std::pair<Time, int> own(entry.order_time(), entry.parsed.counter);
      position.when = position.rank == 0 ? own : std::max(position.when, own);
      position.rank++;
      position.index = i;
      positions.push_back(position);
    }
  }
  std::sort(
      positions.begin(), positions.end(),
      [](const Position& a, const Position& b) { return a.NewerThan(b); });
  std::vector<Listing::Entry> sorted;
  sorted.reserve(entries->size());
  for (const Position& position : positions) {
    sorted.push_back(std::move((*entries)[position.index]));
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
  latest_ = std::max(latest_, std::optional(entry.order_time()));
  const bool damaged = entry.damaged();
  if (damaged || (!entry.manifest && !entry.foreign)) {
    bad_.push_back(&entry);
  } else if (newest_good_ == nullptr) {
    newest_good_ = &entry;
  }
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
  if (!latest_ || std::chrono::floor<Millis>(now) >= *latest_) return {};
  // Behind the last time that can be written nothing can be ordered.
  const Time after = std::chrono::floor<Millis>(*latest_) + Millis(1);
  return after <= kLatestTime ? std::optional(after) : std::nullopt;
}

const CatalogEntry* Listing::NewestOfEpoch(std::string_view epoch) const {
  const auto it = newest_of_epoch_.find(epoch);
  return it == newest_of_epoch_.end() ? nullptr : it->second;
}

}  // namespace levelkeep
