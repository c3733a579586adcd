// A write load of batches, each of which follows from a seed and a number, and
// the model of what a database must hold after each batch.
//
// Link levelkeep_test_leveldb.

#ifndef LEVELKEEP_TESTS_SUPPORT_WORKLOAD_H_
#define LEVELKEEP_TESTS_SUPPORT_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "leveldb/write_batch.h"

namespace levelkeep::test {

struct Operation {
  bool put = true;
  std::string key;
  std::string value;
};

// Batch `number` (from 1) of the load with `seed`: 1-6 (sometimes 300) new
// events, two overwrites, a put and a delete of temporary keys, and the key
// "head" = "<seed> <number>". About 3 KB, sometimes 90 KB.
std::vector<Operation> MakeBatch(uint64_t seed, uint64_t number);
leveldb::WriteBatch ToWriteBatch(const std::vector<Operation>& operations);

// The seed and number in a database's "head"; {0, 0} if there is none.
struct Head {
  uint64_t seed = 0;
  uint64_t number = 0;
  bool operator==(const Head&) const = default;
};
Head ParseHead(const std::map<std::string, std::string>& entries);

// What the database must hold. It moves forward only.
class Model {
 public:
  explicit Model(uint64_t seed) : seed_(seed) {}

  // Applies batches up to and including `number`.
  void AdvanceTo(uint64_t number);
  uint64_t seed() const { return seed_; }
  uint64_t number() const { return number_; }
  uint64_t last_sequence() const { return last_sequence_; }
  const std::map<std::string, std::string>& entries() const { return entries_; }

 private:
  const uint64_t seed_;
  uint64_t number_ = 0;
  uint64_t last_sequence_ = 0;
  std::map<std::string, std::string> entries_;
};

// "" if `entries` are exactly those of `model` after the batch that their head
// names, else the first difference.
std::string Compare(const std::map<std::string, std::string>& entries,
                    Model* model);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_WORKLOAD_H_
