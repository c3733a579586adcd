// The database files inside a LevelKeep archive, read without extracting them.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Inflates the needed chunks and caches the last ones. Checks sizes and CRCs,
// but no digests: see ArchiveReader::Check.
// Thread safety: all methods may be called concurrently.
class ArchiveView {
 public:
  // Together with chunks that are being inflated, below 64 MiB.
  static constexpr size_t kDefaultCacheBytes = 40u << 20;

  // kUnsupported unless it is a LevelKeep archive; kCorruption if its table of
  // contents or its manifest is damaged.
  static Result<std::shared_ptr<const ArchiveView>> Open(
      FileSystem* fs, const std::string& path,
      size_t cache_bytes = kDefaultCacheBytes);
  ~ArchiveView();

  // The sizes of the database files, by name ("000012.ldb").
  const std::map<std::string, uint64_t>& sizes() const;
  // kNotFound if there is no such file. The source keeps the view alive; its
  // reads fail with kCorruption if the archive is damaged.
  static Result<std::unique_ptr<ByteSource>> OpenFile(
      std::shared_ptr<const ArchiveView> view, const std::string& name);

 private:
  class Source;
  struct Impl;
  ArchiveView();
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_VIEW_H_
