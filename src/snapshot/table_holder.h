// Keeps the tables of another process' database from going away: by a hard
// link in a scratch directory, or else by an open descriptor. Private to the
// module.

#ifndef LEVELKEEP_SNAPSHOT_TABLE_HOLDER_H_
#define LEVELKEEP_SNAPSHOT_TABLE_HOLDER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "dbfiles/version.h"
#include "snapshot/file_set.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class TableHolder {
 public:
  TableHolder(FileSystem* fs, std::string db_dir, std::string scratch_dir);

  // Holds exactly the tables of `version`, each of the MANIFEST's size.
  // kNotFound: one of them is gone; those found so far are held, and the
  // call can be repeated with a newer version.
  Status Hold(const Version& version);
  void Clear();
  // REQUIRES: Hold() succeeded. The openers need this object's directory,
  // not this object.
  void AddTo(FileSetBuilder* builder) const;

 private:
  struct Held {
    std::string name;
    FileInfo info;
    std::string link;            // where it was linked to, or
    std::shared_ptr<File> file;  // its descriptor
  };
  Result<Held> HoldOne(const TableMeta& table, size_t table_count);
  Result<Held> HoldByName(const std::string& name, size_t table_count);
  Status Link(const std::string& name, Held* held);
  void Drop(const Held& held);

  FileSystem* const fs_;
  const std::string db_dir_;
  const std::string scratch_dir_;
  bool can_link_ = true;
  std::map<uint64_t, Held> held_;  // by number
};

// Makes room for `count` more open files, up to the hard limit.
// kUnsupported, with both figures, if that is not enough.
Status ReserveDescriptors(size_t count);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_TABLE_HOLDER_H_
