// Iterates over a tar of another program, with libarchive. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_TAR_STREAM_H_
#define LEVELKEEP_ARCHIVE_TAR_STREAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "archive/inflate_ahead.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct TarEntry {
  enum class Kind { kFile, kDirectory, kOther };
  Kind kind = Kind::kOther;
  std::string path;  // as in the archive
  std::string what;  // for messages about kOther: "symbolic link"
  uint64_t size_bytes = 0;
};

// Reads only tar, from plain gzip. The end marks must exist, followed by zeros
// only.
// Thread safety: one thread at a time.
class TarStream {
 public:
  // If more than `max_bytes` are inflated, reading fails with `too_many`.
  // `gzip` outlives this object.
  TarStream(InflateAhead* gzip, uint64_t max_bytes, Status too_many);
  ~TarStream();
  TarStream(const TarStream&) = delete;
  TarStream& operator=(const TarStream&) = delete;

  // The next entry; false at the end, after checking it.
  Result<bool> Next(TarEntry* entry);
  // True if reading failed because the file ended before the end marks.
  bool lacks_end() const;
  // Passes the content of the entry to `take`, in order. kCorruption if the
  // content has holes or its size is not as stated.
  Status ReadContent(const TarEntry& entry,
                     const std::function<Status(std::string_view)>& take);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_TAR_STREAM_H_
