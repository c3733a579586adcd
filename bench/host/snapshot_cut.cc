// How long taking a snapshot of an open database takes. Goal: cut and pin in
// 5 ms at 2.5 GB.

#include <memory>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "snapshot/hot_database.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"
#include "support/database.h"
#include "support/event_data.h"
#include "support/measure.h"
#include "support/report.h"

namespace levelkeep::bench {
namespace {

struct Settings {
  uint64_t size_bytes = 2560u << 20;
  int repeats = 50;
};

// Thread safety: one thread at a time.
struct Samples {
  std::vector<double> wall;
  std::vector<double> cpu;

  void Add(const Cost& cost) {
    wall.push_back(cost.wall);
    cpu.push_back(cost.thread_cpu);
  }
};

struct Steps {
  Samples cut;      // marks and version, in memory
  Samples unpin;    // after a cut alone
  Samples take;     // cut, pin, stat of each file: what a backup does first
  Samples release;  // when it has nothing to remove
  uint64_t tables = 0;
  uint64_t bytes = 0;
};

Status MeasureCuts(const std::string& dir, int repeats, Steps* steps) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto lock,
                             DbLock::Acquire(FileSystem::Posix(), dir));
  HotDatabase database(FileSystem::Posix());
  database.Attach(dir);
  for (int i = 0; i < repeats; i++) {
    Result<HotCut> cut = Status(StatusCode::kInternal, "nothing was cut");
    steps->cut.Add(MeasureOnce([&] { cut = database.Cut(); }));
    LEVELKEEP_RETURN_IF_ERROR(cut.status());
    const std::shared_ptr<HotPin> pin = std::move(cut->pin);
    steps->unpin.Add(MeasureOnce([&] { database.Release(pin); }));
  }
  database.Detach();
  return Status::Ok();
}

Status MeasureSnapshots(const std::string& dir, int repeats, uint64_t events,
                        Steps* steps) {
  SnapshotEnv env;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto db, OpenDatabase(dir, &env));
  for (int i = 0; i < repeats; i++) {
    // New data each time, so that no earlier result can be used again.
    LEVELKEEP_ASSIGN_OR_RETURN(events,
                               FillWithEvents(db.get(), 60'000, 600, events));
    Result<std::unique_ptr<Snapshot>> snapshot =
        Status(StatusCode::kInternal, "no snapshot was taken");
    steps->take.Add(MeasureOnce([&] { snapshot = env.Take(dir); }));
    LEVELKEEP_RETURN_IF_ERROR(snapshot.status());
    steps->tables = env.GetStats(dir).tables;
    steps->bytes = (*snapshot)->info().total_bytes();
    steps->release.Add(MeasureOnce([&] { snapshot->reset(); }));
  }
  return Status::Ok();
}

void AddStep(const std::string& title, const std::string& key,
             const Samples& samples, TextTable* table, Json* result) {
  table->AddRow({title, Milliseconds(Median(samples.wall)),
                 Milliseconds(Max(samples.wall)),
                 Milliseconds(Median(samples.cpu)),
                 Milliseconds(Max(samples.cpu))});
  Json& step = (*result)["steps"][key];
  step["wallMedianSeconds"] = Median(samples.wall);
  step["wallMaxSeconds"] = Max(samples.wall);
  step["cpuMedianSeconds"] = Median(samples.cpu);
  step["cpuMaxSeconds"] = Max(samples.cpu);
}

Status RunAll(const Settings& settings, Benchmark* benchmark) {
  const std::string dir = benchmark->scratch_dir() + "/db";
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t events,
                             MakeDatabase(dir, settings.size_bytes));
  Steps steps;
  LEVELKEEP_RETURN_IF_ERROR(MeasureCuts(dir, settings.repeats, &steps));
  LEVELKEEP_RETURN_IF_ERROR(
      MeasureSnapshots(dir, settings.repeats, events, &steps));

  Json& result = *benchmark->result();
  result["databaseBytes"] = steps.bytes;
  result["tables"] = steps.tables;
  result["repeats"] = settings.repeats;
  TextTable table({"step, ms (" + std::to_string(steps.tables) + " tables, " +
                       Fixed(static_cast<double>(steps.bytes) / 1e6, 0) +
                       " MB)",
                   "wall median", "max", "CPU median", "max"});
  AddStep("cut in memory", "cut", steps.cut, &table, &result);
  AddStep("release of a cut", "releaseCut", steps.unpin, &table, &result);
  AddStep("take (cut, pin, stat)", "take", steps.take, &table, &result);
  AddStep("release", "release", steps.release, &table, &result);
  table.Print();
  return Status::Ok();
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  using levelkeep::bench::Benchmark;
  levelkeep::bench::Settings settings;
  Benchmark benchmark("bench_snapshot_cut", "how long a hot snapshot takes");
  benchmark.AddSize("--size", &settings.size_bytes, "raw size of the database");
  benchmark.app()
      ->add_option("--repeats", settings.repeats)
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  return benchmark.Run(argc, argv, [&] {
    return levelkeep::bench::RunAll(settings, &benchmark);
  });
}
