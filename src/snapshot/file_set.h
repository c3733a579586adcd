// The parts of all kinds of snapshot: a list of files, a way to open each, and
// an object that keeps them readable. Logs are held by open descriptors: after
// LevelDB has removed a log, its held beginning can still be read. Private to
// the module.

#ifndef LEVELKEEP_SNAPSHOT_FILE_SET_H_
#define LEVELKEEP_SNAPSHOT_FILE_SET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/look.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

// Gathers a snapshot. Call the Add methods in their order below.
// Thread safety: one thread at a time.
class FileSetBuilder {
 public:
  // Opens the given file. An opener that captures at most two pointers needs no
  // memory of its own; it may point to objects that the keeper owns.
  using Opener =
      std::function<Result<std::unique_ptr<ByteSource>>(const SnapshotFile&)>;

  explicit FileSetBuilder(SnapshotMethod method) { info_.method = method; }

  // Room for `tables`: a vector that grows keeps up to twice what it needs.
  void Reserve(size_t tables);
  // Call by ascending number. `info` describes the table's file.
  void AddTable(const std::string& name, const FileInfo& info, Opener open);
  // Call by ascending number. The log's first `boundary` bytes are included.
  void AddLog(uint64_t number, uint64_t boundary, uint64_t last_sequence,
              Opener open);
  // Adds CURRENT and a MANIFEST whose only record states `version`.
  void AddManifest(const Version& version, const std::string& manifest_name);

  // `keeper` is destroyed with the snapshot.
  std::unique_ptr<Snapshot> Build(std::shared_ptr<const void> keeper);

 private:
  void Add(SnapshotFile file, Opener open);
  void AddGenerated(const std::string& name, DbFileKind kind,
                    std::string contents);

  SnapshotInfo info_;
  std::vector<Opener> openers_;
};

// Opens `path` and limits it to its first `size_bytes`.
Result<std::unique_ptr<ByteSource>> OpenPrefix(FileSystem* fs,
                                               const std::string& path,
                                               uint64_t size_bytes);
// Opens `file`, limited to the bytes that belong to the snapshot; any number of
// times.
FileSetBuilder::Opener PrefixOpener(std::shared_ptr<const ByteSource> file);

// The name of a table's file (.ldb, or .sst of old versions) and its facts.
struct TableFile {
  std::string name;
  FileInfo info;
};
// `stat` looks up a file of the database by its name. kCorruption if the size
// of the file differs from the MANIFEST; kNotFound if the file is missing.
Result<TableFile> FindTable(
    const TableMeta& table,
    const std::function<Result<FileInfo>(const std::string& name)>& stat);

// The status for a log with a bad record before its end.
Status DamagedLog(const std::string& path, const LogScan& scan);

// Thread safety: one thread at a time.
class HeldLogs {
 public:
  HeldLogs(FileSystem* fs, std::string db_dir)
      : fs_(fs), db_dir_(std::move(db_dir)) {}

  // Holds the log at its present length. kNotFound if there is no such log.
  Status Hold(uint64_t number);
  // Drops the logs that LevelDB does not replay when it opens `version`.
  void KeepNeeded(const Version& version);
  // Extends the newest log to its present length.
  Status FollowNewest();
  bool Has(uint64_t number) const;
  void Clear() { logs_.clear(); }

  // Finds where the last whole record of each log ends. kCorruption if a log
  // is damaged before that.
  Status Scan();
  // REQUIRES, here and below: Scan() succeeded.
  // kCorruption if sequence numbers are missing between `version` and the logs,
  // or within the logs. LevelDB itself does not notice that a log is missing.
  Status CheckSequence(const Version& version) const;
  // The sequence number of the last write; 0 if the logs hold no write.
  uint64_t last_sequence() const;
  void AddTo(FileSetBuilder* builder) const;

 private:
  struct Log : ScannedLog {
    std::shared_ptr<File> file;
    uint64_t size_bytes = 0;
  };

  FileSystem* const fs_;
  const std::string db_dir_;
  std::vector<Log> logs_;  // by number
};

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_FILE_SET_H_
