// A folder as a destination: each object is a file.

#ifndef LEVELKEEP_DESTINATION_FOLDER_DESTINATION_H_
#define LEVELKEEP_DESTINATION_FOLDER_DESTINATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/work.h"
#include "destination/destination.h"
#include "levelkeep/status.h"

namespace levelkeep {

// LevelKeep's own files in the folder, other than objects, are in here.
inline constexpr std::string_view kStateFolder = ".levelkeep";

// An object is written as a part, a hidden file that its writer holds a lock
// on, synced, and then given its name by MoveToNewName (base/file_system.h). A
// crash leaves the part, perhaps with a claim of the name beside it; neither is
// an object, and sweeps remove both.
//
// The version is the file's size and modification time: on some file systems
// inode numbers change with a remount, and a copy of the folder that keeps the
// times also keeps the versions. If somebody changes a file by hand and
// restores its size and time, only digests show that.
//
// FOLDER/.levelkeep/state.lock keeps sweeps apart from writers that create
// parts or publish names. Thread safety: as Destination.
class FolderDestination : public Destination {
 public:
  // An object without a name yet. No sweep removes it while `lock` lives.
  struct Part {
    std::string path;  // empty: there is no part
    std::unique_ptr<File> file;
    std::unique_ptr<FileLock> lock;
  };
  // Whether a record of an object of that name exists. If so, an empty file of
  // that name is a damaged object and not a claim.
  using RemembersName = std::function<bool(const std::string& name)>;

  // `fs` outlives this object. The constructor does not touch the disk.
  FolderDestination(FileSystem* fs, std::string folder,
                    RemembersName remembers = nullptr);

  const std::string& folder() const { return folder_; }

  std::string Id() const override;
  Abilities abilities() const override;
  Result<std::vector<StoredObject>> List(const Work& work) override;
  Result<StoredObject> Stat(const std::string& name, const Work& work) override;
  Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                           const std::string& version,
                                           const Work& work) override;
  Result<StoredObject> Put(const std::string& name, const PutSource& source,
                           PutRecord* record, const Work& work) override;
  Status Remove(const std::string& name, const Work& work) override;

  // --- for objects that are written into the folder, without a second copy

  // An empty part.
  Result<Part> NewPart();
  // Gives a synced part its name, durably. kAlreadyExists: the name is taken,
  // and the part may get another name. After any other failure the part may be
  // gone.
  Status Publish(const Part& part, const std::string& name);
  // Removes the part. Never fails: if it can't, a sweep removes the part later.
  void Discard(Part* part);

  // --- left-overs of crashes

  // Waits up to 5 s for other processes, which hold the lock for milliseconds.
  Result<std::unique_ptr<FileLock>> LockState();
  // Whether any part exists: one being written, or one that a crash left.
  bool HasPart() const;
  // Whether the file `name` only claims that name: it is empty, no record knows
  // it, and a part exists. Without a part, the file belongs to somebody else.
  bool IsOnlyClaimed(const std::string& name) const;
  // Whether `path` is a regular file that nobody has locked.
  bool IsLeftOver(const std::string& path) const;
  // Removes the left-overs of crashed Puts: first claims, then parts, except
  // the parts of `records`, the texts of PutRecords that will be continued.
  // Returns the removed names. REQUIRES: the caller holds LockState's lock.
  Result<std::vector<std::string>> Sweep(
      const std::vector<std::string>& records = {});

 private:
  std::string PathOf(const std::string& name) const;
  // Stats the object's file. kNotFound; kRefused.
  Result<FileInfo> Look(const std::string& name) const;
  Result<std::unique_ptr<File>> OpenVersion(const std::string& name,
                                            const std::string& version) const;
  // REQUIRES: the caller holds LockState's lock.
  Status DropClaim(const std::string& name, bool* dropped);
  Status SweepClaims(const std::vector<std::string>& names,
                     std::vector<std::string>* removed);

  Status CheckSpace(uint64_t needed_bytes) const;
  // The part of an interrupted Put of these bytes, with `*done` correct bytes;
  // an empty part if there is none. kBusy: another process writes the part.
  Result<Part> FindPart(const PutSource& source, PutRecord* record,
                        const Work& work, uint64_t* done);
  Result<Part> OpenPart(const std::string& name);
  Status Copy(const PutSource& source, uint64_t done, const Work& work,
              File* target) const;

  FileSystem* const fs_;
  const std::string folder_;
  const RemembersName remembers_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_FOLDER_DESTINATION_H_
