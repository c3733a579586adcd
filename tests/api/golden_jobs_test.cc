// The routes of jobs, and requests that come twice.

#include "api/golden_fixture.h"

namespace levelkeep::api {
namespace {

TEST_F(GoldenTest, Jobs) {
  Start();
  Append(3);
  Expect("trigger", "POST", "/api/backup/trigger", R"({"label":"nightly"})");
  const std::string id = manager_->ListJobs()->front().id;
  ASSERT_TRUE(manager_->WaitForJob(id).ok());
  Expect("job", "GET", "/api/jobs/" + id);
  Expect("jobs", "GET", "/api/jobs");
  Expect("jobs-page", "GET", "/api/jobs?limit=1");
  Expect("jobs-failed", "GET", "/api/jobs?status=failed");
  Expect("jobs-history", "GET", "/api/jobs/history");
  Expect("error-jobs-status", "GET", "/api/jobs?status=done");
  Expect("job-cancel-ended", "DELETE", "/api/jobs/" + id);
  Expect("job-unknown", "GET", "/api/jobs/20200101-000000-000-00000000");
  Expect("error-trigger-label", "POST", "/api/backup/trigger",
         R"({"label":"a/b"})");

  Request request = Make("POST", "/api/backup/create");
  request.headers["prefer"] = "wait=10, respond-async";
  Expect("create-async", request);
  const std::string second = manager_->ListJobs()->front().id;
  ASSERT_TRUE(manager_->WaitForJob(second).ok());
  EXPECT_EQ(manager_->ListBackups()->size(), 2u);
  request = Make("POST", "/api/backup/restore",
                 R"({"backupName":"latest","mode":"stage"})");
  request.headers["prefer"] = "respond-async";
  Expect("restore-async", request);
  ASSERT_TRUE(manager_->WaitForJob(manager_->ListJobs()->front().id).ok());
  Expect("jobs-restore", "GET", "/api/jobs?type=restore");
}

// A repeated request does nothing twice, and gets the same answer.
TEST_F(GoldenTest, IdempotencyKeys) {
  Start();
  Append(3);
  const auto send = [&](const std::string& path, const std::string& body,
                        const std::string& key) {
    Request request = Make("POST", path, body);
    request.headers["idempotency-key"] = key;
    return api_->Handle(request);
  };
  const Response made = send("/api/backup/create", R"({"label":"a"})", "k1");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(send("/api/backup/create", R"({"label":"a"})", "k1").body,
            made.body);
  EXPECT_EQ(manager_->ListBackups()->size(), 1u);
  const Response staged = send(
      "/api/backup/restore", R"({"backupName":"latest","mode":"stage"})", "k2");
  EXPECT_EQ(staged.status, 200) << staged.body;
  EXPECT_EQ(send("/api/backup/restore",
                 R"({"backupName":"latest","mode":"stage"})", "k2")
                .body,
            staged.body);
  EXPECT_EQ(manager_->ListJobs({.type = JobType::kRestore})->size(), 1u);
  const Response queued = send("/api/backup/trigger", "", "k3");
  EXPECT_EQ(queued.status, 202);
  EXPECT_EQ(send("/api/backup/trigger", "", "k3").body, queued.body);

  Request request = Make("POST", "/api/backup/create", R"({"label":"b"})");
  request.headers["idempotency-key"] = "k1";
  Expect("error-key-of-another-request", request);
  request.headers["idempotency-key"] = "a\x01";
  Expect("error-key", request);
  request = Make("POST", "/api/events", R"({"type":"t","data":1})");
  request.headers["idempotency-key"] = "k1";
  Expect("error-events-key", request);
}

// The stream ends with the job.
TEST_F(GoldenTest, JobStreamHasEachChange) {
  Start();
  Append(3);
  const auto id = manager_->SubmitJob({});
  ASSERT_TRUE(id.ok());
  const Response response =
      api_->Handle(Make("GET", "/api/jobs/" + *id + "/events"));
  ASSERT_NE(response.stream, nullptr);
  EXPECT_EQ(response.content_type, "text/event-stream");
  std::string text;
  while (response.stream->Next(&text)) {
  }
  EXPECT_TRUE(text.starts_with("retry: 2000\n\nevent: job\ndata: {\"id\":"));
  const size_t last = text.rfind("data: ");
  const Json job = Json::parse(text.substr(last + 6));
  EXPECT_EQ(job["status"], "completed");
  EXPECT_EQ(job["progress"], 1.0);
}

}  // namespace
}  // namespace levelkeep::api
