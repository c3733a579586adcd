#include "restore/store_check.h"

#include <algorithm>
#include <csignal>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr size_t kOutputLimitBytes = 64 * 1024;
constexpr int kWrongArguments = 2;  // exit code of levelkeep-check

constexpr char kTryAgain[] = "it says nothing about the backup: try again";

// How the bytes of a database may have caused this signal. Empty if they never
// cause it.
std::string CrashMeaning(int signal) {
  switch (signal) {
    case SIGABRT:
      return "the database made LevelDB abort";
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
      return "the database made LevelDB crash";
    case SIGXCPU:
      return "the database kept LevelDB computing without an end";
    default:
      return "";
  }
}

Status NotChecked(const std::string& what,
                  const std::string& hint = kTryAgain) {
  return Status(StatusCode::kNotChecked, what, hint);
}

Status NoReport() {
  return NotChecked("the check of the database ended without a report",
                    "is LEVELKEEP_CHECK_PROGRAM the right program? Run it by "
                    "hand to see what it says");
}

// Decodes a report of failure. Only the code "corruption" is the database's
// fault; codes that this version does not know are not.
Status DecodeFailure(const nlohmann::json& json, Status* failure) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string name, RequireText(json, "code"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string error,
                             RequireText(json, "error"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string hint,
                             OptionalText(json, "hint"));
  StatusCode code = StatusCode::kNotChecked;
  for (const StatusCode known :
       {StatusCode::kCorruption, StatusCode::kUnsupported, StatusCode::kNoSpace,
        StatusCode::kIoError, StatusCode::kPermissionDenied}) {
    if (name == StatusCodeName(known)) code = known;
  }
  *failure = Status(code, Printable(error, 500), Printable(hint, 500));
  return Status::Ok();
}

Result<StoreCheck> DecodeSuccess(const nlohmann::json& json) {
  StoreCheck check;
  LEVELKEEP_ASSIGN_OR_RETURN(check.entries, RequireUint(json, "entries"));
  LEVELKEEP_ASSIGN_OR_RETURN(check.last_sequence,
                             RequireUint(json, "lastSequence"));
  LEVELKEEP_ASSIGN_OR_RETURN(check.tables, RequireUint(json, "tables"));
  LEVELKEEP_ASSIGN_OR_RETURN(check.torn_tails, RequireUint(json, "tornTails"));
  LEVELKEEP_ASSIGN_OR_RETURN(check.comparator,
                             OptionalText(json, "comparator"));
  if (json.contains("orderChecked")) {
    LEVELKEEP_ASSIGN_OR_RETURN(check.order_checked,
                               RequireBool(json, "orderChecked"));
  }
  return check;
}

// The limit of the host that the check reported first; empty: none.
std::string HostLimit(const std::string& output) {
  const auto json = ParseJson(output.substr(0, output.find('\n')), "it");
  const auto limit = json.ok() ? OptionalText(*json, "hostLimit")
                               : Result<std::string>(json.status());
  return limit.ok() ? Printable(*limit, 100) : "";
}

// The report is the last line.
std::string_view ReportIn(std::string_view output) {
  while (output.ends_with('\n')) output.remove_suffix(1);
  const size_t end = output.rfind('\n');
  return end == std::string_view::npos ? output : output.substr(end + 1);
}

// The output is untrusted: the database may have taken over the child.
Result<StoreCheck> ParseReport(const std::string& output) {
  const auto json = ParseJson(ReportIn(output), "the report");
  if (!json.ok()) return NoReport();
  const auto good = RequireBool(*json, "ok");
  if (!good.ok()) return NoReport();
  if (*good) {
    const auto check = DecodeSuccess(*json);
    if (check.ok()) return check;
    return NoReport();
  }
  Status failure;
  return DecodeFailure(*json, &failure).ok() ? failure : NoReport();
}

// The input of one run of levelkeep-check.
struct ProgramRun {
  std::vector<std::string> database;  // the arguments that name the database
  uint64_t db_bytes = 0;
  uint64_t largest_record = 0;
  std::string scratch_dir;
};

Result<ProgramOutcome> StartCheck(const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds timeout,
                                  std::stop_token stop) {
  auto outcome =
      RunProgram(arguments, timeout, kOutputLimitBytes, std::move(stop));
  const StatusCode code = outcome.status().code();
  // The host lacks processes, pipes or memory.
  if (code == StatusCode::kIoError || code == StatusCode::kInternal) {
    return Status(StatusCode::kNotChecked, outcome.status().message(),
                  outcome.status().hint());
  }
  return outcome;
}

