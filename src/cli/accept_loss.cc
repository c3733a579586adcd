// levelkeep accept-loss

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

api::Json ToJson(const LossPreview& preview) {
  api::Json json = {{"fault", preview.fault},
                    {"tables", preview.tables},
                    {"logs", preview.logs},
                    {"rebuilt", preview.rebuilt}};
  if (!preview.newest_backup.empty()) {
    json["newestBackup"] = preview.newest_backup;
  }
  return json;
}

api::Json ToJson(const LossReport& report) {
  return {{"fault", report.fault},
          {"lastSequence", report.last_sequence},
          {"bytes", report.bytes},
          {"epoch", report.epoch},
          {"kept", report.kept}};
}

constexpr char kAcceptLossHelp[] =
    "Rebuilds a database that lacks files from its remaining files.\n"
    "\n"
    "Usage: levelkeep accept-loss [--dry-run] [--yes]\n"
    "\n"
    "Use this only without a backup: levelkeep restore loses less. If "
    "CURRENT,\nthe MANIFEST, tables or logs are missing, no verb opens the "
    "database,\nbecause LevelDB would remove the files that it does not know. "
    "accept-loss\nbuilds a checked database from all files that can be read, "
    "puts it in place\nand keeps the old folder, as a restore does. The new "
    "database begins a new\nhistory. If files are lost later, the database is "
    "refused again.\n";

constexpr VerbOption kAcceptLossOptions[] = {
    {"--dry-run", nullptr, "print the missing and the remaining files",
     &VerbArguments::dry_run},
    {"--yes", nullptr, "do not ask", &VerbArguments::yes, "-y"},
};

std::string Describe(const LossPreview& preview) {
  std::string text = preview.fault +
                     ".\nRemaining: " + std::to_string(preview.tables) +
                     " tables, " + std::to_string(preview.logs) + " logs.\n";
  if (preview.rebuilt) {
    text += "The list of tables is rebuilt: deleted keys may come back.\n";
  }
  text += preview.newest_backup.empty()
              ? "BACKUP_DIR has no backup of this database."
              : "levelkeep restore " + preview.newest_backup +
                    " puts the newest backup in place instead.";
  return text +
         "\nThe present folder is kept: see levelkeep restore --undo "
         "--list.";
}

// 1. print what is missing   2. ask   3. rebuild the database
Status RunAcceptLoss(Session* session) {
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(const LossPreview preview, engine.PreviewLoss());
  const std::string description = Describe(preview);
  if (session->arguments().dry_run) {
    session->result = ToJson(preview);
    session->Warn(engine.Warnings());
    session->console->Print(description + "\n");
    return Status::Ok();
  }
  LEVELKEEP_RETURN_IF_ERROR(session->Confirm(
      description,
      Status(StatusCode::kInvalidArgument,
             "accept-loss gives up data, and nobody can confirm it here",
             "pass --yes, or look first with --dry-run")));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const LossReport report,
      session->Show("rebuilding the database",
                    [&](const Work& work) { return engine.AcceptLoss(work); }));
  session->result = ToJson(report);
  session->console->Print("rebuilt the database from its remaining files (" +
                          FormatBytes(report.bytes) + ", write number " +
                          std::to_string(report.last_sequence) + ")\n");
  session->console->Say("the old folder is kept in " + report.kept);
  return Status::Ok();
}

}  // namespace

const Verb kAcceptLossVerb = {
    "accept-loss", "rebuild a database that lacks files", kAcceptLossHelp,
    RunAcceptLoss, kAcceptLossOptions};

}  // namespace levelkeep::cli
