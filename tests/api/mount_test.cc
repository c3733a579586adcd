// The routes on a cpp-httplib server that belongs to another application.

#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "api/api.h"
#include "api/store_fixture.h"
#include "http/raw_client.h"
#include "levelkeep/http.h"

namespace levelkeep::http {
namespace {

using test::RawClient;
using test::RawResponse;

class MountTest : public test::StoreFixture {
 protected:
  void Start(const ApiOptions& options = ApiOptions()) {
    StartManager();
    Append(3);
    server_.Get("/own", [](const httplib::Request&, httplib::Response& to) {
      to.set_content("mine", "text/plain");
    });
    server_.set_keep_alive_max_count(1000);
    Mount(&server_, manager_.get(), options);
    port_ = server_.bind_to_any_port("127.0.0.1");
    ASSERT_GT(port_, 0);
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~MountTest() override {
    server_.stop();
    if (thread_.joinable()) thread_.join();
  }

  static std::string Get(const std::string& path,
                         const std::string& lines = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
  }
  static std::string Post(const std::string& path, const std::string& body,
                          const std::string& lines = "") {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + lines + "\r\n" + body;
  }

  httplib::Server server_;
  std::thread thread_;
  int port_ = 0;
};

TEST_F(MountTest, ServesTheRoutesBesideTheHostsOwn) {
  Start();
  RawClient client(port_);
  EXPECT_EQ(client.Exchange(Get("/own")).body, "mine");
  const RawResponse created = client.Exchange(
      Post("/api/backup/create", R"({"label":"from-host"})",
           "Content-Type: application/x-www-form-urlencoded\r\n"));
  EXPECT_EQ(created.status, 200);
  const std::string name = nlohmann::json::parse(created.body).at("name");
  EXPECT_EQ(name, "backup_2024-12-27_120000_from-host.tar.gz");
  EXPECT_TRUE(created.Has("X-Request-Id: "));
  EXPECT_TRUE(created.Has("X-Content-Type-Options: nosniff"));
  const RawResponse list = client.Exchange(Get("/api/backup/list?limit=1"));
  EXPECT_EQ(nlohmann::json::parse(list.body).at("total"), 1);
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
  EXPECT_EQ(client.Exchange(Get("/readyz")).status, 200);
  EXPECT_EQ(client.Exchange(Get("/api/health")).status, 200);
  EXPECT_EQ(client.Exchange(Get("/api/backup/nothing")).status, 404);
  const RawResponse wrong = client.Exchange(Get("/api/backup/create"));
  EXPECT_EQ(wrong.status, 405);
  EXPECT_TRUE(wrong.Has("Allow: POST"));
}

TEST_F(MountTest, EveryRouteOfTheTableIsThere) {
  Start();
  const api::Api api(manager_.get(), ApiOptions());
  EXPECT_GT(api.routes().size(), 15u);
  for (const api::Route& route : api.routes()) {
    std::string path = route.path;
    if (const size_t at = path.find("{name}"); at != std::string::npos) {
      path.replace(at, 6, "none");
    }
    RawClient client(port_);
    const RawResponse response = client.Exchange(
        route.method == "POST" ? Post(path, "[")
                               : route.method + Get(path).substr(3));
    EXPECT_TRUE(response.Has("X-Request-Id: ")) << route.method << " " << path;
  }
}

TEST_F(MountTest, DownloadsWithRangesOfOurOwn) {
  Start();
  RawClient client(port_);
  const auto created = nlohmann::json::parse(
      client.Exchange(Post("/api/backup/create", "")).body);
  const std::string name = created.at("name");
  const std::string content = test::ReadFile(dir_.Sub("backups/" + name));
  const std::string path = "/api/backup/download/" + name;
  EXPECT_EQ(client.Exchange(Get(path)).body, content);
  const RawResponse part = client.Exchange(Get(path, "Range: bytes=10-19\r\n"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, content.substr(10, 10));
  EXPECT_TRUE(part.Has("Content-Range: bytes 10-19/"));
  EXPECT_EQ(client.Exchange(Get(path, "Range: bytes=99999999-\r\n")).status,
            416);
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 900; i++) ranges += ",0-";
  const RawResponse many = client.Exchange(Get(path, ranges + "\r\n"));
  EXPECT_EQ(many.status, 200);
  EXPECT_EQ(many.body, content);
  const RawResponse head = client.Exchange(
      "HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n", true);
  EXPECT_EQ(head.status, 200);
  EXPECT_TRUE(
      head.Has("Content-Length: " + std::to_string(content.size()) + "\r\n"));
}

TEST_F(MountTest, LargeBodiesAreRefusedWithoutLosingTheConnection) {
  Start();
  RawClient client(port_);
  const std::string large(200000, ' ');
  EXPECT_EQ(client.Exchange(Post("/api/backup/create", large)).status, 413);
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
  const std::string chunked =
      "POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n30d40\r\n" +
      large + "\r\n0\r\n\r\n";
  EXPECT_EQ(client.Exchange(chunked).status, 413);
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
}

TEST_F(MountTest, RefusedRequestsLeaveNoBodyBehind) {
  ApiOptions options;
  options.token = "s3cret";
  Start(options);
  RawClient client(port_);
  EXPECT_EQ(client.Exchange(Post("/api/backup/create", Get("/own"))).status,
            401);
  const RawResponse next = client.Exchange(
      Get("/api/backup/list", "Authorization: Bearer s3cret\r\n"));
  EXPECT_EQ(next.status, 200);
  EXPECT_EQ(nlohmann::json::parse(next.body).at("total"), 0);
}

TEST_F(MountTest, FormsAndCompressedBodiesAreHarmless) {
  Start();
  RawClient client(port_);
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\nx\r\n"
      "--b--\r\n";
  EXPECT_EQ(client
                .Exchange(Post("/api/backup/create", form,
                               "Content-Type: multipart/form-data; "
                               "boundary=b\r\n"))
                .status,
            400);
  EXPECT_EQ(client.Exchange(Get("/livez")).status, 200);
  RawClient other(port_);
  EXPECT_EQ(other
                .Exchange(Post("/api/backup/create", "{}",
                               "Content-Encoding: br\r\n"))
                .status,
            415);
}

TEST_F(MountTest, OtherHostsAndOriginsAreRefused) {
  Start();
  RawClient client(port_);
  EXPECT_EQ(
      client.Exchange("GET /api/backup/list HTTP/1.1\r\nHost: evil\r\n\r\n")
          .status,
      403);
  EXPECT_EQ(client
                .Exchange(Post("/api/backup/create", "",
                               "Origin: http://evil.example\r\n"))
                .status,
            403);
}

}  // namespace
}  // namespace levelkeep::http
