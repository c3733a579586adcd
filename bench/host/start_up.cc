// What LevelKeep adds to an application's start when there is nothing to
// restore. Goal: 20 ms more than leveldb::DB::Open alone.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/status_macros.h"
#include "levelkeep/backup_manager.h"
#include "support/database.h"
#include "support/measure.h"
#include "support/report.h"

namespace levelkeep::bench {
namespace {

struct Settings {
  uint64_t size_bytes = 1024u << 20;
  int rounds = 15;
};

struct Samples {
  std::vector<double> plain;       // DB::Open alone
  std::vector<double> ours;        // the next three together
  std::vector<double> initialize;  // constructor and Initialize
  std::vector<double> open;        // DB::Open through our Env
  std::vector<double> attach;
};

// Options that let nothing run beside the start that is measured.
BackupOptions QuietOptions(const std::string& scratch_dir) {
  BackupOptions options;
  options.storage_dir = scratch_dir + "/storage";
  options.db_name = "db";
  options.backup_dir = scratch_dir + "/backups";
  options.restore_dir = scratch_dir + "/restore";
  options.schedule.enabled = false;
  return options;
}

Status StartPlain(const BackupOptions& options, Samples* samples) {
  const double begin = WallSeconds();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto db,
                             OpenDatabase(options.storage_path(), nullptr));
  samples->plain.push_back(WallSeconds() - begin);
  return Status::Ok();
}

Status StartOurs(const BackupOptions& options, Samples* samples) {
  const double begin = WallSeconds();
  BackupManager manager(options);
  LEVELKEEP_RETURN_IF_ERROR(manager.Initialize().status());
  const double initialized = WallSeconds();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto db, OpenDatabase(options.storage_path(), manager.env()));
  const double opened = WallSeconds();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto attachment, manager.Attach(db.get()));
  const double end = WallSeconds();
  samples->initialize.push_back(initialized - begin);
  samples->open.push_back(opened - initialized);
  samples->attach.push_back(end - opened);
  samples->ours.push_back(end - begin);
  return Status::Ok();
}

void AddRow(const std::string& title, const std::string& key,
            const std::vector<double>& values, TextTable* table, Json* result) {
  table->AddRow(
      {title, Milliseconds(Median(values)), Milliseconds(Max(values))});
  (*result)["steps"][key] = {{"medianSeconds", Median(values)},
                             {"maxSeconds", Max(values)}};
}

Status RunAll(const Settings& settings, Benchmark* benchmark) {
  const BackupOptions options = QuietOptions(benchmark->scratch_dir());
  std::filesystem::create_directory(options.storage_dir);
  LEVELKEEP_RETURN_IF_ERROR(
      MakeDatabase(options.storage_path(), settings.size_bytes).status());
  Samples warm_up;
  LEVELKEEP_RETURN_IF_ERROR(StartPlain(options, &warm_up));
  LEVELKEEP_RETURN_IF_ERROR(StartOurs(options, &warm_up));
  Samples samples;
  for (int round = 0; round < settings.rounds; round++) {
    LEVELKEEP_RETURN_IF_ERROR(StartPlain(options, &samples));
    LEVELKEEP_RETURN_IF_ERROR(StartOurs(options, &samples));
  }

  const double added = Median(samples.ours) - Median(samples.plain);
  Json& result = *benchmark->result();
  result["requestedBytes"] = settings.size_bytes;
  result["rounds"] = settings.rounds;
  result["addedSeconds"] = added;
  TextTable table({"start, ms", "median", "max"});
  AddRow("DB::Open alone", "plainOpen", samples.plain, &table, &result);
  AddRow("with LevelKeep", "withLevelKeep", samples.ours, &table, &result);
  AddRow("  Initialize", "initialize", samples.initialize, &table, &result);
  AddRow("  DB::Open", "open", samples.open, &table, &result);
  AddRow("  Attach", "attach", samples.attach, &table, &result);
  table.AddRow({"added (goal 20)", Milliseconds(added), ""});
  table.Print();
  return Status::Ok();
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  using levelkeep::bench::Benchmark;
  levelkeep::bench::Settings settings;
  Benchmark benchmark("bench_start_up",
                      "starting with LevelKeep against DB::Open alone");
  benchmark.AddSize("--size", &settings.size_bytes, "raw size of the database");
  benchmark.app()
      ->add_option("--rounds", settings.rounds, "starts of each kind")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  return benchmark.Run(argc, argv, [&] {
    return levelkeep::bench::RunAll(settings, &benchmark);
  });
}
