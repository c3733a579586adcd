// The smallest application that keeps its LevelDB backed up.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"

namespace {

int Fail(const std::string& what) {
  std::fprintf(stderr, "embed: %s\n", what.c_str());
  return EXIT_FAILURE;
}

int Run() {
  // Settings come from the environment; the defaults are ./storage,
  // ./backups and ./restore.
  auto options = levelkeep::BackupOptions::FromEnvironment();
  if (!options.ok()) return Fail(options.status().ToString());

  // Before any database is open: Initialize finishes what a crash interrupted,
  // and applies an archive that was dropped into restore/.
  levelkeep::BackupManager manager(*options);
  auto start = manager.Initialize();
  if (!start.ok()) return Fail(start.status().ToString());
  if (!start->no_check.empty()) {
    std::printf("warning: %s\n", start->no_check.c_str());
  }
  if (start->restored) {
    std::printf("restored %s\n", start->restored_from.c_str());
  }

  // The one change in how the application opens its database.
  leveldb::Options db_options;
  db_options.create_if_missing = true;
  db_options.env = manager.env();
  leveldb::DB* opened = nullptr;
  auto open =
      leveldb::DB::Open(db_options, manager.options().storage_path(), &opened);
  if (!open.ok()) return Fail(open.ToString());
  std::unique_ptr<leveldb::DB> db(opened);

  // From here to the end of `attachment` the hourly backups run.
  auto attachment = manager.Attach(db.get());
  if (!attachment.ok()) return Fail(attachment.status().ToString());

  auto put = db->Put(leveldb::WriteOptions(), "greeting", "hello");
  if (!put.ok()) return Fail(put.ToString());

  // A backup at a moment that the application chooses.
  levelkeep::CreateRequest request;
  request.label = "embed";
  request.wait = std::chrono::minutes(1);  // a scheduled backup may be running
  auto backup = manager.CreateBackup(request);
  if (!backup.ok()) return Fail(backup.status().ToString());
  std::printf("created %s\n", backup->name.c_str());

  auto backups = manager.ListBackups();
  if (!backups.ok()) return Fail(backups.status().ToString());
  std::printf("%zu backup(s)\n", backups->size());
  return EXIT_SUCCESS;
}

}  // namespace

int main() { return Run(); }
