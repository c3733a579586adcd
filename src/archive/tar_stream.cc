#include "archive/tar_stream.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

Status DamagedTar(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem,
                "the archive is damaged: copy it again, or use another one");
}

// Why an entry is not a plain file or directory; empty if it is one.
std::string Peculiarity(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return "hard link";
  if (archive_entry_sparse_count(entry) > 0) return "sparse file";
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return archive_entry_size_is_set(entry) ? "" : "file without a size";
    case AE_IFDIR:
      return "";
    case AE_IFLNK:
      return "symbolic link";
    case AE_IFCHR:
    case AE_IFBLK:
      return "device";
    case AE_IFIFO:
      return "FIFO";
    default:
      return "entry of an unknown type";
  }
}

}  // namespace

struct TarStream::Impl {
  InflateAhead* gzip = nullptr;
  uint64_t max_bytes = 0;
  Status too_many;
  archive* reader = nullptr;
  Status failure;               // of a read inside a libarchive callback
  uint64_t delivered = 0;       // inflated bytes
  uint64_t trailing_zeros = 0;  // at the end of them
  uint64_t entries_end = 0;     // behind the last entry's content
  bool ended = false;           // all inflated bytes were delivered
  bool lacks_end = false;

  // Inflates the next block; empty at the end.
  Result<std::string_view> Pull() {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string_view view, gzip->Next());
    delivered += view.size();
    ended = view.empty();
    if (delivered > max_bytes) return too_many;
    const size_t last = view.find_last_not_of('\0');
    if (last == std::string_view::npos) {
      trailing_zeros += view.size();
    } else {
      trailing_zeros = view.size() - last - 1;
    }
    return view;
  }

  static la_ssize_t ReadCallback(archive* a, void* self, const void** bytes) {
    Impl* const impl = static_cast<Impl*>(self);
    const Result<std::string_view> view = impl->Pull();
    if (!view.ok()) {
      impl->failure = view.status();
      archive_set_error(a, EIO, "reading failed");
      return ARCHIVE_FATAL;
    }
    *bytes = view->data();
    return static_cast<la_ssize_t>(view->size());
  }

  // The read failure that stopped libarchive, or else libarchive's message.
  Status Failure(const std::string& where) {
    if (!failure.ok()) return failure;
    lacks_end = ended;
    const char* why = archive_error_string(reader);
    return DamagedTar(where + ": " +
                      Printable(why != nullptr ? why : "damaged", 200));
  }

  uint64_t Position() const {
    return static_cast<uint64_t>(archive_filter_bytes(reader, 0));
  }

  Status Open() {
    reader = archive_read_new();
    if (reader == nullptr) return Status(StatusCode::kInternal, "no memory");
    archive_read_support_format_tar(reader);
    if (archive_read_open(reader, this, nullptr, ReadCallback, nullptr) !=
        ARCHIVE_OK) {
      return Failure("not a tar archive");
    }
    return Status::Ok();
  }

  // libarchive takes the end of the data for the end of the archive and ignores
  // bytes behind the end marks. Both could hide a cut file or an attack.
  Status CheckEnd() {
    for (;;) {
      LEVELKEEP_ASSIGN_OR_RETURN(const std::string_view rest, Pull());
      if (rest.empty()) break;
    }
    if (delivered < entries_end + kTarEndBytes) {
      lacks_end = true;
      return DamagedTar("the tar archive ends without its end marks");
    }
    if (trailing_zeros < delivered - entries_end) {
      return DamagedTar(
          "there are other bytes behind the end of the tar archive");
    }
    return Status::Ok();
  }
};

TarStream::TarStream(InflateAhead* gzip, uint64_t max_bytes, Status too_many)
    : impl_(std::make_unique<Impl>()) {
  impl_->gzip = gzip;
  impl_->max_bytes = max_bytes;
  impl_->too_many = std::move(too_many);
}

bool TarStream::lacks_end() const { return impl_->lacks_end; }

TarStream::~TarStream() {
  if (impl_->reader != nullptr) archive_read_free(impl_->reader);
}

Result<bool> TarStream::Next(TarEntry* entry) {
  if (impl_->reader == nullptr) LEVELKEEP_RETURN_IF_ERROR(impl_->Open());
  archive_entry* raw = nullptr;
  const int code = archive_read_next_header(impl_->reader, &raw);
  if (code == ARCHIVE_EOF) {
    LEVELKEEP_RETURN_IF_ERROR(impl_->CheckEnd());
    return false;
  }
  // Warnings concern names in other character sets and the like; the checks
  // below decide.
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
    return impl_->Failure("reading the tar archive");
  }
  const char* path = archive_entry_pathname(raw);
  if (path == nullptr) path = archive_entry_pathname_utf8(raw);
  entry->path = path != nullptr ? path : "";
  entry->what = Peculiarity(raw);
  entry->size_bytes = static_cast<uint64_t>(archive_entry_size(raw));
  entry->kind = !entry->what.empty() ? TarEntry::Kind::kOther
                : archive_entry_filetype(raw) == AE_IFDIR
                    ? TarEntry::Kind::kDirectory
                    : TarEntry::Kind::kFile;
  return true;
}

Status TarStream::ReadContent(
    const TarEntry& entry,
    const std::function<Status(std::string_view)>& take) {
  uint64_t done = 0;
  for (;;) {
    const void* bytes = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int code =
        archive_read_data_block(impl_->reader, &bytes, &size, &offset);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK) return impl_->Failure(Printable(entry.path));
    if (static_cast<uint64_t>(offset) != done ||
        size > entry.size_bytes - done) {
      return DamagedTar(Printable(entry.path) + " has holes");
    }
    LEVELKEEP_RETURN_IF_ERROR(take({static_cast<const char*>(bytes), size}));
    done += size;
  }
  if (done != entry.size_bytes) {
    return DamagedTar(Printable(entry.path) + " is shorter than stated");
  }
  impl_->entries_end = impl_->Position();
  return Status::Ok();
}

}  // namespace levelkeep
