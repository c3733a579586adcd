#include "api/call.h"

#include <gtest/gtest.h>

namespace levelkeep::api {
namespace {

using Kind = Field::Kind;

Route WithFields(std::vector<Field> fields) {
  Route route;
  route.method = "POST";
  route.body = Body{.fields = std::move(fields)};
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
  const http::Request request = WithBody(R"({"s":"x","b":true})");
  const Call call(route, request);
  EXPECT_TRUE(call.status().ok());
  EXPECT_EQ(call.Text("s"), "x");
  EXPECT_EQ(call.Text("missing"), "");
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

TEST(CallTest, NullIsNoValueOfAnyKind) {
  const Route route =
      WithFields({{.name = "s"},
                  {.name = "b", .kind = Kind::kFlag},
                  {.name = "n", .kind = Kind::kNumber, .max = 9}});
  EXPECT_EQ(StatusOf(route, R"({"s":null})").message(),
            "\"s\" is not a string");
  EXPECT_EQ(StatusOf(route, R"({"b":null})").message(),
            "\"b\" is not true or false");
  EXPECT_EQ(StatusOf(route, R"({"n":null})").message(),
            "\"n\" is not a number from 0 to 9");
}

TEST(CallTest, AFieldIsMissingEmptyOrNotOneOfItsChoices) {
  const Route route =
      WithFields({{.name = "backup", .required = true, .hint = "name one"},
                  {.name = "depth", .choices = {"a", "b", "c"}},
                  {.name = "label"}});
  EXPECT_EQ(StatusOf(route, "").message(), "\"backup\" is missing");
  EXPECT_EQ(StatusOf(route, "").hint(), "name one");
  for (const char* blank : {"", " ", "\\t\\n"}) {
    const std::string value = "\"" + std::string(blank) + "\"}";
    const Status needed = StatusOf(route, "{\"backup\":" + value);
    EXPECT_EQ(needed.message(), "\"backup\" is empty");
    EXPECT_EQ(needed.hint(), "name one");
    for (const char* field : {"depth", "label"}) {
      const Status status = StatusOf(
          route, R"({"backup":"n",")" + std::string(field) + "\":" + value);
      EXPECT_EQ(status.message(), "\"" + std::string(field) + "\" is empty");
      EXPECT_EQ(status.hint(), "leave it out, or give a value");
    }
  }
  EXPECT_TRUE(StatusOf(route, R"({"backup":"n"})").ok());
  EXPECT_TRUE(StatusOf(route, R"({"backup":"n","depth":"b"})").ok());
  EXPECT_EQ(StatusOf(route, R"({"backup":"n","depth":"d"})").message(),
            R"("depth" is not one of "a", "b" and "c")");
}

TEST(CallTest, UnknownFieldsAreRefusedWithWhatIsKnown) {
  const Route route =
      WithFields({{.name = "dryRun", .kind = Kind::kFlag}, {.name = "depth"}});
  for (const char* slip :
       {"dry_run", "dryrun", "DryRun", "dry-run", "dryRum", "Depth", "dept"}) {
    const Status status =
        StatusOf(route, "{\"" + std::string(slip) + "\":true}");
    EXPECT_EQ(status.message(), "the request body has an unknown field \"" +
                                    std::string(slip) + "\"");
    EXPECT_TRUE(status.hint().starts_with("did you mean \"d")) << status.hint();
  }
  for (const char* other : {"preview", "to", "a", "comment", "requestId"}) {
    EXPECT_EQ(StatusOf(route, "{\"" + std::string(other) + "\":1}").hint(),
              "this route takes \"dryRun\" and \"depth\"");
  }
  EXPECT_EQ(StatusOf(WithFields({}), R"({"a":1})").hint(),
            "this route takes none");
}

TEST(CallTest, UnknownParametersAreRefusedWhereSomethingChanges) {
  Route route =
      WithFields({{.name = "dryRun", .kind = Kind::kFlag}, {.name = "label"}});
  route.query = {{.name = "force", .kind = Kind::kFlag}};
  const auto status_of = [&](const std::string& name) {
    http::Request request;
    request.query[name] = "true";
    return Call(route, request).status();
  };
  EXPECT_TRUE(status_of("force").ok());
  EXPECT_EQ(status_of("dryRun").message(),
            "\"dryRun\" is in the address of the request");
  EXPECT_EQ(status_of("dryRun").hint(),
            "it is a field of the body: {\"dryRun\":true}");
  EXPECT_EQ(status_of("label").hint(),
            "it is a field of the body: {\"label\":\"…\"}");
  EXPECT_EQ(status_of("forse").message(),
            "the request has an unknown query parameter \"forse\"");
  EXPECT_EQ(status_of("forse").hint(), "did you mean \"force\"?");
  EXPECT_EQ(status_of("x").hint(), "this route takes \"force\"");
  EXPECT_EQ(status_of("dry_run").hint(),
            "did you mean the field \"dryRun\" of the body?");
  // A field may be in the address by mistake, and a parameter in the body.
  http::Request misplaced;
  misplaced.query["label"] = "x";
  misplaced.body = "no JSON";
  EXPECT_EQ(Call(route, misplaced).status().message(),
            "\"label\" is in the address of the request");
  EXPECT_EQ(StatusOf(route, R"({"force":true})").message(),
            "\"force\" is in the request body");
  EXPECT_EQ(StatusOf(route, R"({"force":true})").hint(),
            "it is a query parameter: add ?force=… to the address, and "
            "nothing to the body");
  // Proxies and browsers add parameters to requests that only read.
  route.method = "GET";
  EXPECT_TRUE(status_of("dryRun").ok());
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
