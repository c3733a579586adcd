// The one door to the disk.
//
// Everything that LevelKeep reads or writes passes through a FileSystem, so
// that tests can fail, shorten or lose any single call. Only
// posix_file_system.cc calls the operating system.

#ifndef LEVELKEEP_BASE_FILE_SYSTEM_H_
#define LEVELKEEP_BASE_FILE_SYSTEM_H_

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
  int64_t ctime_ns = 0;  // of the last change of any kind; can't be set
  uint32_t mode = 0;     // permission bits only
  uint32_t links = 0;
  uint32_t owner = 0;  // user id
  uint32_t group = 0;
};

// Storage devices read whole blocks; no device's are larger.
inline constexpr size_t kDeviceBlockBytes = 4096;

class File;

// Random-access bytes: a file, a pinned prefix of one, an object of a
// destination, or memory.
// Thread safety: ReadAt may be called from several threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Reads up to `size` bytes at `offset`. Fewer than `size` only at the end.
  virtual Result<size_t> ReadAt(uint64_t offset, char* buffer,
                                size_t size) const = 0;
  // As ReadAt, but past the page cache where the file system can do that: what
  // the device holds. REQUIRES: offset, size and the buffer's address are
  // multiples of kDeviceBlockBytes; only the end of the file cuts a read short.
  virtual Result<size_t> ReadFromDevice(uint64_t offset, char* buffer,
                                        size_t size) const {
    return ReadAt(offset, buffer, size);
  }
  // Hint: this range is read soon / won't be read again. Never fails.
  virtual void WillNeed(uint64_t /*offset*/, uint64_t /*size*/) const {}
  virtual void DontNeed(uint64_t /*offset*/, uint64_t /*size*/) const {}
  // Whether the byte at `offset` can be had without asking the device; true
  // where nobody can tell.
  virtual bool IsCached(uint64_t /*offset*/) const { return true; }
  // Appends that range to `target`: by sharing extents or in the kernel where
  // that works, else by reading and writing.
  virtual Status CopyRangeTo(File* target, uint64_t offset,
                             uint64_t size) const;
};

// An open file. The destructor closes it; call Close() to learn of errors.
// Thread safety: reading, WriteAt, WriteToDevice, hints and WaitForWriteback
// may run concurrently with everything but Close; the rest one at a time.
class File : public ByteSource {
 public:
  // Writes all of `data` behind what was appended so far; WriteAt does not
  // move that place.
  virtual Status Append(std::string_view data) = 0;
  virtual Status WriteAt(uint64_t offset, std::string_view data) = 0;
  // As WriteAt, but past the page cache where the file system can do that;
  // elsewhere the device is told to begin. REQUIRES: offset, size and the
  // data's address are multiples of kDeviceBlockBytes.
  virtual Status WriteToDevice(uint64_t offset, std::string_view data) {
    return WriteAt(offset, data);
  }
  // Durable on return. After a failure the file must be given up: a second
  // sync can succeed without having written (Linux drops the dirty pages).
  virtual Status Sync() = 0;
  // Hint: start writing this range to the device now, don't wait.
  virtual void StartWriteback(uint64_t /*offset*/, uint64_t /*size*/) {}
  // Returns when the device has taken what was written to this range (it may
  // still hold it in its own cache, which only Sync empties). A failure means
  // the same as one of Sync. May run beside Append.
  virtual Status WaitForWriteback(uint64_t /*offset*/, uint64_t /*size*/) {
    return Status::Ok();
  }
  virtual Result<FileInfo> Stat() const = 0;
  // Somebody has the file open for writing. False also where the system does
  // not tell: it tells the file's owner, and only of this host's processes.
  // REQUIRES: it was opened by OpenMode::kRead.
  virtual bool HasWriter() const { return false; }
  virtual Status Close() = 0;
};

enum class OpenMode {
  kRead,       // existing file
  kReadWrite,  // existing file; Append starts at its end
  kCreateNew,  // fails with kAlreadyExists; mode 0600; readable too
  kAppend,     // existing or new file, 0600; every Append goes to its end,
               // also when other processes append
  // Existing file, also behind symbolic links: for the operator's own
  // configuration and secrets, which orchestrators mount as links.
  kReadFollowing,
};

// What a process may be about to do.
enum class Access {
  kRead,       // read a file
  kReadWrite,  // and write to it
  kChange,     // list a folder, make and remove names in it
  kOwn,        // set the mode
};

