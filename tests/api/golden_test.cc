// Every route and every error of the HTTP contract, verbatim; jobs are in
// golden_jobs_test.cc.

#include "api/golden_fixture.h"

namespace levelkeep::api {
namespace {

TEST_F(GoldenTest, WithoutBackups) {
  Start();
  Expect("empty-list", "GET", "/api/backup/list");
  Expect("empty-latest", "GET", "/api/backup/latest");
  Expect("empty-export-metadata", "GET", "/api/backup/export-metadata");
  Expect("empty-health", "GET", "/api/health");
  Expect("empty-status", "GET", "/api/backup/status");
  Expect("empty-rotate", "POST", "/api/backup/rotate");
}

TEST_F(GoldenTest, CreateListShow) {
  Start();
  Append(3);
  Expect("create-label", "POST", "/api/backup/create",
         R"({"label":"manual-backup"})");
  clock_.Advance(std::chrono::hours(1));
  Append(2);
  Expect("create", "POST", "/api/backup/create");
  Append(4);
  Expect("list", "GET", "/api/backup/list");
  Expect("list-limit", "GET", "/api/backup/list?limit=1");
  Expect("list-after", "GET", "/api/backup/list?after=" + std::string(kSecond));
  Expect("list-after-gone", "GET",
         "/api/backup/list?after=backup_2024-12-27_124500.tar.gz");
  Expect("show", "GET", std::string("/api/backup/") + kFirst);
  Expect("latest", "GET", "/api/backup/latest");
  Expect("export-metadata", "GET", "/api/backup/export-metadata");
  Expect("health", "GET", "/api/health");
  Expect("status", "GET", "/api/backup/status");
  Expect("livez", "GET", "/livez");
  Expect("readyz", "GET", "/readyz");
}

TEST_F(GoldenTest, VerifyPinRotateDelete) {
  options_.retention.max_backups = 1;
  Start();
  Append(3);
  const std::string first = std::string("/api/backup/") + kFirst;
  const std::string second = std::string("/api/backup/") + kSecond;
  const std::string third = "/api/backup/backup_2024-12-27_140000.tar.gz";
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  Expect("pin", "POST", first + "/pin");
  clock_.Advance(std::chrono::hours(1));
  api_->Handle(Make("POST", "/api/backup/create"));
  Expect("verify", "POST", second + "/verify");
  Expect("verify-structure", "POST", second + "/verify",
         R"({"depth":"structure"})");
  Expect("show-verified", "GET", second);
  Expect("drill", "POST", "/api/drill", R"({"backup":"latest"})");
  Expect("drill-missing", "POST", "/api/drill",
         R"({"backup":"backup_2020-01-01_000000.tar.gz"})");
  Expect("delete-pinned", "DELETE", first);
  Expect("unpin", "DELETE", first + "/pin");
  Expect("delete-newest-verified", "DELETE", second);
  Expect("rotate-dry-run", "POST", "/api/backup/rotate", R"({"dryRun":true})");
  Expect("rotate", "POST", "/api/backup/rotate");
  Expect("rotate-again", "POST", "/api/backup/rotate");
  clock_.Advance(std::chrono::hours(1));
  api_->Handle(Make("POST", "/api/backup/create"));
  Expect("delete", "DELETE", third);
  Expect("delete-again", "DELETE", third);
  Expect("delete-force", "DELETE", second + "?force=true");
}

TEST_F(GoldenTest, Restore) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  Append(2);
  const std::string name = "{\"backupName\":\"" + std::string(kFirst) + "\"";
  Expect("restore-dry-run", "POST", "/api/backup/restore",
         name + ",\"dryRun\":true}");
  Expect("restore-live-unsupported", "POST", "/api/backup/restore",
         name + ",\"mode\":\"live\"}");
  Expect("restore", "POST", "/api/backup/restore", name + "}");
}

TEST_F(GoldenTest, RestoreLive) {
  Start();
  manager_->SetRestoreHooks(
      {[this] { return CloseStore(); }, [this] { return OpenStore(); }});
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  Append(2);
  Expect("restore-live", "POST", "/api/backup/restore",
         R"({"backupName":"latest"})");
  EXPECT_TRUE(HasEvent(3));
  EXPECT_FALSE(HasEvent(4));
  Expect("health-after-restore", "GET", "/api/health");
  Expect("undo-dry-run", "POST", "/api/backup/undo", R"({"dryRun":true})");
  EXPECT_FALSE(HasEvent(4));
  Expect("undo", "POST", "/api/backup/undo");
  EXPECT_TRUE(HasEvent(4));
  Expect("undo-all-undone", "POST", "/api/backup/undo", R"({"all":true})");
  api_->Handle(Make("POST", "/api/backup/undo"));
  EXPECT_FALSE(HasEvent(4));
  Expect("undo-all", "POST", "/api/backup/undo", R"({"all":true})");
  EXPECT_TRUE(HasEvent(4));
  Expect("error-undo-field", "POST", "/api/backup/undo", R"({"al":true})");
  Expect("error-undo-query", "POST", "/api/backup/undo?dryRun=true");
  EXPECT_TRUE(HasEvent(4));
}

TEST_F(GoldenTest, UndoOfNothingAndWhereItCantBe) {
  Start();
  Append(3);
  Expect("undo-nothing", "POST", "/api/backup/undo");
  manager_->SetRestoreHooks(
      {[this] { return CloseStore(); }, [this] { return OpenStore(); }});
  api_->Handle(Make("POST", "/api/backup/create"));
  api_->Handle(
      Make("POST", "/api/backup/restore", R"({"backupName":"latest"})"));
  manager_->SetRestoreHooks({});
  Expect("undo-unsupported", "POST", "/api/backup/undo", R"({"all":true})");
}

TEST_F(GoldenTest, Download) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  const std::string path = std::string("/api/backup/download/") + kFirst;
  Request request = Make("GET", path);
  Expect("download", request);
  Expect("download-latest", Make("GET", "/api/backup/download/latest"));
  const std::string etag = api_->Handle(request).headers["ETag"];
  request.headers["range"] = "bytes=0-9";
  Expect("download-range", request);
  request.headers["if-range"] = etag;
  Expect("download-if-range", request);
  request.headers["if-range"] = "\"another\"";
  Expect("download-if-range-changed", request);
  request = Make("GET", path);
  request.headers["range"] = "bytes=99999999-";
  Expect("download-range-beyond", request);
  request.headers["range"] = "bytes=0-1,3-4";
  Expect("download-ranges", request);
  request = Make("GET", path);
  request.headers["if-none-match"] = etag;
  Expect("download-not-modified", request);
  Expect("download-missing", "GET",
         "/api/backup/download/backup_2020-01-01_000000.tar.gz");
  Expect("download-traversal", "GET",
         "/api/backup/download/..%2f..%2fetc%2fpasswd");
}

