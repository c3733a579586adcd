#include <algorithm>
#include <set>
#include <utility>

#include "archive/readers.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/identity.h"

namespace levelkeep {

namespace {

constexpr uint64_t kMaxManifestBytes = 64u << 20;
constexpr uint64_t kProgressBytes = 8u << 20;  // between two reports

Status CutShort() {
  return Status(StatusCode::kCorruption,
                "a LevelKeep archive whose end is not where it should be: it "
                "was cut, damaged, or something was appended",
                "copy it again, or use another backup");
}

Status Contradicts(const std::string& problem) {
  return Status(StatusCode::kCorruption,
                "levelkeep-manifest.json contradicts the archive: " + problem,
                "if the database was changed on purpose since, pack it "
                "without levelkeep-manifest.json");
}

uint64_t MaxInflated(const ArchiveLimits& limits, uint64_t archive_bytes) {
  const uint64_t room = UINT64_MAX - limits.free_bytes;
  if (limits.max_ratio != 0 && archive_bytes > room / limits.max_ratio) {
    return UINT64_MAX;
  }
  return limits.free_bytes + limits.max_ratio * archive_bytes;
}

// The verdict is kUnsupported: the bytes themselves may be good.
Status InflatesTooFar(const ArchiveLimits& limits) {
  return Status(
      StatusCode::kUnsupported,
      "the archive inflates to more than " + std::to_string(limits.max_ratio) +
          " times its size and " + FormatBytes(limits.free_bytes),
      "databases rarely compress that well. If this archive is yours, "
      "unpack it with tar and back up the folder with levelkeep "
      "create: backups of LevelKeep state their size");
}

Status Refuse(const TarEntry& entry, const std::string& why,
              const std::string& hint = "") {
  return Status(StatusCode::kCorruption,
                "entry " + Printable(entry.path) + " " + why,
                hint.empty() ? "pack the database folder alone, for example "
                               "tar czf backup.tar.gz event_registry_db"
                             : hint);
}

// goleveldb keeps the old CURRENT as CURRENT.bak, and writes CURRENT.5 first.
bool IsAnotherCurrent(std::string_view flat_name) {
  constexpr std::string_view kPrefix = "CURRENT.";
  if (!flat_name.starts_with(kPrefix)) return false;
  flat_name.remove_prefix(kPrefix.size());
  return flat_name == "bak" || ParseUint64(flat_name).has_value();
}

// The folder in which RepairDB puts files it no longer needs.
bool IsLostFolder(std::string_view folder) {
  return folder == "lost" || folder.ends_with("/lost");
}

// LevelKeep's work folder beside a database. A tar of a whole STORAGE_DIR holds
// it, with replaced databases and lock files.
bool IsWorkFolder(std::string_view folder) {
  const auto parts = Split(folder, '/');
  return std::ranges::find(parts, ".levelkeep") != parts.end();
}

// Files of LevelDB, LevelKeep or a desktop that are not part of the data.
bool IsIgnorable(std::string_view flat_name) {
  switch (ParseDbFileName(flat_name).kind) {
    case DbFileKind::kLock:
    case DbFileKind::kInfoLog:
    case DbFileKind::kTemp:  // LevelDB deletes these itself
      return true;
    default:
      return flat_name.substr(0, 2) == "._" || flat_name == ".DS_Store" ||
             flat_name == "BACKUP_ID" || IsAnotherCurrent(flat_name);
  }
}

constexpr size_t kBufferBytes = 1u << 20;

class BlockWriter {
 public:
  // Continues with another file, which is empty. `file` outlives its Finish.
  void Begin(File* file) {
    file_ = file;
    written_ = 0;
    buffer_.Clear();
  }

  Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(
          0, std::min(bytes.size(), kBufferBytes - buffer_.size()));
      buffer_.Append(part);
      bytes.remove_prefix(part.size());
      if (buffer_.size() == kBufferBytes) LEVELKEEP_RETURN_IF_ERROR(Finish());
    }
    return Status::Ok();
  }

  // Writes the remaining bytes. Does not sync the file.
  Status Finish() {
    LEVELKEEP_RETURN_IF_ERROR(WriteBlocks(file_, written_, buffer_.view()));
    written_ += buffer_.size();
    buffer_.Clear();
    return Status::Ok();
  }

