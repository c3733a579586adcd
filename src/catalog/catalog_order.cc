// The one order of backups; see SortNewestFirst in catalog.h.

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "catalog/catalog.h"

namespace levelkeep {

namespace {

// Backups of one epoch are one history. What has no epoch is no history.
const std::string& EpochOf(const CatalogEntry& entry) {
  static const std::string kNone;
  return entry.manifest ? entry.manifest->db_epoch : kNone;
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
  size_t rank = 0;
};

}  // namespace

void SortNewestFirst(std::vector<CatalogEntry>* entries) {
  std::map<std::string_view, std::vector<size_t>> epochs;
  for (size_t i = 0; i < entries->size(); i++) {
    epochs[EpochOf((*entries)[i])].push_back(i);
  }
  std::vector<Position> positions(entries->size());
  for (auto& [epoch, members] : epochs) {
    std::sort(members.begin(), members.end(), [&](size_t a, size_t b) {
      return MadeBefore((*entries)[a], (*entries)[b]);
    });
    Position position;
    for (size_t i : members) {
      const CatalogEntry& entry = (*entries)[i];
      const std::pair<Time, int> own(entry.created(), entry.parsed.counter);
      position.when = position.rank == 0 ? own : std::max(position.when, own);
      position.rank++;
      positions[i] = position;
    }
  }
  std::vector<size_t> order(entries->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const Position& x = positions[a];
    const Position& y = positions[b];
    return std::tie(x.when, EpochOf((*entries)[a]), x.rank) >
           std::tie(y.when, EpochOf((*entries)[b]), y.rank);
  });
  std::vector<CatalogEntry> sorted;
  sorted.reserve(entries->size());
  for (size_t i : order) sorted.push_back(std::move((*entries)[i]));
  *entries = std::move(sorted);
}

}  // namespace levelkeep
