// A disk that remembers in which order it was written, for test_power_loss.py:
//
//   levelkeep-recorded-disk IMAGE LOG MOUNTPOINT
//
// A FUSE file system with two files: `disk`, for a loop device, and `mark`.
// Writes to `disk` go to the file IMAGE and, with every flush, to LOG; writes
// to `mark` go to LOG only. There is one thread, so that the order in LOG is
// the order in which the kernel was told "done".
//
// LOG is a sequence of records, little endian: one byte (W write, Z zeroes,
// F flush, M mark), seven of padding, offset and length with eight each; then
// for W and M the bytes themselves. The program runs in the foreground until it
// is unmounted; it ends with 1 if it could not record something.

#define FUSE_USE_VERSION 31
#include <fcntl.h>
#include <fuse.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

struct Record {
  char kind;
  char padding[7];
  uint64_t offset;
  uint64_t length;
};

int image = -1;
int record_log = -1;
off_t image_size = 0;

// A test that goes on with half a record would prove nothing.
void Append(const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(record_log, at, size);
    if (written <= 0) {
      std::perror("levelkeep-recorded-disk: cannot write the log");
      std::_Exit(1);
    }
    at += written;
    size -= static_cast<size_t>(written);
  }
}

void Remember(char kind, off_t offset, size_t length, const void* data) {
  const Record record{.kind = kind,
                      .padding = {},
                      .offset = static_cast<uint64_t>(offset),
                      .length = length};
  Append(&record, sizeof(record));
  if (data != nullptr) Append(data, length);
}

bool IsDisk(const char* path) { return std::string_view(path) == "/disk"; }
bool IsMark(const char* path) { return std::string_view(path) == "/mark"; }

int GetAttributes(const char* path, struct stat* attributes,
                  fuse_file_info* /*file*/) {
  *attributes = {};
  attributes->st_uid = ::getuid();
  attributes->st_gid = ::getgid();
  if (std::string_view(path) == "/") {
    attributes->st_mode = S_IFDIR | 0755;
    attributes->st_nlink = 2;
    return 0;
  }
  if (!IsDisk(path) && !IsMark(path)) return -ENOENT;
  attributes->st_mode = S_IFREG | (IsDisk(path) ? 0600 : 0666);
  attributes->st_nlink = 1;
  attributes->st_size = IsDisk(path) ? image_size : 0;
  return 0;
}

int Read(const char* path, char* data, size_t size, off_t offset,
         fuse_file_info* /*file*/) {
  if (!IsDisk(path)) return 0;
  const ssize_t count = ::pread(image, data, size, offset);
  return count < 0 ? -errno : static_cast<int>(count);
}

int Write(const char* path, const char* data, size_t size, off_t offset,
          fuse_file_info* /*file*/) {
  if (IsMark(path)) {
    Remember('M', 0, size, data);
    return static_cast<int>(size);
  }
  // As on a device, nothing can be written past the end.
  if (offset + static_cast<off_t>(size) > image_size) return -ENOSPC;
  if (::pwrite(image, data, size, offset) != static_cast<ssize_t>(size)) {
    return -EIO;
  }
  Remember('W', offset, size, data);
  return static_cast<int>(size);
}

int Flush(const char* path, int /*data_only*/, fuse_file_info* /*file*/) {
  if (IsDisk(path)) Remember('F', 0, 0, nullptr);
  return 0;
}

// A loop device turns "discard" and "write zeroes" into this call.
int Allocate(const char* path, int mode, off_t offset, off_t length,
             fuse_file_info* /*file*/) {
  const int zeroes = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
  if (!IsDisk(path) || (mode & zeroes) == 0) return -EOPNOTSUPP;
  if (::fallocate(image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                  length) != 0) {
    return -errno;
  }
  Remember('Z', offset, static_cast<size_t>(length), nullptr);
  return 0;
}

int Open(const char* path, fuse_file_info* /*file*/) {
  return IsDisk(path) || IsMark(path) ? 0 : -ENOENT;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s IMAGE LOG MOUNTPOINT\n", argv[0]);
    return 2;
  }
  image = ::open(argv[1], O_RDWR | O_CLOEXEC);
  record_log = ::open(argv[2], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  image_size = image < 0 ? -1 : ::lseek(image, 0, SEEK_END);
  if (image_size < 0 || record_log < 0) {
    std::perror("levelkeep-recorded-disk: cannot open image or log");
    return 1;
  }
  fuse_operations operations{};
  operations.getattr = GetAttributes;
  operations.open = Open;
  operations.read = Read;
  operations.write = Write;
  operations.fsync = Flush;
  operations.fallocate = Allocate;
  // -f: in the foreground; -s: one thread; allow_other: the user who runs the
  // tests may write marks.
  std::string options[] = {argv[0], "-f", "-s", "-o", "allow_other", argv[3]};
  char* arguments[std::size(options)];
  for (size_t i = 0; i < std::size(options); ++i) {
    arguments[i] = options[i].data();
  }
  return fuse_main(static_cast<int>(std::size(options)), arguments, &operations,
                   nullptr);
}