 private:
  File* file_ = nullptr;
  uint64_t written_ = 0;
  ByteBuffer buffer_;
};

enum class ForeignKind {
  kDatabase,  // CURRENT, MANIFEST, table or log
  kManifest,  // levelkeep-manifest.json: a repacked LevelKeep archive
  kToc,       // stargz.index.json: a LevelKeep archive without its end
  kIdentity,  // DATABASE_ID: the identity of the database
  kIgnored,   // directories, LOCK, LOG, lost/, files of desktop programs
};

struct ForeignEntry {
  ForeignKind kind = ForeignKind::kIgnored;
  std::string flat_name;
};

// Classifies entries one by one, and remembers names that must not repeat.
class ForeignClassifier {
 public:
  explicit ForeignClassifier(size_t max_path_length)
      : max_path_length_(max_path_length) {}

  // kCorruption, with the entry's name, for entries that do not belong into the
  // archive of a database: links, devices, paths that lead out, duplicates,
  // other files, database files in two folders.
  Result<ForeignEntry> Classify(const TarEntry& entry) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string path, CleanPath(entry));
    if (entry.kind == TarEntry::Kind::kOther) {
      return Refuse(entry, "is a " + entry.what);
    }
    // Packing "." can repeat a directory, which has no content.
    if (entry.kind == TarEntry::Kind::kDirectory) return ForeignEntry();
    if (path.empty()) return Refuse(entry, "has no name that can be read");
    if (!seen_.insert(path).second) return Refuse(entry, "appears twice");
    const size_t slash = path.rfind('/');
    const bool at_top = slash == std::string::npos;
    const std::string folder = at_top ? "" : path.substr(0, slash);
    const std::string name = at_top ? path : path.substr(slash + 1);
    if (IsWorkFolder(folder)) return ForeignEntry();
    if (name == kManifestEntryName || name == kTocEntryName) {
      // At most one of each, in any folder.
      if (!seen_.insert("//" + name).second) {
        return Refuse(entry, "appears twice");
      }
      const bool is_toc = name == kTocEntryName;
      return ForeignEntry{is_toc ? ForeignKind::kToc : ForeignKind::kManifest,
                          name};
    }
    if (IsBackedUp(ParseDbFileName(name).kind)) {
      if (IsLostFolder(folder)) return ForeignEntry();
      if (folder_ && folder != *folder_) {
        return Refuse(entry, "is outside of " + Printable(*folder_) +
                                 "/, which holds the database");
      }
      folder_ = folder;
      return ForeignEntry{ForeignKind::kDatabase, name};
    }
    if (name == "DATABASE_ID")
      return ForeignEntry{ForeignKind::kIdentity, name};
    if (IsIgnorable(name)) return ForeignEntry();
    return Refuse(entry, "is not a file of a LevelDB database");
  }

 private:
  Result<std::string> CleanPath(const TarEntry& entry) const {
    const std::string& path = entry.path;
    if (path.empty()) return Refuse(entry, "has no name that can be read");
    if (path.size() > max_path_length_) return Refuse(entry, "has a long name");
    if (path.front() == '/') return Refuse(entry, "has an absolute path");
    std::string clean;
    for (const std::string_view part : Split(path, '/')) {
      if (part == "..") return Refuse(entry, "leads out of the archive");
      // "./x", "x//y" and the final slash of a directory have no meaning.
      if (part.empty() || part == ".") continue;
      if (!clean.empty()) clean += '/';
      clean += part;
    }
    return clean;
  }

  const size_t max_path_length_;
  std::optional<std::string> folder_;  // the database's; "" for the top
  std::set<std::string> seen_;
};

// One pass over a .tar.gz that has no LevelKeep footer at its end.
//
// If somebody unpacked a LevelKeep archive and packed it again, it is one gzip
// member with levelkeep-manifest.json, and the manifest's digests are checked.
// An archive with several members and that manifest, or with a table of
// contents, is a LevelKeep archive whose end is missing.
class ForeignReader {
 public:
  ForeignReader(const ByteSource& source, uint64_t archive_bytes,
                const ArchiveReadOptions& options, TargetDirectory* target)
      : archive_bytes_(archive_bytes),
        options_(options),
        target_(target),
        verdict_(options.work.stop),
        gzip_(&source, archive_bytes, &verdict_),
        max_inflated_(MaxInflated(options.limits, archive_bytes)),
        tar_(&gzip_, max_inflated_, InflatesTooFar(options.limits)),
        classifier_(options.limits.max_path_length) {}

