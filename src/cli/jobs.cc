// levelkeep jobs, levelkeep job

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "catalog/database_records.h"
#include "cli/server_link.h"
#include "cli/session.h"
#include "dbfiles/identity.h"
#include "jobs/job.h"
#include "jobs/job_store.h"

namespace levelkeep::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr char kJobsHelp[] =
    "Lists the jobs of the database, newest first, or shows or cancels one.\n"
    "\n"
    "Usage: levelkeep jobs [--limit N]\n"
    "       levelkeep jobs ID\n"
    "       levelkeep jobs --cancel ID\n"
    "\n"
    "It asks the running server. Without one, it reads what BACKUP_DIR\n"
    "remembers: jobs of the last 90 days; none can be cancelled then.\n";

constexpr char kJobHelp[] =
    "Begins a job of the database.\n"
    "\n"
    "Usage: levelkeep job run JOB [--no-wait]\n"
    "\n"
    "JOB is backup-database, rotate-backups, verify-backups (the backups that\n"
    "have waited longest, as VERIFY_SCHEDULE does) or drill-backup (the "
    "newest\n"
    "one, as DRILL_SCHEDULE does).\n"
    "A running server does the job, and this command waits for its end. "
    "Without\none, the job is kept in BACKUP_DIR: the application, or for "
    "rotations and\nverifications also levelkeep worker, does it as soon as it "
    "runs.\n";

constexpr VerbOption kJobOptions[] = {
    {"action", "run", nullptr, &VerbArguments::action},
    {"job", "JOB", nullptr, &VerbArguments::source},
    {"--no-wait", nullptr, "do not wait for the end of the job",
     &VerbArguments::no_wait},
};

constexpr VerbOption kJobsOptions[] = {
    {"source", "ID", nullptr, &VerbArguments::source},
    {"--limit", "N", "list at most N jobs (default 20)",
     NumberTarget{&VerbArguments::limit, 1, 1000}},
    {"--cancel", nullptr, "end the job ID, if it has not ended",
     &VerbArguments::cancel},
};

uint64_t LimitOf(const VerbArguments& arguments) {
  constexpr uint64_t kDefault = 20;
  return arguments.limit == 0 ? kDefault : arguments.limit;
}

// The store of the database's jobs. A process without jobs of its own may read
// it and add to it beside a server.
Result<std::unique_ptr<JobStore>> OpenStore(Session* session) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const DatabaseIdentity identity,
      ReadIdentity(session->world.fs,
                   session->settings().backup.storage_path()));
  if (identity.id.empty()) {
    return Status(StatusCode::kNotFound,
                  "the database has no jobs yet: no server has managed it",
                  "start the application, or levelkeep serve, once");
  }
  return std::make_unique<JobStore>(
      session->world.fs, session->world.clock,
      session->NewEngine().JobsFolder(identity.id));
}

// Reads the records without a server.
class RecordedJobs {
 public:
  static Result<RecordedJobs> Open(Session* session) {
    LEVELKEEP_ASSIGN_OR_RETURN(auto store, OpenStore(session));
    return RecordedJobs(session, std::move(store));
  }

  Result<Json> Show(const std::string& id) const {
    LEVELKEEP_ASSIGN_OR_RETURN(const Job job, store_->Find(id));
    return api::ToJson(job, clock_->Now());
  }
  Result<Json> List(uint64_t limit) const {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto jobs, store_->List({.limit = limit}));
    Json list = Json::array();
    for (const Job& job : jobs) list.push_back(api::ToJson(job, clock_->Now()));
    return list;
  }

 private:
  RecordedJobs(Session* session, std::unique_ptr<JobStore> store)
      : clock_(session->world.clock), store_(std::move(store)) {}

  Clock* clock_;
  std::unique_ptr<JobStore> store_;
};

std::string FieldOf(const Json& job, const char* name) {
  const auto found = job.find(name);
  return found != job.end() && found->is_string() ? found->get<std::string>()
                                                  : "";
}

std::string ShownStatus(const Json& job) {
  const std::string status = FieldOf(job, "status");
  if (status != "in_progress") return status;
  const double progress = job.value("progress", 0.0);
  return status + " " + std::to_string(static_cast<int>(progress * 100)) + " %";
}

void PrintJobs(Session* session, const Json& jobs) {
  Table table(
      {"ID", "TYPE", "STATUS", "CREATED (UTC)", "MESSAGE"},
      {Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft});
  for (const Json& job : jobs) {
    const auto created = ParseTime(FieldOf(job, "createdAt"));
    table.AddRow({{FieldOf(job, "id")},
                  {FieldOf(job, "type")},
                  {ShownStatus(job)},
                  {created.ok() ? FormatTimeForPeople(*created) : ""},
                  {Printable(FieldOf(job, "message"), 200)}});
  }
  if (jobs.empty()) {
    session->console->Say("no jobs");
  } else {
    session->console->Print(table.ToString());
  }
}

Result<Json> JobsOver(ServerLink* server, const VerbArguments& arguments) {
  const std::string target = "/api/jobs";
  if (arguments.source.empty()) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const Json answer,
        server->Call("GET",
                     target + "?limit=" + std::to_string(LimitOf(arguments))));
    return answer.value("jobs", Json::array());
  }
  if (arguments.cancel) {
    LEVELKEEP_RETURN_IF_ERROR(
        server->Call("DELETE", target + "/" + arguments.source).status());
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Json answer, server->Call("GET", target + "/" + arguments.source));
  return Json::array({answer.value("job", Json::object())});
}

