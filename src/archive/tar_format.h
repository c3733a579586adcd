// tar framing as we write it, and a walk through a tar that we did not write,
// both by libarchive. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_TAR_FORMAT_H_
#define LEVELKEEP_ARCHIVE_TAR_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "archive/gzip_format.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr size_t kTarBlockBytes = 512;

// The header blocks of a regular file, mode 0600, owner 0: one ustar block;
// more (pax) only where ustar has no room.
// Thread safety: any thread.
Result<std::string> EncodeTarHeader(const std::string& name,
                                    uint64_t size_bytes, int64_t mtime_seconds);

// kCorruption unless `blocks` are the header blocks of exactly one regular
// file of this name and size, and nothing else.
Status CheckTarHeader(std::string_view blocks, const std::string& name,
                      uint64_t size_bytes, int64_t mtime_seconds);

// Zeros between the content of an entry and the next header.
size_t TarPadding(uint64_t size_bytes);
// Two blocks of zeros.
inline constexpr size_t kTarEndBytes = 2 * kTarBlockBytes;

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

#endif  // LEVELKEEP_ARCHIVE_TAR_FORMAT_H_