// Runs the check; after a crash, once more. Only the second crash counts: the
// host, not the database, may have caused the first one.
Result<StoreCheck> RunCheckProgram(const RestoreContext& context,
                                   const ProgramRun& run,
                                   std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string program,
      FindCheckProgram(context.fs, context.options.check_program));
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), run.database.begin(), run.database.end());
  arguments.insert(arguments.end(), {"--scratch", run.scratch_dir});
  if (run.largest_record > 0) {
    arguments.insert(arguments.end(),
                     {"--largest-record", std::to_string(run.largest_record)});
  }
  const uint64_t rate = context.options.check_rate;
  if (rate > 0) {
    arguments.insert(arguments.end(), {"--rate", std::to_string(rate)});
  }
  const bool idle = IsIdleThread();  // the child then is idle, too
  auto timeout = CheckTimeout(run.db_bytes, idle);
  // The check reads logs twice, and each table with its index.
  if (rate > 0) timeout += std::chrono::seconds(3 * run.db_bytes / rate);
  LEVELKEEP_ASSIGN_OR_RETURN(ProgramOutcome outcome,
                             StartCheck(arguments, timeout, stop));
  if (IsCrashOfCheck(outcome)) {
    LogWarn(kRestoreLogTag, CrashMeaning(outcome.signal) +
                                ": checking once more with twice the memory");
    // Files of the first run would become part of the database.
    LEVELKEEP_RETURN_IF_ERROR(RemoveTree(context.fs, run.scratch_dir));
    LEVELKEEP_RETURN_IF_ERROR(context.fs->CreateDirectory(run.scratch_dir));
    arguments.emplace_back("--again");
    LEVELKEEP_ASSIGN_OR_RETURN(outcome, StartCheck(arguments, timeout, stop));
  }
  return InterpretCheckOutcome(outcome, timeout, idle);
}

Result<StoreCheck> WithScratch(const RestoreContext& context,
                               const std::string& scratch_dir,
                               const std::function<Result<StoreCheck>()>& run) {
  LEVELKEEP_RETURN_IF_ERROR(context.fs->CreateDirectory(scratch_dir));
  // If we die here: the next start sweeps the scratch directory.
  Result<StoreCheck> check = run();
  const Status removed = RemoveTree(context.fs, scratch_dir);
  if (check.ok() && !removed.ok()) return removed;
  return check;
}

constexpr char kScanned[] = "scanned";  // the record in the work directory
constexpr size_t kMostScanned = 1000;
constexpr uint64_t kMaxScannedBytes = 1u << 20;
constexpr uint32_t kOthersMayWrite = 022;

// One digest per line, the newest last. A record that another user may have
// written is ignored.
Result<std::vector<std::string>> LoadScanned(const RestoreContext& context) {
  std::vector<std::string> digests;
  const std::string path = context.InWork(kScanned);
  const auto file = context.fs->Open(path, OpenMode::kRead);
  if (file.status().code() == StatusCode::kNotFound) return digests;
  LEVELKEEP_RETURN_IF_ERROR(file.status());
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, (*file)->Stat());
  if (!IsOurOwn(context.fs, info, context.work_dir()) ||
      (info.mode & kOthersMayWrite) != 0) {
    return digests;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text,
                             ReadAll(**file, path, kMaxScannedBytes));
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) digests.emplace_back(line);
  }
  return digests;
}

// --- finding levelkeep-check

constexpr std::string_view kProgramName = "levelkeep-check";

// The check program of the build tree, for a program that runs in the folder it
// was built in, with LevelKeep as a part of it (add_subdirectory,
// FetchContent). An installed program does not look there: others may own the
// build's path.
std::string BuiltBeside([[maybe_unused]] const std::string& self) {
#ifdef LEVELKEEP_BUILD_TREE
  if (self.starts_with(LEVELKEEP_BUILD_TREE "/")) {
    return LEVELKEEP_BUILT_CHECK_PROGRAM;
  }
#endif
  return "";
}

std::vector<std::string> UsualPlaces() {
  std::vector<std::string> places;
  const std::string self = ExecutablePath();
  if (!self.empty()) {
    const std::string beside = ParentPath(self);
    places.push_back(JoinPath(beside, kProgramName));
    // The installation may have been moved as a whole.
    places.push_back(
        JoinPath(beside, "../libexec/levelkeep/" + std::string(kProgramName)));
    if (std::string built = BuiltBeside(self); !built.empty()) {
      places.push_back(std::move(built));
    }
  }
  places.push_back(JoinPath(LEVELKEEP_LIBEXEC_DIR, kProgramName));
  return places;
}

}  // namespace

Result<std::string> FindCheckProgram(FileSystem* fs,
                                     const std::string& configured) {
  const std::vector<std::string> places =
      configured.empty() ? UsualPlaces() : std::vector{configured};
  for (const std::string& place : places) {
    const auto info = fs->StatFollowing(place);
    if (info.ok() && info->type == FileType::kRegular) return place;
  }
  return Status(StatusCode::kNotChecked,
                "levelkeep-check is not at " + Join(places, " or "),
                "set LEVELKEEP_CHECK_PROGRAM to its path; no backup can be "
                "restored or fully verified without it");
}

