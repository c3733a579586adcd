// Inflates on one thread while another thread uses the result. Private to
// archive.

#ifndef LEVELKEEP_ARCHIVE_INFLATE_AHEAD_H_
#define LEVELKEEP_ARCHIVE_INFLATE_AHEAD_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <thread>

#include "archive/byte_buffer.h"
#include "archive/gzip_stream.h"
#include "archive/parallel.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "base/mutex.h"

namespace levelkeep {

// Only one thread can inflate a gzip file of another program, and that takes
// longest; digests and writing run in parallel. A small file is inflated by the
// calling thread.
// Thread safety: one thread at a time.
class InflateAhead {
 public:
  // `source` and `verdict` outlive this object.
  InflateAhead(const ByteSource* source, uint64_t size_bytes, Verdict* verdict);
  ~InflateAhead();
  InflateAhead(const InflateAhead&) = delete;
  InflateAhead& operator=(const InflateAhead&) = delete;

  // More inflated bytes, valid until the next call; empty at the end.
  Result<std::string_view> Next();

  // Members begun and compressed bytes consumed, up to Next's last result.
  uint64_t members() const { return block_.members; }
  uint64_t offset() const { return block_.offset; }
  // True if Next failed because the file ends inside a member.
  bool cut_short() const { return block_.cut_short; }
  // The digest of all compressed bytes. REQUIRES: Next has returned empty.
  std::string FinishSha256() { return sha256_.FinishHex(); }

 private:
  struct Block {
    ByteBuffer bytes;  // empty at the end or after a failure
    Status status;
    uint64_t members = 0;
    uint64_t offset = 0;
    bool cut_short = false;
  };

  Block Inflate(ByteBuffer memory);
  void Work();
  bool Start();
  Block Take();

  const ByteSource* const source_;
  Verdict* const verdict_;
  GzipStream gzip_;  // used only by the thread, once it runs
  Digest sha256_{DigestKind::kSha256};
  Block block_;  // the last result of Next
  bool ended_ = false;
  bool alone_;  // no thread: the file is small, or the host refused one

  Mutex mutex_;
  CondVar changed_;
  std::deque<Block> ready_ GUARDED_BY(mutex_);
  std::deque<ByteBuffer> free_ GUARDED_BY(mutex_);
  bool given_up_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_INFLATE_AHEAD_H_
