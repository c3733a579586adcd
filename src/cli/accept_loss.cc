// levelkeep accept-loss

#include "api/report_json.h"
#include "base/text.h"
#include "cli/console.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

api::Json ToJson(const LossPreview& preview) {
  auto json = api::Json::object();
  json["fault"] = preview.fault;
  json["tables"] = preview.tables;
  json["logs"] = preview.logs;
  json["rebuilt"] = preview.rebuilt;
  if (!preview.newest_backup.empty()) {
    json["newestBackup"] = preview.newest_backup;
  }
  return json;
}

api::Json ToJson(const LossReport& report) {
  auto json = api::Json::object();
  json["fault"] = report.fault;
  json["lastSequence"] = report.last_sequence;
  json["bytes"] = report.bytes;
  json["epoch"] = report.epoch;
  json["kept"] = report.kept;
  return json;
}

constexpr char kAcceptLossHelp[] =
    "Makes a database of what is left of one that lacks files.\n"
    "\n"
    "Usage: levelkeep accept-loss [--dry-run] [--yes]\n"
    "\n"
    "For those who have no backup: levelkeep restore loses less. Where "
    "CURRENT,\n"
    "the MANIFEST, tables or logs are missing, nothing opens the database:\n"
    "LevelDB would remove what it does not know. This puts a checked database\n"
    "of all that can be read in its place, and keeps the old folder as a\n"
    "restore does. It begins a new history. What is lost later is refused\n"
    "again.\n";

constexpr VerbOption kAcceptLossOptions[] = {
    {"--dry-run", nullptr, "say what is missing and what is left",
     &VerbArguments::dry_run},
    {"--yes", nullptr, "do not ask", &VerbArguments::yes, "-y"},
};

std::string Describe(const LossPreview& preview) {
  std::string text = preview.fault +
                     ".\nWhat is left: " + std::to_string(preview.tables) +
                     " tables, " + std::to_string(preview.logs) + " logs.\n";
  if (preview.rebuilt) {
    text +=
        "The list of tables is made anew: keys that were deleted may come "
        "back.\n";
  }
  text += preview.newest_backup.empty()
              ? "There is no backup of it in BACKUP_DIR."
              : "levelkeep restore " + preview.newest_backup +
                    " puts the newest backup in place instead.";
  return text +
         "\nThe present folder is kept: see levelkeep restore --undo "
         "--list.";
}

// 1. print what is missing   2. ask   3. rebuild the database
Status RunAcceptLoss(Session* session) {
  Engine engine = session->NewEngine();
  const auto preview = engine.PreviewLoss();
  if (!preview.ok()) return preview.status();
  const std::string description = Describe(*preview);
  if (session->arguments().dry_run) {
    session->result = ToJson(*preview);
    session->Warn(engine.Warnings());
    session->console->Print(description + "\n");
    return Status::Ok();
  }
  if (!session->arguments().yes) {
    const Status confirmed = session->console->Confirm(
        description, Status(StatusCode::kInvalidArgument,
                            "accept-loss gives up data and can't ask here",
                            "pass --yes, or look first with --dry-run"));
    if (!confirmed.ok()) return confirmed;
  }
  auto report = [&] {
    Progress progress(session->console, "making a database of what is left");
    return engine.AcceptLoss({session->world.stop, progress.callback()});
  }();
  if (!report.ok()) return report.status();
  session->result = ToJson(*report);
  session->console->Print("made a database of what was left (" +
                          FormatBytes(report->bytes) + ", write number " +
                          std::to_string(report->last_sequence) + ")\n");
  session->console->Say("the old folder is kept in " + report->kept);
  return Status::Ok();
}

}  // namespace

const Verb kAcceptLossVerb = {"accept-loss", "go on with what is left",
                              kAcceptLossHelp, RunAcceptLoss,
                              kAcceptLossOptions};

}  // namespace levelkeep::cli
