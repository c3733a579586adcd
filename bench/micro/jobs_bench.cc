// A page of jobs out of 10,000, and all totals: what GET /api/jobs and the
// metrics need of the job store.

#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>

#include "base/clock.h"
#include "base/file_system.h"
#include "jobs/job.h"
#include "jobs/job_store.h"

namespace levelkeep {
namespace {

constexpr int kJobs = 10'000;

// Made once for all benchmarks; removed at the end.
class History {
 public:
  History()
      : folder_(std::filesystem::temp_directory_path() /
                ("levelkeep-jobs-bench-" + NewJobId(Clock::System()->Now()))) {
    std::filesystem::create_directory(folder_);
    JobStore store(FileSystem::Posix(), Clock::System(), Path());
    for (int i = 0; i < kJobs; ++i) {
      Job job;
      job.created = Clock::System()->Now() - std::chrono::minutes(kJobs - i);
      job.id = NewJobId(job.created);
      job.request.label = "nightly";
      job.request.trigger = "scheduled";
      job.status = i % 20 == 0 ? JobStatus::kFailed : JobStatus::kCompleted;
      job.started = job.created;
      job.ended = job.created + std::chrono::milliseconds(i);
      job.message = "backup_2024-12-27_120000.tar.gz was made";
      job.result = {{"backup", "backup_2024-12-27_120000.tar.gz"},
                    {"sequence", "1234567"}};
      (void)store.Put(job);
    }
  }
  ~History() { std::filesystem::remove_all(folder_); }
  std::string Path() const { return (folder_ / "jobs").string(); }

 private:
  const std::filesystem::path folder_;
};

std::unique_ptr<JobStore> OpenHistory() {
  static const History history;
  return std::make_unique<JobStore>(FileSystem::Posix(), Clock::System(),
                                    history.Path());
}

void BM_FirstPage(benchmark::State& state) {
  const auto store = OpenHistory();
  for (auto _ : state) {
    benchmark::DoNotOptimize(store->List({.limit = 100}));
  }
}
BENCHMARK(BM_FirstPage)->Unit(benchmark::kMillisecond);

void BM_FailedPage(benchmark::State& state) {
  const auto store = OpenHistory();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        store->List({.limit = 100, .status = JobStatus::kFailed}));
  }
}
BENCHMARK(BM_FailedPage)->Unit(benchmark::kMillisecond);

void BM_Totals(benchmark::State& state) {
  const auto store = OpenHistory();
  for (auto _ : state) benchmark::DoNotOptimize(store->Totals());
}
BENCHMARK(BM_Totals)->Unit(benchmark::kMillisecond);

// A process that has not read the folder yet.
void BM_PageOfANewStore(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(OpenHistory()->List({.limit = 100}));
  }
}
BENCHMARK(BM_PageOfANewStore)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levelkeep
