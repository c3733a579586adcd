// LevelDB's log format (write-ahead log and MANIFEST): 32 KiB blocks of
// fragments with a 7-byte header. Source: LevelDB's doc/log_format.md.

#ifndef LEVELKEEP_DBFILES_LOG_FORMAT_H_
#define LEVELKEEP_DBFILES_LOG_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The constants of the format, for code that decodes logs.
inline constexpr uint64_t kLogBlockSize = 32768;
inline constexpr size_t kLogHeaderSize = 7;
// A write batch starts with its sequence number and its count.
inline constexpr size_t kBatchHeaderSize = 12;

// Follows the bytes that are appended to a log and knows, at any time, where
// the last complete logical record ends. Does not check CRCs: it sees what
// LevelDB writes, before the disk does. No allocation unless a record
// callback is set.
// Thread safety: one thread at a time.
class LogTracker {
 public:
  using RecordCallback = std::function<void(std::string_view record)>;

  // Starts at `offset` of an existing file, which must be the end of a complete
  // record.
  explicit LogTracker(uint64_t offset = 0)
      : boundary_(offset), offset_(offset) {}

  // Called with each complete logical record (the MANIFEST's edits).
  void SetRecordCallback(RecordCallback callback) {
    callback_ = std::move(callback);
  }
  void Feed(std::string_view bytes);

  // Offset after the last complete logical record.
  uint64_t boundary() const { return boundary_; }
  // The last sequence number of the last complete record, read as a WriteBatch
  // (its sequence number + count - 1); 0 before the first record.
  uint64_t last_sequence() const { return last_sequence_; }
  // False once bytes violate the log format; boundary() then stays.
  bool well_formed() const { return well_formed_; }

 private:
  uint64_t boundary_;
  uint64_t last_sequence_ = 0;
  bool well_formed_ = true;

  // Moves at most `most` bytes from the front of `*bytes` behind `offset_`.
  std::string_view Take(size_t most, std::string_view* bytes);
  void FeedHeader(std::string_view* bytes);
  void FeedPayload(std::string_view* bytes);
  void StartFragment();
  void FinishFragment();

  uint64_t offset_;  // of the next byte
  std::array<unsigned char, kLogHeaderSize> header_{};
  size_t header_size_ = 0;    // bytes of the current header so far
  size_t payload_left_ = 0;   // bytes of the current fragment to come
  bool in_record_ = false;    // between a FIRST and its LAST fragment
  bool ends_record_ = false;  // the current fragment is FULL or LAST
  std::array<char, kBatchHeaderSize> batch_header_{};
  size_t batch_header_size_ = 0;
  RecordCallback callback_;
  std::string record_;  // gathered only for the callback
};

// The result of reading a log to its end.
struct LogScan {
  uint64_t boundary = 0;  // after the last complete, CRC-valid record
  uint64_t records = 0;
  uint64_t first_sequence = 0;  // of the first write batch; 0 without batches
  uint64_t last_sequence = 0;
  bool torn_tail = false;     // the log ends inside a record, as after a crash
  bool corrupt = false;       // a bad CRC or header before the tail
  bool sequence_gap = false;  // batches don't follow each other
};

// Reads the first `size_bytes` of `source` as a log and calls `record` (if
// set) for each complete record with a valid CRC, up to the first bad record.
// The batch fields of the result are filled only when `batches` is true. Fails
// only if reading or `record` fails.
Result<LogScan> ScanLog(const ByteSource& source, uint64_t size_bytes,
                        bool batches,
                        const std::function<Status(std::string_view)>& record);

// A new log file whose only record is `record`.
std::string FrameAsLog(std::string_view record);

enum class FragmentType : uint8_t {
  kZero = 0,  // never written: a hole or a lost page reads as zeros
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_LOG_FORMAT_H_
