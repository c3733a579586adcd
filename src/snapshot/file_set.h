// What all kinds of snapshot are made of: a list of files, a way to open each,
// and something that keeps them readable. Logs are held by open descriptors:
// they can be read after LevelDB has removed them, as far as they went. Private
// to the module.

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

// Thread safety: one thread at a time.
class HeldLogs {
 public:
  HeldLogs(FileSystem* fs, std::string db_dir)
      : fs_(fs), db_dir_(std::move(db_dir)) {}

  // As long as it is now. kNotFound if there is none.
  Status Hold(uint64_t number);
  // Lets go of those that LevelDB does not replay when it opens `version`.
  void KeepNeeded(const Version& version);
  // Takes the newest one's present length; what it had before stays in it.
  Status FollowNewest();
  bool Has(uint64_t number) const;
  void Clear() { logs_.clear(); }

  // Finds where the last whole record of each one ends. kCorruption: damage
  // before that.
  Status Scan();
  // REQUIRES, here and below: Scan() succeeded.
  // kCorruption: sequence numbers are missing behind `version`'s or within
  // the logs. LevelDB itself does not notice a log that is gone.
  Status CheckSequence(const Version& version) const;
  // Of the last write; 0 if there is none.
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
