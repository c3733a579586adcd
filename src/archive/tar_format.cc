#include "archive/tar_format.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <utility>

#include "base/status_macros.h"
#include "base/text.h"
#include "format/toc.h"

namespace levelkeep {

namespace {

struct Free {
  void operator()(archive* a) const { archive_free(a); }
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
using Handle = std::unique_ptr<archive, Free>;
using EntryHandle = std::unique_ptr<archive_entry, Free>;

std::string ErrorOf(archive* a, const char* without) {
  const char* const why = archive_error_string(a);
  return why != nullptr ? why : without;
}

// Collects the header's blocks and refuses the bytes that closing would append
// (content, end marks): they could be gigabytes of zeros.
struct HeaderSink {
  std::string blocks;
  bool complete = false;
};

la_ssize_t AppendToSink(archive*, void* target, const void* bytes,
                        size_t size) {
  auto* const sink = static_cast<HeaderSink*>(target);
  if (sink->complete) return -1;
  sink->blocks.append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

Status TarFailure(archive* a, const std::string& name) {
  return Status(StatusCode::kInvalidArgument,
                Printable(name) + " has no place in a tar archive: " +
                    ErrorOf(a, "unknown reason"));
}

Result<std::string> EncodeHeaderAs(int (*set_format)(archive*),
                                   archive_entry* entry,
                                   const std::string& name) {
  HeaderSink sink;
  const Handle writer(archive_write_new());
  if (writer == nullptr) return Status(StatusCode::kInternal, "out of memory");
  set_format(writer.get());
  archive_write_set_bytes_per_block(writer.get(), 0);
  // A warning says that a name does not fit the process' character set; the
  // name is archived as bytes.
  if (archive_write_open(writer.get(), &sink, nullptr, AppendToSink, nullptr) !=
          ARCHIVE_OK ||
      archive_write_header(writer.get(), entry) < ARCHIVE_WARN) {
    return TarFailure(writer.get(), name);
  }
  sink.complete = true;
  return sink.blocks;
}

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

Result<std::string> EncodeTarHeader(const std::string& name,
                                    uint64_t size_bytes,
                                    int64_t mtime_seconds) {
  const EntryHandle entry(archive_entry_new());
  if (entry == nullptr) return Status(StatusCode::kInternal, "out of memory");
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size_bytes));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), kTarMode);
  archive_entry_set_mtime(entry.get(), mtime_seconds, 0);
  archive_entry_set_uid(entry.get(), 0);
  archive_entry_set_gid(entry.get(), 0);
  // If both formats have room, they make the same block. But for a name that is
  // not ASCII, pax depends on the process' locale and GNU tar complains.
  Result<std::string> header =
      EncodeHeaderAs(archive_write_set_format_ustar, entry.get(), name);
  if (header.ok()) return header;
  return EncodeHeaderAs(archive_write_set_format_pax_restricted, entry.get(),
                        name);
}

Status CheckTarHeader(std::string_view blocks, const std::string& name,
                      uint64_t size_bytes, int64_t mtime_seconds) {
  const Result<std::string> expected =
      EncodeTarHeader(name, size_bytes, mtime_seconds);
  if (expected.ok() && *expected == blocks) return Status::Ok();
  // Another version of libarchive may fill pax blocks differently. So the test
  // is that tar tools see this file and nothing else.
  const Status wrong(StatusCode::kCorruption,
                     "the tar header of " + Printable(name) +
                         " does not agree with the table of contents");
  const Handle reader(archive_read_new());
  if (reader == nullptr) return wrong;
  archive_read_support_format_tar(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), blocks.data(), blocks.size()) !=
          ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) < ARCHIVE_WARN) {
    return wrong;
  }
  const char* path = archive_entry_pathname(entry);
  const bool agrees =
      path != nullptr && path == name &&
      archive_entry_filetype(entry) == AE_IFREG &&
      archive_entry_hardlink(entry) == nullptr &&
      archive_entry_sparse_count(entry) == 0 &&
      archive_entry_size(entry) == static_cast<la_int64_t>(size_bytes) &&
      archive_entry_mtime(entry) == mtime_seconds &&
      archive_filter_bytes(reader.get(), 0) ==
          static_cast<la_int64_t>(blocks.size());
  return agrees ? Status::Ok() : wrong;
}

size_t TarPadding(uint64_t size_bytes) {
  return static_cast<size_t>(-size_bytes % kTarBlockBytes);
}

struct TarStream::Impl {
  InflateAhead* gzip = nullptr;
  uint64_t max_bytes = 0;
  Status too_many;
  Handle reader;
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
    return DamagedTar(where + ": " +
                      Printable(ErrorOf(reader.get(), "damaged"), 200));
  }

  uint64_t Position() const {
    return static_cast<uint64_t>(archive_filter_bytes(reader.get(), 0));
  }

  Status Open() {
    reader.reset(archive_read_new());
    if (reader == nullptr) return Status(StatusCode::kInternal, "no memory");
    archive_read_support_format_tar(reader.get());
    if (archive_read_open(reader.get(), this, nullptr, ReadCallback, nullptr) !=
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

TarStream::~TarStream() = default;

Result<bool> TarStream::Next(TarEntry* entry) {
  if (impl_->reader == nullptr) LEVELKEEP_RETURN_IF_ERROR(impl_->Open());
  archive_entry* raw = nullptr;
  const int code = archive_read_next_header(impl_->reader.get(), &raw);
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
        archive_read_data_block(impl_->reader.get(), &bytes, &size, &offset);
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
