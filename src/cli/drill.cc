// levelkeep drill

#include "api/report_json.h"
#include "base/drill_fields.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kDrillHelp[] =
    "Restores a backup on trial into a scratch folder, where a restore would\n"
    "write, opens it, reads every key, compares it with its manifest and "
    "removes it\nagain. The database is not touched.\n"
    "\n"
    "Usage: levelkeep drill [NAME]\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest (default). A\n"
    "running levelkeep serve does it, else this command. levelkeep health "
    "shows the\nlast drill, and how long a restore takes. Exit code 3 means "
    "that "
    "the backup is\ndamaged; any other code except 0 means that the drill "
    "could "
    "not be done, which\nsays nothing about the backup.\n";

constexpr VerbOption kDrillOptions[] = {
    {"source", "NAME", nullptr, &VerbArguments::source},
};

Result<DrillReport> DrillNamed(Session* session, Engine* engine,
                               const std::string& source) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                             engine->Find(source, NameMatch::kBeginning));
  const std::string label = "restoring " + backup.name + " on trial";
  if (server == nullptr) {
    return session->Show(
        label, [&](const Work& work) { return engine->Drill(backup, work); });
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto job,
      server->RunJob(label, "POST", "/api/drill", {{"backup", backup.name}}));
  return DrillReportOf(
      job.value("result", std::map<std::string, std::string>()));
}

std::string Describe(const DrillReport& report) {
  std::string text = report.name + ": restored on trial, " +
                     FormatBytes(report.bytes) + ", " +
                     std::to_string(report.entries) + " keys, write number " +
                     std::to_string(report.last_sequence);
  if (report.events > 0) {
    text += ", " + std::to_string(report.events) + " events when it was made";
  }
  text += "\nit took " + FormatSeconds(report.seconds);
  if (report.seconds > 0) {
    text += ", " +
            FormatBytes(static_cast<uint64_t>(
                static_cast<double>(report.bytes) / report.seconds)) +
            "/s";
  }
  for (const std::string& one : report.not_compared) text += "\n" + one;
  return text;
}

// How long a restore of the newest backup would take at the rate of the drill.
double PredictedSeconds(Engine* engine, const DrillReport& report) {
  const auto newest = engine->Find("latest");
  if (!newest.ok() || !newest->manifest || report.bytes == 0) {
    return report.seconds;
  }
  return report.seconds * static_cast<double>(newest->manifest->source_bytes) /
         static_cast<double>(report.bytes);
}

Status RunDrill(Session* session) {
  const std::string& named = session->arguments().source;
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const DrillReport report,
      DrillNamed(session, &engine, named.empty() ? "latest" : named));
  const double predicted = PredictedSeconds(&engine, report);
  session->result.update(api::ToJson(report));
  session->result["predictedRestoreSeconds"] =
      report.limited ? ServerLink::Json() : ServerLink::Json(predicted);
  session->console->Print(
      Describe(report) + "\n" +
      (report.limited
           ? "BACKUP_RATE_LIMIT slowed the drill: a restore is faster\n"
           : "a restore of this database takes about " +
                 FormatSeconds(predicted) + "\n"));
  return Status::Ok();
}

}  // namespace

const Verb kDrillVerb = {"drill", "restore a backup on trial, and measure it",
                         kDrillHelp, RunDrill, kDrillOptions};

}  // namespace levelkeep::cli
