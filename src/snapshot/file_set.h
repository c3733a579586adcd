// The parts of all kinds of snapshot: a list of files, a way to open each, and
// the objects that keep files of a database readable. Logs are held by open
// descriptors: after LevelDB has removed a log, its held beginning can still be
// read. Tables are held by a hard link in a scratch directory, else by an open
// descriptor or by LOCK. Private to the module.

#ifndef LEVELKEEP_SNAPSHOT_FILE_SET_H_
#define LEVELKEEP_SNAPSHOT_FILE_SET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"
#include "snapshot/snapshot.h"

namespace levelkeep {

// Gathers a snapshot. Call the Add methods in their order below.
// Thread safety: one thread at a time.
class FileSetBuilder {
 public:
  using Opener = Snapshot::Opener;

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

// What holds a table that can't be linked.
enum class WithoutLinks {
  kDescriptors,
  kLock,  // the caller holds LOCK as long as the tables are read
};

// Thread safety: one thread at a time.
class TableHolder {
 public:
  // With an empty `scratch_dir`, no table is linked.
  TableHolder(FileSystem* fs, std::string db_dir, std::string scratch_dir,
              WithoutLinks without_links);

  // Holds exactly the tables of `version`. kNotFound if one of them is gone:
  // the tables found so far stay held, and the call can be repeated with a
  // newer version. kUnsupported if a table is a symbolic link.
  Status Hold(const Version& version);
  void Clear();
  // REQUIRES, here and below: Hold() succeeded.
  bool needs_lock() const { return needs_lock_; }
  // Sets the true size of each file whose MANIFEST entry states another size
  // (FindTableEnd).
  void CorrectSizes(Version* version) const;
  // The openers use the scratch directory and keeper(), not this object.
  void AddTo(FileSetBuilder* builder) const;
  std::shared_ptr<const void> keeper() const { return folders_; }

 private:
  enum class By { kLink, kDescriptor, kLock };
  struct Held {
    FileInfo info;  // info.size_bytes is the size of the table
    By by = By::kLink;
    bool old_name = false;       // .sst
    std::shared_ptr<File> file;  // the open descriptor, for By::kDescriptor
  };
  struct Folders {
    FileSystem* fs = nullptr;
    std::string database;
    std::string scratch;
  };
  static std::string NameOf(uint64_t number, bool old_name);
  std::string PathOf(const std::string& name) const;
  Result<Held> HoldOne(const TableMeta& table, size_t table_count);
  Result<Held> HoldByName(const std::string& name, size_t table_count);
  Status Link(const std::string& name, FileInfo* info);
  Status FindSize(const TableMeta& table, const std::string& name,
                  Held* held) const;
  void Drop(const std::string& name, const Held& held);

  const std::shared_ptr<const Folders> folders_;
  const WithoutLinks without_links_;
  bool can_link_;
  bool needs_lock_ = false;
  std::map<uint64_t, Held> held_;  // by number
};

// kUnsupported, with both figures, if `count` more open files exceed the limit
// of the process. Only the host may raise that limit.
Status RequireDescriptors(size_t count);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_FILE_SET_H_
