// live_create STORAGE_DIR DB_NAME BACKUP_DIR [--rate N]
//
// An application that embeds LevelKeep: opens the database through
// SnapshotEnv, goes on writing N events a second, and makes one backup.
// Prints as JSON what CreateBackup alone took. The memory that it added counts
// from the moment before that call.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "peers/support.h"
#include "support/measure.h"

namespace {

using levelkeep::Status;
using levelkeep::StatusCode;

constexpr uint64_t kSeed = 7;

struct Arguments {
  levelkeep::BackupOptions options;
  uint64_t rate = 200;
};

// A field of /proc/self/status, in bytes; 0 if there is no such field.
uint64_t MemoryField(const std::string& field) {
  std::ifstream file("/proc/self/status");
  std::string name;
  uint64_t kib = 0;
  while (file >> name) {
    if (name == field + ":" && file >> kib) return kib * 1024;
    file.clear();
    std::getline(file, name);
  }
  return 0;
}

// Makes the kernel forget the highest memory use so far.
void ResetPeak() { std::ofstream("/proc/self/clear_refs") << "5"; }

void WriteUntilStopped(const std::stop_token& stop, leveldb::DB* db,
                       uint64_t next, uint64_t rate, Status* status) {
  const auto pause = std::chrono::nanoseconds(1'000'000'000 / rate);
  auto at = std::chrono::steady_clock::now();
  while (!stop.stop_requested() && status->ok()) {
    *status = levelkeep::bench::AppendEvents(db, kSeed, next++, 1);
    at += pause;
    std::this_thread::sleep_until(at);
  }
}

Status CreateOnce(levelkeep::BackupManager* manager) {
  ResetPeak();
  const uint64_t memory = MemoryField("VmRSS");
  const double cpu = levelkeep::bench::ProcessCpuSeconds();
  const auto start = std::chrono::steady_clock::now();
  const auto backup = manager->CreateBackup({});
  const std::chrono::duration<double> wall =
      std::chrono::steady_clock::now() - start;
  if (!backup.ok()) return backup.status();
  if (backup->snapshot_method != levelkeep::SnapshotMethod::kHot) {
    return Status(StatusCode::kInternal,
                  backup->name + ": the snapshot was " +
                      std::string(NameOf(backup->snapshot_method)) +
                      ", not hot");
  }
  const uint64_t peak = MemoryField("VmHWM");
  std::printf(
      "{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"added_bytes\":%llu}\n", wall.count(),
      levelkeep::bench::ProcessCpuSeconds() - cpu,
      static_cast<unsigned long long>(peak > memory ? peak - memory : 0));
  return Status::Ok();
}

Status Run(const Arguments& arguments) {
  levelkeep::BackupManager manager(arguments.options);
  const auto start = manager.Initialize();
  if (!start.ok()) return start.status();
  const std::string dir = arguments.options.storage_path();
  leveldb::Options options;
  options.env = manager.env();
  auto db = levelkeep::bench::OpenDatabase(options, dir);
  if (!db.ok()) return db.status();
  const auto last = levelkeep::bench::LastEvent(db->get(), dir);
  if (!last.ok()) return last.status();
  auto attachment = manager.Attach(db->get());
  if (!attachment.ok()) return attachment.status();
  Status written;
  Status created;
  {
    const std::jthread writer(WriteUntilStopped, db->get(), *last + 1,
                              arguments.rate, &written);
    created = CreateOnce(&manager);
  }
  return created.ok() ? written : created;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  arguments.options.schedule.enabled = false;
  arguments.options.verification.after_backup = false;
  CLI::App app("Backs up a LevelDB that is being written to.");
  app.add_option("storage_dir", arguments.options.storage_dir)->required();
  app.add_option("db_name", arguments.options.db_name)->required();
  app.add_option("backup_dir", arguments.options.backup_dir)->required();
  app.add_option("--rate", arguments.rate, "events a second")
      ->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  arguments.options.restore_dir = arguments.options.backup_dir + "/restore";
  return levelkeep::bench::ExitCode("live_create", Run(arguments));
}