TEST_F(GoldenTest, DownloadsAreTheBytesOfTheFile) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  const std::string content =
      test::ReadFile(dir_.Sub(std::string("backups/") + kFirst));
  Request request = Make("GET", std::string("/api/backup/download/") + kFirst);
  for (const auto& [range, expected] :
       {std::pair<std::string, std::string>{"", content},
        {"bytes=5-14", content.substr(5, 10)},
        {"bytes=-7", content.substr(content.size() - 7)},
        {"bytes=20-", content.substr(20)}}) {
    if (!range.empty()) request.headers["range"] = range;
    const Response response = api_->Handle(request);
    ASSERT_NE(response.file, nullptr);
    std::string bytes(response.file_size, '\0');
    ASSERT_TRUE(ReadExactly(*response.file, response.file_offset, bytes.data(),
                            bytes.size())
                    .ok());
    EXPECT_EQ(bytes, expected) << range;
  }
}

TEST_F(GoldenTest, Errors) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  const std::string first = std::string("/api/backup/") + kFirst;
  Expect("error-create-label", "POST", "/api/backup/create",
         R"({"label":"../../x"})");
  Expect("error-create-label-type", "POST", "/api/backup/create",
         R"({"label":5})");
  Expect("error-create-no-json", "POST", "/api/backup/create", "label=x");
  Expect("error-create-array", "POST", "/api/backup/create", "[]");
  Expect("error-create-latin1", "POST", "/api/backup/create",
         "{\"label\":\"\xe9\"}");
  Expect("error-create-empty", "POST", "/api/backup/create", R"({"label":""})");
  Expect("error-create-query", "POST", "/api/backup/create?label=x");
  Expect("error-list-limit", "GET", "/api/backup/list?limit=0");
  Expect("error-list-after", "GET", "/api/backup/list?after=x");
  Expect("error-show-missing", "GET",
         "/api/backup/backup_2020-01-01_000000.tar.gz");
  Expect("error-show-no-name", "GET", "/api/backup/passwd");
  // The manager accepts the beginning of a name, but this route does not.
  EXPECT_EQ(api_->Handle(Make("GET", "/api/backup/backup_2024")).status, 404);
  Expect("error-restore-no-name", "POST", "/api/backup/restore");
  Expect("error-restore-traversal", "POST", "/api/backup/restore",
         R"({"backupName":"../../etc/passwd"})");
  Expect("error-restore-missing", "POST", "/api/backup/restore",
         R"({"backupName":"backup_2020-01-01_000000.tar.gz"})");
  Expect("error-restore-mode", "POST", "/api/backup/restore",
         R"({"backupName":"latest","mode":"now"})");
  Expect("error-restore-beginning", "POST", "/api/backup/restore",
         R"({"backupName":"backup_2024"})");
  Expect("error-restore-empty", "POST", "/api/backup/restore",
         R"({"backupName":""})");
  Expect("error-restore-field", "POST", "/api/backup/restore",
         R"({"backupName":"latest","to":"/tmp/drill"})");
  Expect("error-restore-null", "POST", "/api/backup/restore",
         R"({"backupName":"latest","dryRun":null})");
  Expect("error-restore-query", "POST", "/api/backup/restore?dryRun=true",
         R"({"backupName":"latest"})");
  Expect("error-restore-misspelled", "POST", "/api/backup/restore",
         R"({"backupName":"latest","dry_run":true})");
  Expect("error-verify-depth", "POST", first + "/verify",
         R"({"depth":"deep"})");
  Expect("error-verify-field", "POST", first + "/verify", R"({"dept":"full"})");
  Expect("error-drill-field", "POST", "/api/drill", R"({"name":"latest"})");
  Expect("error-delete-force", "DELETE", first + "?force=1");
  Expect("error-delete-query", "DELETE", first + "?dryRun=true");
  Expect("error-delete-body", "DELETE", first, R"({"force":true})");
  Expect("error-rotate-type", "POST", "/api/backup/rotate",
         R"({"dryRun":"yes"})");
  Expect("error-no-route", "GET", "/api/backups");
  Expect("error-method", "GET", "/api/backup/create");
  Expect("error-too-large", "POST", "/api/backup/create",
         std::string(70000, ' '));
}

