#include <gtest/gtest.h>

#include "api/call.h"
#include "base/json.h"

namespace levelkeep::api {
namespace {

std::string Nested(int levels) {
  return std::string(static_cast<size_t>(levels), '[') +
         std::string(static_cast<size_t>(levels), ']');
}

TEST(JsonBodyTest, EmptyAndBlankBodiesAreAnEmptyObject) {
  for (const char* body : {"", " ", "\r\n\t "}) {
    const auto json = ParseBody(body);
    ASSERT_TRUE(json.ok());
    EXPECT_EQ(*json, nlohmann::json::object());
  }
}

TEST(JsonBodyTest, TakesWhatIsJson) {
  for (const std::string& body :
       {std::string("{}"), std::string("[1,{\"a\":{}},[]]"),
        std::string("{\"label\":\"x\",\"n\":1.5e3,\"z\":null}"),
        std::string("\xef\xbb\xbf{\"bom\":1}"), Nested(32),
        std::string("{\"a\":{\"a\":1},\"b\":{\"a\":2}}")}) {
    EXPECT_TRUE(ParseBody(body).ok()) << body;
  }
}

TEST(JsonBodyTest, RefusesTheRestWithAReason) {
  const std::pair<std::string, std::string> cases[] = {
      {"{", "is not JSON: see byte 2"},
      {"{\"a\":1}x", "is not JSON: see byte 8"},
      {std::string("{}\0{\"a\":1}", 10), "is not JSON: see byte 3"},
      {std::string("{}\0", 3), "is not JSON: see byte 3"},
      {"label=x", "is not JSON: see byte 1"},
      {"{'a':1}", "is not JSON: see byte 2"},
      {std::string("{}\0x", 4), "is not JSON: see byte 3"},
      {std::string("{\"a\":\"b\0c\"}", 11), "is not JSON: see byte 8"},
      {"{\"a\":NaN}", "is not JSON: see byte 6"},
      {"{\"a\":1e999}", "holds a number that is out of range"},
      {Nested(33), "is nested deeper than 32 levels"},
      {Nested(20000), "is nested deeper than 32 levels"},
      {std::string(60000, '['), "is nested deeper than 32 levels"},
      {"{\"a\":1,\"a\":2}", "has the field \"a\" twice"},
      {"[{\"x\":{\"b\":1,\"b\":1}}]", "has the field \"b\" twice"},
      {"{\"label\":\"caf\xe9\"}", "is not UTF-8"},
  };
  for (const auto& [body, reason] : cases) {
    const auto json = ParseBody(body);
    ASSERT_FALSE(json.ok()) << body.substr(0, 60);
    EXPECT_EQ(json.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(json.status().message(), "the request body " + reason);
  }
}

// 8 MiB take half a second. If the time grew with the square of the size, as it
// once did, 8 MiB would take hours and the test would reach its timeout.
TEST(JsonBodyTest, TimeGrowsWithTheSizeOnly) {
  std::string array = "[{}";
  std::string object = "{\"k\":[]";
  for (int i = 0; i < 2'000'000; i++) array += ",{}";
  for (int i = 0; i < 500'000; i++) {
    object += ",\"" + std::to_string(i) + "\":[]";
  }
  const auto elements = ParseBody(array + "]");
  const auto members = ParseBody(object + "}");
  ASSERT_TRUE(elements.ok() && members.ok());
  EXPECT_EQ(elements->size(), 2'000'001u);
  EXPECT_EQ(members->size(), 500'001u);
}

TEST(JsonBodyTest, CountsValues) {
  EXPECT_TRUE(ParseBody("[1,{\"a\":2},[]]", 5).ok());
  const auto json = ParseBody("[1,{\"a\":2},[]]", 4);
  ASSERT_FALSE(json.ok());
  EXPECT_EQ(json.status().message(), "the request body holds too many values");
}

TEST(JsonBodyTest, BuildsWhatWasSent) {
  const std::string body =
      R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{},"d":[[],{"e":18446744073709551615}]}})";
  const auto json = ParseBody(body);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(DumpJson(*json), body);
}

}  // namespace
}  // namespace levelkeep::api
