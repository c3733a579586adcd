// levelkeep-check DB_DIR|--archive PATH --scratch SCRATCH_DIR [--each-table]
//     [--largest-record BYTES] [--again] [--processor-seconds N]
//     [--rate BYTES_PER_SECOND]
//
// Opens an untrusted database in a process of its own, which may crash, and
// reads every entry. With --each-table it also reads every table by itself, for
// tables whose digests nobody recorded. DB_DIR, or the LevelKeep archive that
// holds the database, is only read; all files that opening writes go to
// SCRATCH_DIR. The caller checks the digests. The other options are those of
// Allowance. Prints one JSON object:
//   {"ok":true,"entries":3,"lastSequence":7,"tables":1,"tornTails":0,
//    "comparator":"leveldb.BytewiseComparator","orderChecked":true}
//   {"ok":false,"code":"corruption","error":"table 000005.ldb is missing"}
// Some failures also have a "hint". Only the code "corruption" means that the
// database is bad. A line {"hostLimit":"…"} may come before the object.

#include "levelkeep/check.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/process.h"
#include "check/file_checks.h"
#include "check/limits.h"
#include "check/overlay_env.h"
#include "check/store_scan.h"

namespace levelkeep::check {
namespace {

struct Arguments {
  std::string db_dir;  // with an archive: only a name for its database
  std::string archive;
  std::string scratch_dir;
  bool each_table = false;
  Allowance allowance;
  uint64_t rate = 0;                                // 0: no limit
  const leveldb::Comparator* comparator = nullptr;  // the embedder's
};

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// Stores the value of an option; false if the value is malformed.
bool TakeValue(const std::string& option, const std::string& value,
               Arguments* arguments) {
  if (option == "--archive") {
    arguments->archive = value;
  } else if (option == "--scratch") {
    arguments->scratch_dir = value;
  } else {
    const auto number = ParseUint64(value);
    if (!number) return false;
    Allowance& allowance = arguments->allowance;
    (option == "--largest-record" ? allowance.largest_record
     : option == "--rate"         ? arguments->rate
                                  : allowance.processor_seconds) = *number;
  }
  return true;
}

bool Parse(const std::vector<std::string>& words, Arguments* arguments) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--each-table") {
      arguments->each_table = true;
    } else if (word == "--again") {
      arguments->allowance.again = true;
    } else if (word == "--archive" || word == "--scratch" ||
               word == "--largest-record" || word == "--processor-seconds" ||
               word == "--rate") {
      if (++i == words.size()) return false;
      if (!TakeValue(word, words[i], arguments)) return false;
    } else if (arguments->db_dir.empty() && word.rfind("--", 0) != 0) {
      arguments->db_dir = word;
    } else {
      return false;
    }
  }
  if (arguments->db_dir.empty() == arguments->archive.empty()) return false;
  if (arguments->db_dir.empty()) arguments->db_dir = arguments->archive;
  arguments->db_dir = WithoutSlash(arguments->db_dir);
  arguments->scratch_dir = WithoutSlash(arguments->scratch_dir);
  return !arguments->scratch_dir.empty();
}

struct Report {
  FileFindings files;
  uint64_t entries = 0;
  bool order_checked = true;
};

size_t ScanThreads(uint64_t db_bytes) {
  constexpr uint64_t kWorthAThread = 8u << 20;
  constexpr uint64_t kMaxThreads = 8;
  return std::clamp<uint64_t>(
      std::min<uint64_t>(std::thread::hardware_concurrency(),
                         db_bytes / kWorthAThread),
      1, kMaxThreads);
}

// The size of the file or folder that the arguments name, without opening it.
uint64_t BytesNamed(const Arguments& arguments) {
  FileSystem* const fs = FileSystem::Posix();
  if (!arguments.archive.empty()) {
    const auto info = fs->Stat(arguments.archive);
    return info.ok() ? info->size_bytes : 0;
  }
  uint64_t bytes = 0;
  const auto names = fs->List(arguments.db_dir);
  if (!names.ok()) return 0;
  for (const std::string& name : *names) {
    const auto info = fs->Stat(JoinPath(arguments.db_dir, name));
    if (info.ok()) bytes += info->size_bytes;
  }
  return bytes;
}

// The result is never deleted: the DB, which reads it, stays open to the end.
Result<const StoreFiles*> OpenFiles(const Arguments& arguments) {
  FileSystem* const fs = FileSystem::Posix();
  std::unique_ptr<const StoreFiles> files;
  if (arguments.archive.empty()) {
    files = std::make_unique<FolderFiles>(fs, arguments.db_dir);
  } else {
    LEVELKEEP_ASSIGN_OR_RETURN(auto view,
                               ArchiveView::Open(fs, arguments.archive));
    files = std::make_unique<ArchiveFiles>(std::move(view));
  }
  if (arguments.rate == 0) return files.release();
  return new PacedFiles(std::move(files), arguments.rate);
}

// Null if the comparator is not available.
const leveldb::Comparator* FindComparator(const std::string& name,
                                          const leveldb::Comparator* own) {
  const leveldb::Comparator* const bytewise = leveldb::BytewiseComparator();
  if (name == bytewise->Name()) return bytewise;
  return own != nullptr && name == own->Name() ? own : nullptr;
}

// Opens a table in `env` as LevelDB does: by either of its two names.
Result<OpenedTable> OpenTable(OverlayEnv* env, const std::string& db_dir,
                              const TableMeta& meta) {
  OpenedTable opened;
  opened.name = TableFileName(meta.number);
  if (!env->FileExists(JoinPath(db_dir, opened.name))) {
    opened.name = OldTableFileName(meta.number);
  }
  leveldb::RandomAccessFile* file = nullptr;
  const leveldb::Status status =
      env->NewRandomAccessFile(JoinPath(db_dir, opened.name), &file);
  opened.file.reset(file);
  if (!status.ok()) return FailureOf("LevelDB can't read the database", status);
  return opened;
}

