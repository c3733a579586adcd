// What SnapshotEnv costs an application: LevelDB's classic workloads with the
// plain Env and with SnapshotEnv, in turns in one process. Goal: 3 %.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "snapshot/snapshot_env.h"
#include "support/database.h"
#include "support/event_data.h"
#include "support/measure.h"
#include "support/report.h"

namespace levelkeep::bench {
namespace {

struct Settings {
  uint64_t entries = 200'000;
  int rounds = 5;
  std::vector<size_t> value_sizes = {100, 600};
  std::vector<std::string> workloads = {"fillseq", "fillrandom", "readrandom"};
};

// Values from a buffer that is made before: the making of values must not be
// measured.
// Thread safety: one thread at a time.
class ValuePool {
 public:
  explicit ValuePool(size_t value_size)
      : value_size_(value_size), text_(RawEvents(1u << 20)) {}
  leveldb::Slice Next() {
    if (position_ + value_size_ > text_.size()) position_ = 0;
    const leveldb::Slice value(text_.data() + position_, value_size_);
    position_ += value_size_;
    return value;
  }

 private:
  const size_t value_size_;
  const std::string text_;
  size_t position_ = 0;
};

Status Fill(leveldb::DB* db, const Settings& settings, bool in_order,
            ValuePool* values) {
  Random random(7);
  for (uint64_t i = 0; i < settings.entries; i++) {
    const uint64_t number = in_order ? i : random.Below(settings.entries);
    LEVELKEEP_RETURN_IF_ERROR(FromLevelDb(
        db->Put(leveldb::WriteOptions(), EventKey(number), values->Next())));
  }
  return Status::Ok();
}

Status ReadRandom(leveldb::DB* db, const Settings& settings) {
  Random random(11);
  std::string value;
  for (uint64_t i = 0; i < settings.entries; i++) {
    const std::string key = EventKey(random.Below(settings.entries));
    LEVELKEEP_RETURN_IF_ERROR(
        FromLevelDb(db->Get(leveldb::ReadOptions(), key, &value)));
  }
  return Status::Ok();
}

// Thread safety: one thread at a time.
class Comparison {
 public:
  Comparison(const Settings& settings, const std::string& dir,
             std::string workload, size_t value_size)
      : settings_(settings),
        dir_(dir),
        workload_(std::move(workload)),
        values_(value_size) {}

  Status Run() {
    if (workload_ == "readrandom") {
      LEVELKEEP_ASSIGN_OR_RETURN(auto db, OpenDatabase(DbDir(), nullptr));
      LEVELKEEP_RETURN_IF_ERROR(Fill(db.get(), settings_, true, &values_));
      db->CompactRange(nullptr, nullptr);
    }
    // The first pair warms up caches, allocator and disk.
    for (int round = -1; round < settings_.rounds; round++) {
      for (const bool second : {false, true}) {
        // The disk may be busy for the second one: Envs take turns at that.
        const bool ours = (round % 2 == 0) != second;
        LEVELKEEP_ASSIGN_OR_RETURN(const Cost cost, RunOnce(ours));
        if (round >= 0) (ours ? ours_ : plain_).push_back(cost);
      }
    }
    std::filesystem::remove_all(DbDir());
    return Status::Ok();
  }

  double MedianOf(bool ours, double Cost::*member) const {
    std::vector<double> values;
    for (const Cost& cost : ours ? ours_ : plain_) {
      values.push_back(cost.*member);
    }
    return Median(values);
  }
  // The median of the ratios of the rounds: a slow moment of the machine hits
  // both halves of a round.
  double RatioOf(double Cost::*member) const {
    std::vector<double> ratios;
    for (size_t i = 0; i < ours_.size(); i++) {
      ratios.push_back(Ratio(ours_[i].*member, plain_[i].*member));
    }
    return Median(ratios);
  }

 private:
  std::string DbDir() const { return dir_ + "/" + workload_; }

  Result<Cost> RunOnce(bool ours) {
    const bool reads = workload_ == "readrandom";
    if (!reads) std::filesystem::remove_all(DbDir());
    LEVELKEEP_ASSIGN_OR_RETURN(auto db,
                               OpenDatabase(DbDir(), ours ? &env_ : nullptr));
    Status status;
    const Cost cost = MeasureOnce([&] {
      status =
          reads ? ReadRandom(db.get(), settings_)
                : Fill(db.get(), settings_, workload_ == "fillseq", &values_);
    });
    LEVELKEEP_RETURN_IF_ERROR(status);
    return cost;
  }

  const Settings& settings_;
  const std::string dir_;
  const std::string workload_;
  ValuePool values_;
  SnapshotEnv env_;
  std::vector<Cost> plain_;
  std::vector<Cost> ours_;
};

Json ToJson(const Comparison& comparison, const std::string& workload,
            size_t value_size) {
  const std::pair<const char*, double Cost::*> kClocks[] = {
      {"wall", &Cost::wall},
      {"threadCpu", &Cost::thread_cpu},
      {"processCpu", &Cost::process_cpu}};
  Json json;
  json["workload"] = workload;
  json["valueBytes"] = value_size;
  for (const auto& [name, member] : kClocks) {
    json[name]["plainSeconds"] = comparison.MedianOf(false, member);
    json[name]["snapshotEnvSeconds"] = comparison.MedianOf(true, member);
    json[name]["ratio"] = comparison.RatioOf(member);
  }
  return json;
}

Status RunAll(const Settings& settings, Benchmark* benchmark) {
  TextTable table({"workload", "plain us/op", "ours us/op", "wall",
                   "thread CPU", "process CPU"});
  const auto per_op = static_cast<double>(settings.entries);
  Json& result = *benchmark->result();
  result["entries"] = settings.entries;
  result["rounds"] = settings.rounds;
  result["results"] = Json::array();
  for (const size_t value_size : settings.value_sizes) {
    for (const std::string& workload : settings.workloads) {
      Comparison comparison(settings, benchmark->scratch_dir(), workload,
                            value_size);
      LEVELKEEP_RETURN_IF_ERROR(comparison.Run().WithContext(workload));
      table.AddRow(
          {workload + " " + std::to_string(value_size) + " B",
           Fixed(comparison.MedianOf(false, &Cost::wall) / per_op * 1e6, 3),
           Fixed(comparison.MedianOf(true, &Cost::wall) / per_op * 1e6, 3),
           TimesRatio(comparison.RatioOf(&Cost::wall)),
           TimesRatio(comparison.RatioOf(&Cost::thread_cpu)),
           TimesRatio(comparison.RatioOf(&Cost::process_cpu))});
      result["results"].push_back(ToJson(comparison, workload, value_size));
    }
  }
  table.Print();
  return Status::Ok();
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  using levelkeep::bench::Benchmark;
  levelkeep::bench::Settings settings;
  Benchmark benchmark("bench_env_overhead",
                      "LevelDB with SnapshotEnv against LevelDB without");
  CLI::App* const app = benchmark.app();
  app->add_option("--entries", settings.entries, "operations in a run")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  app->add_option("--rounds", settings.rounds, "pairs of runs")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--value-sizes", settings.value_sizes, "bytes of a value")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_option("--workloads", settings.workloads, "what to run")
      ->check(CLI::IsMember({"fillseq", "fillrandom", "readrandom"}))
      ->capture_default_str();
  return benchmark.Run(argc, argv, [&] {
    return levelkeep::bench::RunAll(settings, &benchmark);
  });
}
