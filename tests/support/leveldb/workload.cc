#include "support/workload.h"

#include <cinttypes>
#include <cstdio>

#include "support/made_up_bytes.h"

namespace levelkeep::test {
namespace {

constexpr uint64_t kEventBytes = 300;
constexpr uint64_t kOverwrittenKeys = 500;
constexpr uint64_t kLargeBatchEvery = 97;
constexpr uint64_t kLargeBatchEvents = 300;

class Random {
 public:
  explicit Random(uint64_t state) : state_(state) {}
  uint64_t Next() { return NextRandom(&state_); }
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

std::string Key(const char* prefix, uint64_t number) {
  char key[40];
  std::snprintf(key, sizeof(key), "%s:%020" PRIu64, prefix, number);
  return key;
}

}  // namespace

std::vector<Operation> MakeBatch(uint64_t seed, uint64_t number) {
  Random random(seed * 0x2545F4914F6CDD1Du + number);
  std::vector<Operation> batch;
  const bool large = number % kLargeBatchEvery == 0;
  const uint64_t events = large ? kLargeBatchEvents : 1 + random.Below(6);
  for (uint64_t i = 0; i < events; i++) {
    batch.push_back({true, Key("evt", number * 1000 + i),
                     RandomLetters(random.Next(), kEventBytes)});
  }
  for (int i = 0; i < 2; i++) {
    batch.push_back(
        {true, Key("upd", random.Below(kOverwrittenKeys)),
         RandomLetters(random.Next(), 100) + std::to_string(number)});
  }
  batch.push_back({true, Key("tmp", number), RandomLetters(random.Next(), 50)});
  if (number > 5) batch.push_back({false, Key("tmp", number - 5), ""});
  batch.push_back(
      {true, "head", std::to_string(seed) + " " + std::to_string(number)});
  return batch;
}

leveldb::WriteBatch ToWriteBatch(const std::vector<Operation>& operations) {
  leveldb::WriteBatch batch;
  for (const Operation& operation : operations) {
    if (operation.put) {
      batch.Put(operation.key, operation.value);
    } else {
      batch.Delete(operation.key);
    }
  }
  return batch;
}

Head ParseHead(const std::map<std::string, std::string>& entries) {
  Head head;
  const auto found = entries.find("head");
  if (found == entries.end()) return head;
  std::sscanf(found->second.c_str(), "%" SCNu64 " %" SCNu64, &head.seed,
              &head.number);
  return head;
}

void Model::AdvanceTo(uint64_t number) {
  while (number_ < number) {
    number_++;
    for (Operation& operation : MakeBatch(seed_, number_)) {
      last_sequence_++;
      if (operation.put) {
        entries_[operation.key] = std::move(operation.value);
      } else {
        entries_.erase(operation.key);
      }
    }
  }
}

std::string Compare(const std::map<std::string, std::string>& entries,
                    Model* model) {
  const Head head = ParseHead(entries);
  if (head.number < model->number()) return "head went back";
  model->AdvanceTo(head.number);
  if (head.number > 0 && head.seed != model->seed()) return "other seed";
  auto expected = model->entries().begin();
  for (const auto& [key, value] : entries) {
    if (expected == model->entries().end() || key < expected->first) {
      return "unexpected " + key;
    }
    if (key != expected->first) return "missing " + expected->first;
    if (value != expected->second) return "stale value of " + key;
    ++expected;
  }
  if (expected == model->entries().end()) return "";
  return "missing " + expected->first;
}

}  // namespace levelkeep::test
