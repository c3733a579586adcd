#include "archive/tar_format.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>

#include "base/text.h"
#include "format/toc.h"

namespace levelkeep {
namespace {

struct FreeWrite {
  void operator()(archive* a) const { archive_write_free(a); }
};
struct FreeRead {
  void operator()(archive* a) const { archive_read_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
using WriteHandle = std::unique_ptr<archive, FreeWrite>;
using ReadHandle = std::unique_ptr<archive, FreeRead>;
using EntryHandle = std::unique_ptr<archive_entry, FreeEntry>;

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
  const char* why = archive_error_string(a);
  return Status(StatusCode::kInvalidArgument,
                Printable(name) + " has no place in a tar archive: " +
                    (why != nullptr ? why : "unknown reason"));
}

Result<std::string> EncodeHeaderAs(int (*set_format)(archive*),
                                   archive_entry* entry,
                                   const std::string& name) {
  HeaderSink sink;
  const WriteHandle writer(archive_write_new());
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
  const ReadHandle reader(archive_read_new());
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

}  // namespace levelkeep
