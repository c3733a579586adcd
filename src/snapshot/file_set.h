// What all kinds of snapshot are made of: a list of files, a way to open
// each, and something that keeps them readable. Private to the module.

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
  // Gets the file as it was added. One that captures a pointer or two costs
  // no memory of its own; it may point to what the keeper owns.
  using Opener =
      std::function<Result<std::unique_ptr<ByteSource>>(const SnapshotFile&)>;

  explicit FileSetBuilder(SnapshotMethod method);

  // For so many tables: vectors that grow keep up to twice what they need.
  void Reserve(size_t tables);
  // By ascending number. `info` is of the table's file.
  void AddTable(const std::string& name, const FileInfo& info, Opener open);
  // By ascending number; the first `boundary` bytes belong to the snapshot.
  void AddLog(uint64_t number, uint64_t boundary, uint64_t last_sequence,
              Opener open);
  // A MANIFEST of one record that states `version`, and CURRENT.
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
// An already open file, limited to the bytes that belong to the snapshot, as
// often as asked.
FileSetBuilder::Opener PrefixOpener(std::shared_ptr<const ByteSource> file);

// The name (.ldb, or .sst of old versions) and facts of a table's file.
struct TableFile {
  std::string name;
  FileInfo info;
};
// `stat` finds a file of the database by its name. kCorruption if the file
// has another size than the MANIFEST says; kNotFound if there is none.
Result<TableFile> FindTable(
    const TableMeta& table,
    const std::function<Result<FileInfo>(const std::string& name)>& stat);

// The status for a log with a bad record before its end.
Status DamagedLog(const std::string& path, const LogScan& scan);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_FILE_SET_H_
