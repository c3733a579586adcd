// Routing, access and errors.

#include "http/router.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace levelkeep::http {
namespace {

Request Make(const std::string& method, const std::string& path,
             std::map<std::string, std::string> headers = {},
             const std::string& body = "") {
  Request request;
  request.method = method;
  request.path = path;
  headers.emplace("host", "127.0.0.1:5050");
  request.headers = std::move(headers);
  request.body = body;
  return request;
}

void AddTestRoutes(Router* router) {
  const auto echo = [](const Request& request) {
    const auto it = request.parameters.find("name");
    return JsonResponse("{\"name\":\"" +
                        (it == request.parameters.end() ? "" : it->second) +
                        "\"}");
  };
  router->Add("GET", "/test/{name}", echo);
  router->Add("POST", "/test/{name}", echo);
  router->Add("GET", "/test/literal", echo);
  router->Add("GET", "/test/throw", [](const Request&) -> Response {
    throw std::runtime_error("secret /etc/passwd");
  });
  router->Add("GET", "/test/throw-int",
              [](const Request&) -> Response { throw 7; });
  RouteOptions small;
  small.max_body_bytes = 4;
  router->Add("POST", "/test/small/body", echo, small);
  router->Add("GET", "/livez", echo, {.needs_token = false});
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() { AddTestRoutes(&router_); }

  static std::string CodeOf(const Response& response) {
    return nlohmann::json::parse(response.body).at("code");
  }

  Router router_;
};

TEST_F(RouterTest, RoutesByMethodAndPath) {
  EXPECT_EQ(router_.Handle(Make("GET", "/test/abc")).body,
            "{\"name\":\"abc\"}");
  EXPECT_EQ(router_.Handle(Make("GET", "/test/literal")).body,
            "{\"name\":\"\"}");
  EXPECT_EQ(router_.Handle(Make("HEAD", "/test/abc")).status, 200);
  for (const char* path : {"/", "", "/test", "/test/", "/test//", "/test/a/b",
                           "/Test/a", "test/a"}) {
    EXPECT_EQ(router_.Handle(Make("GET", path)).status, 404) << path;
  }
}

TEST_F(RouterTest, WrongMethodIs405WithAllow) {
  const Response parameter = router_.Handle(Make("PUT", "/test/abc"));
  EXPECT_EQ(parameter.status, 405);
  EXPECT_EQ(parameter.headers.at("Allow"), "GET, HEAD, POST");
  // The literal route decides alone, though {name} has a POST.
  const Response literal = router_.Handle(Make("POST", "/test/literal"));
  EXPECT_EQ(literal.status, 405);
  EXPECT_EQ(literal.headers.at("Allow"), "GET, HEAD");
  EXPECT_EQ(CodeOf(literal), "method_not_allowed");
}

TEST_F(RouterTest, ErrorsAreProblemsThatLegacyClientsUnderstand) {
  const Response response = router_.Handle(Make("GET", "/nowhere"));
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            "{\"type\":\"about:blank\",\"title\":\"Not Found\","
            "\"status\":404,\"detail\":\"there is no such route\","
            "\"success\":false,\"code\":\"not_found\","
            "\"hint\":\"docs/http-api.md lists the routes\"}");
}

TEST_F(RouterTest, EveryStatusCodeHasItsHttpStatus) {
  const std::pair<StatusCode, int> cases[] = {
      {StatusCode::kInvalidArgument, 400}, {StatusCode::kNotFound, 404},
      {StatusCode::kAlreadyExists, 409},   {StatusCode::kBusy, 409},
      {StatusCode::kNoSpace, 507},         {StatusCode::kPermissionDenied, 500},
      {StatusCode::kCorruption, 422},      {StatusCode::kUnsupported, 422},
      {StatusCode::kRefused, 409},         {StatusCode::kIoError, 500},
      {StatusCode::kCancelled, 503},       {StatusCode::kInternal, 500},
      {StatusCode::kNotChecked, 503},
  };
  for (const auto& [code, http_status] : cases) {
    const Response response = ErrorResponse(Status(code, "what", "do this"));
    EXPECT_EQ(response.status, http_status);
    const auto json = nlohmann::json::parse(response.body);
    EXPECT_EQ(json.at("code"), StatusCodeName(code));
    EXPECT_EQ(json.at("detail"), "what");
    EXPECT_EQ(json.at("hint"), "do this");
    EXPECT_EQ(json.at("success"), false);
    EXPECT_NE(json.at("title"), "Status");
    const bool retry = code == StatusCode::kBusy ||
                       code == StatusCode::kCancelled ||
                       code == StatusCode::kNotChecked;
    EXPECT_EQ(response.headers.count("Retry-After") > 0, retry);
  }
}

