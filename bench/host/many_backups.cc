// A folder with thousands of backups: how long a listing and a health check
// take. Goals at 10,000: 20 ms and 1 ms.

#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/status_macros.h"
#include "engine/engine.h"
#include "format/backup_name.h"
#include "format/backup_state.h"
#include "levelkeep/backup_manager.h"
#include "support/database.h"
#include "support/event_data.h"
#include "support/measure.h"
#include "support/report.h"

namespace levelkeep::bench {
namespace {

struct Settings {
  uint64_t backups = 10'000;
  int repeats = 20;
  std::string program;  // levelkeep; empty: not measured
};

BackupOptions OptionsFor(const std::string& dir) {
  BackupOptions options;
  options.storage_dir = dir + "/storage";
  options.db_name = "db";
  options.backup_dir = dir + "/backups";
  options.restore_dir = dir + "/restore";
  options.schedule.enabled = false;
  options.verification.after_backup = false;
  options.retention.max_backups = 100'000;
  return options;
}

// A manager with its open database.
// Thread safety: one thread at a time.
struct Host {
  std::unique_ptr<BackupManager> manager;
  std::unique_ptr<leveldb::DB> db;
  std::unique_ptr<Attachment> attachment;
};

Status Start(const BackupOptions& options, Host* host) {
  host->manager = std::make_unique<BackupManager>(options);
  LEVELKEEP_RETURN_IF_ERROR(host->manager->Initialize().status());
  LEVELKEEP_ASSIGN_OR_RETURN(
      host->db, OpenDatabase(options.storage_path(), host->manager->env()));
  LEVELKEEP_ASSIGN_OR_RETURN(host->attachment,
                             host->manager->Attach(host->db.get()));
  return Status::Ok();
}

Status WriteText(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return Status::Ok();
  return Status(StatusCode::kIoError, "cannot write " + path,
                "see whether there is room for it");
}

// `count` copies of a real archive with sidecar and passed verification, each
// a file of its own, an hour apart.
Status CopyBackups(const BackupInfo& original, const std::string& backup_dir,
                   uint64_t count) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string archive,
      ReadFile(FileSystem::Posix(), original.path, 64u << 20));
  BackupState state;
  state.verification =
      VerifyRecord{VerifyDepth::kFull, true, original.created, ""};
  state.size_bytes = archive.size();
  state.sha256 = original.sha256;
  for (uint64_t i = 1; i <= count; i++) {
    BackupName name;
    name.time = std::chrono::floor<std::chrono::seconds>(original.created) -
                std::chrono::hours(i);
    const std::string file_name = FormatBackupName(name);
    const std::string path = JoinPath(backup_dir, file_name);
    LEVELKEEP_RETURN_IF_ERROR(WriteText(path, archive));
    LEVELKEEP_RETURN_IF_ERROR(
        WriteText(path + ".sha256", original.sha256 + "  " + file_name + "\n"));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info,
                               FileSystem::Posix()->Stat(path));
    state.mtime_ns = info.mtime_ns;
    LEVELKEEP_RETURN_IF_ERROR(
        WriteText(JoinPath(backup_dir, ".levelkeep/" + file_name + ".json"),
                  EncodeBackupState(state)));
  }
  return Status::Ok();
}

// Thread safety: one thread at a time.
class Timings {
 public:
  explicit Timings(Json* result)
      : table_({"what, ms", "median", "max"}), result_(result) {}

  // Measures `work`, which returns a Status, `repeats` times.
  template <typename Work>
  Status Time(const std::string& title, const std::string& key, int repeats,
              Work work) {
    std::vector<double> wall;
    std::vector<double> cpu;
    for (int i = 0; i < repeats; i++) {
      Status status;
      const Cost cost = MeasureOnce([&] { status = work(); });
      LEVELKEEP_RETURN_IF_ERROR(status.WithContext(title));
      wall.push_back(cost.wall);
      cpu.push_back(cost.process_cpu);
    }
    table_.AddRow({title, Milliseconds(Median(wall)), Milliseconds(Max(wall))});
    (*result_)["steps"][key] = {{"medianSeconds", Median(wall)},
                                {"maxSeconds", Max(wall)},
                                {"cpuMedianSeconds", Median(cpu)}};
    return Status::Ok();
  }
  void Print() const { table_.Print(); }

 private:
  TextTable table_;
  Json* const result_;
};

Status Expect(const Result<std::vector<BackupInfo>>& list, uint64_t count) {
  if (!list.ok()) return list.status();
  if (list->size() == count) return Status::Ok();
  return Status(StatusCode::kInternal, std::to_string(list->size()) +
                                           " backups are listed, not " +
                                           std::to_string(count));
}

