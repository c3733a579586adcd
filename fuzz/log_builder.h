// Logs that are framed as by LevelDB, right or deliberately wrong.

#ifndef LEVELKEEP_FUZZ_LOG_BUILDER_H_
#define LEVELKEEP_FUZZ_LOG_BUILDER_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"

namespace levelkeep::fuzz {

// Thread safety: one thread at a time.
class LogBuilder {
 public:
  // Adds a fragment with a right checksum, even in a wrong place. Its payload
  // is cut to the length that a header can state.
  void AddFragment(uint8_t type, std::string_view payload) {
    payload = payload.substr(0, 0xffff);
    const char type_byte = static_cast<char>(type);
    const uint32_t crc =
        Crc32c(Crc32c(0, std::string_view(&type_byte, 1)), payload);
    PutFixed<uint32_t>(&log_, MaskCrc32c(crc));
    log_.push_back(static_cast<char>(payload.size() & 0xff));
    log_.push_back(static_cast<char>(payload.size() >> 8));
    log_.push_back(type_byte);
    log_.append(payload);
  }
  // Adds a record as LevelDB would write it here.
  void AddRecord(std::string_view record) {
    bool first = true;
    do {
      if (Room() < kLogHeaderSize) log_.append(Room(), '\0');
      const std::string_view payload =
          record.substr(0, Room() - kLogHeaderSize);
      record.remove_prefix(payload.size());
      const bool last = record.empty();
      AddFragment(first ? (last ? 1 : 2) : (last ? 4 : 3), payload);
      first = false;
    } while (!record.empty());
  }
  void AddBytes(std::string_view bytes) { log_.append(bytes); }
  // The bytes that are left in the current block.
  size_t Room() const { return kLogBlockSize - log_.size() % kLogBlockSize; }
  const std::string& log() const { return log_; }

 private:
  std::string log_;
};

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_LOG_BUILDER_H_