std::chrono::milliseconds CheckTimeout(uint64_t db_bytes, bool idle) {
  // If others keep a core busy, an idle process gets 0.3 % of it. An endless
  // computation still ends by its processor time.
  const uint64_t patience = idle ? 100 : 1;
  return std::chrono::seconds(patience * (60 + db_bytes / 5'000'000));
}

bool IsCrashOfCheck(const ProgramOutcome& outcome) {
  return !outcome.timed_out && !CrashMeaning(outcome.signal).empty() &&
         HostLimit(outcome.output).empty();
}

Result<StoreCheck> InterpretCheckOutcome(const ProgramOutcome& outcome,
                                         std::chrono::milliseconds timeout,
                                         bool idle) {
  if (outcome.timed_out) {
    const std::string late = "the check of the database did not end within " +
                             std::to_string(timeout.count() / 1000);
    if (!idle) return NotChecked(late + " s");
    return NotChecked(late + " s at idle priority",
                      "the host has no core to spare: set BACKUP_PRIORITY=low");
  }
  if (IsCrashOfCheck(outcome)) {
    return Status(StatusCode::kCorruption,
                  CrashMeaning(outcome.signal) + " (signal " +
                      std::to_string(outcome.signal) + ")",
                  "its files are damaged or were made to do harm: use another "
                  "backup");
  }
  if (outcome.signal == SIGKILL) {
    return NotChecked(
        "the check of the database was killed (signal 9), maybe for lack of "
        "memory",
        "try again when the host has memory to spare");
  }
  if (outcome.signal != 0) {
    const std::string limit = HostLimit(outcome.output);
    const std::string ended = "the check of the database was ended (signal " +
                              std::to_string(outcome.signal) + ")";
    if (limit.empty()) return NotChecked(ended);
    return NotChecked(ended + " under a limit of the host: " + limit,
                      "raise that limit for the process that checks");
  }
  if (outcome.exit_code == kWrongArguments) {
    return NotChecked(
        "levelkeep-check does not know its arguments",
        "it is of another version: install the one of this program");
  }
  return ParseReport(outcome.output);
}

Result<StoreCheck> CheckStore(const RestoreContext& context,
                              const std::string& db_dir,
                              const std::string& scratch_dir,
                              std::stop_token stop, Vouched vouched,
                              uint64_t largest_record) {
  return WithScratch(context, scratch_dir, [&]() -> Result<StoreCheck> {
    if (context.options.store_checker) {
      return context.options.store_checker(db_dir, scratch_dir, stop);
    }
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t bytes,
                               FolderBytes(context.fs, db_dir));
    ProgramRun run{{db_dir}, bytes, largest_record, scratch_dir};
    if (vouched == Vouched::kNo) run.database.emplace_back("--each-table");
    return RunCheckProgram(context, run, stop);
  });
}

Result<StoreCheck> CheckArchivedStore(const RestoreContext& context,
                                      const std::string& archive_path,
                                      uint64_t content_bytes,
                                      const std::string& scratch_dir,
                                      std::stop_token stop,
                                      uint64_t largest_record) {
  return WithScratch(context, scratch_dir, [&]() -> Result<StoreCheck> {
    if (context.options.archive_checker) {
      return context.options.archive_checker(archive_path, scratch_dir, stop);
    }
    return RunCheckProgram(context,
                           {{"--archive", archive_path},
                            content_bytes,
                            largest_record,
                            scratch_dir},
                           stop);
  });
}

Status AddScanned(const RestoreContext& context, const std::string& sha256) {
  const auto storage = context.fs->StatFollowing(context.options.storage_dir);
  if (storage.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(storage.status());
  // A record that root writes is given to the owner of the storage.
  const uint32_t user = EffectiveUser();
  if (user != 0 && storage->owner != user) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(auto digests, LoadScanned(context));
  if (!digests.empty() && digests.back() == sha256) return Status::Ok();
  std::erase(digests, sha256);
  digests.push_back(sha256);
  const size_t first =
      digests.size() > kMostScanned ? digests.size() - kMostScanned : 0;
  std::string text;
  for (size_t i = first; i < digests.size(); ++i) text += digests[i] + "\n";
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(context.fs, context.work_dir()));
  // If we die here: the old record stays, and a restore scans once more.
  return WriteFileDurably(context.fs, context.InWork(kScanned), text);
}

bool WasScanned(const RestoreContext& context, const std::string& sha256) {
  const auto digests = LoadScanned(context);
  return digests.ok() && !sha256.empty() &&
         std::ranges::find(*digests, sha256) != digests->end();
}

}  // namespace levelkeep
