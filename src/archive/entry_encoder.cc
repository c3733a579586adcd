#include <algorithm>

#include "archive/tar_format.h"
#include "archive/write_pipeline.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// The largest member: a stored chunk with its framing.
constexpr uint64_t kMaxMemberBytes = kChunkBytes + (64u << 10);

}  // namespace

EntryEncoder::EntryEncoder(const ArchiveWriteOptions& options,
                           StepControl control)
    : mtime_seconds_(MtimeSeconds(options.mtime)),
      control_(control),
      deflater_(options.compress, options.level),
      step_(kStepBytes + kTarBlockBytes) {}

Status EntryEncoder::AppendHeader(const std::string& name, uint64_t size_bytes,
                                  ByteBuffer* out) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string header,
                             EncodeTarHeader(name, size_bytes, mtime_seconds_));
  BeginMember(out).Append(header, /*last=*/true);
  return Status::Ok();
}

Result<EntryEncoder::Chunk> EntryEncoder::AppendChunk(
    const std::string& name, const ByteSource& source, uint64_t offset,
    uint64_t size, size_t padding, ByteBuffer* out) {
  Digest digest(DigestKind::kSha256);
  const size_t begin = out->size();
  MemberWriter member = BeginMember(out);
  for (uint64_t done = 0; done < size;) {
    const size_t length = std::min<uint64_t>(kStepBytes, size - done);
    LEVELKEEP_RETURN_IF_ERROR(control_.limiter->Take(length, control_.stop));
    LEVELKEEP_RETURN_IF_ERROR(ReadStep(name, source, offset + done, length));
    digest.Update(step_.view());
    done += length;
    const bool last = done == size;
    if (last) step_.AppendZeros(padding);
    member.Append(step_.view(), last);
    control_.done_bytes->fetch_add(length, std::memory_order_relaxed);
  }
  return Chunk{{begin, digest.FinishSha256(), out->size() - begin,
                DamageChecksum(out->view().substr(begin))},
               member.crc32()};
}

Result<EntryEncoder::Copy> EntryEncoder::AppendCopy(const ByteSource& archive,
                                                    const TocChunk& member,
                                                    uint64_t size,
                                                    ByteBuffer* out) {
  if (member.member_bytes > kMaxMemberBytes) return Copy::kDamaged;
  const size_t length = static_cast<size_t>(member.member_bytes);
  LEVELKEEP_RETURN_IF_ERROR(control_.verdict->Check());
  LEVELKEEP_RETURN_IF_ERROR(control_.limiter->Take(length, control_.stop));
  const size_t begin = out->size();
  for (size_t done = 0; done < length;) {
    // Reads whole blocks around the wanted bytes, bypassing the page cache:
    // nobody else reads an old archive.
    const uint64_t offset = member.archive_offset + done;
    const size_t lead = static_cast<size_t>(offset % kDeviceBlockBytes);
    const size_t wanted = std::min(kStepBytes - lead, length - done);
    step_.Clear();
    const Result<size_t> count = archive.ReadFromDevice(
        offset - lead, step_.Tail(kStepBytes), RoundUpToBlock(lead + wanted));
    if (!count.ok()) {
      out->Truncate(begin);
      return Copy::kUnreadable;
    }
    if (*count < lead + wanted) break;
    out->Append({step_.data() + lead, wanted});
    done += wanted;
  }
  if (out->size() - begin != length ||
      DamageChecksum(out->view().substr(begin)) != member.member_checksum) {
    out->Truncate(begin);
    return Copy::kDamaged;
  }
  control_.done_bytes->fetch_add(size, std::memory_order_relaxed);
  return Copy::kDone;
}

Status EntryEncoder::DigestAgain(const std::string& name,
                                 const ByteSource& source, uint64_t offset,
                                 uint64_t size, size_t padding, uint32_t crc32,
                                 Digest* digest) {
  uint32_t crc = 0;
  for (uint64_t done = 0; done < size;) {
    const size_t length = std::min<uint64_t>(kStepBytes, size - done);
    LEVELKEEP_RETURN_IF_ERROR(ReadStep(name, source, offset + done, length));
    digest->Update(step_.view());
    crc = Crc32(crc, step_.view());
    done += length;
  }
  step_.Clear();
  step_.AppendZeros(padding);
  crc = Crc32(crc, step_.view());
  if (crc == crc32) return Status::Ok();
  return Status(StatusCode::kCorruption,
                Printable(name) + " changed while it was read",
                "a pinned file must not change: check the disk, and find out "
                "which program writes into the database folder");
}

Status EntryEncoder::ReadStep(const std::string& name, const ByteSource& source,
                              uint64_t offset, size_t size) {
  LEVELKEEP_RETURN_IF_ERROR(control_.verdict->Check());
  const Status read = step_.Read(source, offset, size);
  return read.ok() ? read : read.WithContext("reading " + Printable(name));
}

}  // namespace levelkeep