// Like `levelkeep list`: with an object that knows nothing yet.
Status ListFresh(const BackupOptions& options, uint64_t count) {
  Engine engine(options, {});
  return Expect(engine.List(), count);
}

Status RunProgramList(const std::string& program,
                      const BackupOptions& options) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const ProgramOutcome outcome,
      RunProgram({program, "--json", "--storage-dir", options.storage_dir,
                  "--backup-dir", options.backup_dir, "--restore-dir",
                  options.restore_dir, "list"},
                 std::chrono::seconds(60), 64u << 20, {}));
  if (outcome.exit_code == 0) return Status::Ok();
  return Status(StatusCode::kIoError, program + " list failed with code " +
                                          std::to_string(outcome.exit_code));
}

Status MeasureFresh(const Settings& settings, const BackupOptions& options,
                    Timings* timings) {
  const uint64_t count = settings.backups + 1;
  LEVELKEEP_RETURN_IF_ERROR(
      timings->Time("list, first ever", "firstList", 1,
                    [&] { return ListFresh(options, count); }));
  LEVELKEEP_RETURN_IF_ERROR(
      timings->Time("list, new process", "newProcessList", 5,
                    [&] { return ListFresh(options, count); }));
  if (settings.program.empty()) return Status::Ok();
  return timings->Time("levelkeep list --json", "programList", 5, [&] {
    return RunProgramList(settings.program, options);
  });
}

Status MeasureHost(const Settings& settings, const BackupOptions& options,
                   Timings* timings) {
  uint64_t count = settings.backups + 1;
  Host host;
  LEVELKEEP_RETURN_IF_ERROR(
      timings->Time("start: Initialize, open, Attach", "start", 1,
                    [&] { return Start(options, &host); }));
  BackupManager* const manager = host.manager.get();
  const auto list = [&] { return Expect(manager->ListBackups(), count); };
  const auto health = [&] {
    if (manager->Health().count == count) return Status::Ok();
    return Status(StatusCode::kInternal, "health counts otherwise");
  };
  LEVELKEEP_RETURN_IF_ERROR(
      timings->Time("manager: first list", "managerFirstList", 1, list));
  LEVELKEEP_RETURN_IF_ERROR(timings->Time(
      "manager: list again (goal 20)", "managerList", settings.repeats, list));
  LEVELKEEP_RETURN_IF_ERROR(timings->Time("manager: health (goal 1)", "health",
                                          settings.repeats, health));
  LEVELKEEP_RETURN_IF_ERROR(
      timings->Time("manager: find latest", "findLatest", settings.repeats,
                    [&] { return manager->FindBackup("latest").status(); }));
  LEVELKEEP_RETURN_IF_ERROR(timings->Time("manager: create", "create", 1, [&] {
    return manager->CreateBackup(CreateRequest()).status();
  }));
  count++;
  return timings->Time("manager: list after it", "listAfterCreate", 1, list);
}

Status RunAll(const Settings& settings, Benchmark* benchmark) {
  const BackupOptions options = OptionsFor(benchmark->scratch_dir());
  Json& result = *benchmark->result();
  {
    Host host;
    LEVELKEEP_RETURN_IF_ERROR(Start(options, &host));
    LEVELKEEP_RETURN_IF_ERROR(
        FillWithEvents(host.db.get(), 20'000, 600, 0).status());
    LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo original,
                               host.manager->CreateBackup(CreateRequest()));
    result["backups"] = settings.backups;
    result["archiveBytes"] = original.size_bytes;
    std::cerr << "making " << settings.backups << " backups in "
              << options.backup_dir << " ..." << std::endl;
    LEVELKEEP_RETURN_IF_ERROR(
        CopyBackups(original, options.backup_dir, settings.backups));
    host.attachment.reset();
    host.db.reset();
  }
  Timings timings(&result);
  LEVELKEEP_RETURN_IF_ERROR(MeasureFresh(settings, options, &timings));
  LEVELKEEP_RETURN_IF_ERROR(MeasureHost(settings, options, &timings));
  timings.Print();
  return Status::Ok();
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  using levelkeep::bench::Benchmark;
  levelkeep::bench::Settings settings;
  Benchmark benchmark("bench_many_backups",
                      "listing a folder of thousands of backups");
  CLI::App* const app = benchmark.app();
  app->add_option("--backups", settings.backups, "archives in the folder")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app->add_option("--repeats", settings.repeats, "of each warm call")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app->add_option("--program", settings.program,
                  "the program levelkeep, to time `levelkeep list` as well")
      ->check(CLI::ExistingFile);
  return benchmark.Run(argc, argv, [&] {
    return levelkeep::bench::RunAll(settings, &benchmark);
  });
}
