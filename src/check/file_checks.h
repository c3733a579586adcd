// Checks that LevelDB omits when it opens a database: our own readers of its
// formats look for missing, resized and foreign files and for missing writes.

#ifndef LEVELKEEP_CHECK_FILE_CHECKS_H_
#define LEVELKEEP_CHECK_FILE_CHECKS_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "check/overlay_env.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "levelkeep/status.h"

namespace levelkeep::check {

struct FileFindings {
  std::string comparator;
  uint64_t last_sequence = 0;
  uint64_t tables = 0;
  uint64_t torn_tails = 0;
  uint64_t total_bytes = 0;
  // For each table its first user key and its size.
  std::vector<std::pair<std::string, uint64_t>> table_starts;
};

// The version that CURRENT and its MANIFEST state.
struct CurrentVersion {
  Version version;
  bool torn_tail = false;  // of the MANIFEST
};

inline Result<std::string> ReadCurrent(const StoreFiles& files) {
  constexpr uint64_t kMaxBytes = 4096;
  const auto info = files.Stat("CURRENT");
  if (info.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kCorruption,
                  "there is no file CURRENT: this is not a LevelDB database");
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (info->size_bytes > kMaxBytes) {
    return Status(StatusCode::kCorruption, "CURRENT is too long");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto file, files.Open("CURRENT"));
  std::string content(static_cast<size_t>(info->size_bytes), '\0');
  LEVELKEEP_RETURN_IF_ERROR(
      ReadExactly(*file, 0, content.data(), content.size()));
  return content;
}

// The message of kCorruption says what is wrong.
inline Result<CurrentVersion> ReadCurrentVersion(const StoreFiles& files) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string current, ReadCurrent(files));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string name, ParseCurrent(current));
  const auto file = files.Open(name);
  if (file.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kCorruption,
                  "CURRENT names " + name + ", which is missing");
  }
  if (!file.ok()) return file.status();
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(name));
  auto content = ReadManifest(**file, info.size_bytes);
  if (!content.ok()) return content.status().WithContext(name);
  const bool torn_tail = content->boundary < info.size_bytes;
  if (ParseDbFileName(name).number >= content->version.next_file_number()) {
    return Status(StatusCode::kCorruption,
                  name + " has a number that was not given out yet");
  }
  return CurrentVersion{std::move(content->version), torn_tail};
}

// False if tables already hold the log's writes; LevelDB would remove the log.
inline bool IsReplayed(const Version& version, uint64_t log_number) {
  return log_number >= version.log_number() ||
         log_number == version.previous_log_number();
}

// One pass over the files of a database. Use Run() once.
// Thread safety: one thread at a time.
class FileChecks {
 public:
  // `files` outlives this object.
  explicit FileChecks(const StoreFiles* files) : files_(*files) {}

  // The message of kCorruption says what is wrong.
  Result<FileFindings> Run() {
    LEVELKEEP_RETURN_IF_ERROR(ListFiles());
    LEVELKEEP_ASSIGN_OR_RETURN(const CurrentVersion current,
                               ReadCurrentVersion(files_));
    const Version& version = current.version;
    if (current.torn_tail) ++findings_.torn_tails;
    findings_.comparator = version.comparator();
    LEVELKEEP_RETURN_IF_ERROR(CheckNumbers(version));
    LEVELKEEP_RETURN_IF_ERROR(CheckTables(version));
    LEVELKEEP_RETURN_IF_ERROR(CheckLogs(version));
    return findings_;
  }

 private:
  static Status Bad(const std::string& what) {
    return Status(StatusCode::kCorruption, what);
  }

