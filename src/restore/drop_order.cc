// Which of several drops is meant.

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "format/backup_order.h"
#include "restore/drop_folder.h"

namespace levelkeep {
namespace {

std::string NameAll(const std::vector<OpenDrop>& drops) {
  std::vector<std::string> names;
  names.reserve(drops.size());
  for (const OpenDrop& open : drops) {
    names.push_back(Printable(open.drop.name));
  }
  return Join(names, ", ");
}

const Manifest* ManifestOf(const OpenDrop& open) {
  return open.reader->outline().manifest.get();
}

// REQUIRES: all have a manifest.
std::vector<OpenDrop> SortNewestFirst(std::vector<OpenDrop> drops) {
  std::vector<OrderKey> keys;
  keys.reserve(drops.size());
  for (const OpenDrop& open : drops) {
    // What somebody dropped need not have a name of ours.
    keys.emplace_back(*ManifestOf(open), 0, open.drop.name);
  }
  std::vector<OpenDrop> sorted;
  sorted.reserve(drops.size());
  for (const size_t i : NewestFirst(keys)) {
    sorted.push_back(std::move(drops[i]));
  }
  return sorted;
}

}  // namespace

std::vector<OpenDrop> OrderDrops(std::vector<OpenDrop> drops,
                                 const std::optional<DropIdentity>& requested,
                                 std::string* why) {
  const auto is_requested = [&](const OpenDrop& open) {
    return requested.has_value() && open.drop.LooksLike(*requested);
  };
  const bool has_request =
      std::any_of(drops.begin(), drops.end(), is_requested);
  const bool comparable =
      std::all_of(drops.begin(), drops.end(), [&](const OpenDrop& open) {
        const Manifest* const manifest = ManifestOf(open);
        const Manifest* const first = ManifestOf(drops.front());
        return manifest != nullptr && first != nullptr &&
               manifest->db_name == first->db_name;
      });
  if (drops.size() > 1 && !comparable && !has_request) {
    *why =
        "several archives lie there and it can't be told which one is "
        "meant: " +
        NameAll(drops);
    return drops;
  }
  if (comparable) drops = SortNewestFirst(std::move(drops));
  std::stable_partition(drops.begin(), drops.end(), is_requested);
  return drops;
}

}  // namespace levelkeep
