#include "api/call.h"

#include <gtest/gtest.h>

namespace levelkeep::api {
namespace {

using Kind = Field::Kind;
using Others = Body::Others;

Route WithFields(std::vector<Field> fields, Others others = Others::kIgnored) {
  Route route;
  route.body = Body{.fields = std::move(fields), .others = others};
  return route;
}

http::Request WithBody(const std::string& body) {
  http::Request request;
  request.body = body;
  return request;
}

Status StatusOf(const Route& route, const std::string& body) {
  const http::Request request = WithBody(body);
  return Call(route, request).status();
}

Status StatusOfQuery(const Field& field, const std::string& value) {
  Route route;
  route.query = {field};
  http::Request request;
  request.query[field.name] = value;
  return Call(route, request).status();
}

TEST(CallTest, ReadsTypedFieldsOfTheBody) {
  const Route route =
      WithFields({{.name = "s"}, {.name = "b", .kind = Kind::kFlag}});
  const http::Request request = WithBody(R"({"s":"x","b":true,"n":null})");
  const Call call(route, request);
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.Text("s"), "x");
  EXPECT_EQ(call.Text("missing", "y"), "y");
  EXPECT_EQ(call.Text("n", "z"), "z");
  EXPECT_TRUE(call.Flag("b"));
  EXPECT_FALSE(call.Flag("missing"));
}

TEST(CallTest, WrongTypesAreProblems) {
  const Route route =
      WithFields({{.name = "s"}, {.name = "b", .kind = Kind::kFlag}});
  for (const char* body : {R"({"s":1})", R"({"s":{}})", R"({"s":["x"]})"}) {
    EXPECT_EQ(StatusOf(route, body).message(), "\"s\" is not a string") << body;
  }
  for (const char* body : {R"({"b":1})", R"({"b":"true"})"}) {
    EXPECT_EQ(StatusOf(route, body).message(), "\"b\" is not true or false")
        << body;
  }
  EXPECT_EQ(StatusOf(route, "[]").message(),
            "the request body is not a JSON object");
  const Route number =
      WithFields({{.name = "n", .kind = Kind::kNumber, .min = 1, .max = 9}});
  for (const char* wrong : {"0", "10", "-1", "1.5", "\"1\"", "true"}) {
    EXPECT_EQ(StatusOf(number, "{\"n\":" + std::string(wrong) + "}").message(),
              "\"n\" is not a number from 1 to 9")
        << wrong;
  }
  EXPECT_TRUE(StatusOf(number, "{\"n\":9}").ok());
}

TEST(CallTest, AFieldIsMissingOrNotOneOfItsChoices) {
  const Route route = WithFields(
      {{.name = "backup", .required = true, .hint = "name one"},
       {.name = "depth", .choices = {"a", "b", "c"}},
       {.name = "mode", .choices = {"x", "y"}, .may_be_empty = true}});
  for (const char* body : {"", "{\"backup\":null}", "{\"backup\":\"\"}"}) {
    EXPECT_EQ(StatusOf(route, body).message(), "\"backup\" is missing");
    EXPECT_EQ(StatusOf(route, body).hint(), "name one");
  }
  EXPECT_TRUE(StatusOf(route, R"({"backup":"n"})").ok());
  EXPECT_TRUE(StatusOf(route, R"({"backup":"n","depth":"b"})").ok());
  EXPECT_EQ(StatusOf(route, R"({"backup":"n","depth":""})").message(),
            R"("depth" is not one of "a", "b" and "c")");
  EXPECT_TRUE(StatusOf(route, R"({"backup":"n","mode":""})").ok());
  EXPECT_EQ(StatusOf(route, R"({"backup":"n","mode":"z"})").message(),
            R"("mode" is not one of "x" and "y")");
}

TEST(CallTest, UnknownFieldsGetASuggestion) {
  const Route route =
      WithFields({{.name = "dryRun", .kind = Kind::kFlag}, {.name = "depth"}},
                 Others::kRefused);
  const Status slip = StatusOf(route, R"({"dry_run":true})");
  EXPECT_EQ(slip.message(),
            "the request body has an unknown field \"dry_run\"");
  EXPECT_EQ(slip.hint(), "did you mean \"dryRun\"?");
  const Status other = StatusOf(route, R"({"colour":1})");
  EXPECT_FALSE(other.ok());
  EXPECT_EQ(other.hint(), "");
}

TEST(CallTest, OnlySlipsOfThePenAreRefusedWhereOthersAreIgnored) {
  const Route route =
      WithFields({{.name = "backupName"}, {.name = "mode"}, {.name = "dryRun"}},
                 Others::kRefusedIfMisspelled);
  for (const char* slip : {"dryrun", "DryRun", "dry-run", "dryRum",
                           "backupname", "backup_name", "bakupName", "Mode"}) {
    EXPECT_FALSE(StatusOf(route, "{\"" + std::string(slip) + "\":1}").ok())
        << slip;
  }
  for (const char* other : {"comment", "user", "a", "requestId"}) {
    EXPECT_TRUE(StatusOf(route, "{\"" + std::string(other) + "\":1}").ok())
        << other;
  }
  EXPECT_TRUE(StatusOf(WithFields({{.name = "dryRun"}}), "{\"dryrun\":1}").ok())
      << "where all others are ignored";
}

TEST(CallTest, ABodyThatTheTableDoesNotNameIsNotRead) {
  EXPECT_TRUE(StatusOf(Route(), "no JSON").ok());
  EXPECT_FALSE(StatusOf(WithFields({}), "no JSON").ok());
}

TEST(CallTest, QueriesAreNumbersFlagsAndTexts) {
  const Field number = {
      .name = "limit", .kind = Kind::kNumber, .min = 1, .max = 9};
  for (const char* wrong : {"", "0", "10", "x", "-1", "1.0"}) {
    EXPECT_EQ(StatusOfQuery(number, wrong).message(),
              "the query parameter \"limit\" is not a number from 1 to 9")
        << wrong;
  }
  EXPECT_TRUE(StatusOfQuery(number, "9").ok());
  const Field flag = {.name = "force", .kind = Kind::kFlag};
  for (const char* wrong : {"", "1", "TRUE"}) {
    EXPECT_EQ(StatusOfQuery(flag, wrong).message(),
              "the query parameter \"force\" is not true or false")
        << wrong;
  }
  const Field text = {.name = "after", .hint = "the hint", .wrong = "is wrong"};
  EXPECT_EQ(StatusOfQuery(text, "").message(), "is wrong");
  EXPECT_EQ(StatusOfQuery(text, "").hint(), "the hint");

  Route route;
  route.query = {number, flag, text};
  http::Request request;
  request.query = {{"limit", "7"}, {"force", "true"}, {"after", "a"}};
  const Call call(route, request);
  EXPECT_EQ(call.Number("limit"), 7u);
  EXPECT_TRUE(call.Flag("force"));
  EXPECT_EQ(call.Text("after"), "a");
  EXPECT_EQ(call.Number("other"), std::nullopt);
}

}  // namespace
}  // namespace levelkeep::api
