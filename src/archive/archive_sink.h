// The end of the writing pipeline: appends bytes and computes size and digests.
// Private to archive.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_SINK_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_SINK_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "archive/archive_writer.h"
#include "archive/read_back.h"
#include "base/file_system.h"
#include "base/hash.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class ArchiveSink {
 public:
  // `file` is empty. `file` and `read_back` (may be null) outlive this object.
  ArchiveSink(File* file, bool md5, ReadBack* read_back);

  Status Append(std::string_view bytes);
  uint64_t size_bytes() const { return size_bytes_; }
  // Sets the size and digests of the summary.
  void Finish(ArchiveSummary* summary);

 private:
  File* const file_;
  ReadBack* const read_back_;
  Digest sha256_;
  std::unique_ptr<Digest> md5_;  // null if not requested
  uint64_t size_bytes_ = 0;
  uint64_t writeback_started_ = 0;  // writeback was started up to this offset
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_SINK_H_
