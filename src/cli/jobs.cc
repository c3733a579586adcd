// levelkeep jobs

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"
#include "dbfiles/identity.h"
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

// Reads the records without a server.
class RecordedJobs {
 public:
  static Result<RecordedJobs> Open(Session* session) {
    LEVELKEEP_ASSIGN_OR_RETURN(
        const DatabaseIdentity identity,
        ReadIdentity(session->world.fs,
                     session->settings().backup.storage_path()));
    if (identity.id.empty()) {
      return Status(StatusCode::kNotFound,
                    "the database has no jobs yet: no server has managed it");
    }
    return RecordedJobs(session, session->NewEngine().JobsFolder(identity.id));
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
  RecordedJobs(Session* session, const std::string& folder)
      : clock_(session->world.clock),
        store_(std::make_unique<JobStore>(session->world.fs,
                                          session->world.clock, folder)) {}

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

const Verb kJobsVerb = {.name = "jobs",
                        .summary = "list, show or cancel jobs",
                        .help = kJobsHelp,
                        .run = RunJobs,
                        .options = kJobsOptions};

}  // namespace levelkeep::cli
