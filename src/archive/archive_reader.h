// Reads backup archives: ours by their table of contents, in parallel;
// foreign ones (tar czf, the JavaScript predecessor) as a stream, carefully.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/work.h"
#include "format/manifest.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct ArchiveLimits {
  uint64_t max_entries = 200'000;
  uint64_t max_total_bytes = UINT64_MAX;  // of content: free disk - reserve
  // Of archives that do not say their size (foreign ones): beyond so many bytes
  // they may inflate to so many times their own size.
  uint64_t free_bytes = 256u << 20;
  uint64_t max_ratio = 200;
  size_t max_path_length = 512;
};

struct ArchiveReadOptions {
  ArchiveLimits limits;
  int threads = 0;  // 0: as many as cores, 8 at most
  Work work;
};

// What the archive says of itself without reading its payload.
struct ArchiveOutline {
  bool own = false;  // has our footer, table of contents and manifest
  std::shared_ptr<const Manifest> manifest;  // own archives only
  uint64_t archive_bytes = 0;
  uint64_t content_bytes = 0;  // 0 when not known before reading
};

struct ExtractedDatabase {
  bool own = false;
  std::shared_ptr<const Manifest> manifest;
  // Of foreign archives: database files, flat names, with digests of what was
  // written. Of ours: empty, they are what the manifest lists.
  std::vector<ManifestFile> files;
  uint64_t content_bytes = 0;
  std::string archive_sha256;  // of the archive file itself
  // Of foreign archives: what their DATABASE_ID says; empty: there is none.
  std::string database_id;
};

// An archive, opened once; the same descriptor is used to the end, so what
// is checked is what is extracted.
// Thread safety: one thread at a time.
class ArchiveReader {
 public:
  // kNotFound; kCorruption "… is not a gzip file"; never reads more than the
  // last kilobytes (footer, TOC, manifest).
  static Result<std::unique_ptr<ArchiveReader>> Open(FileSystem* fs,
                                                     const std::string& path);
  // The same of an open file; `path` is for messages and CheckUnchanged.
  static Result<std::unique_ptr<ArchiveReader>> Open(
      FileSystem* fs, const std::string& path, std::shared_ptr<File> file);
  // The same of bytes that lie anywhere and have no path; `label` is for
  // messages.
  static Result<std::unique_ptr<ArchiveReader>> Open(
      FileSystem* fs, const std::string& label,
      std::shared_ptr<const ByteSource> bytes, uint64_t size_bytes);
  ~ArchiveReader();

  const ByteSource& bytes() const;
  const ArchiveOutline& outline() const;
  // Whether somebody else can read it by its path.
  bool has_path() const;

  // Reads everything, writes nothing: framing, CRCs, sizes, digests, names,
  // and for foreign archives that they hold one database folder.
  Result<ExtractedDatabase> Check(const ArchiveReadOptions& options);
  // Check, and writes the database files into the empty directory
  // `target_dir`, each synced; the directory too. On failure the caller
  // removes the directory. kNoSpace before writing where sizes are known.
  Result<ExtractedDatabase> Extract(const std::string& target_dir,
                                    const ArchiveReadOptions& options);
  // The last Check or Extract failed because the file ends before the archive
  // does: a copy of which the rest is missing.
  bool cut_short() const;
  // Not ok unless the path still names the file that was opened, with the
  // content that it had then: for those who let somebody else read it by its
  // path. Ok where there is no path. kBusy: it was changed or replaced, which
  // says nothing about it. On a file system that shows other times or another
  // inode as soon as a file is read (rclone), the SHA-256 tells, if it was
  // known before.
  Status CheckUnchanged(std::stop_token stop = {}) const;
  // SHA-256 of the archive file. Remembered.
  Result<std::string> Sha256(std::stop_token stop);

 private:
  ArchiveReader();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_
