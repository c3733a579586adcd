// What a scrape of GET /metrics and a page of GET /api/jobs cost with 10,000
// backups and 10,000 jobs on the disk.

#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "api/api.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "format/backup_name.h"
#include "jobs/job.h"
#include "jobs/job_store.h"
#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kBackups = 10'000;
constexpr int kJobs = 10'000;

void Require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(what);
}

// An application with its routes. Made once; removed at the end.
// Thread safety: one thread at a time.
class Site {
 public:
  Site()
      : folder_(fs::temp_directory_path() / ("levelkeep-metrics-bench-" +
                                             NewJobId(Clock::System()->Now()))),
        manager_(Options()) {
    Require(manager_.Initialize().ok(), "Initialize");
    leveldb::Options options;
    options.create_if_missing = true;
    options.env = manager_.env();
    leveldb::DB* db = nullptr;
    Require(
        leveldb::DB::Open(options, manager_.options().storage_path(), &db).ok(),
        "open");
    db_.reset(db);
    auto attachment = manager_.Attach(db);
    Require(attachment.ok(), "Attach");
    attachment_ = std::move(*attachment);
    Require(db->Put(leveldb::WriteOptions(), "key", "value").ok(), "Put");
    const auto made = manager_.CreateBackup({});
    Require(made.ok(), "CreateBackup");
    CopyBackups(*made);
    MakeJobs();
    api_ = std::make_unique<api::Api>(&manager_, http::ApiOptions());
  }
  ~Site() {
    attachment_.reset();
    db_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  http::Response Get(const std::string& path) {
    http::Request request;
    request.method = "GET";
    request.path = path;
    request.headers["host"] = "localhost:5050";
    return api_->Handle(request);
  }

 private:
  BackupOptions Options() const {
    BackupOptions options;
    options.storage_dir = (folder_ / "storage").string();
    options.backup_dir = (folder_ / "backups").string();
    options.restore_dir = (folder_ / "restore").string();
    options.schedule.enabled = false;
    options.verification.after_backup = false;
    options.retention.max_backups = 2 * kBackups;
    return options;
  }
  void CopyBackups(const BackupInfo& original) {
    for (int i = 1; i < kBackups; ++i) {
      BackupName name;
      name.time = std::chrono::floor<std::chrono::seconds>(original.created) -
                  std::chrono::hours(i);
      fs::copy_file(original.path,
                    folder_ / "backups" / FormatBackupName(name));
    }
  }
  void MakeJobs() {
    const fs::path databases = folder_ / "backups/.levelkeep/databases";
    const fs::path jobs = fs::directory_iterator(databases)->path() / "jobs";
    JobStore store(FileSystem::Posix(), Clock::System(), jobs.string());
    for (int i = 0; i < kJobs; ++i) {
      Job job;
      job.created = Clock::System()->Now() - std::chrono::minutes(kJobs - i);
      job.id = NewJobId(job.created);
      job.status = i % 20 == 0 ? JobStatus::kFailed : JobStatus::kCompleted;
      job.request.type = i % 2 == 0 ? JobType::kCreate : JobType::kVerify;
      job.started = job.created;
      job.ended = job.created + std::chrono::milliseconds(100 * i);
      Require(store.Put(job).ok(), "Put of a job");
    }
  }

  const fs::path folder_;
  BackupManager manager_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<Attachment> attachment_;
  std::unique_ptr<api::Api> api_;
};

void Measure(benchmark::State& state, const std::string& path) {
  static Site site;
  // The first answers read the folders, and again while the folders' times are
  // so young that a change could hide behind them.
  for (int i = 0; i < 5; ++i) {
    (void)site.Get(path);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  size_t bytes = 0;
  for (auto _ : state) {
    const http::Response response = site.Get(path);
    Require(response.status == 200, "status");
    bytes = response.body.size();
    benchmark::DoNotOptimize(response.body.data());
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}

void BM_Metrics(benchmark::State& state) { Measure(state, "/metrics"); }
BENCHMARK(BM_Metrics)->Unit(benchmark::kMillisecond);

void BM_Health(benchmark::State& state) { Measure(state, "/api/health"); }
BENCHMARK(BM_Health)->Unit(benchmark::kMillisecond);

void BM_Jobs(benchmark::State& state) { Measure(state, "/api/jobs"); }
BENCHMARK(BM_Jobs)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace levelkeep::bench
