// Reads every entry of a database whose comparator is not available. In the
// order of another comparator, LevelDB would find only some of the entries, so
// each table and each log is read by itself, from front to back. The order of
// keys is not checked, nor which write of a key is the last.

#ifndef LEVELKEEP_CHECK_UNORDERED_READ_H_
#define LEVELKEEP_CHECK_UNORDERED_READ_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "check/file_checks.h"
#include "check/overlay_env.h"
#include "check/store_files.h"
#include "check/table_checks.h"
#include "dbfiles/coding.h"
#include "dbfiles/file_name.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

// The number of values in a write batch. kCorruption if the batch is malformed.
// Source of the encoding: LevelDB's db/write_batch.cc.
// REQUIRES: `batch` has at least kBatchHeaderSize bytes.
inline Result<uint64_t> CountValues(std::string_view batch) {
  const Status bad(StatusCode::kCorruption, "holds a malformed write batch");
  const uint32_t stated = DecodeFixed32(batch.data() + 8);
  batch.remove_prefix(kBatchHeaderSize);
  uint64_t entries = 0;
  uint64_t values = 0;
  for (; !batch.empty(); ++entries) {
    const char type = batch.front();
    batch.remove_prefix(1);
    std::string_view key, value;
    if (type != 0 && type != 1) return bad;
    if (!GetLengthPrefixed(&batch, &key)) return bad;
    if (type == 0) continue;
    if (!GetLengthPrefixed(&batch, &value)) return bad;
    ++values;
  }
  if (entries != stated) return bad;
  return values;
}

inline Result<uint64_t> ReadLog(const StoreFiles& files,
                                const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, files.Open(name));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(name));
  uint64_t values = 0;
  const auto count = [&](std::string_view batch) -> Status {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more, CountValues(batch));
    values += more;
    return Status::Ok();
  };
  LEVELKEEP_RETURN_IF_ERROR(
      ScanLog(*file, info.size_bytes, /*batches=*/true, count)
          .status()
          .WithContext("log " + name));
  return values;
}

inline Result<uint64_t> ReadTable(const StoreFiles& files,
                                  const TableMeta& meta,
                                  uint64_t last_sequence) {
  std::string name = TableFileName(meta.number);
  if (!files.Stat(name).ok()) name = OldTableFileName(meta.number);
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, files.Open(name));
  BlockTypes types;  // outlives the table
  CheckedTable table(meta, last_sequence, /*order=*/nullptr);
  const auto values = table.Run(
      name, std::make_unique<ReadFileAccess>(std::move(file), &types));
  return values.ok() ? values : types.Explain(values.status());
}

// The number of values; an overwritten value counts as long as it is stored.
// REQUIRES: FileChecks found no fault in `files`; `last_sequence` is its
// result.
inline Result<uint64_t> ReadUnordered(const StoreFiles& files,
                                      uint64_t last_sequence) {
  LEVELKEEP_ASSIGN_OR_RETURN(const CurrentVersion current,
                             ReadCurrentVersion(files));
  uint64_t values = 0;
  for (const auto& [number, meta] : current.version.tables()) {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more,
                               ReadTable(files, meta, last_sequence));
    values += more;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, files.List());
  for (const std::string& name : names) {
    const DbFileName parsed = ParseDbFileName(name);
    if (parsed.kind != DbFileKind::kLog ||
        !IsReplayed(current.version, parsed.number)) {
      continue;
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t more, ReadLog(files, name));
    values += more;
  }
  return values;
}

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_UNORDERED_READ_H_
