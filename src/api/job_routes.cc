#include <chrono>
#include <optional>

#include "api/report_json.h"
#include "api/routes.h"
#include "base/json.h"
#include "base/text.h"
#include "jobs/job.h"

namespace levelkeep::api {

namespace {

constexpr uint64_t kMaxPage = 1000;
constexpr uint64_t kDefaultPage = 100;
// How often a stream looks at its job.
constexpr std::chrono::milliseconds kLookDelay{250};
constexpr std::chrono::seconds kHeartbeat{15};
// The delay after which a browser reconnects to a broken stream.
constexpr char kRetry[] = "retry: 2000\n\n";

// The changes of one job, until it has ended. Thread safety: one thread at a
// time.
class JobStream : public http::BodyStream {
 public:
  // `manager` must outlive this object.
  JobStream(BackupManager* manager, std::string id)
      : manager_(manager), id_(std::move(id)) {}

  bool Next(std::string* chunk) override {
    if (ended_) return false;
    if (sent_.empty()) {
      *chunk += kRetry;
    } else {
      clock_->SleepFor(kLookDelay, {});
    }
    const auto job = manager_->FindJob(id_);
    const Time now = clock_->Now();
    const auto steady = clock_->SteadyNow();
    // The record was removed: the job ended long ago.
    ended_ = !job.ok() || job->has_ended();
    const std::string text = job.ok() ? DumpJson(ToJson(*job, now)) : sent_;
    if (text != sent_) {
      *chunk += "event: job\ndata: " + text + "\n\n";
      sent_ = text;
      last_sent_ = steady;
    } else if (steady - last_sent_ >= kHeartbeat) {
      *chunk += ": heartbeat\n\n";
      last_sent_ = steady;
    }
    return true;
  }

