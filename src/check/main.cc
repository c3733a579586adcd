// levelkeep-check DB_DIR --scratch SCRATCH_DIR [--comparator NAME]
//     [--each-table]
// levelkeep-check --archive PATH --scratch SCRATCH_DIR [--comparator NAME]
//
// Opens a database that nobody trusts, in a process that may die of it, and
// reads every entry; with --each-table also every table by itself, for what
// nobody vouches for. DB_DIR, or the archive of ours that the database is read
// out of, is only read; whatever opening writes goes to SCRATCH_DIR. Digests
// are the caller's to check. Prints one JSON object:
//   {"ok":true,"entries":3,"lastSequence":7,"tables":1,"tornTails":0}
//   {"ok":false,"code":"corruption","error":"table 000005.ldb is missing"}
// and in some failures a "hint".
// Exit codes: 0 the database is good, 1 it is not, 2 wrong arguments.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "check/file_checks.h"
#include "check/limits.h"
#include "check/overlay_env.h"
#include "check/store_scan.h"

namespace levelkeep::check {
namespace {

struct Arguments {
  std::string db_dir;  // with an archive, a name only: the archive's
  std::string archive;
  std::string scratch_dir;
  std::string comparator = "leveldb.BytewiseComparator";
  bool each_table = false;
};

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool Parse(const std::vector<std::string>& words, Arguments* arguments) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string* value = nullptr;
    if (words[i] == "--each-table") {
      arguments->each_table = true;
      continue;
    }
    if (words[i] == "--archive") value = &arguments->archive;
    if (words[i] == "--scratch") value = &arguments->scratch_dir;
    if (words[i] == "--comparator") value = &arguments->comparator;
    if (value != nullptr) {
      if (++i == words.size()) return false;
      *value = words[i];
    } else if (arguments->db_dir.empty() && words[i].rfind("--", 0) != 0) {
      arguments->db_dir = words[i];
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
};

size_t ScanThreads(uint64_t db_bytes) {
  constexpr uint64_t kWorthAThread = 8u << 20;
  constexpr uint64_t kMaxThreads = 8;
  return std::clamp<uint64_t>(
      std::min<uint64_t>(std::thread::hardware_concurrency(),
                         db_bytes / kWorthAThread),
      1, kMaxThreads);
}

// What the arguments name, in bytes, as far as that can be told unopened.
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

// Never deleted: the DB, which reads them, is still open at the end.
Result<const StoreFiles*> OpenFiles(const Arguments& arguments) {
  FileSystem* const fs = FileSystem::Posix();
  if (arguments.archive.empty()) return new FolderFiles(fs, arguments.db_dir);
  LEVELKEEP_ASSIGN_OR_RETURN(auto view,
                             ArchiveView::Open(fs, arguments.archive));
  return new ArchiveFiles(std::move(view));
}

const leveldb::Comparator* ComparatorOf(const std::string& name) {
  const leveldb::Comparator* const bytewise = leveldb::BytewiseComparator();
  return name == bytewise->Name() ? bytewise : new NamedComparator(name);
}

// How LevelDB finds a table in `env`: by either name.
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
  if (!status.ok()) return FailureOf("LevelDB can't read it", status);
  return opened;
}

// Opens the database and reads every entry; returns their number.
Result<uint64_t> OpenAndScan(const Arguments& arguments,
                             const StoreFiles* files,
                             const FileFindings& found) {
  FileSystem* const fs = FileSystem::Posix();
  // None of these is deleted: the DB, which uses them, is still open.
  OverlayEnv* const env =
      new OverlayEnv(leveldb::Env::Default(), fs, files, arguments.db_dir,
                     arguments.scratch_dir);
  const leveldb::Comparator* const comparator =
      ComparatorOf(arguments.comparator);
  leveldb::DB* db = nullptr;
  LEVELKEEP_RETURN_IF_ERROR(
      OpenStore(env, arguments.db_dir, comparator, new SilentLogger, &db));
  const auto cuts = CutKeys(found.table_starts, ScanThreads(found.total_bytes));
  const auto explained = [env](const Result<uint64_t>& scan) {
    return scan.ok() ? scan : env->block_types().Explain(scan.status());
  };
  if (!arguments.each_table) {
    return explained(ScanStore(db, comparator, cuts));
  }
  // Opening wrote a MANIFEST of its own.
  LEVELKEEP_ASSIGN_OR_RETURN(
      const CurrentVersion opened,
      ReadCurrentVersion(FolderFiles(fs, arguments.scratch_dir)));
  return explained(ScanEachTable(
      db, comparator, cuts, opened.version,
      [&](const TableMeta& meta) {
        return OpenTable(env, arguments.db_dir, meta);
      },
      found.last_sequence));
}

Result<Report> Check(const Arguments& arguments) {
  FileSystem* const fs = FileSystem::Posix();
  Report report;
  LimitMemory(BytesNamed(arguments));
  LEVELKEEP_ASSIGN_OR_RETURN(const StoreFiles* const files,
                             OpenFiles(arguments));
  FileChecks checks(files, arguments.comparator);
  LEVELKEEP_ASSIGN_OR_RETURN(report.files, checks.Run());
  LimitMemory(report.files.total_bytes);
  LimitProcessorTime(report.files.total_bytes);
  const Status scratch = CreateDirectories(fs, arguments.scratch_dir);
  if (!scratch.ok()) return Status(StatusCode::kIoError, scratch.message());
  LEVELKEEP_ASSIGN_OR_RETURN(report.entries,
                             OpenAndScan(arguments, files, report.files));
  return report;
}

Result<Report> CheckWithoutExceptions(const Arguments& arguments) {
  try {
    return Check(arguments);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kCorruption,
                  "the database made LevelDB ask for too much memory");
  } catch (const std::exception& e) {
    return Status(StatusCode::kCorruption,
                  std::string("the database made LevelDB fail: ") + e.what());
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
  } else {
    json["code"] = StatusCodeName(report.status().code());
    json["error"] = Printable(report.status().message(), 500);
    if (!report.status().hint().empty()) json["hint"] = report.status().hint();
  }
  return DumpJson(json);
}

}  // namespace
}  // namespace levelkeep::check

int main(int argc, char** argv) {
  using namespace levelkeep::check;  // NOLINT: the program's own names
  Arguments arguments;
  if (!Parse(std::vector<std::string>(argv + 1, argv + argc), &arguments)) {
    std::fprintf(stderr,
                 "usage: levelkeep-check DB_DIR|--archive PATH "
                 "--scratch SCRATCH_DIR [--comparator NAME] [--each-table]\n");
    return 2;
  }
  LimitThisProcess();
  const auto report = CheckWithoutExceptions(arguments);
  std::printf("%s\n", Describe(report).c_str());
  std::fflush(stdout);
  // The DB is still open and can't be closed: see OverlayEnv.
  _exit(report.ok() ? 0 : 1);
}
