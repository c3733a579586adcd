// How running backups delay an application's writers: writes at a fixed rate,
// in turns with backups one after the other and without backups. Goals:
// p50 <= 1.05x, p99 <= 1.3x.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "levelkeep/backup_manager.h"
#include "paced_writer.h"
#include "support/database.h"
#include "support/measure.h"
#include "support/report.h"

namespace levelkeep::bench {
namespace {

struct Settings {
  uint64_t size_bytes = 1024u << 20;
  WriterSettings writer;
  double window_seconds = 5;
  int rounds = 4;
  double settle_seconds = 0.5;
  int threads = 0;
  std::string priority = "low";
  uint64_t rate_limit = 0;
  bool verify = false;
  int slowest = 5;
};

// All windows of one kind, with backups or without.
struct Windows {
  std::vector<WriteSample> samples;
  std::vector<double> p50, p99;  // of each window
  double seconds = 0;
  double cpu_seconds = 0;  // of the whole process
  double others_cpu_seconds = 0;
};

void Wait(double seconds) {
  if (seconds > 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
}

// Without values below 0, which stand for "not measured".
std::vector<double> Sorted(const std::vector<WriteSample>& samples,
                           double WriteSample::*member) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const WriteSample& sample : samples) {
    if (sample.*member >= 0) values.push_back(sample.*member);
  }
  std::sort(values.begin(), values.end());
  return values;
}

// Makes backups one after the other while it lives. At its end, it waits for
// the last backup: a cancelled one would not be what is measured.
// Thread safety: one thread at a time.
class BackupLoop {
 public:
  explicit BackupLoop(BackupManager* manager)
      : manager_(manager), thread_([this] { Run(); }) {}
  ~BackupLoop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Status Finish() {
    stop_ = true;
    thread_.join();
    return status_;
  }
  // Wall-clock begin and end of each backup; valid after Finish.
  const std::vector<std::pair<double, double>>& times() const { return times_; }

 private:
  void Run() {
    while (!stop_ && status_.ok()) {
      const double begin = WallSeconds();
      status_ = manager_->CreateBackup(CreateRequest()).status();
      times_.emplace_back(begin, WallSeconds());
    }
  }

  BackupManager* const manager_;
  std::atomic<bool> stop_ = false;
  Status status_;
  std::vector<std::pair<double, double>> times_;
  std::thread thread_;
};

// Thread safety: one thread at a time.
class Experiment {
 public:
  Experiment(const Settings& settings, BackupManager* manager,
             PacedWriter* writer)
      : settings_(settings), manager_(manager), writer_(writer) {}

  Status Run() {
    Wait(settings_.settle_seconds * 2);
    for (int round = 0; round < settings_.rounds; round++) {
      // The order alternates: a compaction by LevelDB may follow either kind.
      for (const bool with_backups : {round % 2 == 1, round % 2 == 0}) {
        LEVELKEEP_RETURN_IF_ERROR(with_backups ? RunWith() : RunWithout());
      }
    }
    return Status::Ok();
  }

  const Windows& with() const { return with_; }
  const Windows& without() const { return without_; }
  const std::vector<std::pair<double, double>>& backups() const {
    return backups_;
  }

 private:
  Status RunWithout() {
    RecordWindow(&without_);
    return Status::Ok();
  }

  Status RunWith() {
    BackupLoop loop(manager_);
    RecordWindow(&with_);
    LEVELKEEP_RETURN_IF_ERROR(loop.Finish());
    backups_.insert(backups_.end(), loop.times().begin(), loop.times().end());
    // The next window begins when all work of this one has ended.
    while (manager_->Health().running.has_value()) Wait(0.05);
    Wait(settings_.settle_seconds);
    return Status::Ok();
  }

  void RecordWindow(Windows* windows) {
    writer_->Record(
        static_cast<size_t>(settings_.writer.rate * settings_.window_seconds));
    const Cost cost = MeasureOnce([&] { Wait(settings_.window_seconds); });
    const std::vector<WriteSample> samples = writer_->TakeSamples();
    const auto latencies = Sorted(samples, &WriteSample::latency);
    windows->p50.push_back(Percentile(latencies, 0.5));
    windows->p99.push_back(Percentile(latencies, 0.99));
    windows->seconds += cost.wall;
    windows->cpu_seconds += cost.process_cpu;
    windows->others_cpu_seconds += cost.others_cpu;
    windows->samples.insert(windows->samples.end(), samples.begin(),
                            samples.end());
  }

