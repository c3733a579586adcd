// tar framing as LevelKeep writes it, with libarchive. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_TAR_FORMAT_H_
#define LEVELKEEP_ARCHIVE_TAR_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_TAR_FORMAT_H_