 private:
  BackupManager* const manager_;
  Clock* const clock_ = Clock::System();
  const std::string id_;
  std::string sent_;
  std::chrono::steady_clock::time_point last_sent_;
  bool ended_ = false;
};

Response ListJobs(BackupManager* manager, const Call& call) {
  JobFilter filter;
  filter.limit = call.Number("limit").value_or(kDefaultPage);
  filter.type = ParseJobType(call.Text("type"));
  filter.status = ParseJobStatus(call.Text("status"));
  filter.after = call.Text("after");
  const auto jobs = manager->ListJobs(filter);
  if (!jobs.ok()) return OwnError(jobs.status());
  Json list = Json::array();
  const Time now = Clock::System()->Now();
  for (const Job& job : *jobs) list.push_back(ToJson(job, now));
  const bool more = jobs->size() == filter.limit;
  return SuccessResponse(
      {{"jobs", list}, {"next", more ? Json(jobs->back().id) : Json()}});
}

constexpr size_t kLastJobs = 10;

// Of each type, how its jobs ended and how long a completed one takes.
Json AveragesOf(const std::vector<JobTotal>& totals) {
  Json list = Json::array();
  for (const std::string& type : JobTypeNames()) {
    Json row = {{"type", type},
                {"completed", 0},
                {"failed", 0},
                {"cancelled", 0},
                {"averageSeconds", nullptr}};
    uint64_t jobs = 0;
    for (const JobTotal& total : totals) {
      if (JobTypeName(total.type) != type) continue;
      jobs += total.jobs;
      row[JobStatusName(total.status)] = total.jobs;
      if (total.status != JobStatus::kCompleted || total.jobs == 0) continue;
      row["averageSeconds"] = total.seconds / static_cast<double>(total.jobs);
    }
    if (jobs > 0) list.push_back(row);
  }
  return list;
}

Response ShowHistory(BackupManager* manager) {
  const auto last = manager->ListJobs({.limit = kLastJobs});
  if (!last.ok()) return OwnError(last.status());
  const auto failed =
      manager->ListJobs({.limit = kLastJobs, .status = JobStatus::kFailed});
  if (!failed.ok()) return OwnError(failed.status());
  const auto totals = manager->JobTotals();
  if (!totals.ok()) return OwnError(totals.status());
  const Time now = Clock::System()->Now();
  Json json = {{"last", Json::array()}, {"failed", Json::array()}};
  for (const Job& job : *last) json["last"].push_back(ToJson(job, now));
  for (const Job& job : *failed) json["failed"].push_back(ToJson(job, now));
  json["averages"] = AveragesOf(*totals);
  return SuccessResponse(json);
}

Response ShowJob(BackupManager* manager, const Call& call) {
  const auto job = manager->FindJob(call.name());
  if (!job.ok()) return ErrorResponse(job.status());
  return SuccessResponse({{"job", ToJson(*job, Clock::System()->Now())}});
}

Response CancelJob(BackupManager* manager, const Call& call) {
  const Status cancelled = manager->CancelJob(call.name());
  if (!cancelled.ok()) return ErrorResponse(cancelled);
  Response response = SuccessResponse({{"id", call.name()}});
  response.status = 202;
  return response;
}

Response StreamJob(BackupManager* manager, const Call& call) {
  const auto job = manager->FindJob(call.name());
  if (!job.ok()) return ErrorResponse(job.status());
  Response response;
  response.content_type = "text/event-stream";
  response.headers["Cache-Control"] = "no-store";
  response.headers["X-Accel-Buffering"] = "no";
  response.stream = std::make_shared<JobStream>(manager, job->id);
  return response;
}

}  // namespace

bool PrefersAsync(const Request& request) {
  const std::string* const prefer = request.FindHeader("prefer");
  if (prefer == nullptr) return false;
  for (const std::string_view preference : Split(*prefer, ',')) {
    const std::string_view name = preference.substr(0, preference.find(';'));
    if (Lower(Trim(name, " \t")) == "respond-async") return true;
  }
  return false;
}

Result<std::string> SubmitFor(BackupManager* manager, const Request& request,
                              JobRequest job) {
  // A trigger is only shown, so a client may say what it is.
  const std::string* const client = request.FindHeader("x-levelkeep-client");
  job.trigger = client != nullptr && *client == "cli" ? "cli" : "api";
  return manager->SubmitJob(job, KeyOf(request));
}

std::string KeyOf(const Request& request) {
  const std::string* const key = request.FindHeader("idempotency-key");
  return key == nullptr ? "" : *key;
}

Result<Job> RunWithKey(BackupManager* manager, const Request& request,
                       const JobRequest& job) {
  const auto id = SubmitFor(manager, request, job);
  if (!id.ok()) return id.status();
  auto ended = manager->WaitForJob(*id);
  if (!ended.ok() || ended->code == StatusCode::kOk) return ended;
  return Status(ended->code, ended->message, ended->hint);
}

Response Accepted(BackupManager* manager, const Request& request,
                  const JobRequest& job) {
  const auto id = SubmitFor(manager, request, job);
  if (!id.ok()) return ErrorResponse(id.status());
  Response response =
      SuccessResponse({{"id", *id}, {"location", "/api/jobs/" + *id}});
  response.status = 202;
  response.headers["Location"] = "/api/jobs/" + *id;
  return response;
}

std::vector<Route> JobRoutes(BackupManager* manager) {
  return {
      {.method = "POST",
       .path = "/api/backup/trigger",
       .summary = "makes a backup in the background; answers at once",
       .scope = Scope::kCreate,
       .body = Body{.fields = {{.name = "label"}}},
       .answers = {202, 409, 507},
       .handler =
           [=](const Call& call) {
             return Accepted(manager, call.request(),
                             {.label = call.Text("label")});
           }},
      {.method = "GET",
       .path = "/api/jobs",
       .summary = "jobs, newest first",
       .scope = Scope::kRead,
       .query = {{.name = "limit",
                  .kind = Field::Kind::kNumber,
                  .min = 1,
                  .max = kMaxPage},
                 {.name = "after"},
                 {.name = "type", .choices = JobTypeNames()},
                 {.name = "status", .choices = JobStatusNames()}},
       .answers = {200},
       .handler = [=](const Call& call) { return ListJobs(manager, call); }},
      {.method = "GET",
       .path = "/api/jobs/history",
       .summary = "the last ten jobs, the last ten that failed, averages",
       .scope = Scope::kRead,
       .answers = {200},
       .handler = [=](const Call&) { return ShowHistory(manager); }},
      {.method = "GET",
       .path = "/api/jobs/{id}",
       .summary = "one job",
       .scope = Scope::kRead,
       .answers = {200, 404},
       .handler = [=](const Call& call) { return ShowJob(manager, call); }},
      {.method = "DELETE",
       .path = "/api/jobs/{id}",
       .summary = "cancels a job",
       .scope = Scope::kAdmin,
       .body = Body{},
       .answers = {202, 404, 409},
       .handler = [=](const Call& call) { return CancelJob(manager, call); }},
      {.method = "GET",
       .path = "/api/jobs/{id}/events",
       .summary = "the changes of a job as a stream (server-sent events)",
       .scope = Scope::kRead,
       .answers = {200, 404},
       .handler = [=](const Call& call) { return StreamJob(manager, call); }},
  };
}

}  // namespace levelkeep::api
