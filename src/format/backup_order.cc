#include "format/backup_order.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace levelkeep {
namespace {

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
