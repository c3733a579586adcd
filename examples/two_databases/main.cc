// Two databases in one process, each with a manager of its own.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/log.h"

namespace {

using levelkeep::Status;
using levelkeep::StatusCode;

class Database {
 public:
  // The folders are storage/NAME, backups/NAME and restore/NAME: a drop for one
  // database must not be taken for a drop for the other.
  Database(levelkeep::BackupOptions options, const std::string& name)
      : name_(name), manager_(OptionsOf(std::move(options), name)) {}

  Status Open() {
    const auto start = manager_.Initialize();
    if (!start.ok()) return start.status().WithContext(name_);
    leveldb::Options options;
    options.create_if_missing = true;
    options.env = manager_.env();
    leveldb::DB* opened = nullptr;
    const auto open =
        leveldb::DB::Open(options, manager_.options().storage_path(), &opened);
    if (!open.ok()) return Status(StatusCode::kIoError, open.ToString());
    db_.reset(opened);
    auto attachment = manager_.Attach(opened);
    if (!attachment.ok()) return attachment.status().WithContext(name_);
    attachment_ = std::move(*attachment);
    return Status::Ok();
  }

  Status Put(const std::string& key, const std::string& value) {
    const auto put = db_->Put(leveldb::WriteOptions(), key, value);
    return put.ok() ? Status::Ok()
                    : Status(StatusCode::kIoError, put.ToString());
  }

  Status Backup() {
    levelkeep::CreateRequest request;
    request.label = name_;
    request.wait = std::chrono::minutes(1);  // for a scheduled backup
    const auto made = manager_.CreateBackup(request);
    if (!made.ok()) return made.status().WithContext(name_);
    std::printf("created %s\n", made->path.c_str());
    return Status::Ok();
  }

 private:
  static levelkeep::BackupOptions OptionsOf(levelkeep::BackupOptions options,
                                            const std::string& name) {
    options.db_name = name;
    options.backup_dir += "/" + name;
    options.restore_dir += "/" + name;
    return options;
  }

  // Members are destroyed in the opposite order.
  const std::string name_;
  levelkeep::BackupManager manager_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<levelkeep::Attachment> attachment_;
};

void Log(levelkeep::LogLevel level, std::string_view tag,
         std::string_view message) {
  std::fprintf(stderr, "%s %.*s: %.*s\n",
               level >= levelkeep::LogLevel::kWarn ? "!" : "-",
               static_cast<int>(tag.size()), tag.data(),
               static_cast<int>(message.size()), message.data());
}

Status Run() {
  levelkeep::SetLogCallback(Log);
  auto options = levelkeep::BackupOptions::FromEnvironment();
  if (!options.ok()) return options.status();
  Database users(*options, "users");
  Database orders(*options, "orders");
  for (Database* database : {&users, &orders}) {
    if (Status opened = database->Open(); !opened.ok()) return opened;
  }
  for (Database* database : {&users, &orders}) {
    if (Status put = database->Put("key", "value"); !put.ok()) return put;
    if (Status made = database->Backup(); !made.ok()) return made;
  }
  return Status::Ok();
}

}  // namespace

int main() {
  const Status done = Run();
  if (done.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "two_databases: %s\n", done.ToString().c_str());
  return EXIT_FAILURE;
}
