// Keeps the tables of a database from going away: by a hard link in a scratch
// directory, or else by an open descriptor, or by LOCK. Private to the module.

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

// What holds a table that can't be linked.
enum class WithoutLinks {
  kDescriptors,
  kLock,  // the caller's, for as long as the tables are read
};

// Thread safety: one thread at a time.
class TableHolder {
 public:
  // An empty `scratch_dir`: nothing is linked.
  TableHolder(FileSystem* fs, std::string db_dir, std::string scratch_dir,
              WithoutLinks without_links);

  // Holds exactly the tables of `version`. kNotFound: one of them is gone;
  // those found so far are held, and the call can be repeated with a newer
  // version. kUnsupported: one is a symbolic link.
  Status Hold(const Version& version);
  void Clear();
  // REQUIRES, here and below: Hold() succeeded.
  bool needs_lock() const { return needs_lock_; }
  // The sizes that the files have, where the MANIFEST states others
  // (FindTableEnd).
  void CorrectSizes(Version* version) const;
  // The openers need the scratch directory and keeper(), not this object.
  void AddTo(FileSetBuilder* builder) const;
  std::shared_ptr<const void> keeper() const { return folders_; }

 private:
  enum class By { kLink, kDescriptor, kLock };
  struct Held {
    FileInfo info;  // its size is the table's
    By by = By::kLink;
    bool old_name = false;       // .sst
    std::shared_ptr<File> file;  // the descriptor
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

// kUnsupported, with both figures, if `count` more open files are more than the
// process may have. The limit is its host's to raise.
Status RequireDescriptors(size_t count);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_TABLE_HOLDER_H_
