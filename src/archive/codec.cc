#include "archive/codec.h"

#include <algorithm>

#include "archive/archive_writer.h"

namespace levelkeep {

std::vector<const Codec*> BuiltInCodecs() {
#if defined(LEVELKEEP_WITH_ISAL)
  return {&kIsalCodec, &kZlibCodec};
#else
  return {&kZlibCodec};
#endif
}

CodecsInUse& TheCodecs() {
  static CodecsInUse codecs = {BuiltInCodecs().front(),
                               BuiltInCodecs().front()};
  return codecs;
}

std::string CompressorName() { return TheCodecs().deflate.load()->name; }

Deflater::Deflater(bool compress, int level) {
  if (compress) engine_ = TheCodecs().deflate.load()->new_deflate(level);
}

Deflater::~Deflater() = default;

std::unique_ptr<MemberInflater> MemberInflater::New() {
  return TheCodecs().inflate.load()->new_inflate();
}

namespace {

constexpr size_t kMaxStoredBlock = 65535;

void AppendStored(std::string_view step, bool last, ByteBuffer* out) {
  do {
    const size_t size = std::min(step.size(), kMaxStoredBlock);
    const bool final_block = last && size == step.size();
    const char header[5] = {
        static_cast<char>(final_block ? 1 : 0), static_cast<char>(size & 0xff),
        static_cast<char>(size >> 8), static_cast<char>(~size & 0xff),
        static_cast<char>((~size >> 8) & 0xff)};
    out->Append({header, sizeof header});
    out->Append(step.substr(0, size));
    step.remove_prefix(size);
  } while (!step.empty());
}

}  // namespace

size_t StoredSize(size_t size) {
  const size_t blocks =
      std::max<size_t>(1, (size + kMaxStoredBlock - 1) / kMaxStoredBlock);
  return size + 5 * blocks;
}

void Deflater::Append(std::string_view step, bool last, ByteBuffer* out) {
  // At least one byte less than storing: otherwise inflating is wasted time.
  if (engine_ != nullptr &&
      engine_->TryDeflate(step, last, StoredSize(step.size()) - 1, out)) {
    return;
  }
  AppendStored(step, last, out);
}

}  // namespace levelkeep