// An advisory lock on a file, released by the destructor or by death. It is of
// the process that took it: a forked child neither keeps nor releases it,
// whatever it does with its copy of the object.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Paths are as the operating system takes them. No method follows a symbolic
// link in the last component, except those that only look into a folder
// (List, SyncDirectory, FreeSpace): an operator's folder may be a link.
// Status messages name the path. What is not a regular file, or is a link,
// is kRefused by Open and Lock.
// What root makes belongs to whom its folder belongs to: the service that works
// there has to read and replace it. Where root can't give it away, it stays
// root's, and the log says so.
// Thread safety: all methods may be called concurrently.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The real one; lives for ever.
  static FileSystem* Posix();

  // Never blocks on a FIFO; refuses what is not a regular file.
  virtual Result<std::unique_ptr<File>> Open(const std::string& path,
                                             OpenMode mode) = 0;
  virtual Result<FileInfo> Stat(const std::string& path) = 0;
  // Follows symbolic links in every component (for the operator's folders).
  virtual Result<FileInfo> StatFollowing(const std::string& path) = 0;
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> List(const std::string& path) = 0;
  // kAlreadyExists if there is anything of that name. Mode 0700.
  virtual Status CreateDirectory(const std::string& path) = 0;
  virtual Status RemoveFile(const std::string& path) = 0;
  virtual Status RemoveDirectory(const std::string& path) = 0;
  // Replaces `target`.
  virtual Status Rename(const std::string& source,
                        const std::string& target) = 0;
  // kAlreadyExists if `target` is there; atomic. kUnsupported where the file
  // system can't: MoveToNewName has other ways.
  virtual Status RenameNoReplace(const std::string& source,
                                 const std::string& target) = 0;
  // Swaps two names atomically; kUnsupported where the file system can't.
  virtual Status Exchange(const std::string& a, const std::string& b) = 0;
  virtual Status Link(const std::string& source, const std::string& target) = 0;
  virtual Status SetMode(const std::string& path, uint32_t mode) = 0;
  // Root gives a file or folder to whom `model` belongs to; if that is not
  // there or is root's, to whom the folder of `model` belongs to. Nobody else
  // gives anything away. Not what has several names: one may be in another
  // folder.
  virtual void GiveOwnerOf(const std::string& /*model*/,
                           const std::string& /*path*/) {}
  // Puts a folder's time back, for those who only looked. kUnsupported: nobody
  // can.
  virtual Status SetModifiedTime(const std::string& path,
                                 int64_t /*mtime_ns*/) {
    return Status(StatusCode::kUnsupported, "no time of " + path + " is set");
  }
  // Whether the folder `path` can be renamed at all, without doing it. A folder
  // that an overlay shows from a lower layer can't: kUnsupported. Ok where
  // nobody can tell. REQUIRES: `occupied` is a folder beside it with a file in
  // it, of the caller's own.
  virtual Status TryRename(const std::string& /*path*/,
                           const std::string& /*occupied*/) {
    return Status::Ok();
  }
  // Whether this process may do that with what is there, found without doing
  // it: kPermissionDenied as the deed itself. Ok where nobody can tell, or
  // nothing is there.
  virtual Status CheckAccess(const std::string& /*path*/, Access /*access*/) {
    return Status::Ok();
  }
  // Makes creations, renames and removals inside `path` durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  // Bytes that this process may still write there.
  virtual Result<uint64_t> FreeSpace(const std::string& path) = 0;
  // Exclusive, never waits. Both a Linux open-file-description lock, which
  // excludes LevelDB's own fcntl lock on the same file and is not dropped when
  // another descriptor of the file is closed, and flock(2), which goleveldb
  // and rusty-leveldb take; where a flock is a record lock itself (NFS, SMB)
  // or can't be had, the former alone. Creates the file (0644) if it is not
  // there, never removes it. Held elsewhere, in either way: kBusy; the message
  // names the holder's pid and program where the kernel tells them.
  virtual Result<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

// --- helpers on top of the interface (file_util.cc) ---

// Joins with exactly one slash.
std::string JoinPath(std::string_view directory, std::string_view name);
// "/a/b/" -> "/a", "x" -> ".".
std::string ParentPath(std::string_view path);
std::string BaseName(std::string_view path);

// From the working directory, without "." and ".."; links stay.
std::string AbsolutePath(const std::string& path);

bool PathExists(FileSystem* fs, const std::string& path);
// Does a file in `folder` belong to this process' user or to root? To root, who
// works for whom the folder belongs to, that one's are as its own.
bool IsOurOwn(FileSystem* fs, const FileInfo& file, const std::string& folder);
// `folder` or, where it is still to be made, the nearest one above that is
// there: on its file system it will be.
std::string NearestFolder(FileSystem* fs, std::string folder);
// What is there is in the way of a folder.
Status NotAFolder(const std::string& path);
// Likewise of a file: a link, a folder, a pipe.
Status NotRegular(const std::string& path, const char* what);
// Like mkdir -p; existing directories are fine. New ones are synced into
// their parents.
Status CreateDirectories(FileSystem* fs, const std::string& path);
// The file's whole content; kInvalidArgument if it is above `limit_bytes`.
Result<std::string> ReadFile(FileSystem* fs, const std::string& path,
                             uint64_t limit_bytes,
                             OpenMode mode = OpenMode::kRead);
