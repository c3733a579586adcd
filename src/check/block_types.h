// Compressions that this LevelDB lacks. LevelDB's message says only "bad block
// type"; the type itself is in the trailer behind the block.

#ifndef LEVELKEEP_CHECK_BLOCK_TYPES_H_
#define LEVELKEEP_CHECK_BLOCK_TYPES_H_

#include <atomic>
#include <cstddef>
#include <string>
#include <string_view>

#include "levelkeep/status.h"

namespace levelkeep::check {

// Remembers the last block of a type that LevelDB 1.23 does not know.
// Thread safety: any thread.
class BlockTypes {
 public:
  // `bytes` is what LevelDB read from a table: a block and its trailer, or the
  // footer.
  void Note(std::string_view bytes) {
    constexpr size_t kTrailerBytes = 5;  // the type, then a checksum
    constexpr size_t kFooterBytes = 48;
    constexpr unsigned char kSnappy = 1;
    if (bytes.size() <= kTrailerBytes || bytes.size() == kFooterBytes) return;
    const auto type =
        static_cast<unsigned char>(bytes[bytes.size() - kTrailerBytes]);
    if (type <= kSnappy) return;
    last_ = type | (bytes.starts_with("\x28\xb5\x2f\xfd") ? kZstd : 0);
  }

  // Returns `failure`, or a better message if LevelDB met such a block. LevelDB
  // compares the checksum before the type, so the block itself is undamaged.
  Status Explain(const Status& failure) const {
    if (failure.message().find("bad block type") == std::string::npos) {
      return failure;
    }
    const int type = last_ & 0xff;
    return Status(StatusCode::kUnsupported,
                  "tables are compressed " + NameOf(last_) + "(block type " +
                      std::to_string(type) + "), which this LevelDB can't read",
                  "use the application that wrote these tables");
  }

 private:
  static constexpr int kZstd = 0x100;

  // Minecraft writes zlib as 2 and 4; LevelDB after 1.23 writes zstd as 2.
  static std::string NameOf(int block) {
    switch (block) {
      case 2:
      case 4:
        return "with zlib ";
      case 2 | kZstd:
        return "with zstd ";
      default:
        return "";
    }
  }

  std::atomic<int> last_ = 0;
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_BLOCK_TYPES_H_
