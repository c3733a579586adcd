// Identifies a file in restore/.

#ifndef LEVELKEEP_RESTORE_DROP_IDENTITY_H_
#define LEVELKEEP_RESTORE_DROP_IDENTITY_H_

#include <cstdint>
#include <string>

#include "base/file_system.h"
#include "base/record.h"

namespace levelkeep {

// Value type.
struct DropIdentity {
  std::string name;
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0;
  uint64_t inode = 0;

  // True if names, sizes and times are equal. Inodes are not compared:
  // some mounts (virtual machines, FUSE) number their files anew each time.
  bool LooksLike(const DropIdentity& other) const {
    return name == other.name && size_bytes == other.size_bytes &&
           mtime_ns == other.mtime_ns;
  }
};

inline DropIdentity IdentifyDrop(const std::string& name,
                                 const FileInfo& info) {
  return DropIdentity{name, info.size_bytes, info.mtime_ns, info.inode};
}

inline void PutDrop(const DropIdentity& drop, Record* record) {
  record->Set("drop_name", drop.name);
  record->SetNumber("drop_size", drop.size_bytes);
  record->SetNumber("drop_mtime", static_cast<uint64_t>(drop.mtime_ns));
  record->SetNumber("drop_inode", drop.inode);
}

inline DropIdentity GetDrop(const Record& record) {
  return DropIdentity{record.Get("drop_name"), record.GetNumber("drop_size"),
                      static_cast<int64_t>(record.GetNumber("drop_mtime")),
                      record.GetNumber("drop_inode")};
}

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_IDENTITY_H_
