// backups/.levelkeep/databases/ID/: what BACKUP_DIR remembers of each database
// that is backed up into it, so that a database that is missing, was put back
// or lives twice is noticed; and how the tables of its last backup stand in
// their archive, so that the next one can copy those that are still there.

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
  DatabaseIdentity identity;  // with its present history
  DatabaseHead head;          // what that history had reached; 0: not known
  // The history that a restore or an undo is about to put in place.
  std::string expected_epoch;
  // STORAGE_DIR/DB_NAME, absolute, where it was seen; where it was attached
  // last comes first.
  std::vector<std::string> places;
  // Why the present history began, if it was by a fork: a sentence.
  std::string forked;
  std::string writer;  // who attached it last: "process 12 on host"

  bool IsAt(const std::string& place) const;
  bool operator==(const DatabaseRecord&) const = default;
  // Of many the last ones are forgotten.
  void PutPlace(const std::string& place, bool attached);
};

// Thread safety: const methods from several threads; of two that store one
// record, the later one wins.
class DatabaseRecords {
 public:
  // `fs` outlives it.
  DatabaseRecords(FileSystem* fs, std::string backup_dir);

  // Damaged ones are left out. An empty list if there is no such folder.
  Result<std::vector<DatabaseRecord>> List() const;
  // Whether one of another database is there, readable or not.
  bool HasOther(const std::string& id) const;
  // kNotFound; kCorruption.
  Result<DatabaseRecord> Load(const std::string& id) const;
  // Durable on return. REQUIRES: the record's identity has an id.
  Status Store(const DatabaseRecord& record) const;
  // Of the one that was attached at `place`; empty if that is none, or more
  // than one.
  Result<std::string> FindPlace(const std::string& place) const;
  // Held while a process has the database attached. kBusy: another one does.
  Result<std::unique_ptr<FileLock>> LockWriter(const std::string& id) const;

  // Removes the temporary files in the folders of those databases of which
  // nobody makes a backup. Returns their paths. REQUIRES: nobody calls Store.
  Result<std::vector<std::string>> Sweep() const;
  // Held while the database's backups are changed. kBusy: another process does.
  Result<std::unique_ptr<FileLock>> LockCreate(const std::string& id) const;

  // The folder of those of all databases.
  const std::string& directory() const { return directory_; }
  // The database's own folder in BACKUP_DIR; not created.
  std::string Folder(const std::string& id) const;
  // Of all databases.
  Result<std::vector<std::string>> ListFolders() const;

 private:
  FileSystem* const fs_;
  const std::string directory_;
};

// A file of the database as it was when it was archived. LevelDB never
// writes to a table again; a table of the same number that was made anew (by
// a repair, a restored database, a crash before the MANIFEST knew of it) has
// another inode or another mtime.
struct ReusableFile {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;
  TocFile archived;  // name: within the database folder
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

// A text: one line about the archive, one for each file, and a digest of all
// that at the end.
std::string EncodeReuseRecord(const ReuseRecord& record);
// kCorruption if it is not, to the last byte, what EncodeReuseRecord wrote.
Result<ReuseRecord> DecodeReuseRecord(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_DATABASE_RECORDS_H_
