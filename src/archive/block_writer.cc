#include "archive/block_writer.h"

#include <algorithm>

#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr size_t kBufferBytes = 1u << 20;

}  // namespace

void BlockWriter::Begin(File* file) {
  file_ = file;
  written_ = 0;
  buffer_.Clear();
}

Status BlockWriter::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part =
        bytes.substr(0, std::min(bytes.size(), kBufferBytes - buffer_.size()));
    buffer_.Append(part);
    bytes.remove_prefix(part.size());
    if (buffer_.size() == kBufferBytes) LEVELKEEP_RETURN_IF_ERROR(Flush());
  }
  return Status::Ok();
}

Status BlockWriter::Finish() { return Flush(); }

Status BlockWriter::Flush() {
  LEVELKEEP_RETURN_IF_ERROR(WriteBlocks(file_, written_, buffer_.view()));
  written_ += buffer_.size();
  buffer_.Clear();
  return Status::Ok();
}

}  // namespace levelkeep
