// Reads backup archives: LevelKeep's by their table of contents, in parallel;
// foreign ones (tar czf, the JavaScript predecessor) as an untrusted stream.

#ifndef LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_
#define LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/work.h"
#include "format/manifest.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct OwnIndex;

struct ArchiveLimits {
  uint64_t max_entries = 200'000;
  uint64_t max_total_bytes = UINT64_MAX;  // of content: free disk - reserve
  // An archive that does not state its size (a foreign one) may inflate to
  // free_bytes plus max_ratio times its own size.
  uint64_t free_bytes = 256u << 20;
  uint64_t max_ratio = 200;
  size_t max_path_length = 512;
};

struct ArchiveReadOptions {
  ArchiveLimits limits;
  int threads = 0;  // 0: as many as cores, 8 at most
  Work work;
};

// The archive's own statements, without reading its payload.
struct ArchiveOutline {
  bool own = false;  // has LevelKeep's footer, table of contents and manifest
  std::shared_ptr<const Manifest> manifest;  // own archives only
  uint64_t archive_bytes = 0;
  uint64_t content_bytes = 0;  // 0 if not known before reading
};

struct ExtractedDatabase {
  bool own = false;
  std::shared_ptr<const Manifest> manifest;
  // For foreign archives: the database files, with flat names and the digests
  // of the written bytes. Empty for own archives, whose manifest lists the
  // files.
  std::vector<ManifestFile> files;
  uint64_t content_bytes = 0;
  std::string archive_sha256;  // of the archive file itself
  // For foreign archives: the content of DATABASE_ID; empty if there is none.
  std::string database_id;
};

// An archive that is opened once. Check and Extract use the same descriptor, so
// that exactly the checked bytes are extracted.
// Thread safety: one thread at a time.
class ArchiveReader {
 public:
  // kNotFound; kCorruption "… is not a gzip file". Reads at most the last
  // kilobytes (footer, TOC, manifest).
  static Result<std::unique_ptr<ArchiveReader>> Open(FileSystem* fs,
                                                     const std::string& path);
  // The same for an open file; `path` is for messages and CheckUnchanged.
  static Result<std::unique_ptr<ArchiveReader>> Open(
      FileSystem* fs, const std::string& path, std::shared_ptr<File> file);
  // The same for bytes from any place, without a path; `label` is for messages.
  static Result<std::unique_ptr<ArchiveReader>> Open(
      FileSystem* fs, const std::string& label,
      std::shared_ptr<const ByteSource> bytes, uint64_t size_bytes);
  ~ArchiveReader();

  const ByteSource& bytes() const { return *bytes_; }
  const ArchiveOutline& outline() const { return outline_; }
  // Whether another process can read the archive by its path.
  bool has_path() const { return opened_.has_value(); }

  // Reads everything and writes nothing. Checks framing, CRCs, sizes, digests,
  // names, and for foreign archives that they hold one database folder.
  Result<ExtractedDatabase> Check(const ArchiveReadOptions& options);
  // Like Check; also writes the database files into the empty directory
  // `target_dir` and syncs files and directory. On failure the caller removes
  // the directory. kNoSpace before writing if the sizes are known.
  Result<ExtractedDatabase> Extract(const std::string& target_dir,
                                    const ArchiveReadOptions& options);
  // True if the last Check or Extract failed because the file ends before the
  // archive does: an incomplete copy.
  bool cut_short() const { return cut_short_; }
  // Ok if the path still names the file that was opened, with unchanged
  // content, or if there is no path. For callers that let another process read
  // the file by its path. kBusy: the file was changed or replaced, which says
  // nothing about the archive. On a file system that shows other times or
  // another inode after a file was read (rclone), the SHA-256 decides, if it
  // was known before.
  Status CheckUnchanged(std::stop_token stop = {}) const;
  // SHA-256 of the archive file. The result is remembered.
  Result<std::string> Sha256(std::stop_token stop);

 private:
  ArchiveReader();
  Status Load();
  Result<ExtractedDatabase> Read(const std::string& target_dir,
                                 const ArchiveReadOptions& options);

  FileSystem* fs_ = nullptr;
  std::string path_;  // or a label
  std::shared_ptr<const ByteSource> bytes_;
  std::optional<FileInfo> opened_;  // the file when opened; nullopt: no file
  std::unique_ptr<const OwnIndex> index_;  // for a LevelKeep archive
  ArchiveOutline outline_;
  std::string sha256_;  // once known
  bool cut_short_ = false;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_ARCHIVE_READER_H_
