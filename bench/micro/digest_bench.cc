// Digests and checksums, for pieces of different size.

#include <benchmark/benchmark.h>

#include <string>

#include "base/hash.h"
#include "support/event_data.h"

namespace levelkeep::bench {
namespace {

void BM_Digest(benchmark::State& state, DigestKind kind) {
  const std::string data = RawEvents(static_cast<size_t>(state.range(0)));
  Digest digest(kind);
  for (auto _ : state) {
    digest.Update(data);
    benchmark::DoNotOptimize(digest.FinishHex());
  }
  state.SetBytesProcessed(static_cast<int64_t>(data.size()) *
                          state.iterations());
}
BENCHMARK_CAPTURE(BM_Digest, sha256, DigestKind::kSha256)
    ->Arg(1 << 10)
    ->Arg(512 << 10);
BENCHMARK_CAPTURE(BM_Digest, md5, DigestKind::kMd5)->Arg(512 << 10);

void BM_Checksum(benchmark::State& state,
                 uint32_t (*checksum)(uint32_t, std::string_view)) {
  const std::string data = RawEvents(static_cast<size_t>(state.range(0)));
  uint32_t crc = 0;
  for (auto _ : state) {
    crc = checksum(crc, data);
    benchmark::DoNotOptimize(crc);
  }
  state.SetBytesProcessed(static_cast<int64_t>(data.size()) *
                          state.iterations());
}
BENCHMARK_CAPTURE(BM_Checksum, crc32, Crc32)->Arg(1 << 10)->Arg(512 << 10);
BENCHMARK_CAPTURE(BM_Checksum, crc32c, Crc32c)->Arg(1 << 10)->Arg(512 << 10);

}  // namespace
}  // namespace levelkeep::bench
