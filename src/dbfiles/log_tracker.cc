// LogTracker: follows the log format while the log is written.

#include <algorithm>
#include <cstring>

#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"
#include "dbfiles/log_fragment.h"

namespace levelkeep {

void LogTracker::SetRecordCallback(RecordCallback callback) {
  callback_ = std::move(callback);
}

void LogTracker::Feed(std::string_view bytes) {
  while (!bytes.empty() && well_formed_) {
    if (payload_left_ > 0) {
      FeedPayload(&bytes);
    } else if (header_size_ == 0 &&
               kLogBlockSize - offset_ % kLogBlockSize < kLogHeaderSize) {
      FeedTrailer(&bytes);
    } else {
      FeedHeader(&bytes);
    }
  }
}

// If the end of a block has no room for a header, it is filled with zeros.
void LogTracker::FeedTrailer(std::string_view* bytes) {
  const uint64_t left = kLogBlockSize - offset_ % kLogBlockSize;
  const size_t taken = std::min<uint64_t>(left, bytes->size());
  offset_ += taken;
  bytes->remove_prefix(taken);
}

void LogTracker::FeedHeader(std::string_view* bytes) {
  const size_t taken = std::min(kLogHeaderSize - header_size_, bytes->size());
  std::memcpy(header_.data() + header_size_, bytes->data(), taken);
  header_size_ += taken;
  offset_ += taken;
  bytes->remove_prefix(taken);
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
  const size_t taken = std::min(payload_left_, bytes->size());
  if (batch_header_size_ < kBatchHeaderSize) {
    const size_t wanted =
        std::min(kBatchHeaderSize - batch_header_size_, taken);
    std::memcpy(batch_header_.data() + batch_header_size_, bytes->data(),
                wanted);
    batch_header_size_ += wanted;
  }
  if (callback_) record_.append(bytes->data(), taken);
  payload_left_ -= taken;
  offset_ += taken;
  bytes->remove_prefix(taken);
  if (payload_left_ == 0) FinishFragment();
}

void LogTracker::FinishFragment() {
  if (!ends_record_) return;
  in_record_ = false;
  boundary_ = offset_;
  if (batch_header_size_ == kBatchHeaderSize) {
    char header[kBatchHeaderSize];
    std::memcpy(header, batch_header_.data(), kBatchHeaderSize);
    last_sequence_ = DecodeFixed64(header) + DecodeFixed32(header + 8) - 1;
  }
  if (callback_) callback_(record_);
}

}  // namespace levelkeep
