// backups/.levelkeep/databases/ID/: the record in BACKUP_DIR of each database
// that is backed up into it, so that a database that is missing, was put back
// or exists twice is noticed; and the positions of the tables in the archive of
// its last backup, so that the next backup can copy unchanged ones.

#ifndef LEVELKEEP_CATALOG_DATABASE_RECORDS_H_
#define LEVELKEEP_CATALOG_DATABASE_RECORDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/identity.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Value type.
struct DatabaseRecord {
  DatabaseIdentity identity;  // with the present history
  DatabaseHead head;          // the last write of that history; 0: not known
  // The history that a restore or an undo is about to put in place.
  std::string expected_epoch;
  // Absolute paths STORAGE_DIR/DB_NAME where the database was seen; the place
  // where it was attached last comes first.
  std::vector<std::string> places;
  // Why the present history began, if it was a fork: a sentence.
  std::string forked;
  std::string writer;  // last attached it: "process 12 on host"

  bool IsAt(const std::string& place) const;
  bool operator==(const DatabaseRecord&) const = default;
  // Adds a place. Of too many places, the last ones are forgotten.
  void PutPlace(const std::string& place, bool attached);
};

// Thread safety: const methods from several threads. If two processes store one
// record, the later one wins.
class DatabaseRecords {
 public:
  // `fs` must outlive this object.
  DatabaseRecords(FileSystem* fs, std::string backup_dir);

  // All readable records; damaged ones are skipped. Empty if there is no such
  // folder.
  Result<std::vector<DatabaseRecord>> List() const;
  // True if there is a record of another database, readable or not.
  bool HasOther(const std::string& id) const;
  // kNotFound; kCorruption.
  Result<DatabaseRecord> Load(const std::string& id) const;
  // Durable on return. REQUIRES: the record's identity has an id.
  Status Store(const DatabaseRecord& record) const;
  // The id of the database that was attached at `place`; empty if there is
  // none, or more than one.
  Result<std::string> FindPlace(const std::string& place) const;

  // Removes the temporary files in the folders of databases that are not being
  // backed up. Returns their paths. REQUIRES: nobody calls Store.
  Result<std::vector<std::string>> Sweep() const;
  // Locks the database for the process that attaches it (kWriter), or its
  // backups for a change (kCreate). kBusy: another process holds the lock.
  static constexpr char kWriter[] = "writer.lock";
  static constexpr char kCreate[] = "create.lock";
  Result<std::unique_ptr<FileLock>> Lock(const std::string& id,
                                         const char* which) const;

  // The parent of the folders of all databases.
  const std::string& directory() const { return directory_; }
  // The database's own folder in BACKUP_DIR; not created.
  std::string Folder(const std::string& id) const;
  // The folders of all databases.
  Result<std::vector<std::string>> ListFolders() const;

 private:
  FileSystem* const fs_;
  const std::string directory_;
};

// A file of the database as it was when it was archived. LevelDB never changes
// a table; a new table with the same number (after a repair, a restore, or a
// crash before the MANIFEST named it) has another inode or another mtime.
struct ReusableFile {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
  TocFile archived;  // name: in the database folder
};

// Value type.
struct ReuseRecord {
  std::string archive;  // backup name
  uint64_t archive_bytes = 0;
  uint64_t archive_inode = 0;
  int64_t archive_mtime_ns = 0;
  std::string db_epoch;
  std::string writer;  // build and level of the compressor
  std::vector<ReusableFile> files;
};

// A text: one line about the archive, one line per file, and at the end a
// digest of the lines before.
std::string EncodeReuseRecord(const ReuseRecord& record);
// kCorruption if `text` is not, to the last byte, the output of
// EncodeReuseRecord.
Result<ReuseRecord> DecodeReuseRecord(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_DATABASE_RECORDS_H_
