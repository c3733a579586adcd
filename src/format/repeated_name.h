// Looks for a name that stands twice in a list of files.

#ifndef LEVELKEEP_FORMAT_REPEATED_NAME_H_
#define LEVELKEEP_FORMAT_REPEATED_NAME_H_

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace levelkeep {

// Of a list whose elements have a `name`: the first, in byte order, that is
// there more than once. A sorted list of views: of a hundred thousand names
// a set would need four times the memory, in pieces.
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
