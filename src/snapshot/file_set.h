// The parts that every kind of snapshot has: a list of files, a way to open
// each file, and an object that keeps the files readable. Private to snapshot.

#ifndef LEVELKEEP_SNAPSHOT_FILE_SET_H_
#define LEVELKEEP_SNAPSHOT_FILE_SET_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
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

  explicit FileSetBuilder(SnapshotMethod method);

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

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_FILE_SET_H_