TEST_F(GoldenTest, DamagedBackup) {
  Start();
  Append(3);
  api_->Handle(
      Make("POST", "/api/backup/create", R"({"label":"manual-backup"})"));
  const std::string path = dir_.Sub(std::string("backups/") + kFirst);
  std::string content = test::ReadFile(path);
  content[60] = static_cast<char>(content[60] ^ 1);
  test::WriteFile(path, content);
  const std::string first = std::string("/api/backup/") + kFirst;
  const Response verified = api_->Handle(Make("POST", first + "/verify"));
  EXPECT_EQ(verified.status, 422);
  EXPECT_EQ(Json::parse(verified.body).at("code"), "corruption");
  const auto shown = Json::parse(api_->Handle(Make("GET", first)).body);
  EXPECT_EQ(shown.at("backup").at("status"), "damaged");
  EXPECT_NE(shown.at("backup").at("problem"), "");
  const Response restored =
      api_->Handle(Make("POST", "/api/backup/restore",
                        "{\"backupName\":\"" + std::string(kFirst) + "\"}"));
  EXPECT_EQ(restored.status, 422) << restored.body;
  const Response asked = api_->Handle(
      Make("POST", "/api/backup/restore",
           "{\"backupName\":\"" + std::string(kFirst) + "\",\"dryRun\":true}"));
  EXPECT_EQ(asked.status, 422) << asked.body;
}

