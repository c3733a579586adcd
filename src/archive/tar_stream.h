// Walks through a tar that we did not write, by libarchive. Private to
// archive.

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
  std::string what;  // of kOther, for messages: "symbolic link"
  uint64_t size_bytes = 0;
};

// Reads tar only, from plain gzip only. The end marks must be there, and
// nothing but zeros behind them.
// Thread safety: one thread at a time.
class TarStream {
 public:
  // More inflated bytes than `max_bytes` end in the failure `too_many`. `gzip`
  // outlives it.
  TarStream(InflateAhead* gzip, uint64_t max_bytes, Status too_many);
  ~TarStream();
  TarStream(const TarStream&) = delete;
  TarStream& operator=(const TarStream&) = delete;

  // The next entry; false at the (checked) end.
  Result<bool> Next(TarEntry* entry);
  // Reading failed where the file ended, before the end marks.
  bool lacks_end() const;
  // Passes the content of the entry to `take`, in order; kCorruption if it
  // has holes or another size than stated.
  Status ReadContent(const TarEntry& entry,
                     const std::function<Status(std::string_view)>& take);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_TAR_STREAM_H_
