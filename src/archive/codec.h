// The libraries that deflate and inflate: zlib, and ISA-L where it is built
// in. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_CODEC_H_
#define LEVELKEEP_ARCHIVE_CODEC_H_

#include <atomic>
#include <memory>
#include <vector>

#include "archive/deflate.h"
#include "archive/inflate.h"

namespace levelkeep {

struct Codec {
  const char* name;  // of the library: "isa-l" or "zlib"
  // `level` 0..3 as ISA-L counts.
  std::unique_ptr<Deflater::Engine> (*new_deflate)(int level);
  std::unique_ptr<MemberInflater::Engine> (*new_inflate)();
};

extern const Codec kIsalCodec;  // where it is built in
extern const Codec kZlibCodec;

// What Deflater and MemberInflater are made with from now on, in the whole
// process: the first of BuiltInCodecs(). Only tests choose another one, for
// either side.
// Thread safety: any thread.
struct CodecsInUse {
  std::atomic<const Codec*> deflate;
  std::atomic<const Codec*> inflate;
};
CodecsInUse& TheCodecs();

// Those that are built in, the default first.
std::vector<const Codec*> BuiltInCodecs();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_CODEC_H_
