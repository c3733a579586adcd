// The answer of GET /api/backup/list: as LevelKeep makes it, and by a tree.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "api/report_json.h"
#include "base/json.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

std::vector<BackupInfo> MakeBackups(int64_t count) {
  Random random(1);
  std::vector<BackupInfo> backups;
  for (int64_t i = 0; i < count; i++) {
    BackupInfo backup;
    backup.name = "backup_2024-12-27_120000-" + std::to_string(i) + ".tar.gz";
    backup.path = "/var/backups/" + backup.name;
    backup.size_bytes = random.Below(1u << 30);
    backup.created = Time(std::chrono::seconds(1735300800 + 3600 * i));
    backup.trigger = "scheduled";
    backup.sha256 = random.Hex(64);
    backup.status = BackupStatus::kVerified;
    backup.verified_at = backup.created;
    backup.last_sequence = random.Below(1u << 30);
    backup.snapshot_method = SnapshotMethod::kHot;
    backups.push_back(std::move(backup));
  }
  return backups;
}

void BM_BackupsToJson(benchmark::State& state) {
  const std::vector<BackupInfo> backups = MakeBackups(state.range(0));
  const Time now(std::chrono::seconds(1800000000));
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string text = DumpJson(api::BackupsToJson(backups, now));
    bytes = text.size();
    benchmark::DoNotOptimize(text.data());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
}
void BM_BackupArrayText(benchmark::State& state) {
  const std::vector<BackupInfo> backups = MakeBackups(state.range(0));
  const Time now(std::chrono::seconds(1800000000));
  size_t bytes = 0;
  for (auto _ : state) {
    std::string text;
    api::BackupArrayText array(now, &text);
    for (const BackupInfo& backup : backups) array.Add(backup);
    array.Finish();
    bytes = text.size();
    benchmark::DoNotOptimize(text.data());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
}
BENCHMARK(BM_BackupArrayText)
    ->Arg(10)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);

BENCHMARK(BM_BackupsToJson)
    ->Arg(10)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levelkeep::bench
