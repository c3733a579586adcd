// stargz.index.json, the table of contents.
// Source of the fields: containerd/stargz-snapshotter, docs/estargz.md.

#ifndef LEVELKEEP_FORMAT_TOC_H_
#define LEVELKEEP_FORMAT_TOC_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr std::string_view kTocEntryName = "stargz.index.json";
inline constexpr uint32_t kTarMode = 0600;  // the mode of all entries

// Larger files are cut into chunks; each chunk is a gzip member.
inline constexpr uint64_t kChunkBytes = 4u << 20;

// The largest text of a table of contents or manifest. The writer refuses to
// exceed it (some 170,000 files, or 340 GB of tables), so that a hostile
// archive can't make a reader allocate more.
inline constexpr uint64_t kMaxIndexBytes = 64u << 20;

struct TocChunk {
  uint64_t archive_offset = 0;  // of the chunk's gzip member
  Sha256 sha256;                // of the chunk's content
  // Size of the member, header to trailer. Only its writer knows it; the text
  // does not hold it.
  uint64_t member_bytes = 0;
  uint64_t member_checksum = 0;  // DamageChecksum
};

struct TocFile {
  std::string name;  // as in the tar header
  uint64_t size_bytes = 0;
  Sha256 sha256;                 // of the whole content
  std::vector<TocChunk> chunks;  // none for an empty file

  uint64_t ChunkSize(size_t chunk) const;
};

struct Toc {
  int64_t mtime_seconds = 0;   // the mtime of all entries
  std::vector<TocFile> files;  // in the order of the archive
};

uint64_t ChunkCount(uint64_t size_bytes);
// Whole seconds since the Unix epoch, rounded down.
int64_t MtimeSeconds(Time time);

// The text, one entry per line.
std::string EncodeToc(const Toc& toc);
// The same text in pieces of some ten kilobytes.
void EncodeToc(const Toc& toc,
               const std::function<void(std::string_view piece)>& take);
// kCorruption unless the document is as EncodeToc writes it: different names
// that are not empty, chunks in order that cover their file, rising offsets.
// Unknown fields are ignored.
Result<Toc> DecodeToc(std::string_view json);

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

#endif  // LEVELKEEP_FORMAT_TOC_H_
