// levelkeep create

#include <chrono>

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kCreateHelp[] =
    "Creates a backup of the database.\n"
    "\n"
    "Usage: levelkeep create [--label TEXT]\n"
    "\n"
    "A closed database is locked while it is read. A database that "
    "another\nprocess has open is read without disturbing that process; the "
    "output says\nwhich way was used. Then old backups are rotated out. create "
    "waits up to\nfive minutes for another process that is changing the "
    "backups.\n";

// The patience for another process that changes the backups, e.g. the server's
// schedule.
constexpr std::chrono::minutes kPatience{5};

constexpr VerbOption kCreateOptions[] = {
    {"--label", "TEXT", "becomes a part of the name: letters, digits, . _ -",
     &VerbArguments::label},
};

Status RunCreate(Session* session) {
  Database database(session->settings().backup, session->platform());
  Engine engine(session->settings().backup, session->platform(), &database);
  BackupRequest request;
  request.label = session->arguments().label;
  request.trigger = "cli";
  request.wait = kPatience;
  request.on_wait = [session](const std::string& why) {
    session->console->Say("waiting (at most five minutes): " + why);
  };
  LEVELKEEP_ASSIGN_OR_RETURN(
      const BackupInfo made,
      session->Show("creating a backup", [&](const Work& work) {
        request.work = work;
        return engine.Create(request);
      }));
  session->result = api::CreatedToJson(made);
  session->result["backup"] =
      api::BackupToDetailedJson(made, session->world.clock->Now());
  session->result["way"] = NameOf(made.snapshot_method);
  session->result["wayText"] = database.way();
  session->console->Say(database.way());
  session->console->Print("created " + made.name + " (" +
                          FormatBytes(made.size_bytes) + ", write number " +
                          std::to_string(made.last_sequence) + ")\n");
  return Status::Ok();
}

}  // namespace

const Verb kCreateVerb = {"create", "make a backup now", kCreateHelp, RunCreate,
                          kCreateOptions};

}  // namespace levelkeep::cli