  const Settings& settings_;
  BackupManager* const manager_;
  PacedWriter* const writer_;
  Windows with_;
  Windows without_;
  std::vector<std::pair<double, double>> backups_;
};

struct Percentiles {
  double p50 = 0, p99 = 0, p999 = 0, max = 0;
};

Percentiles Of(const Windows& windows, double WriteSample::*member) {
  const auto sorted = Sorted(windows.samples, member);
  return {Percentile(sorted, 0.5), Percentile(sorted, 0.99),
          Percentile(sorted, 0.999), sorted.empty() ? 0 : sorted.back()};
}

Json ToJson(const Percentiles& values) {
  return {{"p50Seconds", values.p50},
          {"p99Seconds", values.p99},
          {"p999Seconds", values.p999},
          {"maxSeconds", values.max}};
}

void AddClock(const std::string& title, const std::string& key,
              const Experiment& experiment, double WriteSample::*member,
              TextTable* table, Json* result) {
  const Percentiles without = Of(experiment.without(), member);
  const Percentiles with = Of(experiment.with(), member);
  const Percentiles ratio = {
      Ratio(with.p50, without.p50), Ratio(with.p99, without.p99),
      Ratio(with.p999, without.p999), Ratio(with.max, without.max)};
  const auto add = [&](const std::string& name, const Percentiles& values,
                       std::string (*format)(double)) {
    table->AddRow({title + name, format(values.p50), format(values.p99),
                   format(values.p999), format(values.max)});
  };
  add(", no backup", without, Microseconds);
  add(", backups", with, Microseconds);
  add(", ratio", ratio, TimesRatio);
  (*result)[key]["without"] = ToJson(without);
  (*result)[key]["with"] = ToJson(with);
  (*result)[key]["ratio"] = {{"p50", ratio.p50},
                             {"p99", ratio.p99},
                             {"p999", ratio.p999},
                             {"max", ratio.max}};
}

// The slowest writes beside backups, and the moment of the backup in which each
// happened, which helps to find the cause of a spike.
void AddSlowest(const Settings& settings, const Experiment& experiment,
                TextTable* table, Json* result) {
  std::vector<WriteSample> samples = experiment.with().samples;
  const size_t count =
      std::min(samples.size(), static_cast<size_t>(settings.slowest));
  std::partial_sort(
      samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(count),
      samples.end(),
      [](const auto& a, const auto& b) { return a.latency > b.latency; });
  for (size_t i = 0; i < count; i++) {
    const WriteSample& sample = samples[i];
    std::string where = "between backups";
    for (const auto& [begin, end] : experiment.backups()) {
      if (sample.scheduled < begin || sample.scheduled > end) continue;
      where = Milliseconds(sample.scheduled - begin) + " of " +
              Milliseconds(end - begin) + " ms";
    }
    table->AddRow(
        {where, Microseconds(sample.latency), Microseconds(sample.service),
         sample.wake_up < 0 ? "held up" : Microseconds(sample.wake_up)});
    (*result)["slowest"].push_back(
        {{"inBackup", where},
         {"latencySeconds", sample.latency},
         {"serviceSeconds", sample.service},
         {"heldUp", sample.wake_up < 0},
         {"wakeUpSeconds", std::max(0.0, sample.wake_up)}});
  }
}

std::vector<double> BackupSeconds(const Experiment& experiment) {
  std::vector<double> seconds;
  for (const auto& [begin, end] : experiment.backups()) {
    seconds.push_back(end - begin);
  }
  return seconds;
}

void Report(const Settings& settings, const Experiment& experiment,
            Json* result) {
  TextTable table({"latency, us", "p50", "p99", "p99.9", "max"});
  AddClock("from schedule", "latency", experiment, &WriteSample::latency,
           &table, result);
  AddClock("call alone", "service", experiment, &WriteSample::service, &table,
           result);
  AddClock("wake-up", "wakeUp", experiment, &WriteSample::wake_up, &table,
           result);
  table.Print();

  const Windows& with = experiment.with();
  const Windows& without = experiment.without();
  TextTable windows({"windows", "writes", "median p50, us", "median p99, us",
                     "cores used", "by others"});
  for (const auto& [title, w] :
       {std::pair("no backup", &without), std::pair("backups", &with)}) {
    windows.AddRow({title, std::to_string(w->samples.size()),
                    Microseconds(Median(w->p50)), Microseconds(Median(w->p99)),
                    Fixed(Ratio(w->cpu_seconds, w->seconds), 2),
                    Fixed(Ratio(w->others_cpu_seconds, w->seconds), 2)});
  }
  windows.AddRow(
      {"ratio", "", TimesRatio(Ratio(Median(with.p50), Median(without.p50))),
       TimesRatio(Ratio(Median(with.p99), Median(without.p99))), ""});
  std::puts("");
  windows.Print();

  TextTable slowest({"slowest, at", "latency, us", "call", "wake-up"});
  AddSlowest(settings, experiment, &slowest, result);
  if (settings.slowest > 0) {
    std::puts("");
    slowest.Print();
  }
  const std::vector<double> backups = BackupSeconds(experiment);
  std::printf("\n%zu backups, median %s ms\n", backups.size(),
              Milliseconds(Median(backups)).c_str());
  Json& json = *result;
  json["medianOfWindows"] = {
      {"p50Ratio", Ratio(Median(with.p50), Median(without.p50))},
      {"p99Ratio", Ratio(Median(with.p99), Median(without.p99))}};
  json["coresUsed"] = {{"without", Ratio(without.cpu_seconds, without.seconds)},
                       {"with", Ratio(with.cpu_seconds, with.seconds)}};
  json["coresUsedByOthers"] = {
      {"without", Ratio(without.others_cpu_seconds, without.seconds)},
      {"with", Ratio(with.others_cpu_seconds, with.seconds)}};
  json["backups"] = backups.size();
  json["backupMedianSeconds"] = Median(backups);
}

BackupOptions OptionsFor(const Settings& settings, const std::string& dir) {
  BackupOptions options;
  options.storage_dir = dir + "/storage";
  options.db_name = "db";
  options.backup_dir = dir + "/backups";
  options.restore_dir = dir + "/restore";
  options.schedule.enabled = false;
  options.retention.max_backups = 1;
  options.resources.threads = settings.threads;
  options.resources.priority = settings.priority == "idle"
                                   ? ThreadPriority::kIdle
                                   : ThreadPriority::kLow;
  options.resources.rate_limit_bytes_per_second = settings.rate_limit;
  options.verification.after_backup = settings.verify;
  return options;
}

Status RunAll(Settings settings, Benchmark* benchmark) {
  const BackupOptions options = OptionsFor(settings, benchmark->scratch_dir());
  std::filesystem::create_directory(options.storage_dir);
  LEVELKEEP_ASSIGN_OR_RETURN(
      settings.writer.first_number,
      MakeDatabase(options.storage_path(), settings.size_bytes));
  BackupManager manager(options);
  LEVELKEEP_RETURN_IF_ERROR(manager.Initialize().status());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto db, OpenDatabase(options.storage_path(), manager.env()));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto attachment, manager.Attach(db.get()));
  PacedWriter writer(db.get(), settings.writer);
  Experiment experiment(settings, &manager, &writer);
  LEVELKEEP_RETURN_IF_ERROR(experiment.Run());
  LEVELKEEP_RETURN_IF_ERROR(writer.Stop());

  Json& result = *benchmark->result();
  result["settings"] = {{"requestedBytes", settings.size_bytes},
                        {"writesPerSecond", settings.writer.rate},
                        {"valueBytes", settings.writer.value_size},
                        {"sync", settings.writer.sync},
                        {"windowSeconds", settings.window_seconds},
                        {"rounds", settings.rounds},
                        {"threads", settings.threads},
                        {"priority", settings.priority},
                        {"rateLimit", settings.rate_limit},
                        {"verify", settings.verify}};
  Report(settings, experiment, &result);
  return Status::Ok();
}

