#include "api/events/event_routes.h"

#include <gtest/gtest.h>

#include <string>

#include "api/api.h"
#include "leveldb/db.h"
#include "leveldb/env.h"
#include "support/events.h"
#include "support/temp_dir.h"

namespace levelkeep::api {
namespace {

using http::Request;
using http::Response;

class EventApiTest : public ::testing::Test {
 protected:
  EventApiTest()
      : manager_(BackupOptions()),
        api_(&manager_, http::ApiOptions()),
        bus_(Options(), leveldb::Env::Default()) {
    api_.Add(EventRoutes(&bus_));
  }
  void SetUp() override { ASSERT_TRUE(bus_.Open().ok()); }

  EventBusOptions Options() {
    EventBusOptions options;
    options.db_dir = dir_.Sub("db");
    options.max_wait = std::chrono::milliseconds(1);
    return options;
  }
  Response Send(const std::string& method, const std::string& path,
                const std::string& body = "",
                std::map<std::string, std::string> query = {},
                std::map<std::string, std::string> headers = {}) {
    Request request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    request.headers = std::move(headers);
    request.headers["host"] = "127.0.0.1:5050";
    request.body = body;
    return api_.Handle(request);
  }
  Response Post(const std::string& body) {
    return Send("POST", "/api/events", body);
  }
  Response Get(std::map<std::string, std::string> query = {}) {
    return Send("GET", "/api/events", "", std::move(query));
  }
  static nlohmann::json Json(const Response& response) {
    return nlohmann::json::parse(response.body);
  }
  static std::string Detail(const Response& response) {
    return Json(response).at("detail").get<std::string>();
  }

  test::TempDir dir_;
  BackupManager manager_;
  Api api_;
  EventBus bus_;
};

TEST_F(EventApiTest, PostsOneEvent) {
  const Response response =
      Post("{\"type\":\"user.created\",\"stream\":\"users\",\"data\":{}}");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "{\"success\":true,\"sequence\":1}");
}

TEST_F(EventApiTest, PostsABatch) {
  Post("{\"type\":\"t\"}");
  const Response response = Post("[{\"type\":\"a\"},{\"type\":\"b\"}]");
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body,
            "{\"success\":true,\"first\":2,\"last\":3,\"count\":2}");
}

TEST_F(EventApiTest, AnArrayOfOneIsStillABatch) {
  EXPECT_EQ(Post("[{\"type\":\"a\"}]").body,
            "{\"success\":true,\"first\":1,\"last\":1,\"count\":1}");
}

TEST_F(EventApiTest, GetsPagesOfEvents) {
  const std::string end = ",\"epoch\":\"" + bus_.State().epoch + "\"}";
  EXPECT_EQ(Get().body,
            "{\"success\":true,\"events\":[],\"last\":0,\"next\":0,"
            "\"more\":false" +
                end);
  Post(
      "[{\"type\":\"a\",\"data\":{\"x\":1}},{\"type\":\"b\"},"
      "{\"type\":\"c\"}]");
  const auto page = test::ReadEvents(&bus_, 0, 3, UINT64_MAX);
  ASSERT_TRUE(page.ok());
  const std::string first = EncodeEvent(page->events[0]);
  const std::string second = EncodeEvent(page->events[1]);
  const std::string third = EncodeEvent(page->events[2]);
  EXPECT_EQ(Get({{"limit", "2"}}).body,
            "{\"success\":true,\"events\":[" + first + "," + second +
                "],\"last\":3,\"next\":2,\"more\":true" + end);
  EXPECT_EQ(Get({{"after", "2"}}).body,
            "{\"success\":true,\"events\":[" + third +
                "],\"last\":3,\"next\":3,\"more\":false" + end);
  // A reader ahead of a store that was restored is sent back to its end.
  EXPECT_EQ(Get({{"after", "1000"}}).body,
            "{\"success\":true,\"events\":[],\"last\":3,\"next\":3,"
            "\"more\":false" +
                end);
}

TEST_F(EventApiTest, WalksTheWholeStoreByNext) {
  for (int i = 0; i < 7; ++i) Post("[{\"type\":\"a\"},{\"type\":\"b\"}]");
  uint64_t after = 0;
  uint64_t seen = 0;
  bool more = true;
  while (more) {
    const auto json =
        Json(Get({{"after", std::to_string(after)}, {"limit", "3"}}));
    EXPECT_EQ(json["last"], 14u);
    for (const auto& event : json["events"]) {
      EXPECT_EQ(event["sequence"], ++seen);
    }
    after = json["next"];
    more = json["more"];
  }
  EXPECT_EQ(seen, 14u);
}

TEST_F(EventApiTest, RefusesBadQueries) {
  const std::string after =
      "\"after\" must be a whole number from 0 to 18446744073709551615";
  const std::string limit = "\"limit\" must be a whole number from 1 to 1000";
  const struct {
    const char* name;
    const char* value;
    std::string detail;
  } cases[] = {
      {"after", "", after},    {"after", "-1", after},
      {"after", "x", after},   {"after", "18446744073709551616", after},
      {"limit", "0", limit},   {"limit", "1001", limit},
      {"limit", "1e3", limit}, {"limit", "", limit}};
  for (const auto& c : cases) {
    const Response response = Get({{c.name, c.value}});
    EXPECT_EQ(response.status, 400) << c.name << "=" << c.value;
    EXPECT_EQ(Detail(response), c.detail);
  }
  EXPECT_EQ(Get({{"limit", "1000"}}).status, 200);
}

