#include "restore/store_check.h"

#include <csignal>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr size_t kOutputLimitBytes = 64 * 1024;
constexpr int kWrongArguments = 2;  // its exit code
constexpr std::string_view kProgramName = "levelkeep-check";

std::string SignalMeaning(int signal) {
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
      return "the check of the database was ended";
  }
}

Status NoReport() {
  return Status(StatusCode::kCorruption,
                "the check of the database ended without a report",
                "run levelkeep-check on it by hand to see why");
}

// What a report of failure means. Some are not the database's fault: a full
// disk, a file's mode.
Status DecodeFailure(const nlohmann::json& json, Status* failure) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string name, RequireText(json, "code"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string error,
                             RequireText(json, "error"));
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string hint,
                             OptionalText(json, "hint"));
  StatusCode code = StatusCode::kCorruption;
  for (const StatusCode known :
       {StatusCode::kUnsupported, StatusCode::kNoSpace, StatusCode::kIoError,
        StatusCode::kPermissionDenied}) {
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
  return check;
}

// The child may have been made to say anything.
Result<StoreCheck> ParseReport(const std::string& output) {
  const auto json = ParseJson(output, "the report");
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

Result<uint64_t> TreeBytes(FileSystem* fs, const std::string& db_dir) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto names, fs->List(db_dir));
  uint64_t bytes = 0;
  for (const std::string& name : names) {
    const auto info = fs->Stat(JoinPath(db_dir, name));
    if (info.ok()) bytes += info->size_bytes;
  }
  return bytes;
}

// `database`: the arguments that name it.
Result<StoreCheck> RunCheckProgram(const RestoreContext& context,
                                   const std::vector<std::string>& database,
                                   uint64_t db_bytes,
                                   const std::string& scratch_dir,
                                   std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string program,
      FindCheckProgram(context.fs, context.options.check_program));
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), database.begin(), database.end());
  arguments.insert(arguments.end(), {"--scratch", scratch_dir, "--comparator",
                                     context.options.comparator_name});
  const bool idle = IsIdleThread();  // then the child is, too
  const auto timeout = CheckTimeout(db_bytes, idle);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const ProgramOutcome outcome,
      RunProgram(arguments, timeout, kOutputLimitBytes, stop));
  return InterpretCheckOutcome(outcome, timeout, idle);
}

Result<StoreCheck> CheckFolder(const RestoreContext& context,
                               const std::string& db_dir,
                               const std::string& scratch_dir,
                               std::stop_token stop, Vouched vouched) {
  if (context.options.store_checker) {
    return context.options.store_checker(db_dir, scratch_dir, stop);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t bytes,
                             TreeBytes(context.fs, db_dir));
  std::vector<std::string> database = {db_dir};
  if (vouched == Vouched::kNo) database.emplace_back("--each-table");
  return RunCheckProgram(context, database, bytes, scratch_dir, stop);
}

Result<StoreCheck> WithScratch(const RestoreContext& context,
                               const std::string& scratch_dir,
                               const std::function<Result<StoreCheck>()>& run) {
  LEVELKEEP_RETURN_IF_ERROR(context.fs->CreateDirectory(scratch_dir));
  // If we die here: scratch that the next start sweeps.
  Result<StoreCheck> check = run();
  const Status removed = RemoveTree(context.fs, scratch_dir);
  if (check.ok() && !removed.ok()) return removed;
  return check;
}

}  // namespace

std::chrono::milliseconds CheckTimeout(uint64_t db_bytes, bool idle) {
  // An idle one gets 0.3 % of a core that others keep busy. What computes
  // without an end is ended by its processor time all the same.
  const uint64_t patience = idle ? 100 : 1;
  return std::chrono::seconds(patience * (60 + db_bytes / 5'000'000));
}

Result<StoreCheck> InterpretCheckOutcome(const ProgramOutcome& outcome,
                                         std::chrono::milliseconds timeout,
                                         bool idle) {
  if (outcome.timed_out && idle) {
    return Status(StatusCode::kIoError,
                  "the check of the database did not end within " +
                      std::to_string(timeout.count() / 1000) +
                      " s at idle priority",
                  "the host has no core to spare: set BACKUP_PRIORITY=low");
  }
  if (outcome.timed_out) {
    return Status(StatusCode::kCorruption,
                  "the check of the database did not end within " +
                      std::to_string(timeout.count() / 1000) + " s",
                  "if the host is just slow or overloaded, try again later");
  }
  // Nothing in a database sends this signal; a host short of memory does. It
  // says nothing about the backup.
  if (outcome.signal == SIGKILL) {
    return Status(StatusCode::kNoSpace,
                  "the check of the database was killed (signal 9), maybe for "
                  "lack of memory",
                  "try again when the host has memory to spare");
  }
  if (outcome.signal != 0) {
    return Status(StatusCode::kCorruption,
                  SignalMeaning(outcome.signal) + " (signal " +
                      std::to_string(outcome.signal) + ")",
                  "its files are damaged or were made to do harm: use another "
                  "backup");
  }
  if (outcome.exit_code == kWrongArguments) {
    return Status(StatusCode::kInternal,
                  "levelkeep-check does not know its arguments",
                  "it is of another version: install it beside this program");
  }
  return ParseReport(outcome.output);
}

Result<StoreCheck> CheckStore(const RestoreContext& context,
                              const std::string& db_dir,
                              const std::string& scratch_dir,
                              std::stop_token stop, Vouched vouched) {
  return WithScratch(context, scratch_dir, [&] {
    return CheckFolder(context, db_dir, scratch_dir, stop, vouched);
  });
}

Result<StoreCheck> CheckArchivedStore(const RestoreContext& context,
                                      const std::string& archive_path,
                                      uint64_t content_bytes,
                                      const std::string& scratch_dir,
                                      std::stop_token stop) {
  const auto run = [&]() -> Result<StoreCheck> {
    if (context.options.archive_checker) {
      return context.options.archive_checker(archive_path, scratch_dir, stop);
    }
    return RunCheckProgram(context, {"--archive", archive_path}, content_bytes,
                           scratch_dir, stop);
  };
  return WithScratch(context, scratch_dir, run);
}

Result<std::string> FindCheckProgram(FileSystem* fs,
                                     const std::string& configured) {
  std::vector<std::string> places;
  if (!configured.empty()) {
    places.push_back(configured);
  } else {
    const std::string self = ExecutablePath();
    if (!self.empty()) {
      const std::string beside = ParentPath(self);
      places.push_back(JoinPath(beside, kProgramName));
      // An installation that was moved as a whole.
      places.push_back(JoinPath(
          beside, "../libexec/levelkeep/" + std::string(kProgramName)));
    }
    places.push_back(JoinPath(LEVELKEEP_LIBEXEC_DIR, kProgramName));
  }
  for (const std::string& place : places) {
    const auto info = fs->StatFollowing(place);
    if (info.ok() && info->type == FileType::kRegular) return place;
  }
  return Status(StatusCode::kNotFound,
                "levelkeep-check is not at " + Join(places, " or "),
                "set LEVELKEEP_CHECK_PROGRAM to its path; no backup can be "
                "restored or fully verified without it");
}

}  // namespace levelkeep
