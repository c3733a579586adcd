// ScanLog and FrameAsLog: reading and writing logs as files.

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/status_macros.h"
#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"

namespace levelkeep {

namespace {

constexpr size_t kReadSize = 16 * kLogBlockSize;

using RecordFunction = std::function<Status(std::string_view)>;

// Decodes a log block by block until it finds an error.
class Scanner {
 public:
  Scanner(bool batches, const RecordFunction& record)
      : batches_(batches), record_(record) {}

  // REQUIRES: `block` starts at a multiple of the block size and reaches to
  // the next one or to the end of the file.
  Status ScanBlock(std::string_view block) {
    if (in_zeros_) LEVELKEEP_RETURN_IF_ERROR(ScanZeros(block));
    size_t position = 0;
    while (!stopped_ && !in_zeros_ && position < block.size()) {
      if (kLogBlockSize - position < kLogHeaderSize) break;  // trailer
      LEVELKEEP_RETURN_IF_ERROR(ScanFragment(block, &position));
    }
    block_offset_ += block.size();
    return Status::Ok();
  }

  bool stopped() const { return stopped_; }

  LogScan Finish() {
    if (!scan_.corrupt && (in_zeros_ || in_record_)) scan_.torn_tail = true;
    return scan_;
  }

 private:
  Status ScanFragment(std::string_view block, size_t* position) {
    const std::string_view rest = block.substr(*position);
    if (rest.size() < kLogHeaderSize) return StopTorn();
    const size_t length = static_cast<size_t>(static_cast<uint8_t>(rest[4])) |
                          static_cast<size_t>(static_cast<uint8_t>(rest[5]))
                              << 8;
    const auto type =
        static_cast<FragmentType>(static_cast<unsigned char>(rest[6]));
    if (type == FragmentType::kZero && length == 0) {
      in_zeros_ = true;
      return ScanZeros(rest);
    }
    const size_t fragment_size = kLogHeaderSize + length;
    if (*position + fragment_size > kLogBlockSize) return StopCorrupt();
    if (fragment_size > rest.size()) return StopTorn();
    // The checksum covers the type and the payload.
    const std::string_view covered = rest.substr(6, 1 + length);
    if (UnmaskCrc32c(DecodeFixed<uint32_t>(rest.data())) !=
        Crc32c(0, covered)) {
      return StopCorrupt();
    }
    *position += fragment_size;
    return AddFragment(type, covered.substr(1), block_offset_ + *position);
  }

  Status AddFragment(FragmentType type, std::string_view payload,
                     uint64_t end) {
    const bool starts =
        type == FragmentType::kFull || type == FragmentType::kFirst;
    const bool known =
        starts || type == FragmentType::kMiddle || type == FragmentType::kLast;
    if (!known || starts == in_record_) return StopCorrupt();
    if (type == FragmentType::kFull) return FinishRecord(payload, end);
    if (starts) gathered_.clear();
    gathered_.append(
        record_ ? payload
                : payload.substr(0, kBatchHeaderSize - gathered_.size()));
    in_record_ = type != FragmentType::kLast;
    return in_record_ ? Status::Ok() : FinishRecord(gathered_, end);
  }

  Status FinishRecord(std::string_view record, uint64_t end) {
    if (batches_ && record.size() < kBatchHeaderSize) return StopCorrupt();
    if (record_) LEVELKEEP_RETURN_IF_ERROR(record_(record));
    if (batches_) ReadBatchHeader(record);
    scan_.records++;
    scan_.boundary = end;
    return Status::Ok();
  }

  void ReadBatchHeader(std::string_view record) {
    const uint64_t sequence = DecodeFixed<uint64_t>(record.data());
    const uint32_t count = DecodeFixed<uint32_t>(record.data() + 8);
    if (scan_.records == 0) {
      scan_.first_sequence = sequence;
    } else if (sequence != scan_.last_sequence + 1) {
      scan_.sequence_gap = true;
    }
    scan_.last_sequence = sequence + count - 1;
  }

  // Zeros up to the end of the file are pages lost by a power failure.
  Status ScanZeros(std::string_view bytes) {
    const bool all_zero =
        std::ranges::all_of(bytes, [](char byte) { return byte == 0; });
    return all_zero ? Status::Ok() : StopCorrupt();
  }

  Status StopCorrupt() {
    stopped_ = scan_.corrupt = true;
    return Status::Ok();
  }
  Status StopTorn() {
    stopped_ = scan_.torn_tail = true;
    return Status::Ok();
  }

