// Runs one Scenario into every possible crash and every possible fault, and
// inspects the result.
//
// From the environment:
//   LEVELKEEP_CRASH_EXHAUSTIVE=1   all states, not the quick slice
//   LEVELKEEP_CRASH_SHARD=2/8      only the third eighth of the states
//   LEVELKEEP_CRASH_SEED=77        a seed for other losses (1 if not set)
//   LEVELKEEP_CRASH_REPLAY="..."   only the state that a failure has named

#ifndef LEVELKEEP_TESTS_CRASH_CRASH_LOOP_H_
#define LEVELKEEP_TESTS_CRASH_CRASH_LOOP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "crash/inspection.h"
#include "crash/scenario.h"

namespace levelkeep::test {

enum class DiskKind {
  kFull,        // exchanges, renames without replacing, links
  kPlainNames,  // SimulatedDisk::set_plain_names
};

// Failures go to gtest. Thread safety: one thread at a time.
class CrashLoop {
 public:
  CrashLoop(const Scenario& scenario, DiskKind kind);
  ~CrashLoop();  // prints the number of states and the time
  CrashLoop(const CrashLoop&) = delete;
  CrashLoop& operator=(const CrashLoop&) = delete;

  // A power loss after each change of the disk.
  void EveryMoment();
  // A second power loss after each change that the next start makes.
  void EveryPairOfMoments();
  // Each operation fails in each way, once; then the power is lost.
  void EveryFault();
  // Each operation fails, then the power is lost at each later moment.
  void EveryFaultAndMoment();

  uint64_t states() const { return states_; }
  // True if only some of the states are tried; there may be none of them.
  bool is_part() const { return shards_ > 1 || !replay_.empty(); }

 private:
  struct Life {  // one recorded run of the scenario
    std::vector<SimulatedDisk::Moment> moments;
    Ledger ledger;
  };
  using Views = std::vector<const View*>;

  Life Record(const std::function<void()>& arm);
  // Calls `look` for each different disk after a power loss at `state`.
  void EachLoss(const SimulatedState& state, uint64_t seeds,
                const std::function<void(uint64_t seed)>& look);
  void Inspect(const Views& views, const std::function<std::string()>& id);
  void CrashRecovery(const Views& views, uint64_t index, uint64_t operation,
                     uint64_t seed);
  bool InQuickSlice(uint64_t n, size_t kind) const;
  bool FailOnce(uint64_t n, size_t kind, const std::string& id);
  Views ViewsAt(const Life& life, size_t index) const;
  bool InShard(uint64_t index) const { return index % shards_ == shard_; }
  bool Wanted(const std::string& id) const;
  void Report(const std::string& id, const std::string& problem);
  bool Enough() const;

  const Scenario& scenario_;
  const DiskKind kind_;
  const bool exhaustive_;
  Machine machine_;
  Inspection inspection_;
  SimulatedState first_;
  View first_view_;
  uint64_t seed_ = 1;
  uint64_t shard_ = 0, shards_ = 1;
  std::string replay_;
  std::string name_;

  uint64_t states_ = 0;
  int problems_ = 0;
  const std::chrono::steady_clock::time_point started_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_CRASH_LOOP_H_
