#include "archive/entry_encoder.h"

#include <algorithm>

#include "archive/gzip_format.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// A chunk that was stored, with room for its framing: no member is larger.
constexpr uint64_t kMaxMemberBytes = kChunkBytes + (64u << 10);

}  // namespace

int64_t MtimeSeconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time)
      .time_since_epoch()
      .count();
}

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
  AppendMember(header, out);
  return Status::Ok();
}

void EntryEncoder::AppendMember(std::string_view content, ByteBuffer* out) {
  MemberWriter member(&deflater_, out);
  do {
    const std::string_view step = content.substr(0, kStepBytes);
    content.remove_prefix(step.size());
    member.Append(step, content.empty());
  } while (!content.empty());
}

Result<EntryEncoder::Chunk> EntryEncoder::AppendChunk(
    const std::string& name, const ByteSource& source, uint64_t offset,
    uint64_t size, size_t padding, ByteBuffer* out) {
  Chunk chunk;
  Digest digest(DigestKind::kSha256);
  const size_t begin = out->size();
  MemberWriter member(&deflater_, out);
  for (uint64_t done = 0; done < size;) {
    const size_t length =
        static_cast<size_t>(std::min<uint64_t>(kStepBytes, size - done));
    LEVELKEEP_RETURN_IF_ERROR(control_.limiter->Take(length, control_.stop));
    LEVELKEEP_RETURN_IF_ERROR(ReadStep(name, source, offset + done, length));
    digest.Update(step_.view());
    done += length;
    const bool last = done == size;
    if (last) step_.AppendZeros(padding);
    member.Append(step_.view(), last);
    control_.done_bytes->fetch_add(length, std::memory_order_relaxed);
  }
  chunk.sha256 = digest.FinishHex();
  chunk.crc32 = member.crc32();
  chunk.member_bytes = out->size() - begin;
  chunk.member_checksum = DamageChecksum(out->view().substr(begin));
  return chunk;
}

Result<bool> EntryEncoder::AppendCopy(const ByteSource& archive,
                                      const TocChunk& member, uint64_t size,
                                      ByteBuffer* out) {
  if (member.member_bytes > kMaxMemberBytes) return false;
  const size_t length = static_cast<size_t>(member.member_bytes);
  LEVELKEEP_RETURN_IF_ERROR(control_.verdict->Check());
  LEVELKEEP_RETURN_IF_ERROR(control_.limiter->Take(length, control_.stop));
  char* const tail = out->Tail(length);
  const Status read = ReadExactly(archive, member.archive_offset, tail, length);
  if (!read.ok() || DamageChecksum({tail, length}) != member.member_checksum) {
    return false;
  }
  out->Advance(length);
  archive.DontNeed(member.archive_offset, length);
  control_.done_bytes->fetch_add(size, std::memory_order_relaxed);
  return true;
}

Status EntryEncoder::DigestAgain(const std::string& name,
                                 const ByteSource& source, uint64_t offset,
                                 uint64_t size, size_t padding, uint32_t crc32,
                                 Digest* digest) {
  uint32_t crc = 0;
  for (uint64_t done = 0; done < size;) {
    const size_t length =
        static_cast<size_t>(std::min<uint64_t>(kStepBytes, size - done));
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
                "a pinned file must not change: check the disk, and what else "
                "writes into the database folder");
}

Status EntryEncoder::ReadStep(const std::string& name, const ByteSource& source,
                              uint64_t offset, size_t size) {
  LEVELKEEP_RETURN_IF_ERROR(control_.verdict->Check());
  step_.Clear();
  Status read = ReadExactly(source, offset, step_.Tail(size), size);
  if (!read.ok()) return read.WithContext("reading " + Printable(name));
  step_.Advance(size);
  return Status::Ok();
}

}  // namespace levelkeep
