// tar framing as we write it, and a reader for tar files of other programs,
// both with libarchive. Private to archive.

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

// The header blocks of a regular file with mode 0600 and owner 0: one ustar
// block, or several (pax) if ustar has no room.
// Thread safety: any thread.
Result<std::string> EncodeTarHeader(const std::string& name,
                                    uint64_t size_bytes, int64_t mtime_seconds);

// kCorruption unless `blocks` are exactly the header blocks of one regular file
// with this name and size.
Status CheckTarHeader(std::string_view blocks, const std::string& name,
                      uint64_t size_bytes, int64_t mtime_seconds);

// The number of zeros between the content of an entry and the next header.
size_t TarPadding(uint64_t size_bytes);
// The end of a tar: two blocks of zeros.
inline constexpr size_t kTarEndBytes = 2 * kTarBlockBytes;

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

#endif  // LEVELKEEP_ARCHIVE_TAR_FORMAT_H_
