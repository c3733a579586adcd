// The one door to the disk.
//
// Everything that LevelKeep reads or writes passes through a FileSystem, so
// that tests can fail, shorten or lose any single call. Only
// posix_file_system.cc calls the operating system.

#ifndef LEVELKEEP_BASE_FILE_SYSTEM_H_
#define LEVELKEEP_BASE_FILE_SYSTEM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

enum class FileType { kRegular, kDirectory, kSymlink, kOther };

struct FileInfo {
  FileType type = FileType::kOther;
  uint64_t size_bytes = 0;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t mtime_ns = 0;  // since the Unix epoch
  int64_t ctime_ns = 0;  // of any change; can't be set
  uint32_t mode = 0;     // permission bits only
  uint32_t links = 0;
  uint32_t owner = 0;  // user id
  uint32_t group = 0;
};

// Storage devices read whole blocks; no device has larger ones.
inline constexpr size_t kDeviceBlockBytes = 4096;

class File;

// Random-access bytes: a file, a pinned beginning of a file, an object of a
// destination, or memory.
// Thread safety: ReadAt may be called from several threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Reads up to `size` bytes at `offset`. Fewer than `size` only at the end.
  virtual Result<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) const = 0;
  // As ReadAt, but without the page cache if the file system supports that:
  // reads the device's content. REQUIRES: offset, size and the buffer's address
  // are multiples of kDeviceBlockBytes; only the end of the file makes a read
  // shorter.
  virtual Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                        size_t size) const {
    return ReadAt(offset, buffer, size);
  }
  // Hint: this range is read soon / won't be read again. Never fails.
  virtual void WillNeed(uint64_t /*offset*/, uint64_t /*size*/) const {}
  virtual void DontNeed(uint64_t /*offset*/, uint64_t /*size*/) const {}
  // True if the byte at `offset` is available without the device, or if that is
  // unknown.
  virtual bool IsCached(uint64_t /*offset*/) const { return true; }
  // Appends that range to `target`: by sharing extents or copying in the kernel
  // if possible, otherwise by reading and writing.
  virtual Status CopyRangeTo(File* target, uint64_t offset,
                             uint64_t size) const;
};

// An open file. The destructor closes it; call Close() to learn of errors.
// Thread safety: reading, WriteAt, WriteToDevice, hints and WaitForWriteback
// may run concurrently with everything but Close; the other methods one at a
// time.
class File : public ByteSource {
 public:
  // Writes all of `data` after the bytes that were appended before; WriteAt
  // does not move that position.
  virtual Status Append(std::string_view data) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view data) = 0;
  // As WriteAt, but without the page cache if the file system supports that;
  // otherwise the device starts writing at once. REQUIRES: offset, size and the
  // data's address are multiples of kDeviceBlockBytes.
  virtual Status WriteToDevice(uint64_t offset, std::string_view data) {
    return WriteAt(offset, data);
  }
  // Durable on return. After a failure, do not use the file again: a second
  // sync can succeed without having written (Linux drops the dirty pages).
  virtual Status Sync() = 0;
  // Hint: start writing this range to the device now, don't wait.
  virtual void StartWriteback(uint64_t /*offset*/, uint64_t /*size*/) {}
  // Returns when the device has received the bytes written to this range (they
  // may still be in its own cache, which only Sync empties). A failure means
  // the same as a failure of Sync. May run beside Append.
  virtual Status WaitForWriteback(uint64_t /*offset*/, uint64_t /*size*/) {
    return Status::Ok();
  }
  virtual Result<FileInfo> Stat() const = 0;
  // True if a process has the file open for writing. False also if that is
  // unknown: the system tells only the file's owner, and only about this host.
  // REQUIRES: the file was opened with OpenMode::kRead.
  virtual bool HasWriter() const { return false; }
  virtual Status Close() = 0;
};

enum class OpenMode {
  kRead,       // existing file
  kReadWrite,  // existing file; Append starts at its end
  kCreateNew,  // fails with kAlreadyExists; mode 0600; readable too
  kAppend,     // existing or new file, 0600; every Append goes to its end,
               // also when other processes append
  // An existing file, also through symbolic links: for the operator's own
  // configuration and secrets, which orchestrators mount as links.
  kReadFollowing,
};

// An operation that a process is about to do.
enum class Access {
  kRead,       // read a file
  kReadWrite,  // read and write a file
  kChange,     // list a folder, make and remove names in it
  kOwn,        // set the mode
};