// The same of an open file.
Result<std::string> ReadAll(const File& file, const std::string& path,
                            uint64_t limit_bytes);
// Makes `path` hold exactly `contents`, durably: temporary file, sync,
// rename over `path`, sync of the directory. A crash leaves the old or the
// new content, and maybe a file ".levelkeep-<id>.tmp" beside it. As root it
// belongs to whom the old one belonged to.
Status WriteFileDurably(FileSystem* fs, const std::string& path,
                        std::string_view contents);
// ".levelkeep-", 32 random hexadecimal digits and the suffix: kTemporarySuffix
// for a small file that is about to get its name, kPartSuffix for an archive.
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kPartSuffix = ".part";
inline constexpr std::string_view kProbeSuffix = ".probe";  // a folder
std::string NewTemporaryName(std::string_view suffix);
// True for what NewTemporaryName makes with that suffix.
bool HasTemporaryForm(std::string_view name, std::string_view suffix);
// The same with either suffix of a file. Such files are nobody else's: what a
// crash leaves of them may be removed.
bool IsTemporaryName(std::string_view name);
// The same of kPartSuffix alone.
bool IsPartName(std::string_view name);
// Removes a directory and what is in it, never following links. Missing: ok.
Status RemoveTree(FileSystem* fs, const std::string& path);
// Reads exactly `size` bytes or fails with kCorruption.
Status ReadExactly(const ByteSource& source, uint64_t offset, char* buffer,
                   size_t size);

// Appends exactly that range to `target` by reading and writing.
Status CopyBytes(const ByteSource& source, File* target, uint64_t offset,
                 uint64_t size);
// A new file of the first `size` bytes. Its content is durable on return, its
// name is not.
Status CopyDurably(FileSystem* fs, const ByteSource& source, uint64_t size,
                   const std::string& path);

// WriteToDevice for any number of bytes: what follows the last whole block
// goes through the page cache. REQUIRES: `offset` and the address of `bytes`
// are multiples of kDeviceBlockBytes.
Status WriteBlocks(File* file, uint64_t offset, std::string_view bytes);

// The first `size_bytes` of `source`, as if the rest did not exist.
std::unique_ptr<ByteSource> NewPrefixSource(
    std::shared_ptr<const ByteSource> source, uint64_t size_bytes);
std::unique_ptr<ByteSource> NewStringSource(std::string contents);

// True if this process holds a classic lock on that file, by whatever name or
// descriptor it was taken. Opens and closes no descriptor of the file, which
// would drop the lock. False where /proc is missing, since nobody can tell.
// Thread safety: any thread.
bool HoldsClassicLock(const FileInfo& file);

// Renames `source` to `target`, which must be free: kAlreadyExists if it is
// not. Of several callers with one target exactly one wins.
//
//   1. a rename that does not replace
//   2. where there is none (NFS, NTFS): a second name by link(2), then the
//      first one is removed
//   3. where there are no links either (exFAT, rclone, s3fs): the name is
//      claimed by an empty file that only one can create, and the source is
//      renamed over it
//
// A crash leaves `source`, `target`, both of them (2), or an empty `target`
// beside `source` (3): a claim, of which the same power loss leaves the source,
// too. The new name is durable when the caller has synced its folder.
// REQUIRES: `source` is a regular file and not empty. Nobody removes a claim
// while another one may be on its way to rename over it.
Status MoveToNewName(FileSystem* fs, const std::string& source,
                     const std::string& target);

// Whether it can be what a crash left of the third way: a regular, empty file.
bool IsClaim(const FileInfo& info);

// Removes a claim that nobody uses any more; anything else stays. Ok if
// nothing is there.
Status RemoveClaim(FileSystem* fs, const std::string& path);

struct GiveRequest {
  std::string folder;
  uint32_t user = 0;  // its id
  // The folder's own, if it is given away; its group and its setgid and sticky
  // bits stay.
  uint32_t mode = 0700;
  // Which of the names in the folder; of a folder all that is in it.
  std::function<bool(const std::string& name)> wanted;
};

struct GiveReport {
  std::vector<std::string> given;  // paths
  // What stays whose it is, and why. kPermissionDenied: the system does not let
  // this process give files away (it is not root, or the file system knows
  // better); kRefused: the folder is a link.
  std::vector<Status> left;
};

// 1. the folder itself, unless the user may list, enter and write it already
// 2. what is wanted of it
// Groups stay. No link is followed in the folder or at its own name, and what
// has several names stays whose it is: whoever may write there must not get
// anything that lies elsewhere. Goes on behind what can't be given. Nothing is
// done for a folder that is not there.
GiveReport GiveFolder(const GiveRequest& request);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_FILE_SYSTEM_H_
