#include "snapshot/held_logs.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/file_name.h"

namespace levelkeep {

Status HeldLogs::Hold(uint64_t number) {
  Log log;
  log.number = number;
  LEVELKEEP_ASSIGN_OR_RETURN(
      log.file,
      fs_->Open(JoinPath(db_dir_, LogFileName(number)), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, log.file->Stat());
  log.size_bytes = info.size_bytes;
  const auto behind = std::find_if(
      logs_.begin(), logs_.end(),
      [number](const Log& other) { return other.number > number; });
  logs_.insert(behind, std::move(log));
  return Status::Ok();
}

void HeldLogs::KeepNeeded(const Version& version) {
  std::erase_if(logs_, [&version](const Log& log) {
    return !NeedsLog(version, log.number);
  });
}

Status HeldLogs::FollowNewest() {
  if (logs_.empty()) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, logs_.back().file->Stat());
  logs_.back().size_bytes = info.size_bytes;
  return Status::Ok();
}

bool HeldLogs::Has(uint64_t number) const {
  return std::any_of(logs_.begin(), logs_.end(),
                     [number](const Log& log) { return log.number == number; });
}

Status HeldLogs::Scan() {
  for (Log& log : logs_) {
    LEVELKEEP_ASSIGN_OR_RETURN(log.scan, ScanLog(*log.file, log.size_bytes,
                                                 /*batches=*/true, nullptr));
    if (log.scan.corrupt) {
      return DamagedLog(JoinPath(db_dir_, LogFileName(log.number)), log.scan);
    }
  }
  return Status::Ok();
}

Status HeldLogs::CheckSequence(const Version& version) const {
  const std::vector<ScannedLog> scanned(logs_.begin(), logs_.end());
  const ScannedLog* const gap = FindGap(version, scanned);
  if (gap == nullptr) return Status::Ok();
  return Status(StatusCode::kCorruption,
                "write numbers are missing before or in " +
                    JoinPath(db_dir_, LogFileName(gap->number)),
                "a log was removed, or a write failed: restore the last "
                "verified backup; or, if the application misses no data, "
                "let it open the database once and try again");
}

uint64_t HeldLogs::last_sequence() const {
  for (auto log = logs_.rbegin(); log != logs_.rend(); ++log) {
    if (log->scan.records > 0) return log->scan.last_sequence;
  }
  return 0;
}

void HeldLogs::AddTo(FileSetBuilder* builder) const {
  for (const Log& log : logs_) {
    builder->AddLog(log.number, log.scan.boundary, log.scan.last_sequence,
                    PrefixOpener(log.file));
  }
}

}  // namespace levelkeep
