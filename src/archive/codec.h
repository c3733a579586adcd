// The libraries that deflate and inflate: zlib, and ISA-L if it is built in.
// Private to archive.

#ifndef LEVELKEEP_ARCHIVE_CODEC_H_
#define LEVELKEEP_ARCHIVE_CODEC_H_

#include <atomic>
#include <memory>
#include <vector>

#include "archive/deflate.h"
#include "archive/inflate.h"

namespace levelkeep {

struct Codec {
  const char* name;  // the library: "isa-l" or "zlib"
  // `level` is 0..3 as in ISA-L.
  std::unique_ptr<Deflater::Engine> (*new_deflate)(int level);
  std::unique_ptr<MemberInflater::Engine> (*new_inflate)();
};

extern const Codec kIsalCodec;  // only if it is built in
extern const Codec kZlibCodec;

// The libraries for Deflaters and MemberInflaters that are created from now on
// in this process: the first of BuiltInCodecs(). Only tests change them.
// Thread safety: any thread.
struct CodecsInUse {
  std::atomic<const Codec*> deflate;
  std::atomic<const Codec*> inflate;
};
CodecsInUse& TheCodecs();

// The libraries that are built in, the default first.
std::vector<const Codec*> BuiltInCodecs();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_CODEC_H_
