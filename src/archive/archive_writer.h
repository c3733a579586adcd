// Writes one backup archive: an ordinary .tar.gz in the eStargz layout.
// Source of the layout: containerd/stargz-snapshotter, docs/estargz.md.
// docs/format.md is the contract.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_WRITER_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/work.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct ArchiveInput {
  std::string name;  // "event_registry_db/000012.ldb"
  uint64_t size_bytes = 0;
  // Called once, by the worker thread that encodes this input.
  std::function<Result<std::unique_ptr<ByteSource>>()> open;
  // Where the same content is in options.reuse_from, taken from the summary of
  // a write with equal `compress` and `level`; null if unknown. Outlives the
  // call.
  const TocFile* archived = nullptr;
};

struct ArchiveWriteOptions {
  bool compress = true;  // false: stored gzip members
  int level = 1;         // 0..3 as ISA-L counts them
  int threads = 0;       // workers; 0: as many as cores, 8 at most
  ThreadPriority priority = ThreadPriority::kLow;  // for workers and read-back
  uint64_t rate_limit_bytes_per_second = 0;        // of input; 0: none
  bool md5 = false;
  // Sync the file and compare the device's bytes with those that were written.
  // Most of this runs in parallel with the writing.
  bool read_back = false;
  Time mtime;  // of all entries
  // An earlier archive. Members of inputs with `archived` are copied from it
  // instead of being compressed again. If a member has changed, its input is
  // compressed. Outlives the call.
  const ByteSource* reuse_from = nullptr;
  Work work;  // its progress: from one thread, at most a few times a second
};

struct ArchiveSummary {
  uint64_t size_bytes = 0;
  uint64_t source_bytes = 0;
  std::string sha256;             // of the whole archive
  std::string md5;                // if requested
  std::vector<TocFile> archived;  // the inputs, with their archive offsets
  uint64_t reused_bytes = 0;      // source bytes that were not compressed again
  // Members of options.reuse_from that were not used: changed, or unreadable.
  uint64_t damaged_members = 0;
  uint64_t unreadable_members = 0;
};

// Appends the archive to the empty `file`; syncs it only for options.read_back.
// Needs less than 64 MiB of memory whatever the size of the inputs.
// `make_manifest` gets the digests of all inputs (with their given names) and
// returns the text of levelkeep-manifest.json. The bytes are written in order.
// They depend only on the inputs and options, not on `threads` or on members
// that are copied.
// Errors: kCorruption if an input is shorter than its size, or if the archive
// does not read back; kCancelled; errors of reading and writing.
Result<ArchiveSummary> WriteArchive(
    std::vector<ArchiveInput> inputs,
    const std::function<Result<std::string>(const std::vector<TocFile>&)>&
        make_manifest,
    const ArchiveWriteOptions& options, File* file);

// The compressor's name: "isa-l", or "zlib" if ISA-L is not built in.
std::string CompressorName();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_WRITER_H_