TEST_F(EventApiTest, ABadEventNamesItsIndexAndStoresNothing) {
  const struct {
    std::string body;
    std::string detail;
  } cases[] = {
      {"", "the event: \"type\" is missing"},
      {"{}", "the event: \"type\" is missing"},
      {"17", "the event: it is not an object"},
      {"[]", "the array has no events"},
      {"{\"type\":1}", "the event: \"type\" must be a string"},
      {"{\"type\":\"t\",\"stream\":null}",
       "the event: \"stream\" must be a string"},
      {"{\"type\":\"\"}",
       "the event: \"type\" must be a string of 1 to 200 characters"},
      {"{\"type\":\"t\",\"Data\":1}", "the event: unknown member \"Data\""},
      {"[{\"type\":\"t\"},[]]", "event 1: it is not an object"},
      {"[{\"type\":\"t\"},{\"type\":\"t\"},{\"stream\":\"s\"}]",
       "event 2: \"type\" is missing"},
  };
  for (const auto& c : cases) {
    const Response response = Post(c.body);
    EXPECT_EQ(response.status, 400) << c.body;
    EXPECT_EQ(Detail(response), c.detail);
    EXPECT_EQ(Json(response)["success"], false);
  }
  EXPECT_EQ(Post("{\"type\":").status, 400);
  EXPECT_EQ(Post("{\"type\":\"a\",\"type\":\"b\"}").status, 400);
  EXPECT_EQ(bus_.Count().count, 0u);
}

TEST_F(EventApiTest, LimitsTheSizeOfABatch) {
  std::string many = "[";
  for (size_t i = 0; i < kMaxEventsInBatch; ++i) many += "{\"type\":\"t\"},";
  const Response too_many = Post(many + "{\"type\":\"t\"}]");
  EXPECT_EQ(too_many.status, 413);
  EXPECT_EQ(Detail(too_many), "a batch may have at most 10000 events");
  many.back() = ']';
  EXPECT_EQ(Post(many).status, 201);

  const std::string shell = "{\"type\":\"t\",\"data\":\"\"}";
  const std::string fill(kMaxEventBodyBytes - shell.size(), 'x');
  EXPECT_EQ(Post("{\"type\":\"t\",\"data\":\"" + fill + "\"}").status, 201);
  EXPECT_EQ(Post("{\"type\":\"t\",\"data\":\"" + fill + "x\"}").status, 413);
  Request request;
  request.method = "POST";
  request.path = "/api/events";
  api_.router()->Resolve(&request);
  EXPECT_EQ(http::MaxBodyBytes(request), kMaxEventBodyBytes);
}

TEST_F(EventApiTest, AStoreThatIsClosedIs503WithRetryAfter) {
  bus_.Close();
  for (const Response& response : {Post("{\"type\":\"t\"}"), Get()}) {
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.headers.at("Retry-After"), "2");
    EXPECT_EQ(Json(response)["code"], "busy");
  }
}

TEST_F(EventApiTest, ADamagedStoreIs500NotAnEmptyPage) {
  Post("[{\"type\":\"a\"},{\"type\":\"b\"}]");
  ASSERT_TRUE(bus_.db()->Delete(leveldb::WriteOptions(), EventKey(1)).ok());
  const Response response = Get();
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(Json(response)["code"], "corruption");
  EXPECT_EQ(Detail(response), "event 1 is missing (2 is the newest)");
}

TEST_F(EventApiTest, StreamsFromLastEventIdOrAfter) {
  Post("[{\"type\":\"a\"},{\"type\":\"b\"},{\"type\":\"c\"}]");
  const auto first_id = [&](std::map<std::string, std::string> query,
                            std::map<std::string, std::string> headers) {
    const Response response =
        Send("GET", "/api/events/stream", "", query, headers);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/event-stream; charset=utf-8");
    EXPECT_EQ(response.headers.at("Cache-Control"), "no-store");
    std::string chunk;
    EXPECT_TRUE(response.stream->Next(&chunk));
    const size_t at = chunk.find("id: ");
    return at == std::string::npos ? "none" : chunk.substr(at + 4, 1);
  };
  EXPECT_EQ(first_id({}, {}), "1");
  EXPECT_EQ(first_id({{"after", "1"}}, {}), "2");
  EXPECT_EQ(first_id({{"after", "0"}}, {{"last-event-id", "2"}}), "3");
  EXPECT_EQ(Send("GET", "/api/events/stream", "", {{"after", "x"}}).status,
            400);
  EXPECT_EQ(Send("GET", "/api/events/stream", "", {}, {{"last-event-id", "x"}})
                .status,
            400);
}

}  // namespace
}  // namespace levelkeep::api
