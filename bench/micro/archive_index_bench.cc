// The data around the files in an archive: tar headers, the table of contents,
// the backup's manifest.

#include <benchmark/benchmark.h>

#include <string>

#include "archive/tar_format.h"
#include "dbfiles/database_files.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

constexpr uint64_t kTableBytes = 2u << 20;  // the usual size in LevelDB

Toc MakeToc(int64_t files) {
  Random random(1);
  Toc toc;
  toc.mtime_seconds = 1735300800;
  uint64_t offset = 300;  // after the member of the first tar header
  for (int64_t i = 0; i < files; i++) {
    TocFile file;
    file.name = TableFileName(static_cast<uint64_t>(i) + 5);
    file.size_bytes = kTableBytes;
    file.sha256 = Sha256::Of(std::to_string(i));
    file.chunks.push_back({offset, file.sha256});
    offset += kTableBytes / 2 + random.Below(kTableBytes / 2) + 1;
    toc.files.push_back(std::move(file));
  }
  return toc;
}

Manifest MakeManifest(int64_t files) {
  Random random(1);
  Manifest manifest;
  manifest.id = random.Hex(32);
  manifest.created = Time(std::chrono::milliseconds(1735300800123));
  manifest.trigger = "scheduled";
  manifest.hostname = "host";
  manifest.levelkeep_version = "0.1.0";
  manifest.snapshot_method = "hot";
  manifest.db_name = "event_registry_db";
  manifest.db_epoch = random.Hex(32);
  manifest.comparator = "leveldb.BytewiseComparator";
  manifest.last_sequence = 1'000'000;
  for (int64_t i = 0; i < files; i++) {
    manifest.files.push_back({TableFileName(static_cast<uint64_t>(i) + 5),
                              kTableBytes, Sha256::Of(std::to_string(i))});
  }
  manifest.files.push_back({"CURRENT", 16, Sha256::Of("")});
  manifest.source_bytes = static_cast<uint64_t>(files) * kTableBytes;
  return manifest;
}

void CountFilesAndBytes(benchmark::State& state, size_t bytes) {
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(bytes) * state.iterations());
}

void BM_EncodeTarHeader(benchmark::State& state) {
  for (auto _ : state) {
    auto header = EncodeTarHeader("event_registry_db/000012.ldb", kTableBytes,
                                  1735300800);
    benchmark::DoNotOptimize(header);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_EncodeTarHeader);

void BM_CheckTarHeader(benchmark::State& state) {
  const std::string name = "event_registry_db/000012.ldb";
  const auto header = EncodeTarHeader(name, kTableBytes, 1735300800);
  for (auto _ : state) {
    if (!CheckTarHeader(*header, name, kTableBytes, 1735300800).ok()) {
      state.SkipWithError("an encoded tar header is refused");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_CheckTarHeader);

void BM_EncodeToc(benchmark::State& state) {
  const Toc toc = MakeToc(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string json = EncodeToc(toc);
    bytes = json.size();
    benchmark::DoNotOptimize(json.data());
  }
  CountFilesAndBytes(state, bytes);
}
BENCHMARK(BM_EncodeToc)->Arg(600)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_DecodeToc(benchmark::State& state) {
  const std::string json = EncodeToc(MakeToc(state.range(0)));
  for (auto _ : state) {
    const auto toc = DecodeToc(json);
    if (!toc.ok()) {
      state.SkipWithError(toc.status().message().c_str());
      break;
    }
  }
  CountFilesAndBytes(state, json.size());
}
BENCHMARK(BM_DecodeToc)->Arg(600)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_EncodeManifest(benchmark::State& state) {
  const Manifest manifest = MakeManifest(state.range(0));
  size_t bytes = 0;
  for (auto _ : state) {
    const std::string json = EncodeManifest(manifest);
    bytes = json.size();
    benchmark::DoNotOptimize(json.data());
  }
  CountFilesAndBytes(state, bytes);
}
BENCHMARK(BM_EncodeManifest)
    ->Arg(600)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

void BM_DecodeManifest(benchmark::State& state) {
  const std::string json = EncodeManifest(MakeManifest(state.range(0)));
  for (auto _ : state) {
    const auto manifest = DecodeManifest(json);
    if (!manifest.ok()) {
      state.SkipWithError(manifest.status().message().c_str());
      break;
    }
  }
  CountFilesAndBytes(state, json.size());
}
BENCHMARK(BM_DecodeManifest)
    ->Arg(600)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levelkeep::bench
