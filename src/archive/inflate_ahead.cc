#include "archive/inflate_ahead.h"

#include <system_error>
#include <utility>

#include "archive/file_digest.h"
#include "base/process.h"
#include "base/status_macros.h"

namespace levelkeep {
namespace {

constexpr size_t kInflatedBlockBytes = 256u << 10;
constexpr int kBlocksAhead = 8;

}  // namespace

InflateAhead::InflateAhead(const ByteSource* source, uint64_t size_bytes,
                           Verdict* verdict)
    : source_(source),
      verdict_(verdict),
      gzip_(source, size_bytes, verdict),
      alone_(size_bytes < kSmallWorkBytes) {}

InflateAhead::~InflateAhead() {
  MutexLock lock(&mutex_);
  given_up_ = true;
  changed_.notify_all();
}

Result<std::string_view> InflateAhead::Next() {
  if (ended_) return std::string_view();
  const uint64_t digested = block_.offset;
  if (!alone_ && (thread_.joinable() || Start())) {
    block_ = Take();
  } else {
    block_ = Inflate(std::move(block_.bytes));
  }
  LEVELKEEP_RETURN_IF_ERROR(block_.status);
  ended_ = block_.bytes.size() == 0;
  // Digests the bytes with another read, from the page cache: cheaper than on
  // the inflating thread, for which all others wait.
  LEVELKEEP_RETURN_IF_ERROR(
      DigestRange(*source_, digested, block_.offset, &sha256_, verdict_));
  return block_.bytes.view();
}

// False if the host refuses a thread; the calling thread then inflates.
bool InflateAhead::Start() {
  {
    MutexLock lock(&mutex_);
    for (int i = 0; i < kBlocksAhead; ++i)
      free_.emplace_back(kInflatedBlockBytes);
  }
  try {
    thread_ = std::jthread([this] {
      LowerThreadPriority(ThreadPriority::kLow);
      Work();
    });
  } catch (const std::system_error&) {
    // For good: the spare blocks were meant for the thread.
    alone_ = true;
    MutexLock lock(&mutex_);
    free_.clear();
  }
  return !alone_;
}

InflateAhead::Block InflateAhead::Inflate(ByteBuffer memory) {
  Block block;
  block.bytes = std::move(memory);
  block.bytes.Clear();
  block.status = RunGuarded([&]() -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const size_t size,
        gzip_.Read(block.bytes.Tail(kInflatedBlockBytes), kInflatedBlockBytes));
    block.bytes.Advance(size);
    return Status::Ok();
  });
  block.members = gzip_.members();
  block.offset = gzip_.offset();
  block.cut_short = gzip_.cut_short();
  return block;
}

void InflateAhead::Work() {
  for (bool more = true; more;) {
    ByteBuffer memory;
    {
      MutexLock lock(&mutex_);
      while (free_.empty() && !given_up_) changed_.wait(mutex_);
      if (given_up_) return;
      memory = std::move(free_.front());
      free_.pop_front();
    }
    Block block = Inflate(std::move(memory));
    more = block.status.ok() && block.bytes.size() > 0;
    MutexLock lock(&mutex_);
    ready_.push_back(std::move(block));
    changed_.notify_all();
  }
}

InflateAhead::Block InflateAhead::Take() {
  MutexLock lock(&mutex_);
  // The first call has no block to return.
  if (block_.offset > 0) free_.push_back(std::move(block_.bytes));
  changed_.notify_all();
  while (ready_.empty()) changed_.wait(mutex_);
  Block block = std::move(ready_.front());
  ready_.pop_front();
  return block;
}

}  // namespace levelkeep
