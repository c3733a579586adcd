// levelkeep create

#include <chrono>

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kCreateHelp[] =
    "Creates a backup of the database.\n"
    "\n"
    "Usage: levelkeep create [--label TEXT]\n"
    "\n"
    "A running levelkeep serve makes it. Without one, a closed database is "
    "locked\nwhile it is read; one that another process has open is read "
    "without disturbing\nthat process. The output says which way was used. "
    "Then "
    "old backups are rotated\nout. create waits up to five minutes for another "
    "process that is changing the\nbackups.\n";

// The patience for another process that changes the backups, e.g. the server's
// schedule.
constexpr std::chrono::minutes kPatience{5};

constexpr VerbOption kCreateOptions[] = {
    {"--label", "TEXT", "becomes a part of the name: letters, digits, . _ -",
     &VerbArguments::label},
};

// Over the server: a hot snapshot, with the count of its events.
Result<BackupInfo> CreateOver(Session* session, ServerLink* server) {
  ServerLink::Json body = ServerLink::Json::object();
  if (!session->arguments().label.empty()) {
    body["label"] = session->arguments().label;
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto job,
      server->RunJob("creating a backup", "POST", "/api/backup/create", body));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const FoundBackup made,
      session->NewEngine().Find(job["result"]["backup"].get<std::string>()));
  session->result["wayText"] = "the running server made it";
  return ToBackupInfo(made);
}

// The result has the text of the way, too.
Result<BackupInfo> CreateHere(Session* session) {
  Database database(session->settings().backup, session->platform());
  Engine engine(session->settings().backup, session->platform(), &database);
  BackupRequest request;
  request.label = session->arguments().label;
  request.trigger = "cli";
  request.wait = kPatience;
  request.on_wait = [session](const std::string& why) {
    session->console->Say("waiting (at most five minutes): " + why);
  };
  auto made = session->Show("creating a backup", [&](const Work& work) {
    request.work = work;
    return engine.Create(request);
  });
  if (made.ok()) {
    session->result["wayText"] = database.way();
    session->console->Say(database.way());
  }
  return made;
}

Status RunCreate(Session* session) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_ASSIGN_OR_RETURN(const BackupInfo made,
                             server == nullptr
                                 ? CreateHere(session)
                                 : CreateOver(session, server.get()));
  session->result.update(api::CreatedToJson(made));
  session->result["backup"] =
      api::BackupToDetailedJson(made, session->world.clock->Now());
  session->result["way"] = NameOf(made.snapshot_method);
  session->console->Print("created " + made.name + " (" +
                          FormatBytes(made.size_bytes) + ", write number " +
                          std::to_string(made.last_sequence) + ")\n");
  return Status::Ok();
}

}  // namespace

const Verb kCreateVerb = {"create", "make a backup now", kCreateHelp, RunCreate,
                          kCreateOptions};

}  // namespace levelkeep::cli
