// LevelDB's MANIFEST at 1,250 tables (2.5 GB) and 10,000 (20 GB): the edits,
// the state they add up to, and reading a whole file.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

constexpr uint64_t kTableBytes = 2u << 20;

std::string InternalKey(uint64_t number) {
  return EventKey(number) + std::string("\x01\x02\x03\x04\x05\x06\x07\x08", 8);
}

TableMeta MakeTable(uint64_t number) {
  TableMeta table;
  table.level = number % 10 == 0 ? 1 : 2;
  table.number = number;
  table.size_bytes = kTableBytes;
  table.smallest = InternalKey(number * 1000);
  table.largest = InternalKey(number * 1000 + 999);
  return table;
}

VersionEdit MakeState(int64_t tables) {
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 3;
  edit.previous_log_number = 0;
  edit.next_file_number = static_cast<uint64_t>(tables) + 1'000'000;
  edit.last_sequence = 1'000'000;
  for (int64_t i = 0; i < tables; i++) {
    edit.added_tables.push_back(MakeTable(static_cast<uint64_t>(i) + 4));
  }
  return edit;
}

Version MakeVersion(int64_t tables) {
  Version version;
  // The edit adds all tables of an empty state.
  if (!version.Apply(MakeState(tables)).ok()) return Version();
  return version;
}

void BM_EncodeEdit(benchmark::State& state) {
  const VersionEdit edit = MakeState(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(edit.Encode());
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_EncodeEdit)->ArgName("tables")->Arg(1250)->Arg(10'000);

void BM_DecodeEdit(benchmark::State& state) {
  const std::string record = MakeState(state.range(0)).Encode();
  for (auto _ : state) {
    const auto edit = VersionEdit::Decode(record);
    if (!edit.ok()) {
      state.SkipWithError(edit.status().message().c_str());
      break;
    }
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(record.size()) *
                          state.iterations());
}
BENCHMARK(BM_DecodeEdit)->ArgName("tables")->Arg(1250)->Arg(10'000);

// The cost for a snapshot that is open when a compaction ends.
void BM_CopyVersion(benchmark::State& state) {
  const Version version = MakeVersion(state.range(0));
  for (auto _ : state) {
    Version copy = version;
    benchmark::DoNotOptimize(copy.tables().size());
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_CopyVersion)->ArgName("tables")->Arg(1250)->Arg(10'000);

// The edit of a compaction: one table goes, one comes.
void BM_ApplyCompaction(benchmark::State& state) {
  Version version = MakeVersion(state.range(0));
  uint64_t oldest = 4;
  uint64_t next = static_cast<uint64_t>(state.range(0)) + 4;
  for (auto _ : state) {
    VersionEdit edit;
    edit.next_file_number = next + 2'000'000;
    edit.removed_tables.emplace_back(oldest % 10 == 0 ? 1 : 2, oldest);
    edit.added_tables.push_back(MakeTable(next));
    if (const Status status = version.Apply(edit); !status.ok()) {
      state.SkipWithError(status.message().c_str());
      break;
    }
    oldest++;
    next++;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_ApplyCompaction)->ArgName("tables")->Arg(1250)->Arg(10'000);

void BM_EncodeSnapshotManifest(benchmark::State& state) {
  const Version version = MakeVersion(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(FrameAsLog(version.EncodeAsEdit()));
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_EncodeSnapshotManifest)->ArgName("tables")->Arg(1250)->Arg(10'000);

void BM_ReadManifest(benchmark::State& state) {
  const std::string file = FrameAsLog(MakeState(state.range(0)).Encode());
  const auto source = NewStringSource(file);
  for (auto _ : state) {
    const auto content = ReadManifest(*source, file.size());
    if (!content.ok()) {
      state.SkipWithError(content.status().message().c_str());
      break;
    }
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(file.size()) *
                          state.iterations());
}
BENCHMARK(BM_ReadManifest)->ArgName("tables")->Arg(1250)->Arg(10'000);

}  // namespace
}  // namespace levelkeep::bench
