// levelkeep rotate

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kRotateHelp[] =
    "Removes the backups that no rule of retention wants.\n"
    "\n"
    "Usage: levelkeep rotate [--dry-run]\n"
    "\n"
    "A rule acts when it is set; without one, MAX_BACKUPS acts. A backup "
    "stays\n"
    "if any rule wants it. The newest verified backup, pinned ones and those\n"
    "that are being read always stay. This also happens after each backup "
    "that\n"
    "is made. A dry run also lists what would go in the next 30 days.\n";

constexpr VerbOption kRotateOptions[] = {
    {"--dry-run", nullptr,
     "print what would be removed and why; remove nothing",
     &VerbArguments::dry_run},
};

void Print(Session* session, const std::vector<RotationDecision>& decisions,
           bool dry_run) {
  size_t removed = 0;
  Table table({"NAME", "DECISION", "REASON"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  for (const RotationDecision& decision : decisions) {
    if (!decision.keep) ++removed;
    table.AddRow({{decision.name},
                  {decision.keep ? "keep" : "remove"},
                  {Join(decision.reasons, "; ")}});
  }
  if (!decisions.empty()) session->console->Print(table.ToString());
  session->console->Say(std::to_string(removed) +
                        (dry_run ? " would be removed" : " removed") + ", " +
                        std::to_string(decisions.size() - removed) +
                        (dry_run ? " would stay" : " stay"));
}

// The zone matters only to rules that count days.
void SayZone(Session* session) {
  const BackupOptions& options = session->settings().backup;
  if (!options.retention.counts_days()) return;
  const auto zone = TimeZone::Load(options.schedule.time_zone);
  if (!zone.ok()) return;
  session->console->Say("days, weeks, months and years are those of " +
                        zone->name());
}

void PrintForecast(Session* session, const RotationPlan& plan) {
  Table table({"NAME", "GOES (UTC)", "REASON"},
              {Align::kLeft, Align::kLeft, Align::kLeft});
  for (const RotationForecast& one : plan.forecast) {
    table.AddRow({{one.name}, {FormatTimeForPeople(one.at)}, {one.reason}});
  }
  if (!plan.forecast.empty()) {
    session->console->Print("\n" + table.ToString());
  }
  session->console->Say(std::to_string(plan.forecast.size()) +
                        " more would go by " +
                        FormatTimeForPeople(plan.forecast_until) +
                        " (UTC), if backups go on and are verified");
  SayZone(session);
}

// The plan is the server's: its settings decide, not ours.
Result<std::vector<RotationDecision>> Rotate(Session* session, Engine* engine) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  if (server == nullptr) return engine->Rotate();
  const std::string route = "/api/backup/rotate";
  LEVELKEEP_ASSIGN_OR_RETURN(const auto plan,
                             server->Call("POST", route, {{"dryRun", true}}));
  LEVELKEEP_RETURN_IF_ERROR(server->RunJob("rotating", "POST", route).status());
  std::vector<RotationDecision> decisions;
  for (const char* list : {"kept", "removed"}) {
    for (const auto& one : plan.value(list, ServerLink::Json::array())) {
      RotationDecision& decision = decisions.emplace_back();
      decision.name = one.value("name", "");
      decision.reason = one.value("reason", "");
      decision.reasons = one.value("reasons", std::vector<std::string>());
      decision.keep = list == std::string_view("kept");
    }
  }
  return decisions;
}

Status RunRotate(Session* session) {
  Engine engine = session->NewEngine();
  if (!session->arguments().dry_run) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto decisions, Rotate(session, &engine));
    session->result.update(api::RotationToJson(decisions));
    Print(session, decisions, false);
    return Status::Ok();
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const RotationPlan plan, engine.PlanRotation());
  session->result = api::RotationPlanToJson(plan);
  Print(session, plan.decisions, true);
  PrintForecast(session, plan);
  session->Warn(plan.warnings);
  return Status::Ok();
}

}  // namespace

const Verb kRotateVerb = {"rotate",
                          "remove backups that retention does not keep",
                          kRotateHelp, RunRotate, kRotateOptions};

}  // namespace levelkeep::cli
