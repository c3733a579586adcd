#include "archive/file_digest.h"

#include <algorithm>

#include "archive/byte_buffer.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace levelkeep {

Result<std::string> Sha256OfSource(const ByteSource& source,
                                   uint64_t size_bytes, Verdict* verdict) {
  constexpr uint64_t kBlockBytes = 512u << 10;
  constexpr uint64_t kAheadBytes = 8u << 20;
  Digest digest(DigestKind::kSha256);
  ByteBuffer block;
  for (uint64_t done = 0; done < size_bytes;) {
    LEVELKEEP_RETURN_IF_ERROR(verdict->Check());
    if (done % kAheadBytes == 0) source.WillNeed(done, 2 * kAheadBytes);
    const size_t size =
        static_cast<size_t>(std::min(kBlockBytes, size_bytes - done));
    block.Clear();
    LEVELKEEP_RETURN_IF_ERROR(
        ReadExactly(source, done, block.Tail(size), size));
    block.Advance(size);
    digest.Update(block.view());
    done += size;
  }
  return digest.FinishHex();
}

}  // namespace levelkeep
