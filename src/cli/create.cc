// levelkeep create

#include <chrono>

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"
#include "jobs/job.h"
#include "manager/hooked_create.h"
#include "notify/notifier.h"

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

// The time for messages that this command sends itself. What does not arrive by
// then is sent by the next command or the server.
constexpr std::chrono::seconds kMessagePatience{3};
// The time for a post hook after a stop. One that needs longer runs again at
// the next create or start.
constexpr std::chrono::seconds kHookGrace{10};

// Tells others of one backup, as the manager does of its jobs: heartbeat,
// mails, webhook and hooks.
class Surroundings {
 public:
  explicit Surroundings(Session* session)
      : session_(session),
        options_(session->settings().backup),
        notifier_(OptionsFor(session), session->world.fs, session->world.clock,
                  options_.db_name),
        hooks_(options_.notify.hooks, session->world.fs, session->world.clock,
               SecretVariables()) {
    notifier_.Open(NotifyFolder(options_));
    hooks_.Open(HookFolder(options_));
    Clock* const clock = session->world.clock;
    job_.created = clock->Now();
    job_.id = NewJobId(job_.created);
    job_.request.label = session->arguments().label;
    job_.request.trigger = "cli";
  }
  // Waits for the post hook, then for messages.
  ~Surroundings() {
    const bool stopped = session_->world.stop.stop_requested();
    hooks_.Close(
        stopped ? kHookGrace
                : std::chrono::seconds(options_.notify.hooks.timeout_seconds));
    if (!stopped) notifier_.Flush(kMessagePatience);
    notifier_.Close();
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  Result<BackupInfo> Create(Engine* engine, BackupRequest request) {
    job_.status = JobStatus::kInProgress;
    job_.attempts = 1;
    job_.started = session_->world.clock->Now();
    notifier_.Hear(job_);
    auto made = CreateWithHooks(engine, &hooks_, options_, job_.id, 1,
                                std::move(request));
    const StatusCode code = made.status().code();
    job_.status = code == StatusCode::kOk          ? JobStatus::kCompleted
                  : code == StatusCode::kCancelled ? JobStatus::kCancelled
                                                   : JobStatus::kFailed;
    job_.ended = session_->world.clock->Now();
    job_.code = code;
    job_.message = made.status().message();
    if (made.ok()) job_.result = ResultOfCreate(*made);
    notifier_.Hear(job_);
    return made;
  }

 private:
  static NotifyOptions OptionsFor(Session* session) {
    const std::string& problem = session->settings().notify_secret_problem;
    if (problem.empty()) return session->settings().backup.notify;
    session->console->Say("nobody is told of this backup: " + problem);
    return {};
  }

  Session* const session_;
  const BackupOptions& options_;
  Notifier notifier_;
  Hooks hooks_;
  Job job_;
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
  Surroundings surroundings(session);
  BackupRequest request;
  request.label = session->arguments().label;
  request.trigger = "cli";
  request.wait = kPatience;
  request.on_wait = [session](const std::string& why) {
    session->console->Say("waiting (at most five minutes): " + why);
  };
  auto made = session->Show("creating a backup", [&](const Work& work) {
    request.work = work;
    return surroundings.Create(&engine, request);
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
  if (!made.warning.empty()) session->console->Warn(made.warning);
  return Status::Ok();
}

}  // namespace

const Verb kCreateVerb = {"create", "make a backup now", kCreateHelp, RunCreate,
                          kCreateOptions};

}  // namespace levelkeep::cli