  Result<ExtractedDatabase> Run() {
    LEVELKEEP_RETURN_IF_ERROR(target_->CheckEmpty());
    if (Status read = ReadEntries(); !read.ok()) {
      // A partial copy of an archive with many members may end between two.
      cut_short_ =
          gzip_.cut_short() || (tar_.lacks_end() && gzip_.members() > 1);
      return read;
    }
    if ((has_toc_ || has_manifest_) && gzip_.members() > 1) {
      cut_short_ = true;
      return CutShort();
    }
    LEVELKEEP_RETURN_IF_ERROR(check_.Check(database_.files));
    if (has_manifest_) {
      LEVELKEEP_RETURN_IF_ERROR(CompareWithManifest(manifest_));
    }
    LEVELKEEP_RETURN_IF_ERROR(queue_.Finish());
    LEVELKEEP_RETURN_IF_ERROR(target_->Sync());
    options_.work.Report(archive_bytes_, archive_bytes_);

    database_.archive_sha256 = gzip_.FinishSha256();
    return std::move(database_);
  }

  // True if Run failed because the file ends before the archive does.
  bool cut_short() const { return cut_short_; }

 private:
  Status ReadEntries() {
    for (;;) {
      LEVELKEEP_RETURN_IF_ERROR(verdict_.Check());
      TarEntry entry;
      LEVELKEEP_ASSIGN_OR_RETURN(const bool more, tar_.Next(&entry));
      if (!more) return Status::Ok();
      LEVELKEEP_ASSIGN_OR_RETURN(const ForeignEntry foreign,
                                 classifier_.Classify(entry));
      LEVELKEEP_RETURN_IF_ERROR(CountEntry(entry));
      switch (foreign.kind) {
        case ForeignKind::kDatabase:
          LEVELKEEP_RETURN_IF_ERROR(TakeFile(entry, foreign.flat_name));
          break;
        case ForeignKind::kManifest:
          LEVELKEEP_RETURN_IF_ERROR(TakeManifest(entry));
          break;
        case ForeignKind::kIdentity:
          LEVELKEEP_RETURN_IF_ERROR(TakeIdentity(entry));
          break;
        case ForeignKind::kToc:
          has_toc_ = true;
          [[fallthrough]];
        case ForeignKind::kIgnored:
          LEVELKEEP_RETURN_IF_ERROR(Drain(entry));
          break;
      }
    }
  }

  // Counts bytes of the archive: the inflated size is not known in advance.
  void ReportProgress() {
    if (gzip_.offset() - reported_bytes_ < kProgressBytes) return;
    reported_bytes_ = gzip_.offset();
    options_.work.Report(reported_bytes_, archive_bytes_);
  }

  Status CountEntry(const TarEntry& entry) {
    const ArchiveLimits& limits = options_.limits;
    if (++entries_ > limits.max_entries) {
      return Status(StatusCode::kCorruption,
                    "the archive has more than " +
                        std::to_string(limits.max_entries) + " entries");
    }
    // Checked before the space: an impossible size is a fault, not lack of
    // space.
    if (entry.size_bytes / kMaxDeflateRatio > archive_bytes_) {
      return Status(StatusCode::kCorruption,
                    "entry " + Printable(entry.path) + " claims " +
                        FormatBytes(entry.size_bytes) +
                        ", more than the archive can hold");
    }
    stated_bytes_ += entry.size_bytes;
    if (stated_bytes_ > max_inflated_) return InflatesTooFar(limits);
    if (entry.size_bytes > limits.max_total_bytes - database_.content_bytes) {
      return Status(StatusCode::kNoSpace,
                    "the archive holds more than the " +
                        FormatBytes(limits.max_total_bytes) +
                        " that there is room for",
                    "free some space, or extract elsewhere");
    }
    return Status::Ok();
  }

