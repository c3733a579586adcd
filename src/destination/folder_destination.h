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

// What is ours in the folder beside the objects lies in here.
inline constexpr std::string_view kStateFolder = ".levelkeep";

// An object is written as a part, a hidden file that its writer holds a lock
// on, synced, and then given its name by MoveToNewName (base/file_system.h). A
// crash leaves the part, perhaps with a claim of the name beside it; neither is
// an object, and sweeps remove both.
//
// The version is the file's size and modification time: inode numbers don't
// survive a remount everywhere, and who copies the folder with its times copies
// the versions. Whoever changes a file by hand and puts both back is not
// noticed; digests are for that.
//
// FOLDER/.levelkeep/state.lock keeps sweeps away from those who make parts and
// give names. Thread safety: as Destination.
class FolderDestination : public Destination {
 public:
  // An object that has no name yet. No sweep takes it while `lock` lives.
  struct Part {
    std::string path;  // empty: there is none
    std::unique_ptr<File> file;
    std::unique_ptr<FileLock> lock;
  };
  // Does anybody remember an object of that name? Then an empty file of it is
  // a damaged object, and no claim.
  using RemembersName = std::function<bool(const std::string& name)>;

  // `fs` outlives this object. Touches nothing yet.
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

  // --- for objects that are written in place, without a second copy

  // An empty file.
  Result<Part> NewPart();
  // Gives a part that is synced its name, durably. kAlreadyExists: the name is
  // taken; the part may get another one. After any other failure the part may
  // be gone.
  Status Publish(const Part& part, const std::string& name);
  // Removes the part. Never fails: a sweep will do it.
  void Discard(Part* part);

  // --- left-overs

  // Waits up to 5 s for other processes; they hold it for milliseconds.
  Result<std::unique_ptr<FileLock>> LockState();
  // Whether a part is on its way to become an object, or was when it crashed.
  bool HasPart() const;
  // Whether the file at `name` is but a claim of that name: empty, not
  // remembered, and beside a part. Without a part it is somebody's.
  bool IsOnlyClaimed(const std::string& name) const;
  // A regular file that nobody holds a lock on.
  bool IsLeftOver(const std::string& path) const;
  // Removes what crashed Puts left: claims, then parts, but for those of
  // `records`: texts of PutRecords that are to be gone on with. Returns their
  // names. REQUIRES: LockState's lock is held.
  Result<std::vector<std::string>> Sweep(
      const std::vector<std::string>& records = {});

 private:
  std::string PathOf(const std::string& name) const;
  // The object's file. kNotFound; kRefused.
  Result<FileInfo> Look(const std::string& name) const;
  Result<std::unique_ptr<File>> OpenVersion(const std::string& name,
                                            const std::string& version) const;
  // REQUIRES: LockState's lock is held.
  Status DropClaim(const std::string& name, bool* dropped);
  Status SweepClaims(const std::vector<std::string>& names,
                     std::vector<std::string>* removed);

  Status CheckSpace(uint64_t needed_bytes) const;
  // The part of an interrupted Put of these bytes with as much of them as is
  // right; an empty one where there is none. kBusy: somebody is at it.
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