  Status ListFiles() {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto names, files_.List());
    for (const std::string& name : names) {
      const DbFileName parsed = ParseDbFileName(name);
      if (!IsBackedUp(parsed.kind)) continue;
      LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(name));
      if (info.type != FileType::kRegular) {
        return Bad(Printable(name) + " is not a regular file");
      }
      LEVELKEEP_RETURN_IF_ERROR(CheckSpelling(name, parsed));
      // LevelDB gives new files numbers above the highest number it finds.
      if (parsed.number > kMostFileNumber) {
        return Bad(Printable(name) + " has a number too high to count on from");
      }
      findings_.total_bytes += info.size_bytes;
      if (parsed.kind == DbFileKind::kLog) {
        logs_[parsed.number] = name;
      } else if (parsed.kind == DbFileKind::kTable) {
        if (!tables_.emplace(parsed.number, File{name, info.size_bytes})
                 .second) {
          return Bad("table " + std::to_string(parsed.number) +
                     " exists twice, as " + tables_[parsed.number].name +
                     " and " + name);
        }
      }
    }
    return Status::Ok();
  }

  // From the name "5.log" LevelDB takes the number, but then opens
  // "000005.log": the file that is checked would not be the file that LevelDB
  // reads.
  static Status CheckSpelling(const std::string& name,
                              const DbFileName& parsed) {
    std::string spelling = name;
    if (parsed.kind == DbFileKind::kLog) {
      spelling = LogFileName(parsed.number);
    } else if (parsed.kind == DbFileKind::kTable &&
               name != OldTableFileName(parsed.number)) {
      spelling = TableFileName(parsed.number);
    }
    if (name == spelling) return Status::Ok();
    return Bad(Printable(name) + " is not how LevelDB spells " + spelling);
  }

  // LevelDB stores a sequence number in 56 bits and a file number in 64. If
  // either overflows, LevelDB overwrites existing data.
  static Status CheckNumbers(const Version& version) {
    if (version.last_sequence() > kMostSequence) {
      return Bad("the MANIFEST states the last write number " +
                 std::to_string(version.last_sequence()) +
                 ", which no database can reach");
    }
    if (version.next_file_number() > kMostFileNumber) {
      return Bad("the MANIFEST states the next file number " +
                 std::to_string(version.next_file_number()) +
                 ", which no database can reach");
    }
    return Status::Ok();
  }

  Status CheckTables(const Version& version) {
    constexpr size_t kInternalTrailer = 8;  // sequence and type
    for (const auto& [number, meta] : version.tables()) {
      const auto found = tables_.find(number);
      if (found == tables_.end()) {
        return Bad("table " + TableFileName(number) + " is missing");
      }
      const auto& [name, size_bytes] = found->second;
      if (size_bytes != meta.size_bytes) {
        return Bad("table " + name + " has " + std::to_string(size_bytes) +
                   " bytes instead of " + std::to_string(meta.size_bytes));
      }
      if (number >= version.next_file_number()) {
        return Bad("table " + name +
                   " has a number that was not given out yet");
      }
      // Keys without a trailer are refused where the MANIFEST is decoded.
      findings_.table_starts.emplace_back(
          meta.smallest.substr(0, meta.smallest.size() - kInternalTrailer),
          meta.size_bytes);
    }
    findings_.tables = version.tables().size();
    return Status::Ok();
  }

  Status CheckLogs(const Version& version) {
    findings_.last_sequence = version.last_sequence();
    for (const uint64_t named :
         {version.log_number(), version.previous_log_number()}) {
      if (named != 0 && logs_.count(named) == 0) {
        return Bad("log " + LogFileName(named) + " is missing");
      }
    }
    uint64_t expected = 0;  // first sequence of the next log; 0: not known yet
    for (const auto& [number, name] : logs_) {
      if (!IsReplayed(version, number)) continue;
      LEVELKEEP_ASSIGN_OR_RETURN(const auto file, files_.Open(name));
      LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, files_.Stat(name));
      LEVELKEEP_ASSIGN_OR_RETURN(
          const LogScan scan, ScanLog(*file, info.size_bytes, true, nullptr));
      if (scan.corrupt) {
        return Bad("log " + name + " is damaged at byte " +
                   std::to_string(scan.boundary));
      }
      if (scan.torn_tail) ++findings_.torn_tails;
      if (scan.records == 0) continue;
      const bool hole = expected != 0
                            ? scan.first_sequence != expected
                            : scan.first_sequence > version.last_sequence() + 1;
      if (scan.sequence_gap || hole) {
        return Bad("writes are missing before or within log " + name);
      }
      expected = scan.last_sequence + 1;
      findings_.last_sequence =
          std::max(findings_.last_sequence, scan.last_sequence);
    }
    if (findings_.last_sequence > kMostSequence) {
      return Bad("the logs end at the write number " +
                 std::to_string(findings_.last_sequence) +
                 ", which no database can reach");
    }
    return Status::Ok();
  }

  static constexpr uint64_t kMostSequence = (uint64_t{1} << 56) - 1;
  static constexpr uint64_t kMostFileNumber = uint64_t{1} << 62;

  struct File {
    std::string name;
    uint64_t size_bytes = 0;
  };
  const StoreFiles& files_;
  std::map<uint64_t, File> tables_;
  std::map<uint64_t, std::string> logs_;
  FileFindings findings_;
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_FILE_CHECKS_H_