  Status TakeFile(const TarEntry& entry, const std::string& flat_name) {
    std::unique_ptr<File> file;
    if (target_->writes()) {
      LEVELKEEP_ASSIGN_OR_RETURN(file, target_->Create(flat_name));
      writer_.Begin(file.get());
    }
    LEVELKEEP_ASSIGN_OR_RETURN(std::string* const kept,
                               check_.Expect(flat_name, entry.size_bytes));
    Digest digest(DigestKind::kSha256);
    const auto take = [&](std::string_view bytes) -> Status {
      digest.Update(bytes);
      ReportProgress();
      if (kept != nullptr) kept->append(bytes);
      return file != nullptr ? writer_.Append(bytes) : Status::Ok();
    };
    LEVELKEEP_RETURN_IF_ERROR(tar_.ReadContent(entry, take));
    database_.files.push_back(
        {flat_name, entry.size_bytes, digest.FinishSha256()});
    database_.content_bytes += entry.size_bytes;
    if (file == nullptr) return Status::Ok();
    LEVELKEEP_RETURN_IF_ERROR(writer_.Finish());
    return queue_.Add(std::move(file), entry.size_bytes);
  }

  Status TakeManifest(const TarEntry& entry) {
    has_manifest_ = true;
    if (entry.size_bytes > kMaxManifestBytes) {
      return Contradicts("it is too large to be one");
    }
    // Reserved at once, because growing takes twice the memory.
    manifest_.reserve(static_cast<size_t>(entry.size_bytes));
    const auto take = [this](std::string_view bytes) {
      manifest_.append(bytes);
      return Status::Ok();
    };
    return tar_.ReadContent(entry, take);
  }

  Status TakeIdentity(const TarEntry& entry) {
    constexpr size_t kMostText = 80;  // two identities in a line
    std::string text;
    const auto take = [&](std::string_view bytes) {
      text.append(
          bytes.substr(0, kMostText - std::min(kMostText, text.size())));
      return Status::Ok();
    };
    LEVELKEEP_RETURN_IF_ERROR(tar_.ReadContent(entry, take));
    database_.database_id = ParseDatabaseId(text);
    return Status::Ok();
  }

  Status Drain(const TarEntry& entry) {
    return tar_.ReadContent(entry,
                            [](std::string_view) { return Status::Ok(); });
  }

  Status CompareWithManifest(const std::string& text) {
    Result<Manifest> decoded = DecodeManifest(text);
    if (!decoded.ok()) {
      return decoded.status().WithHint(
          "pack the database without levelkeep-manifest.json to restore it "
          "unverified");
    }
    Manifest& manifest = *decoded;
    std::map<std::string_view, const ManifestFile*> listed;
    for (const ManifestFile& file : manifest.files) listed[file.name] = &file;
    for (const ManifestFile& file : database_.files) {
      const auto found = listed.find(file.name);
      if (found == listed.end()) {
        return Contradicts(Printable(file.name) + " is not listed");
      }
      if (found->second->size_bytes != file.size_bytes ||
          found->second->sha256 != file.sha256) {
        return Contradicts(Printable(file.name) + " has another SHA-256");
      }
      listed.erase(found);
    }
    if (!listed.empty()) {
      return Contradicts(Printable(listed.begin()->first) + " is missing");
    }
    database_.manifest = std::make_shared<const Manifest>(std::move(manifest));
    return Status::Ok();
  }

  const uint64_t archive_bytes_;
  const ArchiveReadOptions& options_;
  TargetDirectory* const target_;
  Verdict verdict_;
  InflateAhead gzip_;
  const uint64_t max_inflated_;
  TarStream tar_;
  ForeignClassifier classifier_;
  DatabaseCheck check_;
  BlockWriter writer_;
  SyncQueue queue_;
  ExtractedDatabase database_;
  uint64_t entries_ = 0;
  uint64_t stated_bytes_ = 0;  // sum of the sizes in all headers
  uint64_t reported_bytes_ = 0;
  bool has_toc_ = false;
  bool has_manifest_ = false;
  bool cut_short_ = false;
  std::string manifest_;
};

}  // namespace

Result<ExtractedDatabase> ReadForeignArchive(const ByteSource& source,
                                             uint64_t archive_bytes,
                                             const ArchiveReadOptions& options,
                                             TargetDirectory* target,
                                             bool* cut_short) {
  ForeignReader reader(source, archive_bytes, options, target);
  Result<ExtractedDatabase> read = reader.Run();
  *cut_short = reader.cut_short();
  return read;
}

}  // namespace levelkeep
