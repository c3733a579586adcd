#include "snapshot/hot_snapshot.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "snapshot/file_set.h"

namespace levelkeep {
namespace {

// Lets go of the pin, whatever happens to the snapshot.
class PinHolder {
 public:
  PinHolder(std::shared_ptr<HotDatabase> database, std::shared_ptr<HotPin> pin)
      : database_(std::move(database)), pin_(std::move(pin)) {}
  ~PinHolder() { database_->Release(pin_); }
  PinHolder(const PinHolder&) = delete;
  PinHolder& operator=(const PinHolder&) = delete;

  const HotPin& pin() const { return *pin_; }
  HotDatabase* database() const { return database_.get(); }

 private:
  const std::shared_ptr<HotDatabase> database_;
  const std::shared_ptr<HotPin> pin_;
};

// The openers live in the snapshot beside the holder, so they may point to it.
FileSetBuilder::Opener TableOpener(const PinHolder* holder, std::string name,
                                   const FileInfo& expected) {
  return [holder, name = std::move(name), device = expected.device,
          inode = expected.inode,
          size = expected.size_bytes]() -> Result<std::unique_ptr<ByteSource>> {
    LEVELKEEP_ASSIGN_OR_RETURN(
        std::shared_ptr<File> file,
        holder->database()->OpenPinned(holder->pin(), name));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
    if (info.device != device || info.inode != inode) {
      return Status(StatusCode::kIoError,
                    "table " + name + " was replaced under an open snapshot",
                    "take the backup again; nothing but LevelDB may write "
                    "into the database's directory");
    }
    return NewPrefixSource(std::move(file), size);
  };
}

FileSetBuilder::Opener LogOpener(const PinHolder* holder, std::string name,
                                 uint64_t boundary) {
  return [holder, name = std::move(name),
          boundary]() -> Result<std::unique_ptr<ByteSource>> {
    LEVELKEEP_ASSIGN_OR_RETURN(
        std::shared_ptr<File> file,
        holder->database()->OpenPinned(holder->pin(), name));
    return NewPrefixSource(std::move(file), boundary);
  };
}

// Not kNotFound, which says that the database is not open.
Status Missing(const std::string& what) {
  return Status(StatusCode::kCorruption,
                what + " is missing from the open database",
                "someone removed it; restore the last verified backup");
}

Status AddTables(const PinHolder& holder, FileSetBuilder* builder) {
  const auto stat = [&holder](const std::string& name) {
    return holder.database()->StatPinned(holder.pin(), name);
  };
  for (const auto& [number, table] : holder.pin().version->tables()) {
    Result<TableFile> found = FindTable(table, stat);
    if (found.status().code() == StatusCode::kNotFound) {
      return Missing("table " + TableFileName(number));
    }
    LEVELKEEP_RETURN_IF_ERROR(found.status());
    builder->AddTable(found->name, found->info,
                      TableOpener(&holder, found->name, found->info));
  }
  return Status::Ok();
}

// A log from before the attach, which LevelDB is about to replay.
Result<LogMark::Value> FindEnd(const PinHolder& holder, const HotLog& log) {
  const std::string name = LogFileName(log.number);
  const Result<std::unique_ptr<File>> file =
      holder.database()->OpenPinned(holder.pin(), name);
  if (file.status().code() == StatusCode::kNotFound) {
    return Missing("log " + name);
  }
  LEVELKEEP_RETURN_IF_ERROR(file.status());
  LEVELKEEP_ASSIGN_OR_RETURN(
      const LogScan scan,
      ScanLog(**file, log.existing_size, /*batches=*/true, nullptr));
  if (scan.corrupt) return DamagedLog(name, scan);
  return LogMark::Value{scan.boundary, scan.last_sequence};
}

}  // namespace

Result<std::unique_ptr<Snapshot>> TakeHotSnapshot(
    const std::shared_ptr<HotDatabase>& database) {
  LEVELKEEP_ASSIGN_OR_RETURN(HotCut cut, database->Cut());
  const auto holder = std::make_shared<PinHolder>(database, std::move(cut.pin));
  FileSetBuilder builder(SnapshotMethod::kHot);
  LEVELKEEP_RETURN_IF_ERROR(AddTables(*holder, &builder));
  for (const LogCut& log : cut.logs) {
    LogMark::Value end = log.mark;
    if (log.log->existing) {
      LEVELKEEP_ASSIGN_OR_RETURN(end, FindEnd(*holder, *log.log));
    }
    const uint64_t number = log.log->number;
    builder.AddLog(number, end.boundary, end.last_sequence,
                   LogOpener(holder.get(), LogFileName(number), end.boundary));
  }
  builder.AddManifest(*holder->pin().version, cut.manifest_name);
  return builder.Build(holder);
}

}  // namespace levelkeep
