// The write-ahead log: the cost of SnapshotEnv for every write (LogTracker),
// and of finding the whole records of a log (ScanLog).

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "dbfiles/log_format.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

constexpr int64_t kLogBytes = 4 << 20;

void AppendNumber(uint64_t value, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; i++) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

// One batch of one Put, as LevelDB encodes it.
std::string Batch(uint64_t sequence, size_t value_size) {
  std::string record;
  AppendNumber(sequence, 8, &record);
  AppendNumber(1, 4, &record);
  record.push_back(1);
  const std::string key = EventKey(sequence);
  record.push_back(static_cast<char>(key.size()));
  record += key;
  record.push_back(static_cast<char>((value_size & 0x7f) | 0x80));
  record.push_back(static_cast<char>(value_size >> 7));
  record.append(value_size, 'v');
  return record;
}

// A log, and the pieces in which LevelDB hands it to its WritableFile: a
// header, a payload, a header, ...
struct LogBytes {
  std::string bytes;
  std::vector<std::string_view> pieces;
  int64_t records = 0;
};

void AppendFragment(int type, std::string_view payload,
                    std::vector<size_t>* cuts, std::string* log) {
  std::string checked(1, static_cast<char>(type));
  checked += payload;
  AppendNumber(MaskCrc32c(Crc32c(0, checked)), 4, log);
  AppendNumber(payload.size(), 2, log);
  log->push_back(static_cast<char>(type));
  cuts->push_back(log->size());
  log->append(payload);
  cuts->push_back(log->size());
}

std::unique_ptr<LogBytes> MakeLog(size_t value_size) {
  constexpr int kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4;
  auto log = std::make_unique<LogBytes>();
  std::vector<size_t> cuts;
  while (static_cast<int64_t>(log->bytes.size()) < kLogBytes) {
    const std::string record =
        Batch(static_cast<uint64_t>(++log->records), value_size);
    std::string_view rest = record;
    bool first = true;
    do {
      size_t room = kLogBlockSize - log->bytes.size() % kLogBlockSize;
      if (room < kLogHeaderSize) {
        log->bytes.append(room, '\0');
        cuts.push_back(log->bytes.size());
        room = kLogBlockSize;
      }
      const std::string_view part = rest.substr(0, room - kLogHeaderSize);
      rest.remove_prefix(part.size());
      const bool last = rest.empty();
      const int type = first ? (last ? kFull : kFirst) : last ? kLast : kMiddle;
      AppendFragment(type, part, &cuts, &log->bytes);
      first = false;
    } while (!rest.empty());
  }
  size_t start = 0;
  for (const size_t cut : cuts) {
    log->pieces.push_back(
        std::string_view(log->bytes).substr(start, cut - start));
    start = cut;
  }
  return log;
}

void Count(benchmark::State& state, const LogBytes& log) {
  state.SetItemsProcessed(log.records * state.iterations());
  state.SetBytesProcessed(static_cast<int64_t>(log.bytes.size()) *
                          state.iterations());
}

void BM_LogTracker(benchmark::State& state) {
  const auto log = MakeLog(static_cast<size_t>(state.range(0)));
  for (auto _ : state) {
    LogTracker tracker;
    for (const std::string_view piece : log->pieces) tracker.Feed(piece);
    if (tracker.boundary() != log->bytes.size()) {
      state.SkipWithError("the tracker lost its way in a good log");
      break;
    }
  }
  Count(state, *log);
}
BENCHMARK(BM_LogTracker)->ArgName("value")->Arg(128)->Arg(600)->Arg(16000);

void BM_ScanLog(benchmark::State& state) {
  const auto log = MakeLog(static_cast<size_t>(state.range(0)));
  const auto source = NewStringSource(log->bytes);
  for (auto _ : state) {
    const auto scan =
        ScanLog(*source, log->bytes.size(), /*batches=*/true, nullptr);
    if (!scan.ok() || scan->boundary != log->bytes.size()) {
      state.SkipWithError("a good log is not read to its end");
      break;
    }
  }
  Count(state, *log);
}
BENCHMARK(BM_ScanLog)->ArgName("value")->Arg(128)->Arg(600)->Arg(16000);

}  // namespace
}  // namespace levelkeep::bench