Result<Json> JobsHere(Session* session) {
  const VerbArguments& arguments = session->arguments();
  if (arguments.cancel) {
    return Status(StatusCode::kNotFound,
                  "no server runs that could have a job to cancel",
                  "a job that waits begins at the next start");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const RecordedJobs jobs,
                             RecordedJobs::Open(session));
  if (arguments.source.empty()) {
    return jobs.List(LimitOf(arguments));
  }
  LEVELKEEP_ASSIGN_OR_RETURN(Json job, jobs.Show(arguments.source));
  return Json::array({std::move(job)});
}

// A job that other processes may ask for, by the name that users know.
struct NamedJob {
  const char* name;
  JobRequest request;
  const char* route;
  const char* label;  // beside its progress
};

const std::vector<NamedJob>& NamedJobs() {
  static const auto* const kJobs = new std::vector<NamedJob>{
      {"backup-database",
       {.type = JobType::kCreate, .trigger = "cli"},
       "/api/backup/create",
       "creating a backup"},
      {"rotate-backups",
       {.type = JobType::kRotate, .trigger = "cli"},
       "/api/backup/rotate",
       "rotating"},
      {"verify-backups",
       {.type = JobType::kVerify, .all = true, .trigger = "cli"},
       "/api/backup/verify",
       "verifying"},
      {"drill-backup",
       {.type = JobType::kDrill, .backup = "latest", .trigger = "cli"},
       "/api/drill",
       "restoring on trial"}};
  return *kJobs;
}

Result<const NamedJob*> FindNamedJob(const std::string& name) {
  std::string known;
  for (const NamedJob& job : NamedJobs()) {
    if (name == job.name) return &job;
    known += (known.empty() ? "" : ", ") + std::string(job.name);
  }
  return Status(StatusCode::kInvalidArgument,
                name.empty() ? "job run needs the name of a job"
                             : "there is no job " + Printable(name, 60),
                "allowed are " + known);
}

Result<Json> RunOver(Session* session, ServerLink* server,
                     const NamedJob& job) {
  if (!session->arguments().no_wait) {
    return server->RunJob(job.label, "POST", job.route);
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string id,
                             server->Submit("POST", job.route));
  return Json{{"id", id}, {"type", JobTypeName(job.request.type)}};
}

// The copy of a database has the identity of the original until a server
// manages it: its jobs would be done to the original.
Status RequireOwnPlace(Session* session) {
  const BackupOptions& options = session->settings().backup;
  LEVELKEEP_ASSIGN_OR_RETURN(
      const DatabaseIdentity identity,
      ReadIdentity(session->world.fs, options.storage_path()));
  const auto record =
      DatabaseRecords(session->world.fs, options.backup_dir).Load(identity.id);
  const std::string place = AbsolutePath(options.storage_path());
  if (!record.ok() || record->places.empty() || record->IsAt(place)) {
    return Status::Ok();
  }
  return Status(StatusCode::kOtherDatabase,
                place + " is a copy of the database in " +
                    record->places.front() +
                    ", or was moved, and no server has managed it yet",
                "start the application, or levelkeep serve, once");
}

// Nobody runs the job yet.
Result<Json> Offer(Session* session, const NamedJob& named) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto store, OpenStore(session));
  LEVELKEEP_RETURN_IF_ERROR(RequireOwnPlace(session));
  Job job;
  job.created = session->world.clock->Now();
  job.id = NewJobId(job.created);
  job.request = named.request;
  LEVELKEEP_RETURN_IF_ERROR(store->Offer(job));
  return api::ToJson(job, job.created);
}

Status RunJob(Session* session) {
  if (session->arguments().action != "run") {
    return Status(StatusCode::kInvalidArgument,
                  "job needs an action, and the only one is run",
                  "levelkeep job run backup-database; levelkeep jobs lists");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const NamedJob* const named,
                             FindNamedJob(session->arguments().source));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_ASSIGN_OR_RETURN(const Json job,
                             server == nullptr
                                 ? Offer(session, *named)
                                 : RunOver(session, server.get(), *named));
  session->result["job"] = job;
  const std::string id = FieldOf(job, "id");
  if (server == nullptr) {
    session->console->Print(
        "job " + id +
        " is kept: it begins when the application runs (a "
        "rotation or a verification: or levelkeep worker)\n");
  } else if (session->arguments().no_wait) {
    session->console->Print("job " + id + " has begun: levelkeep jobs " + id +
                            " shows it\n");
  } else {
    session->console->Print(std::string(named->name) + ": " +
                            FieldOf(job, "message") + "\n");
  }
  return Status::Ok();
}

Status RunJobs(Session* session) {
  const VerbArguments& arguments = session->arguments();
  if (arguments.cancel && arguments.source.empty()) {
    return Status(StatusCode::kInvalidArgument, "--cancel needs a job",
                  "levelkeep jobs lists them");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Json jobs, server == nullptr ? JobsHere(session)
                                         : JobsOver(server.get(), arguments));
  session->result["jobs"] = jobs;
  PrintJobs(session, jobs);
  return Status::Ok();
}

}  // namespace

const Verb kJobVerb = {.name = "job",
                       .summary = "begin a job, now or at the next start",
                       .help = kJobHelp,
                       .run = RunJob,
                       .options = kJobOptions};

const Verb kJobsVerb = {.name = "jobs",
                        .summary = "list, show or cancel jobs",
                        .help = kJobsHelp,
                        .run = RunJobs,
                        .options = kJobsOptions};

}  // namespace levelkeep::cli
