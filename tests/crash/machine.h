// A machine with a simulated disk, and the application that runs on it: the
// real BackupManager, the real LevelDB, the real order of their steps.

#ifndef LEVELKEEP_TESTS_CRASH_MACHINE_H_
#define LEVELKEEP_TESTS_CRASH_MACHINE_H_

#include <functional>
#include <memory>
#include <string>

#include "crash/simulated_check.h"
#include "engine/database.h"
#include "engine/engine.h"
#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "support/auto_clock.h"
#include "support/leveldb/simulated_env.h"
#include "support/simulated_disk.h"

namespace levelkeep::test {

// Thread safety: one thread at a time.
class Machine {
 public:
  Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  SimulatedDisk* disk() { return &disk_; }
  FileSystem* fs() { return disk_.file_system(); }
  leveldb::Env* env() { return &env_; }
  Clock* clock() { return &clock_; }
  Platform platform();
  // Whether a start probes the abilities of the folders; at first it does not.
  void set_tries_folders(bool tries) { tries_folders_ = tries; }
  void Wait(std::chrono::seconds time) { (void)clock_.SleepFor(time, {}); }

  BackupOptions& options() { return options_; }
  std::string Live() const { return options_.storage_path(); }
  std::string Work() const {
    return WorkDirOf(options_.storage_dir, options_.db_name);
  }
  std::string Drop(const std::string& name) const {
    return options_.restore_dir + "/" + name;
  }
  std::string Backup(const std::string& name) const {
    return options_.backup_dir + "/" + name;
  }
  // REQUIRES: the disk works, and a file to be read exists.
  std::string ReadWhole(const std::string& path);
  void WriteWhole(const std::string& path, const std::string& contents);

 private:
  SimulatedDisk disk_;
  SimulatedEnv env_;
  AutoClock clock_;
  BackupOptions options_;
  bool tries_folders_ = false;
};

// One life of the application: a process that starts, works and ends.
// Thread safety: one thread at a time.
class Application {
 public:
  explicit Application(Machine* machine);
  ~Application();
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // BackupManager::Initialize.
  Result<StartReport> Initialize();
  // Opens LevelDB and attaches it, as the hook `reopen` also does.
  Status Open();
  void Close();
  // Initialize and Open.
  Status Start();
  // With sync: a write that succeeded is durable.
  Status Put(const std::string& key, const std::string& value);
  // Reads every entry and verifies checksums.
  Result<Content> Read();

  BackupManager* manager() { return &manager_; }
  // Lets `reopen` fail while `refuse` returns true.
  void set_refuse_open(std::function<bool()> refuse) {
    refuse_open_ = std::move(refuse);
  }

 private:
  BackupManager manager_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<Attachment> attachment_;
  std::function<bool()> refuse_open_;
};

// The first content of the disk, all of it durable: a live database `current`
// with two levels and a log, and a backup of its earlier content, `earlier`.
struct Installation {
  SimulatedState disk;
  Content earlier;
  Content current;
  std::string backup;   // its name
  std::string archive;  // its bytes
};

// Made once, by LevelKeep itself. Aborts if it can't be made.
const Installation& TheInstallation();

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_MACHINE_H_
