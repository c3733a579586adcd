// Keeps the tables of a database readable: by a hard link in a scratch
// directory, else by an open descriptor or by LOCK. Private to snapshot.

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

#endif  // LEVELKEEP_SNAPSHOT_TABLE_HOLDER_H_
