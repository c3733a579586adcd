// Decides which of several drops to restore.

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

// REQUIRES: all drops have a manifest.
std::vector<OpenDrop> SortNewestFirst(std::vector<OpenDrop> drops) {
  std::vector<OrderKey> keys;
  keys.reserve(drops.size());
  for (const OpenDrop& open : drops) {
    // The name of a dropped file need not be a backup's name.
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
        "several archives are there, and it is not clear which one to "
        "restore: " +
        NameAll(drops);
    return drops;
  }
  if (comparable) drops = SortNewestFirst(std::move(drops));
  std::stable_partition(drops.begin(), drops.end(), is_requested);
  return drops;
}

}  // namespace levelkeep
