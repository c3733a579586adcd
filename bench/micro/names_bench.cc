// The names of LevelDB's files and of backups.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dbfiles/database_files.h"
#include "format/backup_name.h"

namespace levelkeep::bench {
namespace {

void BM_ParseDbFileName(benchmark::State& state) {
  const std::vector<std::string> names = {
      "000012.ldb", "123456.ldb", "000013.log", "MANIFEST-000005",
      "CURRENT",    "LOG.old",    "LOCK",       "000012.ldb.pin3"};
  for (auto _ : state) {
    for (const std::string& name : names) {
      benchmark::DoNotOptimize(ParseDbFileName(name));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(names.size()) *
                          state.iterations());
}
BENCHMARK(BM_ParseDbFileName);

void BM_TableFileName(benchmark::State& state) {
  uint64_t number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(TableFileName(number++));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_TableFileName);

void BM_ParseBackupName(benchmark::State& state) {
  const std::vector<std::string> names = {
      "backup_2024-12-27_120000.tar.gz",
      "backup_2024-12-27_120000-2.tar.gz",
      "backup_2024-12-27_120000-2_migration-export.tar.gz",
      "backup_2024-12-27_120000.tar.gz.sha256",
      ".levelkeep-0123456789abcdef.part",
      "backup_2024-13-27_120000.tar.gz"};
  for (auto _ : state) {
    for (const std::string& name : names) {
      benchmark::DoNotOptimize(ParseBackupName(name));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(names.size()) *
                          state.iterations());
}
BENCHMARK(BM_ParseBackupName);

void BM_FormatBackupName(benchmark::State& state) {
  BackupName name;
  name.time = Time(std::chrono::seconds(1735300800));
  name.label = "migration-export";
  for (auto _ : state) benchmark::DoNotOptimize(FormatBackupName(name));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_FormatBackupName);

}  // namespace
}  // namespace levelkeep::bench