// An advisory lock on a file, released by the destructor or the end of the
// process. It belongs to the process that took it: a forked child neither keeps
// nor releases the lock, whatever it does with its copy of the object.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Paths are in the form of the operating system. No method follows a symbolic
// link in the last component, except methods that only look into a folder
// (List, SyncDirectory, FreeSpace, DiskSize): an operator's folder may be a
// link. Status messages name the path. Open and Lock return kRefused for a link
// and for any other file that is not regular. Files that root creates get the
// owner of their folder, because the service that works there must read and
// replace them. If root can't give a file away, it stays root's, and the log
// says so. Thread safety: all methods may be called concurrently.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The real disk; never destroyed.
  static FileSystem* Posix();

  // Never blocks on a FIFO; refuses a file that is not regular.
  virtual Result<std::unique_ptr<File>> Open(const std::string& path,
                                             OpenMode mode) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // Follows symbolic links in every component (for the operator's folders).
  virtual Result<FileInfo> StatFollowing(const std::string& path) = 0;
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;
  // kAlreadyExists if the name is in use. Mode 0700.
  virtual Status CreateDirectory(const std::string& path) = 0;
  virtual Status RemoveFile(const std::string& path) = 0;
  virtual Status RemoveDirectory(const std::string& path) = 0;
  // Replaces `target`.
  virtual Status Rename(const std::string& source,
                        const std::string& target) = 0;
  // kAlreadyExists if `target` exists; atomic. kUnsupported if the file system
  // can't: MoveToNewName has other ways.
  virtual Status RenameNoReplace(const std::string& source,
                                 const std::string& target) = 0;
  // Swaps two names atomically; kUnsupported where the file system can't.
  virtual Status Exchange(const std::string& a, const std::string& b) = 0;
  virtual Status Link(const std::string& source, const std::string& target) = 0;
  virtual Status SetMode(const std::string& path, uint32_t mode) = 0;
  // If called as root, gives a file or folder to the owner of `model`; if
  // `model` is missing or root's, to the owner of its folder. Otherwise does
  // nothing. A file with several names is not given away, because one name may
  // be in another folder.
  virtual void GiveOwnerOf(const std::string& /*model*/,
                           const std::string& /*path*/) {}
  // Sets a folder's time back after a mere look at it. kUnsupported:
  // impossible.
  virtual Status SetModifiedTime(const std::string& path,
                                 int64_t /*mtime_ns*/) {
    return Status(StatusCode::kUnsupported, "no time of " + path + " is set");
  }
  // Tells whether the folder `path` can be renamed, without renaming it.
  // kUnsupported for a folder that an overlay shows from a lower layer. Ok if
  // that is unknown. REQUIRES: `occupied` is the caller's own folder beside
  // `path`, with a file in it.
  virtual Status TryRename(const std::string& /*path*/,
                           const std::string& /*occupied*/) {
    return Status::Ok();
  }
  // Tells whether this process may do `access` with `path`, without doing it:
  // kPermissionDenied as from the operation itself. Ok if that is unknown, or
  // if `path` is missing.
  virtual Status CheckAccess(const std::string& /*path*/, Access /*access*/) {
    return Status::Ok();
  }
  // Makes creations, renames and removals in `path` durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Bytes that this process may still write there.
  virtual Result<uint64_t> FreeSpace(const std::string& path) = 0;
  // The size of the file system that holds `path`, in bytes.
  virtual Result<uint64_t> DiskSize(const std::string& path) = 0;
  // Takes an exclusive lock; never waits. Uses both a Linux
  // open-file-description lock, which excludes LevelDB's own fcntl lock on the
  // same file and survives the closing of another descriptor of the file, and
  // flock(2), which goleveldb and rusty-leveldb use; the former alone if a
  // flock is itself a record lock (NFS, SMB) or is unavailable. Creates the
  // file (0644) if it is missing, never removes it. kBusy if either lock is
  // held elsewhere; the message names the holder's pid and program if the
  // kernel tells them.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// --- helpers on top of the interface (file_util.cc) ---

// Joins both with exactly one slash.
std::string JoinPath(std::string_view directory, std::string_view name);
// "/a/b/" -> "/a", "x" -> ".".
std::string ParentPath(std::string_view path);
std::string BaseName(std::string_view path);

// Completes the path from the working directory, without "." and ".."; links
// stay.
std::string AbsolutePath(const std::string& path);

bool PathExists(FileSystem* fs, const std::string& path);
// True if a file in `folder` belongs to this process' user or to root. For
// root, which works for the folder's owner, also if it belongs to that owner.
bool IsOurOwn(FileSystem* fs, const FileInfo& file, const std::string& folder);
// `folder`, or, if it does not exist yet, its nearest existing parent: a new
// folder will be on the same file system.
std::string NearestFolder(FileSystem* fs, std::string folder);
// The error for a path that is needed as a folder, but is something else.
Status NotAFolder(const std::string& path);
// The error for a path that is needed as a file: `what` is a link, a folder, a
// pipe.
Status NotRegular(const std::string& path, const char* what);
// As mkdir -p; existing directories are fine. New directories are synced into
// their parents.
Status CreateDirectories(FileSystem* fs, const std::string& path);
// The file's whole content; kInvalidArgument if it is larger than
// `limit_bytes`.
Result<std::string> ReadFile(FileSystem* fs, const std::string& path,
                             uint64_t limit_bytes,
                             OpenMode mode = OpenMode::kRead);
// The whole content of an open file.
Result<std::string> ReadAll(const File& file, const std::string& path,
                            uint64_t limit_bytes);
