// Work on the list of backups once the list is in memory.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catalog/listing.h"
#include "catalog/retention.h"
#include "format/backup_name.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

constexpr int64_t kFirstSecond = 1735300800;

// One backup an hour, of five histories (restores in between), shuffled.
std::vector<Listing::Entry> MakeEntries(int64_t count) {
  Random random(1);
  std::vector<std::string> epochs;
  for (int i = 0; i < 5; i++) epochs.push_back(random.Hex(32));
  std::vector<Listing::Entry> entries;
  for (int64_t i = 0; i < count; i++) {
    CatalogEntry entry;
    entry.parsed.time = Time(std::chrono::seconds(kFirstSecond + 3600 * i));
    entry.name = FormatBackupName(entry.parsed);
    entry.path = "/var/backups/" + entry.name;
    Manifest manifest;
    manifest.created = entry.parsed.time;
    manifest.db_epoch = epochs[static_cast<size_t>(i * 5 / count)];
    manifest.last_sequence = static_cast<uint64_t>(i) * 1000;
    entry.manifest = manifest;
    entry.sha256 = random.Hex(64);
    entry.verification =
        VerifyRecord{VerifyDepth::kFull, i % 100 != 0, entry.parsed.time, ""};
    entries.push_back(std::make_shared<const CatalogEntry>(std::move(entry)));
  }
  for (size_t i = entries.size(); i > 1; i--) {
    std::swap(entries[i - 1], entries[random.Below(i)]);
  }
  return entries;
}

// Sorts and counts; the time does not include freeing the listing.
void BM_MakeListing(benchmark::State& state) {
  const std::vector<Listing::Entry> entries = MakeEntries(state.range(0));
  for (auto _ : state) {
    auto listing = std::make_unique<Listing>(entries);
    benchmark::DoNotOptimize(listing->entries().data());
    state.PauseTiming();
    listing.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_MakeListing)->Arg(10'000)->Unit(benchmark::kMillisecond);

// With different MAX_BACKUPS (`kept`): few backups stay, or nearly all.
void BM_DecideRetention(benchmark::State& state) {
  const Listing listing(MakeEntries(state.range(0)));
  RetentionPolicy policy;
  policy.max_backups = static_cast<int>(state.range(1));
  const Time now(std::chrono::seconds(kFirstSecond + 3600 * state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(DecideRetention(
        RetentionItems(listing, {listing.entries().front()->name}), policy,
        now));
  }
  state.SetItemsProcessed(state.range(0) * state.iterations());
}
BENCHMARK(BM_DecideRetention)
    ->ArgNames({"backups", "max"})
    ->Args({10'000, 10})
    ->Args({10'000, 9'000})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levelkeep::bench
