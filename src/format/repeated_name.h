// Finds a name that is repeated in a list of files.

#ifndef LEVELKEEP_FORMAT_REPEATED_NAME_H_
#define LEVELKEEP_FORMAT_REPEATED_NAME_H_

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace levelkeep {

// The first repeated name, in byte order, of a list whose elements have a
// `name`. Sorts a list of views, because a set of a hundred thousand names
// would need four times the memory, in small pieces.
template <typename List>
std::optional<std::string_view> FindRepeatedName(const List& list) {
  std::vector<std::string_view> names;
  names.reserve(list.size());
  for (const auto& element : list) names.push_back(element.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return std::nullopt;
  return *twice;
}

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_REPEATED_NAME_H_