// Gives `path` exactly the content `contents`, durably: temporary file, sync,
// rename over `path`, sync of the directory. A crash leaves the old or the new
// content, and maybe a file ".levelkeep-<id>.tmp" beside it. If called as root,
// the new file gets the owner of the old one.
Status WriteFileDurably(FileSystem* fs, const std::string& path,
                        std::string_view contents);
// ".levelkeep-", 32 random hexadecimal digits and the suffix: kTemporarySuffix
// for a small file before its rename, kPartSuffix for an archive.
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kPartSuffix = ".part";
inline constexpr std::string_view kProbeSuffix = ".probe";  // a folder
std::string NewTemporaryName(std::string_view suffix);
// True if NewTemporaryName could have made `name` with that suffix.
bool HasTemporaryForm(std::string_view name, std::string_view suffix);
// True for both suffixes of files. Such files are always ours, so that the ones
// that a crash left may be removed.
bool IsTemporaryName(std::string_view name);
// True for kPartSuffix only.
bool IsPartName(std::string_view name);
// Two changes of a folder within one step of its file system's clock may leave
// the same time. Linux counts in ticks of at most 10 ms; FAT and some NFS
// servers count in seconds, and their times have zeros below the milliseconds.
inline std::chrono::milliseconds ClockStepOf(int64_t mtime_ns) {
  return std::chrono::milliseconds(mtime_ns % 1'000'000 == 0 ? 2100 : 50);
}
// Removes a directory and its content, never following links. Missing: ok.
Status RemoveTree(FileSystem* fs, const std::string& path);
// Reads exactly `size` bytes or fails with kCorruption.
Status ReadExactly(const ByteSource& source, uint64_t offset, char* buffer,
                   size_t size);

// Appends exactly that range to `target` by reading and writing.
Status CopyBytes(const ByteSource& source, File* target, uint64_t offset,
                 uint64_t size);
// Creates a file with the first `size` bytes. Its content is durable on return,
// its name is not.
Status CopyDurably(FileSystem* fs, const ByteSource& source, uint64_t size,
                   const std::string& path);

// WriteToDevice for any number of bytes: the bytes after the last whole block
// go through the page cache. REQUIRES: `offset` and the address of `bytes` are
// multiples of kDeviceBlockBytes.
Status WriteBlocks(File* file, uint64_t offset, std::string_view bytes);

// The first `size_bytes` of `source`, as if the rest did not exist.
std::unique_ptr<ByteSource> NewPrefixSource(
    std::shared_ptr<const ByteSource> source, uint64_t size_bytes);
std::unique_ptr<ByteSource> NewStringSource(std::string contents);

// True if this process holds a classic lock on that file, taken through any
// name or descriptor. Opens and closes no descriptor of the file, which would
// drop the lock. False if /proc is missing, because then it is unknown.
// Thread safety: any thread.
bool HoldsClassicLock(const FileInfo& file);

// Renames `source` to `target`, which must be free: otherwise kAlreadyExists.
// Of several callers with one target, exactly one succeeds.
//
//   1. by a rename that does not replace
//   2. where that is missing (NFS, NTFS): by a second name with link(2) and the
//      removal of the first name
//   3. where links are missing, too (exFAT, rclone, s3fs): by claiming the name
//      with an empty file, which only one caller can create, and renaming the
//      source over it
//
// A crash leaves `source`, `target`, both of them (2), or an empty `target`
// beside `source` (3): a claim, beside which even a power loss leaves the
// source. The new name is durable when the caller has synced its folder.
// REQUIRES: `source` is a regular file and not empty. Nobody removes a claim
// while another caller may be about to rename over it.
Status MoveToNewName(FileSystem* fs, const std::string& source,
                     const std::string& target);

// True if the file can be a claim that a crash left (3): regular and empty.
bool IsClaim(const FileInfo& info);

// Removes a claim that nobody uses; any other file stays. Ok if it is missing.
Status RemoveClaim(FileSystem* fs, const std::string& path);

struct GiveRequest {
  std::string folder;
  uint32_t user = 0;  // the user's id
  // The mode of the folder itself, if it is given away; its group and its
  // setgid and sticky bits stay.
  uint32_t mode = 0700;
  // Selects names in the folder; a selected folder includes its content.
  std::function<bool(const std::string& name)> wanted;
};

struct GiveReport {
  std::vector<std::string> given;  // paths
  // Files that keep their owner, with the reason. kPermissionDenied: this
  // process can't give files away (it is not root, or the file system does not
  // allow it); kRefused: the folder is a link.
  std::vector<Status> left;
};

// 1. gives the folder itself, unless the user may list, enter and write it
// already
// 2. gives the selected names in it
// Groups stay. No link is followed in the folder or at its own name, and files
// with several names keep their owner: a user who may write there must not get
// files from elsewhere. Continues after a file that can't be given. Does
// nothing if the folder is missing.
GiveReport GiveFolder(const GiveRequest& request);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_FILE_SYSTEM_H_