TEST_F(GoldenTest, WithoutItsFolder) {
  Start();
  Append(3);
  api_->Handle(Make("POST", "/api/backup/create"));
  std::filesystem::remove_all(dir_.Sub("backups"));
  for (const char* path : {"list", "status", "export-metadata"}) {
    const Response response =
        api_->Handle(Make("GET", std::string("/api/backup/") + path));
    EXPECT_EQ(response.status, 500) << path << " " << response.body;
    EXPECT_NE(response.body.find("does not exist"), std::string::npos);
  }
  EXPECT_EQ(api_->Handle(Make("POST", "/api/backup/rotate")).status, 500);
  EXPECT_FALSE(std::filesystem::exists(dir_.Sub("backups")));
}

TEST_F(GoldenTest, WithoutAStore) {
  Start();
  ASSERT_TRUE(CloseStore().ok());
  Expect("unavailable-health", "GET", "/api/health");
  Expect("unavailable-readyz", "GET", "/readyz");
  Expect("unavailable-livez", "GET", "/livez");
  api_->StartDraining();
  Expect("draining-readyz", "GET", "/readyz");
}

TEST_F(GoldenTest, WhoMay) {
  ApiOptions options;
  options.token = "s3cret";
  Start(options);
  Request request = Make("GET", "/api/backup/list");
  Expect("error-no-token", request);
  request.headers["authorization"] = "Bearer wrong";
  Expect("error-wrong-token", request);
  request.headers["authorization"] = "Bearer s3cret";
  request.headers["host"] = "evil.example";
  Expect("error-host", request);
  request = Make("POST", "/api/backup/create");
  request.headers["authorization"] = "Bearer s3cret";
  request.headers["origin"] = "http://evil.example";
  Expect("error-origin", request);
  request = Make("POST", "/api/backup/create");
  request.headers["authorization"] = "Bearer s3cret";
  request.headers["content-encoding"] = "gzip";
  Expect("error-encoding", request);
}

TEST_F(GoldenTest, NoSpaceIsSaidBeforeAnythingIsWritten) {
  options_.resources.reserve_bytes = uint64_t{1} << 60;
  Start();
  Append(3);
  Expect("error-no-space", "POST", "/api/backup/create");
  EXPECT_EQ(Json::parse(api_->Handle(Make("GET", "/api/backup/list")).body)
                .at("total"),
            0);
}

TEST_F(GoldenTest, ASecondJobIsToldWhichOneRuns) {
  Start();
  Append(3);
  // The first backup waits in the function that counts the host's events.
  std::atomic<bool> counting{false}, go_on{false};
  attachment_.reset();
  manager_->SetEventCounter([&] {
    counting = true;
    while (!go_on) std::this_thread::yield();
    return EventCount();
  });
  auto attachment = manager_->Attach(db_.get());
  ASSERT_TRUE(attachment.ok());
  attachment_ = std::move(*attachment);
  std::thread first([&] { api_->Handle(Make("POST", "/api/backup/create")); });
  while (!counting) std::this_thread::yield();
  Expect("error-busy", "POST", "/api/backup/create");
  EXPECT_EQ(Json::parse(api_->Handle(Make("GET", "/api/health")).body)
                .at("backup")
                .at("running"),
            "create");
  go_on = true;
  first.join();
}

TEST_F(GoldenTest, CancelledJobsSaySo) {
  Start();
  Append(3);
  manager_->StopJobs();
  Expect("error-cancelled", "POST", "/api/backup/create");
}

}  // namespace
}  // namespace levelkeep::api
