#include "archive/codec.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "archive/archive_writer.h"
#include "archive/gzip_format.h"

namespace levelkeep {

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

// --- zlib

// The zlib levels whose size is nearest to ISA-L's levels 0..3.
constexpr std::array<int, 4> kZlibLevels = {1, 1, 2, 4};

class ZlibDeflate : public Deflater::Engine {
 public:
  explicit ZlibDeflate(int level) {
    const int zlib_level =
        kZlibLevels[static_cast<size_t>(std::clamp(level, 0, 3))];
    // Negative window bits: no zlib header around the blocks.
    if (deflateInit2(&stream_, zlib_level, Z_DEFLATED, -MAX_WBITS, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();  // caught at the start of each thread
    }
  }
  ~ZlibDeflate() override { deflateEnd(&stream_); }

  bool TryDeflate(std::string_view step, bool last, size_t limit,
                  ByteBuffer* out) override {
    deflateReset(&stream_);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
    stream_.avail_in = static_cast<uInt>(step.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out->Tail(limit));
    stream_.avail_out = static_cast<uInt>(limit);
    const int code = deflate(&stream_, last ? Z_FINISH : Z_FULL_FLUSH);
    // A flush is complete only if it leaves room in the output.
    const bool complete =
        last ? code == Z_STREAM_END : code == Z_OK && stream_.avail_out > 0;
    if (!complete || stream_.avail_in != 0) return false;
    out->Advance(limit - stream_.avail_out);
    return true;
  }

 private:
  z_stream stream_ = {};
};

class ZlibInflate : public MemberInflater {
 public:
  ZlibInflate() {
    // +16: a gzip member, whose trailer zlib reads and compares.
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) {
      throw std::bad_alloc();  // caught at the start of each thread
    }
    ZlibInflate::Reset();
  }
  ~ZlibInflate() override { inflateEnd(&stream_); }

  // zlib also expects a header, so it gets LevelKeep's fixed one.
  void Reset() override {
    inflateReset(&stream_);
    std::string_view header = kMemberHeader;
    char no_room;
    size_t written = 0;
    ZlibInflate::Inflate(&header, &no_room, 0, &written);
  }

  Outcome Inflate(std::string_view* input, char* output, size_t output_size,
                  size_t* written) override {
    const size_t offered = std::min<size_t>(input->size(), 1u << 30);
    const size_t room = std::min<size_t>(output_size, 1u << 30);
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(input->data()));
    stream_.avail_in = static_cast<uInt>(offered);
    stream_.next_out = reinterpret_cast<Bytef*>(output);
    stream_.avail_out = static_cast<uInt>(room);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input->remove_prefix(offered - stream_.avail_in);
    *written = room - stream_.avail_out;
    if (code == Z_STREAM_END) return Outcome::kMemberEnd;
    if (code != Z_OK && code != Z_BUF_ERROR) return Outcome::kDamaged;
    if (stream_.avail_out == 0) return Outcome::kNeedsOutput;
    return stream_.avail_in == 0 ? Outcome::kNeedsInput : Outcome::kDamaged;
  }

 private:
  z_stream stream_ = {};
};

}  // namespace

const Codec kZlibCodec = {"zlib",
                          [](int level) -> std::unique_ptr<Deflater::Engine> {
                            return std::make_unique<ZlibDeflate>(level);
                          },
                          []() -> std::unique_ptr<MemberInflater> {
                            return std::make_unique<ZlibInflate>();
                          }};

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

std::unique_ptr<MemberInflater> MemberInflater::New() {
  return TheCodecs().inflate.load()->new_inflate();
}

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
