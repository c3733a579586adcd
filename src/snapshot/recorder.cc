
#include "base/status_macros.h"
#include "snapshot/hot_database.h"

namespace levelkeep {

void LogRecorder::Flushed() {
  // This runs for every write of the application, so it costs one comparison,
  // and three stores if a record is complete.
  if (tracker_.boundary() != published_) {
    published_ = tracker_.boundary();
    mark_.Publish({published_, tracker_.last_sequence()});
  }
  if (!tracker_.well_formed()) [[unlikely]] {
    Failed("its records can't be followed");
  }
}

ManifestRecorder::ManifestRecorder(std::shared_ptr<HotDatabase> database,
                                   const std::shared_ptr<HotManifest>& manifest,
                                   uint64_t size_bytes)
    : Recorder(std::move(database), manifest, size_bytes),
      manifest_(*manifest) {
  tracker_.SetRecordCallback(
      [this](std::string_view record) { AddRecord(record); });
}

void ManifestRecorder::AddRecord(std::string_view record) {
  Result<VersionEdit> edit = VersionEdit::Decode(record);
  if (!edit.ok()) {
    Failed(edit.status().message());
    return;
  }
  edits_.push_back(std::move(edit).value());
}

void ManifestRecorder::Flushed() {
  if (!tracker_.well_formed()) Failed("its records can't be followed");
  if (edits_.empty()) return;
  const Status applied = database_->ApplyEdits(&manifest_, edits_);
  edits_.clear();
  if (!applied.ok()) Failed(applied.message());
}

Result<WrittenFile> InspectForAppend(FileSystem* fs, const std::string& name) {
  WrittenFile target;
  LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                             fs->Open(name, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  target.size_bytes = info.size_bytes;
  uint64_t boundary = 0;
  const DbFileName parsed = ParseDbFileName(BaseName(name));
  if (parsed.kind == DbFileKind::kLog) {
    LEVELKEEP_ASSIGN_OR_RETURN(const LogScan scan,
                               ScanLog(*file, info.size_bytes, true, nullptr));
    boundary = scan.boundary;
    target.log = std::make_shared<HotLog>();
    target.log->number = parsed.number;
    target.log->mark.Publish({scan.boundary, scan.last_sequence});
  } else {
    LEVELKEEP_ASSIGN_OR_RETURN(ManifestContent content,
                               ReadManifest(*file, info.size_bytes));
    boundary = content.boundary;
    target.manifest = std::make_shared<HotManifest>();
    target.manifest->name = BaseName(name);
    *target.manifest->version = std::move(content.version);
  }
  if (boundary != info.size_bytes) {
    return Status(StatusCode::kUnsupported,
                  name + " does not end with a complete record");
  }
  return target;
}

}  // namespace levelkeep
