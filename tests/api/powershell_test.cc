// The requests that PowerShell and curl users really send, byte for byte,
// against a real manager over a real socket.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/api.h"
#include "api/store_fixture.h"
#include "http/raw_client.h"
#include "http/server.h"

namespace levelkeep::api {
namespace {

using http::ApiOptions;
using http::Server;
using http::ServerOptions;
using test::RawClient;
using test::RawResponse;

constexpr char kPowerShell7[] =
    "User-Agent: Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.26100; "
    "en-US) PowerShell/7.5.0\r\n";
constexpr char kPowerShell5[] =
    "User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) "
    "WindowsPowerShell/5.1.26100.1\r\n";
constexpr char kForm[] = "Content-Type: application/x-www-form-urlencoded\r\n";

class PowerShellTest : public test::StoreFixture {
 protected:
  void Start() {
    StartManager();
    Append(3);
    ApiOptions api_options;
    api_ = std::make_unique<Api>(manager_.get(), api_options);
    ServerOptions server_options;
    server_options.port = 0;
    server_ = std::make_unique<Server>(api_->router(), server_options);
    const Status status = server_->Start();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  ~PowerShellTest() override { server_.reset(); }

  std::string Head(const std::string& line, const std::string& headers) {
    return line +
           " HTTP/1.1\r\nHost: localhost:" + std::to_string(server_->port()) +
           "\r\n" + headers + "\r\n";
  }
  static std::string Length(const std::string& body) {
    return "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  static nlohmann::json Parse(const RawResponse& response) {
    return nlohmann::json::parse(response.body);
  }

  std::unique_ptr<Api> api_;
  std::unique_ptr<Server> server_;
};

TEST_F(PowerShellTest, MigrationExportWithoutContentType) {
  Start();
  const std::string body = R"({"label":"migration-export"})";
  RawClient client(server_->port());
  const RawResponse response =
      client.Exchange(Head("POST /api/backup/create",
                           std::string(kPowerShell7) + kForm + Length(body)) +
                      body);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Parse(response).at("success"), true);
  EXPECT_EQ(Parse(response).at("backupPath"),
            dir_.Sub("backups/") +
                "backup_2024-12-27_120000_migration-export.tar.gz");
}

TEST_F(PowerShellTest, WindowsPowerShellWaitsForContinue) {
  Start();
  const std::string body = R"({"label":"x"})";
  RawClient client(server_->port());
  const RawResponse go_on =
      client.Exchange(Head("POST /api/backup/create",
                           std::string(kPowerShell5) + kForm + Length(body) +
                               "Expect: 100-continue\r\n"
                               "Connection: Keep-Alive\r\n"));
  EXPECT_EQ(go_on.status, 100);
  const RawResponse response = client.Exchange(body);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Parse(response).at("name"), "backup_2024-12-27_120000_x.tar.gz");
  // The same connection is used for the next command.
  const RawResponse list =
      client.Exchange(Head("GET /api/backup/list", kPowerShell5));
  EXPECT_EQ(Parse(list).at("backups").size(), 1u);
}

TEST_F(PowerShellTest, TheManualsCommandsInOrder) {
  Start();
  RawClient client(server_->port());
  const std::string label = R"({"label":"manual-backup"})";
  const std::string json = "Content-Type: application/json\r\n";
  EXPECT_EQ(client
                .Exchange(Head("POST /api/backup/create",
                               kPowerShell7 + json + Length(label)) +
                          label)
                .status,
            200);
  const auto list =
      Parse(client.Exchange(Head("GET /api/backup/list", kPowerShell7)));
  const auto& backup = list.at("backups").at(0);
  EXPECT_EQ(backup.at("created"), "2024-12-27T12:00:00.000Z");
  EXPECT_TRUE(backup.at("size").is_number_unsigned());
  EXPECT_TRUE(backup.at("sizeMB").is_string());
  EXPECT_EQ(backup.at("path"),
            dir_.Sub("backups/") + std::string(backup.at("name")));
  const auto health =
      Parse(client.Exchange(Head("GET /api/health", kPowerShell7)));
  EXPECT_EQ(health.at("status"), "ok");
  EXPECT_EQ(health.at("backup").at("available"), true);
  EXPECT_EQ(health.at("backup").at("count"), 1);
  EXPECT_EQ(health.at("backup").at("latest").at("name"), backup.at("name"));
  const std::string restore =
      "{\"backupName\":\"" + std::string(backup.at("name")) + "\"}";
  const auto restored = Parse(client.Exchange(
      Head("POST /api/backup/restore", kPowerShell7 + json + Length(restore)) +
      restore));
  EXPECT_EQ(restored.at("message"),
            "Restore complete. Restart application to apply changes.");
  EXPECT_EQ(restored.at("restartCommand"), "docker-compose restart app worker");
}

TEST_F(PowerShellTest, ExtraFieldsAreRefusedAndAnEmptyPostIsFine) {
  Start();
  RawClient client(server_->port());
  const std::string body = R"({"label":"a","user":"me","n":[1,{"x":null}]})";
  EXPECT_EQ(client
                .Exchange(Head("POST /api/backup/create",
                               kPowerShell7 + Length(body)) +
                          body)
                .status,
            400);
  EXPECT_EQ(
      client
          .Exchange(Head("POST /api/backup/create",
                         std::string(kPowerShell7) + "Content-Length: 0\r\n"))
          .status,
      200);
}

TEST_F(PowerShellTest, LatinLettersOfOldVersionsAreExplained) {
  Start();
  RawClient client(server_->port());
  const std::string body = "{\"label\":\"caf\xe9\"}";
  const RawResponse response = client.Exchange(
      Head("POST /api/backup/create", kPowerShell5 + Length(body)) + body);
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(std::string(Parse(response).at("hint")).find("charset=utf-8"),
            std::string::npos);
}

TEST_F(PowerShellTest, DownloadsResumeWhereTheyStopped) {
  Start();
  // Large enough that the server does not send it like a small body.
  std::string noise(300000, '\0');
  uint32_t state = 1;
  for (char& c : noise) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  Append(1, noise);
  RawClient client(server_->port());
  const auto created = Parse(client.Exchange(
      Head("POST /api/backup/create", "Content-Length: 0\r\n")));
  const std::string name = created.at("name");
  const std::string content = test::ReadFile(dir_.Sub("backups/" + name));
  const std::string path = "GET /api/backup/download/" + name;
  RawClient whole(server_->port());
  const RawResponse all = whole.Exchange(Head(path, kPowerShell7));
  EXPECT_EQ(all.body, content);
  EXPECT_TRUE(
      all.Has("\r\nETag: \"" + std::string(created.at("sha256")) + "\"\r\n"));
  RawClient rest(server_->port());
  const RawResponse part = rest.Exchange(Head(path, "Range: bytes=1000-\r\n"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content.substr(1000));
  // With -Resume, PowerShell asks for the bytes after a complete file's end.
  const std::string beyond =
      "Range: bytes=" + std::to_string(content.size()) + "-\r\n";
  const RawResponse none = client.Exchange(Head(path, beyond));
  EXPECT_EQ(none.status, 416);
  EXPECT_TRUE(none.Has("\r\nContent-Range: bytes */" +
                       std::to_string(content.size()) + "\r\n"));
}

TEST_F(PowerShellTest, OverlappingRangesCostNothing) {
  Start();
  RawClient client(server_->port());
  const auto created = Parse(client.Exchange(
      Head("POST /api/backup/create", "Content-Length: 0\r\n")));
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 900; i++) ranges += ",0-";
  const RawResponse response = client.Exchange(
      Head("GET /api/backup/download/" + std::string(created.at("name")),
           ranges + "\r\n"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body.size(), created.at("size"));
}

}  // namespace
}  // namespace levelkeep::api
