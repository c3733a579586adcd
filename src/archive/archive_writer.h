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
  // Called once, by a worker thread, when its turn comes.
  std::function<Result<std::unique_ptr<ByteSource>>()> open;
  // How the same content stands in options.reuse_from, as the summary of a
  // write with equal `compress` and `level` told it; null: unknown. Outlives
  // the call.
  const TocFile* archived = nullptr;
};

struct ArchiveWriteOptions {
  bool compress = true;  // false: stored gzip members
  int level = 1;         // 0..3 as ISA-L counts them
  int threads = 0;       // workers; 0: as many as cores, 8 at most
  ThreadPriority priority = ThreadPriority::kLow;  // of workers and read-back
  uint64_t rate_limit_bytes_per_second = 0;        // of input; 0: none
  bool md5 = false;
  // Sync the file and compare what the device gives back with what was
  // written; mostly done beside the writing.
  bool read_back = false;
  Time mtime;  // of all entries
  // An earlier archive: members of inputs with `archived` are copied from it
  // instead of being compressed again. A member that is not what it was is
  // passed over, and its input compressed. Outlives the call.
  const ByteSource* reuse_from = nullptr;
  Work work;  // its progress: from one thread, at most a few times a second
};

struct ArchiveSummary {
  uint64_t size_bytes = 0;
  uint64_t source_bytes = 0;
  std::string sha256;             // of the whole archive
  std::string md5;                // when asked for
  std::vector<TocFile> archived;  // the inputs, as they stand in the archive
  uint64_t reused_bytes = 0;      // of the source, not compressed again
  // Of options.reuse_from, passed over: not what they were, or not to be read.
  uint64_t damaged_members = 0;
  uint64_t unreadable_members = 0;
};

// Appends the archive to the empty `file`; syncs it only for
// options.read_back. Memory: below
// 64 MiB whatever the inputs' size. `make_manifest` gets the digests of all
// inputs (names as given) and returns the text of levelkeep-manifest.json.
// Bytes go out in order and are the same for the same inputs and options,
// whatever `threads` is.
// Copied members don't change the bytes either.
// Errors: an input shorter than its size is kCorruption, as is an archive
// that does not read back; kCancelled; those of reading and writing.
Result<ArchiveSummary> WriteArchive(
    std::vector<ArchiveInput> inputs,
    const std::function<Result<std::string>(const std::vector<TocFile>&)>&
        make_manifest,
    const ArchiveWriteOptions& options, File* file);

// The name of the compressor: "isa-l", or "zlib" where that is not built in.
std::string CompressorName();

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_WRITER_H_
