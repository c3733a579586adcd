// Inflates on one thread while another works on what came out. Private to
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

// A gzip file that we did not write can be inflated by one thread only, which
// is what takes longest; digests and writing go on beside it. Small files
// need no second thread and get none.
// Thread safety: one thread at a time.
class InflateAhead {
 public:
  // `source` and `verdict` outlive it.
  InflateAhead(const ByteSource* source, uint64_t size_bytes, Verdict* verdict);
  ~InflateAhead();
  InflateAhead(const InflateAhead&) = delete;
  InflateAhead& operator=(const InflateAhead&) = delete;

  // More inflated bytes, valid until the next call; empty at the end.
  Result<std::string_view> Next();

  // Of what Next has returned so far: members begun, compressed bytes taken.
  uint64_t members() const { return block_.members; }
  uint64_t offset() const { return block_.offset; }
  // Next failed because the file ends inside a member.
  bool cut_short() const { return block_.cut_short; }
  // Of all compressed bytes. REQUIRES: Next has returned nothing.
  std::string FinishSha256() { return sha256_.FinishHex(); }

 private:
  struct Block {
    ByteBuffer bytes;  // empty: the end, or a failure
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
  GzipStream gzip_;  // of the thread, once it runs
  Digest sha256_{DigestKind::kSha256};
  Block block_;  // what Next returned last
  bool ended_ = false;
  bool alone_;  // a small file, or no thread to be had

  Mutex mutex_;
  CondVar changed_;
  std::deque<Block> ready_ GUARDED_BY(mutex_);
  std::deque<ByteBuffer> free_ GUARDED_BY(mutex_);
  bool given_up_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_INFLATE_AHEAD_H_
