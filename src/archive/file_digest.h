// SHA-256 of whole files and of parts of files.

#ifndef LEVELKEEP_ARCHIVE_FILE_DIGEST_H_
#define LEVELKEEP_ARCHIVE_FILE_DIGEST_H_

#include <cstdint>
#include <string>

#include "archive/parallel.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Feeds [begin, end) to `digest`; checks `verdict` between steps.
Status DigestRange(const ByteSource& source, uint64_t begin, uint64_t end,
                   Digest* digest, Verdict* verdict);
// The digest of the first `size_bytes`; checks `verdict` between steps.
Result<std::string> Sha256OfSource(const ByteSource& source,
                                   uint64_t size_bytes, Verdict* verdict);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_FILE_DIGEST_H_