void AddOptions(Settings* settings, Benchmark* benchmark) {
  benchmark->AddSize("--size", &settings->size_bytes,
                     "raw size of the database");
  benchmark->AddSize("--rate-limit", &settings->rate_limit,
                     "BACKUP_RATE_LIMIT, 0 is none");
  CLI::App* const app = benchmark->app();
  app->add_option("--rate", settings->writer.rate, "writes a second")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app->add_option("--value-size", settings->writer.value_size)
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app->add_flag("--sync", settings->writer.sync, "every write is synced");
  app->add_option("--window", settings->window_seconds, "seconds of a window")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app->add_option("--rounds", settings->rounds, "pairs of windows")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option("--threads", settings->threads, "BACKUP_THREADS")
      ->check(CLI::Range(0, 64))
      ->capture_default_str();
  app->add_option("--priority", settings->priority, "BACKUP_PRIORITY")
      ->check(CLI::IsMember({"low", "idle"}))
      ->capture_default_str();
  app->add_flag("--verify", settings->verify,
                "BACKUP_VERIFY: verify in the background too");
  app->add_option("--slowest", settings->slowest, "slow writes to show")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  using levelkeep::bench::Benchmark;
  levelkeep::bench::Settings settings;
  Benchmark benchmark("bench_write_latency",
                      "latency of writes while backups run");
  AddOptions(&settings, &benchmark);
  return benchmark.Run(argc, argv, [&] {
    return levelkeep::bench::RunAll(settings, &benchmark);
  });
}
