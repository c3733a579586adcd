#include "archive/codec.h"

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

MemberInflater::MemberInflater()
    : engine_(TheCodecs().inflate.load()->new_inflate()) {}

MemberInflater::~MemberInflater() = default;

}  // namespace levelkeep