// Opens the database and reads every entry; returns their number.
Result<uint64_t> OpenAndScan(const Arguments& arguments,
                             const StoreFiles* files, const FileFindings& found,
                             const leveldb::Comparator* comparator) {
  FileSystem* const fs = FileSystem::Posix();
  // None of these is deleted: the DB uses them and stays open.
  OverlayEnv* const env =
      new OverlayEnv(leveldb::Env::Default(), fs, files, arguments.db_dir,
                     arguments.scratch_dir);
  leveldb::DB* db = nullptr;
  LEVELKEEP_RETURN_IF_ERROR(
      OpenStore(env, arguments.db_dir, comparator, new SilentLogger, &db));
  const size_t threads = ScanThreads(found.total_bytes);
  EachTable each;
  each.shared.emplace_back();  // everything
  if (arguments.each_table) {
    // LevelDB wrote a new MANIFEST when it opened, and tables from the logs.
    LEVELKEEP_ASSIGN_OR_RETURN(
        const CurrentVersion opened,
        ReadCurrentVersion(FolderFiles(fs, arguments.scratch_dir)));
    const auto checked = CheckEachTable(
        opened.version,
        [&](const TableMeta& meta) {
          return OpenTable(env, arguments.db_dir, meta);
        },
        found.last_sequence, comparator, threads);
    if (!checked.ok()) return env->block_types().Explain(checked.status());
    each = *checked;
  }
  std::vector<KeySpan> spans = each.shared;
  if (comparator == leveldb::BytewiseComparator()) {
    spans = Divide(spans, CutKeys(found.table_starts, threads));
  }
  // The checksums of each table were right a moment ago.
  const auto scan = ScanSpans(db, comparator, spans, threads,
                              /*verify_checksums=*/!arguments.each_table);
  if (!scan.ok()) return env->block_types().Explain(scan.status());
  return each.entries + *scan;
}

Result<Report> Check(const Arguments& arguments) {
  FileSystem* const fs = FileSystem::Posix();
  Report report;
  LimitMemory(BytesNamed(arguments), arguments.allowance);
  LEVELKEEP_ASSIGN_OR_RETURN(const StoreFiles* const files,
                             OpenFiles(arguments));
  LEVELKEEP_ASSIGN_OR_RETURN(report.files, FileChecks(files).Run());
  LimitMemory(report.files.total_bytes, arguments.allowance);
  LimitProcessorTime(report.files.total_bytes, arguments.allowance);
  const leveldb::Comparator* const comparator =
      FindComparator(report.files.comparator, arguments.comparator);
  report.order_checked = comparator != nullptr;
  if (comparator == nullptr) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        report.entries, ReadUnordered(*files, report.files.last_sequence));
    return report;
  }
  const Status scratch = CreateDirectories(fs, arguments.scratch_dir);
  if (!scratch.ok()) return Status(StatusCode::kIoError, scratch.message());
  LEVELKEEP_ASSIGN_OR_RETURN(
      report.entries, OpenAndScan(arguments, files, report.files, comparator));
  return report;
}

// If the host refuses memory or threads, that says nothing about the database.
// Any other exception ends the process like a crash.
Result<Report> CheckWithinTheHost(const Arguments& arguments) {
  try {
    return Check(arguments);
  } catch (const std::bad_alloc&) {
    EndWithoutMemory();
  } catch (const std::system_error& error) {
    return Status(
        StatusCode::kNotChecked,
        std::string("this host did not let the check run: ") + error.what());
  }
}

std::string Describe(const Result<Report>& report) {
  auto json = nlohmann::ordered_json::object();
  json["ok"] = report.ok();
  if (report.ok()) {
    json["entries"] = report->entries;
    json["lastSequence"] = report->files.last_sequence;
    json["tables"] = report->files.tables;
    json["tornTails"] = report->files.torn_tails;
    json["comparator"] = report->files.comparator;
    json["orderChecked"] = report->order_checked;
  } else {
    json["code"] = StatusCodeName(report.status().code());
    json["error"] = Printable(report.status().message(), 500);
    if (!report.status().hint().empty()) json["hint"] = report.status().hint();
  }
  return DumpJson(json);
}

// Ends the process at once: the open DB can't be closed (see OverlayEnv).
[[noreturn]] void EndWith(const Result<Report>& report) {
  std::printf("%s\n", Describe(report).c_str());
  std::fflush(stdout);
  _exit(report.ok() ? 0 : 1);
}

// An exception of the comparator says nothing about the database.
[[noreturn]] void EndByComparator(const Status& thrown) {
  EndWith(Status(StatusCode::kNotChecked, thrown.message(), thrown.hint()));
}

}  // namespace
}  // namespace levelkeep::check

namespace levelkeep {

int RunCheck(int argc, char** argv, const leveldb::Comparator* comparator) {
  using namespace check;  // NOLINT: the program's own names
  SettleOwnProcess();
  Arguments arguments;
  const HostComparator guarded(comparator, EndByComparator);
  if (comparator != nullptr) arguments.comparator = &guarded;
  if (!Parse(std::vector<std::string>(argv + 1, argv + argc), &arguments)) {
    std::fprintf(stderr,
                 "usage: levelkeep-check DB_DIR|--archive PATH "
                 "--scratch SCRATCH_DIR [--each-table]\n"
                 "       [--largest-record BYTES] [--again] "
                 "[--processor-seconds N]\n");
    return 2;
  }
  LimitThisProcess();
  EndWith(CheckWithinTheHost(arguments));
}

}  // namespace levelkeep
