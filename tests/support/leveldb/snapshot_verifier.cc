#include "support/snapshot_verifier.h"

#include "support/leveldb_fixture.h"

namespace levelkeep::test {
namespace {

std::string Describe(const Head& head) {
  return "batch " + std::to_string(head.number) + " of load " +
         std::to_string(head.seed);
}

}  // namespace

std::string SnapshotVerifier::Verify(const std::string& dir,
                                     std::optional<uint64_t> claimed_sequence,
                                     const Head& acknowledged) {
  std::string problem;
  const auto entries = ReadDatabase(dir, &problem);
  if (!problem.empty()) return "does not open: " + problem;
  Head head = ParseHead(entries);
  if (head.number == 0) {
    // The copy is of a new database, before its first batch.
    head.seed = acknowledged.seed + (acknowledged.number > 0 ? 1 : 0);
  }
  if (model_ == nullptr || model_->seed() != head.seed) {
    model_ = std::make_unique<Model>(head.seed);
  }
  const std::string difference = Compare(entries, model_.get());
  head_ = head;
  if (!difference.empty()) return Describe(head) + ": " + difference;
  if (head.seed < acknowledged.seed ||
      (head.seed == acknowledged.seed && head.number < acknowledged.number)) {
    return "lost acknowledged writes: has " + Describe(head) + ", " +
           Describe(acknowledged) + " was acknowledged";
  }
  if (claimed_sequence.has_value() &&
      *claimed_sequence != model_->last_sequence()) {
    return "claims sequence " + std::to_string(*claimed_sequence) + ", has " +
           std::to_string(model_->last_sequence());
  }
  return "";
}

}  // namespace levelkeep::test
