// levelkeep rotate

#include "api/report_json.h"
#include "base/status_macros.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kRotateHelp[] =
    "Removes the backups that retention does not keep (MAX_BACKUPS).\n"
    "\n"
    "Usage: levelkeep rotate [--dry-run]\n"
    "\n"
    "The newest verified backup and pinned ones always stay. This also\n"
    "happens after each backup that is made.\n";

constexpr VerbOption kRotateOptions[] = {
    {"--dry-run", nullptr,
     "print what would be removed and why; remove nothing",
     &VerbArguments::dry_run},
};

// The server decides in its job; the plan is what it decides from.
Result<std::vector<RotationDecision>> Rotate(Session* session, bool dry_run) {
  Engine engine = session->NewEngine();
  if (dry_run) return engine.PlanRotation();
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  if (server == nullptr) return engine.Rotate();
  LEVELKEEP_ASSIGN_OR_RETURN(auto decisions, engine.PlanRotation());
  LEVELKEEP_RETURN_IF_ERROR(
      server->RunJob("rotating", "POST", "/api/backup/rotate").status());
  return decisions;
}

Status RunRotate(Session* session) {
  const bool dry_run = session->arguments().dry_run;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto decisions, Rotate(session, dry_run));
  session->result.update(api::RotationToJson(decisions, dry_run));
  size_t removed = 0;
  Table table({"NAME", "DECISION", "REASON"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  for (const RotationDecision& decision : decisions) {
    if (!decision.keep) ++removed;
    table.AddRow({{decision.name},
                  {decision.keep ? "keep" : "remove"},
                  {decision.reason}});
  }
  if (!decisions.empty()) session->console->Print(table.ToString());
  session->console->Say(std::to_string(removed) +
                        (dry_run ? " would be removed" : " removed") + ", " +
                        std::to_string(decisions.size() - removed) +
                        (dry_run ? " would stay" : " stay"));
  return Status::Ok();
}

}  // namespace

const Verb kRotateVerb = {"rotate",
                          "remove backups that retention does not keep",
                          kRotateHelp, RunRotate, kRotateOptions};

}  // namespace levelkeep::cli