TEST_F(RouterTest, ExceptionsNeverGetOut) {
  for (const char* path : {"/test/throw", "/test/throw-int"}) {
    const Response response = router_.Handle(Make("GET", path));
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(CodeOf(response), "internal");
    EXPECT_EQ(response.body.find("passwd"), std::string::npos);
    for (const auto& [name, value] : response.headers) {
      EXPECT_EQ(value.find("passwd"), std::string::npos) << name;
    }
  }
}

TEST_F(RouterTest, EveryAnswerCarriesItsHeaders) {
  for (const char* path : {"/test/a", "/nowhere", "/test/throw"}) {
    const Response response = router_.Handle(Make("GET", path));
    EXPECT_EQ(response.headers.at("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(response.headers.at("Cache-Control"), "no-store");
    EXPECT_EQ(response.headers.at("X-Request-Id").size(), 32u);
  }
}

TEST_F(RouterTest, RequestIdIsTakenOverWhenItIsHarmless) {
  for (const char* id : {"a", "req-1_2.Z", "0123456789"}) {
    EXPECT_EQ(router_.Handle(Make("GET", "/test/a", {{"x-request-id", id}}))
                  .headers.at("X-Request-Id"),
              id);
  }
  for (const std::string& id :
       {std::string(""), std::string("a b"), std::string("a\r\nX: y"),
        std::string("caf\xc3\xa9"), std::string(65, 'a')}) {
    EXPECT_EQ(router_.Handle(Make("GET", "/test/a", {{"x-request-id", id}}))
                  .headers.at("X-Request-Id")
                  .size(),
              32u);
  }
}

TEST_F(RouterTest, BodyLimitIsTheRoutes) {
  Request small = Make("POST", "/test/small/body");
  router_.Resolve(&small);
  EXPECT_EQ(MaxBodyBytes(small), 4u);
  Request nowhere = Make("POST", "/nowhere");
  router_.Resolve(&nowhere);
  EXPECT_EQ(MaxBodyBytes(nowhere), 64u << 10);
  EXPECT_EQ(router_.Handle(Make("POST", "/test/small/body", {}, "1234")).status,
            200);
  const Response response =
      router_.Handle(Make("POST", "/test/small/body", {}, "12345"));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(CodeOf(response), "too_large");
}

TEST_F(RouterTest, EncodedBodiesAreRefused) {
  EXPECT_EQ(
      router_.Handle(Make("POST", "/test/a", {{"content-encoding", "gzip"}}))
          .status,
      415);
  for (const char* none : {"identity", "Identity"}) {
    EXPECT_EQ(
        router_.Handle(Make("POST", "/test/a", {{"content-encoding", none}}))
            .status,
        200);
  }
}

TEST_F(RouterTest, HostMustBeOneOfOurs) {
  ApiOptions options;
  options.host = "192.168.1.5";
  options.allowed_hosts = {"backup.example", "Other.Example:8443"};
  Router router(options);
  AddTestRoutes(&router);
  for (const char* host :
       {"localhost", "LOCALHOST:5050", "127.0.0.1", "127.8.9.10:80", "[::1]",
        "[::1]:5050", "192.168.1.5:5050", "backup.example",
        "BACKUP.example:443", "other.example"}) {
    EXPECT_EQ(router.Handle(Make("GET", "/test/a", {{"host", host}})).status,
              200)
        << host;
  }
  for (const char* host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
        "127.0.0.1@evil.example", "192.168.1.6", "", ":5050", "a b", "[::2]",
        "[::1", "localhost:99999", "localhost:x", "127.0.0.256", "0.0.0.0"}) {
    const Response response =
        router.Handle(Make("GET", "/test/a", {{"host", host}}));
    EXPECT_EQ(response.status, 403) << host;
    EXPECT_EQ(CodeOf(response), "host_not_allowed") << host;
  }
  EXPECT_EQ(
      router.Handle(Make("GET", "/livez", {{"host", "10.0.0.7:80"}})).status,
      200)
      << "a supervisor may ask at any address";
}

TEST_F(RouterTest, PagesOfOtherOriginsMayNotChangeAnything) {
  struct Case {
    const char* header;
    const char* value;
    int status;
  };
  const Case cases[] = {
      {"origin", "http://127.0.0.1:5050", 200},
      {"origin", "https://127.0.0.1:5050", 200},
      {"origin", "http://127.0.0.1:8080", 403},
      {"origin", "http://evil.example", 403},
      {"origin", "http://127.0.0.1:5050.evil.example", 403},
      {"origin", "null", 403},
      {"origin", "", 403},
      {"sec-fetch-site", "same-origin", 200},
      {"sec-fetch-site", "none", 200},
      {"sec-fetch-site", "same-site", 403},
      {"sec-fetch-site", "cross-site", 403},
  };
  for (const Case& c : cases) {
    const std::map<std::string, std::string> headers = {{c.header, c.value}};
    EXPECT_EQ(router_.Handle(Make("POST", "/test/a", headers)).status, c.status)
        << c.header << ": " << c.value;
    EXPECT_EQ(router_.Handle(Make("GET", "/test/a", headers)).status, 200);
  }
  EXPECT_EQ(CodeOf(router_.Handle(
                Make("POST", "/test/a", {{"origin", "http://evil.example"}}))),
            "cross_origin");
}

TEST_F(RouterTest, TokenIsAskedForEverywhereButByHealthChecks) {
  ApiOptions options;
  options.token = "s3cret-token";
  Router router(options);
  AddTestRoutes(&router);
  const auto status = [&](const std::string& path, const std::string& value) {
    std::map<std::string, std::string> headers;
    if (!value.empty()) headers["authorization"] = value;
    return router.Handle(Make("GET", path, headers)).status;
  };
  EXPECT_EQ(status("/test/a", "Bearer s3cret-token"), 200);
  EXPECT_EQ(status("/test/a", "bearer  s3cret-token"), 200);
  for (const char* value :
       {"", "Bearer", "Bearer ", "Bearer s3cret-toke", "Bearer s3cret-token2",
        "Bearer S3CRET-TOKEN", "Basic s3cret-token", "s3cret-token"}) {
    EXPECT_EQ(status("/test/a", value), 401) << value;
    EXPECT_EQ(status("/nowhere", value), 401) << value;
  }
  EXPECT_EQ(status("/livez", ""), 200);
  const Response none = router.Handle(Make("GET", "/test/a"));
  EXPECT_EQ(none.headers.at("WWW-Authenticate"), "Bearer realm=\"levelkeep\"");
  EXPECT_EQ(none.body.find("s3cret"), std::string::npos);
  const Response wrong =
      router.Handle(Make("GET", "/test/a", {{"authorization", "Bearer x"}}));
  EXPECT_EQ(wrong.headers.at("WWW-Authenticate"),
            "Bearer realm=\"levelkeep\", error=\"invalid_token\"");
}

TEST_F(RouterTest, AccessCanChangeWhileItRuns) {
  ApiOptions options;
  options.token = "old-token";
  Router router(options);
  AddTestRoutes(&router);
  const auto status = [&](const std::string& token, const std::string& host) {
    return router
        .Handle(Make("GET", "/test/a",
                     {{"authorization", "Bearer " + token}, {"host", host}}))
        .status;
  };
  EXPECT_EQ(status("old-token", "127.0.0.1"), 200);
  EXPECT_EQ(status("old-token", "name.example"), 403);
  options.token = "new-token";
  options.allowed_hosts = {"name.example"};
  router.SetAccess(options);
  EXPECT_EQ(status("old-token", "127.0.0.1"), 401);
  EXPECT_EQ(status("new-token", "127.0.0.1"), 200);
  EXPECT_EQ(status("new-token", "name.example"), 200);
  router.SetAccess(ApiOptions());
  EXPECT_EQ(status("", "127.0.0.1"), 200);
}

}  // namespace
}  // namespace levelkeep::http
