// levelkeep verify

#include "api/report_json.h"
#include "base/report_names.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kVerifyHelp[] =
    "Checks backups; the result is kept and shown by levelkeep list.\n"
    "\n"
    "Usage: levelkeep verify NAME|PATH [--depth DEPTH]\n"
    "       levelkeep verify --all [--depth DEPTH]\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest. Exit code "
    "3\nmeans that a backup is damaged; any other code except 0 means that a "
    "check\ncould not be done, which says nothing about the backup.\n";

constexpr VerbOption kVerifyOptions[] = {
    {"source", "NAME|PATH", nullptr, &VerbArguments::source},
    {"--all", nullptr, "every backup in BACKUP_DIR", &VerbArguments::all},
    {"--depth", "DEPTH",
     "structure: the table of contents and the manifest\n"
     "checksums: every byte\n"
     "full: also opens the database and reads every key\n"
     "(default)",
     &VerbArguments::depth},
};

std::string Describe(const VerifyReport& report) {
  std::string text = report.name + ": ok, " + std::to_string(report.files) +
                     " files, " + FormatBytes(report.bytes);
  if (report.depth == VerifyDepth::kFull) {
    text += ", " + std::to_string(report.entries) + " keys, write number " +
            std::to_string(report.last_sequence);
  }
  if (!report.order_checked) {
    text +=
        " (the comparator is unknown here: the order of keys was not checked)";
  }
  if (!report.own) text += " (no manifest: nothing to compare with)";
  return text;
}

Result<VerifyReport> VerifyOne(Session* session, Engine* engine,
                               const std::string& source, VerifyDepth depth) {
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                             engine->Locate(source, NameMatch::kBeginning));
  return session->Show("verifying " + source, [&](const Work& work) {
    return engine->Verify(backup, depth, work);
  });
}

// Verifies all backups even if one is bad; only a stop ends it early.
Status VerifyAll(Session* session, Engine* engine, VerifyDepth depth) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto backups, engine->List());
  auto& results = session->result["results"] = nlohmann::ordered_json::array();
  if (backups.empty()) {
    session->console->Say("no backups in " +
                          session->settings().backup.backup_dir);
  }
  std::vector<std::string> damaged;
  Status other_failure;
  for (const BackupInfo& backup : backups) {
    auto report = VerifyOne(session, engine, backup.name, depth);
    if (report.ok()) {
      results.push_back(api::ToJson(*report));
      session->console->Print(Describe(*report) + "\n");
      continue;
    }
    const Status& status = report.status();
    if (status.code() == StatusCode::kCancelled) return status;
    results.push_back({{"name", backup.name},
                       {"code", StatusCodeName(status.code())},
                       {"message", status.message()}});
    const bool bad = status.code() == StatusCode::kCorruption;
    const std::string word = bad ? session->console->Red("failed")
                                 : session->console->Yellow("not checked");
    session->console->Print(backup.name + ": " + word + ", " +
                            status.message() + "\n");
    if (bad) {
      damaged.push_back(backup.name);
    } else if (other_failure.ok()) {
      other_failure = status.WithContext(backup.name);
    }
  }
  if (!damaged.empty()) {
    return Status(StatusCode::kCorruption,
                  std::to_string(damaged.size()) + " of " +
                      std::to_string(backups.size()) +
                      " backups are damaged: " + Join(damaged, ", "),
                  "make a new backup now: levelkeep create");
  }
  return other_failure;
}

Status RunVerify(Session* session) {
  const VerbArguments& arguments = session->arguments();
  const auto depth = ParseVerifyDepth(arguments.depth);
  if (!depth) {
    return Status(StatusCode::kInvalidArgument,
                  "--depth is \"" + Printable(arguments.depth) +
                      "\": allowed are structure, checksums and full");
  }
  if (arguments.all != arguments.source.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "verify needs either a backup or --all",
                  "name a backup, or latest: see levelkeep list");
  }
  Engine engine = session->NewEngine();
  if (arguments.all) return VerifyAll(session, &engine, *depth);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const VerifyReport report,
      VerifyOne(session, &engine, arguments.source, *depth));
  session->result = api::ToJson(report);
  session->console->Print(Describe(report) + "\n");
  return Status::Ok();
}

}  // namespace

const Verb kVerifyVerb = {"verify", "check that backups can be restored",
                          kVerifyHelp, RunVerify, kVerifyOptions};

}  // namespace levelkeep::cli
