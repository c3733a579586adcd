// Where the last complete record of a log ends. The one thread that appends to
// the log writes the mark, snapshots read it, and neither waits for the other.

#ifndef LEVELKEEP_SNAPSHOT_LOG_MARK_H_
#define LEVELKEEP_SNAPSHOT_LOG_MARK_H_

#include <atomic>
#include <cstdint>

namespace levelkeep {

// A sequence lock around two numbers that belong together. While `turn_` is
// odd, a Publish is running.
// Thread safety: Publish from one thread at a time, Read from any.
class LogMark {
 public:
  struct Value {
    uint64_t boundary = 0;       // offset after the last complete record
    uint64_t last_sequence = 0;  // of that record; 0 if no record is complete
  };

  void Publish(Value value) {
    const uint64_t turn = turn_.load(std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_relaxed);
    // Release: a reader that sees a new number also sees the odd turn.
    boundary_.store(value.boundary, std::memory_order_release);
    last_sequence_.store(value.last_sequence, std::memory_order_release);
    turn_.store(turn + 2, std::memory_order_release);
  }

  Value Read() const {
    while (true) {
      const uint64_t before = turn_.load(std::memory_order_acquire);
      Value value;
      value.boundary = boundary_.load(std::memory_order_acquire);
      value.last_sequence = last_sequence_.load(std::memory_order_acquire);
      const uint64_t after = turn_.load(std::memory_order_relaxed);
      if (before == after && before % 2 == 0) return value;
    }
  }

 private:
  std::atomic<uint64_t> turn_{0};
  std::atomic<uint64_t> boundary_{0};
  std::atomic<uint64_t> last_sequence_{0};
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_LOG_MARK_H_
