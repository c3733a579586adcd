// Deflate and inflate as the archive does them: one thread, from and to
// memory, steps of kStepBytes.

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "archive/byte_buffer.h"
#include "archive/codec.h"
#include "archive/gzip_format.h"
#include "archive/write_pipeline.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

constexpr size_t kDataBytes = 4u << 20;
constexpr int kStored = -1;

// Data to compress: 0, LevelDB tables; 1, raw events as in the log.
const std::string& Data(int64_t kind) {
  static const std::string* const kTable =
      new std::string(EventTable(kDataBytes));
  static const std::string* const kRaw = new std::string(RawEvents(kDataBytes));
  return kind == 0 ? *kTable : *kRaw;
}

void CompressInto(std::string_view data, Deflater* deflater, ByteBuffer* out) {
  MemberWriter member(deflater, out);
  while (!data.empty()) {
    const std::string_view step = data.substr(0, kStepBytes);
    data.remove_prefix(step.size());
    member.Append(step, data.empty());
  }
}

void BM_Deflate(benchmark::State& state) {
  const std::string& data = Data(state.range(0));
  const bool compress = state.range(1) != kStored;
  Deflater deflater(compress, compress ? static_cast<int>(state.range(1)) : 0);
  ByteBuffer out(kDataBytes + kDataBytes / 8);
  for (auto _ : state) {
    out.Clear();
    CompressInto(data, &deflater, &out);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(static_cast<int64_t>(data.size()) *
                          state.iterations());
  state.counters["output/input"] =
      static_cast<double>(out.size()) / static_cast<double>(data.size());
}
BENCHMARK(BM_Deflate)
    ->ArgNames({"raw", "level"})
    ->ArgsProduct({{0, 1}, {kStored, 0, 1, 2, 3}});

void BM_Inflate(benchmark::State& state) {
  const std::string& data = Data(state.range(0));
  const bool compress = state.range(1) != kStored;
  Deflater deflater(compress, compress ? static_cast<int>(state.range(1)) : 0);
  ByteBuffer packed;
  CompressInto(data, &deflater, &packed);
  const std::unique_ptr<MemberInflater> inflater = MemberInflater::New();
  std::string output(kStepBytes, '\0');
  for (auto _ : state) {
    inflater->Reset();
    std::string_view input = packed.view().substr(kMemberHeader.size());
    MemberInflater::Outcome outcome;
    do {
      size_t written = 0;
      outcome =
          inflater->Inflate(&input, output.data(), output.size(), &written);
      benchmark::DoNotOptimize(output.data());
    } while (outcome == MemberInflater::Outcome::kNeedsOutput);
    if (outcome != MemberInflater::Outcome::kMemberEnd) {
      state.SkipWithError("what was deflated does not inflate");
      break;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(data.size()) *
                          state.iterations());
}
BENCHMARK(BM_Inflate)
    ->ArgNames({"raw", "level"})
    ->ArgsProduct({{0, 1}, {kStored, 1}});

}  // namespace
}  // namespace levelkeep::bench
