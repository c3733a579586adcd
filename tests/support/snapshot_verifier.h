// Checks that a snapshot is what it claims to be: opens it with stock LevelDB,
// reads everything with checksums and compares it with the workload's model.
//
// Link levelkeep_test_leveldb.

#ifndef LEVELKEEP_TESTS_SUPPORT_SNAPSHOT_VERIFIER_H_
#define LEVELKEEP_TESTS_SUPPORT_SNAPSHOT_VERIFIER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "support/workload.h"

namespace levelkeep::test {

// Snapshots must come in the order in which they were taken. For one thread.
class SnapshotVerifier {
 public:
  // Opens the database in `dir` (which changes it) and returns "" or the first
  // problem. The database must be the exact state after some whole batch of
  // the load, with the last sequence `claimed_sequence` (if given), and hold
  // all that was acknowledged before the snapshot was taken.
  std::string Verify(const std::string& dir,
                     std::optional<uint64_t> claimed_sequence,
                     const Head& acknowledged);
  // The head of the last database that was verified.
  const Head& head() const { return head_; }

 private:
  std::unique_ptr<Model> model_;
  Head head_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_SNAPSHOT_VERIFIER_H_
