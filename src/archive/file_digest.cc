#include "archive/file_digest.h"

#include <algorithm>

#include "archive/byte_buffer.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace levelkeep {

Status DigestRange(const ByteSource& source, uint64_t begin, uint64_t end,
                   Digest* digest, Verdict* verdict) {
  constexpr uint64_t kBlockBytes = 512u << 10;
  constexpr uint64_t kAheadBytes = 8u << 20;
  ByteBuffer block;
  for (uint64_t offset = begin; offset < end;) {
    LEVELKEEP_RETURN_IF_ERROR(verdict->Check());
    if ((offset - begin) % kAheadBytes == 0) {
      source.WillNeed(offset, 2 * kAheadBytes);
    }
    const size_t size =
        static_cast<size_t>(std::min(kBlockBytes, end - offset));
    block.Clear();
    LEVELKEEP_RETURN_IF_ERROR(
        ReadExactly(source, offset, block.Tail(size), size));
    block.Advance(size);
    digest->Update(block.view());
    offset += size;
  }
  return Status::Ok();
}

Result<std::string> Sha256OfSource(const ByteSource& source,
                                   uint64_t size_bytes, Verdict* verdict) {
  Digest digest(DigestKind::kSha256);
  LEVELKEEP_RETURN_IF_ERROR(
      DigestRange(source, 0, size_bytes, &digest, verdict));
  return digest.FinishHex();
}

}  // namespace levelkeep
