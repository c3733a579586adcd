// A growable buffer that is never zeroed and keeps its memory when it is
// emptied. It begins on a device block, so that compressors and the device can
// write straight into it. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_BYTE_BUFFER_H_
#define LEVELKEEP_ARCHIVE_BYTE_BUFFER_H_

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr size_t RoundUpToBlock(size_t size) {
  return (size + kDeviceBlockBytes - 1) / kDeviceBlockBytes * kDeviceBlockBytes;
}

// Thread safety: one thread at a time.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(size_t capacity) { Reserve(capacity); }
  // A moved-from buffer is empty.
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }

  void Clear() { size_ = 0; }
  void Truncate(size_t size) {
    assert(size <= size_);
    size_ = size;
  }
  // Makes room for `more` bytes behind the content and returns its address.
  char* Tail(size_t more) {
    if (capacity_ - size_ < more) {
      Reserve(std::max(size_ + more, capacity_ + capacity_ / 2));
    }
    return data_.get() + size_;
  }
  // Adds `count` bytes that were written to Tail() to the content.
  void Advance(size_t count) {
    assert(count <= capacity_ - size_);
    size_ += count;
  }
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Tail(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  // Replaces the content by the `size` bytes of `source` at `offset`.
  Status Read(const ByteSource& source, uint64_t offset, size_t size) {
    Clear();
    const Status status = ReadExactly(source, offset, Tail(size), size);
    if (status.ok()) Advance(size);
    return status;
  }
  void AppendZeros(size_t count) {
    if (count == 0) return;
    std::memset(Tail(count), 0, count);
    size_ += count;
  }

 private:
  struct Free {
    void operator()(char* memory) const {
      ::operator delete (memory, std::align_val_t{kDeviceBlockBytes});
    }
  };
  using Memory = std::unique_ptr<char[], Free>;

  void Reserve(size_t capacity) {
    Memory bigger(static_cast<char*>(
        ::operator new (capacity, std::align_val_t{kDeviceBlockBytes})));
    if (size_ > 0) std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
    capacity_ = capacity;
  }

  Memory data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_BYTE_BUFFER_H_