  const bool batches_;
  const RecordFunction& record_;
  LogScan scan_;
  uint64_t block_offset_ = 0;
  bool stopped_ = false;
  bool in_zeros_ = false;
  bool in_record_ = false;
  // Fragments of the current record. If there is no callback, only the batch
  // header is gathered, so that a large record needs no memory.
  std::string gathered_;
};

}  // namespace

Result<LogScan> ScanLog(const ByteSource& source, uint64_t size_bytes,
                        bool batches, const RecordFunction& record) {
  Scanner scanner(batches, record);
  std::string buffer;
  for (uint64_t offset = 0; offset < size_bytes && !scanner.stopped();) {
    const size_t wanted = std::min<uint64_t>(kReadSize, size_bytes - offset);
    buffer.resize(wanted);
    LEVELKEEP_RETURN_IF_ERROR(
        ReadExactly(source, offset, buffer.data(), wanted));
    const std::string_view chunk = buffer;
    for (size_t at = 0; at < wanted && !scanner.stopped();
         at += kLogBlockSize) {
      LEVELKEEP_RETURN_IF_ERROR(
          scanner.ScanBlock(chunk.substr(at, kLogBlockSize)));
    }
    offset += wanted;
  }
  return scanner.Finish();
}

std::string FrameAsLog(std::string_view record) {
  std::string log;
  log.reserve(record.size() + record.size() / 1024 + kLogHeaderSize);
  bool first = true;
  do {
    // A fragment fills its block, so each one but the last starts a new block.
    const size_t room = kLogBlockSize - kLogHeaderSize;
    const std::string_view payload = record.substr(0, room);
    record.remove_prefix(payload.size());
    const bool last = record.empty();
    const FragmentType type =
        first ? (last ? FragmentType::kFull : FragmentType::kFirst)
              : (last ? FragmentType::kLast : FragmentType::kMiddle);
    const char type_byte = static_cast<char>(type);
    const uint32_t crc =
        Crc32c(Crc32c(0, std::string_view(&type_byte, 1)), payload);
    PutFixed<uint32_t>(&log, MaskCrc32c(crc));
    log.push_back(static_cast<char>(payload.size() & 0xff));
    log.push_back(static_cast<char>(payload.size() >> 8));
    log.push_back(type_byte);
    log.append(payload);
    first = false;
  } while (!record.empty());
  return log;
}

void LogTracker::Feed(std::string_view bytes) {
  while (!bytes.empty() && well_formed_) {
    if (payload_left_ > 0) {
      FeedPayload(&bytes);
    } else if (header_size_ == 0 &&
               kLogBlockSize - offset_ % kLogBlockSize < kLogHeaderSize) {
      // The end of a block that has no room for a header is filled with zeros.
      Take(kLogBlockSize - offset_ % kLogBlockSize, &bytes);
    } else {
      FeedHeader(&bytes);
    }
  }
}

std::string_view LogTracker::Take(size_t most, std::string_view* bytes) {
  const std::string_view taken = bytes->substr(0, most);
  offset_ += taken.size();
  bytes->remove_prefix(taken.size());
  return taken;
}

void LogTracker::FeedHeader(std::string_view* bytes) {
  const std::string_view taken = Take(kLogHeaderSize - header_size_, bytes);
  std::memcpy(header_.data() + header_size_, taken.data(), taken.size());
  header_size_ += taken.size();
  if (header_size_ == kLogHeaderSize) StartFragment();
}

void LogTracker::StartFragment() {
  header_size_ = 0;
  payload_left_ = header_[4] | static_cast<size_t>(header_[5]) << 8;
  const uint64_t room =
      (kLogBlockSize - offset_ % kLogBlockSize) % kLogBlockSize;
  const FragmentType type = static_cast<FragmentType>(header_[6]);
  const bool starts =
      type == FragmentType::kFull || type == FragmentType::kFirst;
  const bool known =
      starts || type == FragmentType::kMiddle || type == FragmentType::kLast;
  if (!known || starts == in_record_ || payload_left_ > room) {
    well_formed_ = false;
    return;
  }
  ends_record_ = type == FragmentType::kFull || type == FragmentType::kLast;
  if (starts) {
    in_record_ = true;
    batch_header_size_ = 0;
    record_.clear();
  }
  if (payload_left_ == 0) FinishFragment();
}

void LogTracker::FeedPayload(std::string_view* bytes) {
  const std::string_view taken = Take(payload_left_, bytes);
  if (batch_header_size_ < kBatchHeaderSize) {
    const size_t wanted =
        std::min(kBatchHeaderSize - batch_header_size_, taken.size());
    std::memcpy(batch_header_.data() + batch_header_size_, taken.data(),
                wanted);
    batch_header_size_ += wanted;
  }
  if (callback_) record_.append(taken);
  payload_left_ -= taken.size();
  if (payload_left_ == 0) FinishFragment();
}

void LogTracker::FinishFragment() {
  if (!ends_record_) return;
  in_record_ = false;
  boundary_ = offset_;
  if (batch_header_size_ == kBatchHeaderSize) {
    const char* const header = batch_header_.data();
    last_sequence_ =
        DecodeFixed<uint64_t>(header) + DecodeFixed<uint32_t>(header + 8) - 1;
  }
  if (callback_) callback_(record_);
}

}  // namespace levelkeep
