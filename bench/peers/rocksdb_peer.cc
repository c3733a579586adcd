// rocksdb_peer VERB ...: RocksDB's own ways to back up, with the records of
// a LevelDB.
//
//   load LEVELDB DIR              copies all records that DIR lacks
//   backup DIR BACKUPS --threads N
//   checkpoint DIR TARGET
//   restore BACKUPS DIR --threads N    the newest, then the first Get

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "eventstore/event.h"
#include "leveldb/iterator.h"
#include "peers/support.h"
#include "rocksdb/db.h"
#include "rocksdb/utilities/backup_engine.h"
#include "rocksdb/utilities/checkpoint.h"
#include "rocksdb/write_batch.h"

namespace {

using levelkeep::Result;
using levelkeep::Status;
using levelkeep::StatusCode;
using Database = std::unique_ptr<rocksdb::DB>;

constexpr uint32_t kRecordsPerBatch = 100;

struct Arguments {
  std::string from;
  std::string to;
  int threads = 1;
};

Status FromRocksDb(const rocksdb::Status& status, const std::string& dir) {
  if (status.ok()) return Status::Ok();
  return Status(StatusCode::kIoError, dir + ": " + status.ToString());
}

Result<Database> Open(const std::string& dir, bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  options.compression = rocksdb::kSnappyCompression;  // as LevelDB's
  rocksdb::DB* opened = nullptr;
  const Status status =
      FromRocksDb(rocksdb::DB::Open(options, dir, &opened), dir);
  if (!status.ok()) return status;
  return Database(opened);
}

Result<std::unique_ptr<rocksdb::BackupEngine>> OpenBackups(
    const std::string& dir, int threads) {
  rocksdb::BackupEngineOptions options(dir);
  options.sync = true;
  options.max_background_operations = threads;
  rocksdb::BackupEngine* opened = nullptr;
  const Status status = FromRocksDb(
      rocksdb::BackupEngine::Open(options, rocksdb::Env::Default(), &opened),
      dir);
  if (!status.ok()) return status;
  return std::unique_ptr<rocksdb::BackupEngine>(opened);
}

// Where a load continues: the key after the newest event, if there is one.
std::string FirstMissing(rocksdb::DB* db) {
  std::string head;
  if (!db->Get(rocksdb::ReadOptions(), levelkeep::kEventHeadKey, &head).ok()) {
    return "";
  }
  const auto last = levelkeep::DecodeEventHead(head);
  return last.ok() ? levelkeep::EventKey(*last + 1) : "";
}

Status Load(const Arguments& arguments) {
  auto source =
      levelkeep::bench::OpenDatabase(leveldb::Options(), arguments.from);
  if (!source.ok()) return source.status();
  auto target = Open(arguments.to, true);
  if (!target.ok()) return target.status();
  const std::unique_ptr<leveldb::Iterator> it(
      (*source)->NewIterator(leveldb::ReadOptions()));
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  const auto flush = [&] {
    status = (*target)->Write(rocksdb::WriteOptions(), &batch);
    batch.Clear();
  };
  for (it->Seek(FirstMissing(target->get())); it->Valid() && status.ok();
       it->Next()) {
    const auto key = it->key();
    const auto value = it->value();
    batch.Put(rocksdb::Slice(key.data(), key.size()),
              rocksdb::Slice(value.data(), value.size()));
    if (batch.Count() >= kRecordsPerBatch) flush();
  }
  if (status.ok()) flush();
  if (!status.ok()) return FromRocksDb(status, arguments.to);
  return levelkeep::bench::FromLevelDb(it->status(), arguments.from);
}

Status Backup(const Arguments& arguments) {
  auto db = Open(arguments.from, false);
  if (!db.ok()) return db.status();
  auto backups = OpenBackups(arguments.to, arguments.threads);
  if (!backups.ok()) return backups.status();
  return FromRocksDb((*backups)->CreateNewBackup(db->get(), true),
                     arguments.to);
}

Status MakeCheckpoint(const Arguments& arguments) {
  auto db = Open(arguments.from, false);
  if (!db.ok()) return db.status();
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db->get(), &made);
  if (!status.ok()) return FromRocksDb(status, arguments.from);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return FromRocksDb(checkpoint->CreateCheckpoint(arguments.to), arguments.to);
}

Status Restore(const Arguments& arguments) {
  auto backups = OpenBackups(arguments.from, arguments.threads);
  if (!backups.ok()) return backups.status();
  const Status restored = FromRocksDb(
      (*backups)->RestoreDBFromLatestBackup(arguments.to, arguments.to),
      arguments.from);
  if (!restored.ok()) return restored;
  auto db = Open(arguments.to, false);
  if (!db.ok()) return db.status();
  std::string record;
  return FromRocksDb(
      (*db)->Get(rocksdb::ReadOptions(), levelkeep::EventKey(1), &record),
      arguments.to);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  Status status;
  CLI::App app("Backs up and restores by RocksDB.");
  app.require_subcommand(1);
  const auto verb = [&](const std::string& name, auto* run, bool threaded) {
    CLI::App* const sub = app.add_subcommand(name);
    sub->add_option("from", arguments.from)->required();
    sub->add_option("to", arguments.to)->required();
    if (threaded) {
      sub->add_option("--threads", arguments.threads)->check(CLI::Range(1, 64));
    }
    sub->callback([&status, &arguments, run] { status = run(arguments); });
  };
  verb("load", &Load, false);
  verb("backup", &Backup, true);
  verb("checkpoint", &MakeCheckpoint, false);
  verb("restore", &Restore, true);
  CLI11_PARSE(app, argc, argv);
  return levelkeep::bench::ExitCode("rocksdb_peer", status);
}
