
#include "base/status_macros.h"
#include "snapshot/file_set.h"
#include "snapshot/hot_database.h"

namespace levelkeep {
namespace {

// Releases the pin when it is destroyed.
struct PinHolder {
  PinHolder(std::shared_ptr<HotDatabase> from, std::shared_ptr<HotPin> taken)
      : database(std::move(from)), pin(std::move(taken)) {}
  ~PinHolder() { database->Release(pin); }
  PinHolder(const PinHolder&) = delete;
  PinHolder& operator=(const PinHolder&) = delete;

  const std::shared_ptr<HotDatabase> database;
  const std::shared_ptr<HotPin> pin;
};

// The snapshot owns both the openers and the holder, so that the openers may
// point to the holder.
FileSetBuilder::Opener PinnedOpener(const PinHolder* holder) {
  return
      [holder](const SnapshotFile& as) -> Result<std::unique_ptr<ByteSource>> {
        LEVELKEEP_ASSIGN_OR_RETURN(
            std::shared_ptr<File> file,
            holder->database->OpenPinned(*holder->pin, as.name));
        if (as.kind == DbFileKind::kTable) {
          LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
          if (info.device != as.device || info.inode != as.inode) {
            return Status(
                StatusCode::kIoError,
                "table " + as.name + " was replaced under an open snapshot",
                "take the backup again; nothing but LevelDB may write into the "
                "database's directory");
          }
        }
        return NewPrefixSource(std::move(file), as.size_bytes);
      };
}

// Not kNotFound, which would say that the database is not open.
Status Missing(const std::string& what) {
  return Status(StatusCode::kCorruption,
                what + " is missing from the open database",
                "another program removed it; restore the last verified backup");
}

Status AddTables(const PinHolder& holder, FileSetBuilder* builder) {
  const auto stat = [&holder](const std::string& name) {
    return holder.database->StatPinned(*holder.pin, name);
  };
  builder->Reserve(holder.pin->version->tables().size());
  for (const auto& [number, table] : holder.pin->version->tables()) {
    Result<TableFile> found = FindTable(table, stat);
    if (found.status().code() == StatusCode::kNotFound) {
      return Missing("table " + TableFileName(number));
    }
    LEVELKEEP_RETURN_IF_ERROR(found.status());
    builder->AddTable(found->name, found->info, PinnedOpener(&holder));
  }
  return Status::Ok();
}

// Finds the end of a log that existed at attach and that LevelDB replays now.
Result<LogMark::Value> FindEnd(const PinHolder& holder, const HotLog& log) {
  const std::string name = LogFileName(log.number);
  const Result<std::unique_ptr<File>> file =
      holder.database->OpenPinned(*holder.pin, name);
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
    builder.AddLog(log.log->number, end.boundary, end.last_sequence,
                   PinnedOpener(holder.get()));
  }
  builder.AddManifest(*holder->pin->version, cut.manifest_name);
  return builder.Build(holder);
}

}  // namespace levelkeep
