#include "api/body_fields.h"

#include <gtest/gtest.h>

namespace levelkeep::api {
namespace {

using http::Request;

Request WithBody(const std::string& body) {
  Request request;
  request.body = body;
  return request;
}

TEST(BodyFieldsTest, ReadsTypedFields) {
  BodyFields fields(WithBody(R"({"s":"x","b":true,"n":null})"));
  EXPECT_EQ(fields.String("s"), "x");
  EXPECT_EQ(fields.String("missing", "y"), "y");
  EXPECT_EQ(fields.String("n", "z"), "z");
  EXPECT_TRUE(fields.Bool("b", false));
  EXPECT_FALSE(fields.Bool("missing", false));
  EXPECT_TRUE(fields.Has("s"));
  EXPECT_FALSE(fields.Has("n"));
  EXPECT_TRUE(fields.status().ok());
}

TEST(BodyFieldsTest, WrongTypesAreProblems) {
  for (const char* body : {R"({"s":1})", R"({"s":{}})", R"({"s":["x"]})"}) {
    BodyFields fields(WithBody(body));
    fields.String("s");
    EXPECT_EQ(fields.status().message(), "\"s\" is not a string") << body;
  }
  for (const char* body : {R"({"b":1})", R"({"b":"true"})"}) {
    BodyFields fields(WithBody(body));
    fields.Bool("b", false);
    EXPECT_EQ(fields.status().message(), "\"b\" is not true or false") << body;
  }
  BodyFields list(WithBody("[]"));
  EXPECT_EQ(list.String("s"), "");
  EXPECT_EQ(list.status().message(), "the request body is not a JSON object");
}

TEST(BodyFieldsTest, UnknownFieldsGetASuggestion) {
  BodyFields fields(WithBody(R"({"dry_run":true})"));
  fields.AllowOnly({"dryRun", "depth"});
  EXPECT_EQ(fields.status().message(),
            "the request body has an unknown field \"dry_run\"");
  EXPECT_EQ(fields.status().hint(), "did you mean \"dryRun\"?");
  BodyFields other(WithBody(R"({"colour":1})"));
  other.AllowOnly({"dryRun"});
  EXPECT_EQ(other.status().hint(), "");
  EXPECT_FALSE(other.status().ok());
}

TEST(BodyFieldsTest, OnlySlipsOfThePenAreRefusedWhereOthersAreIgnored) {
  for (const char* slip : {"dryrun", "DryRun", "dry-run", "dryRum",
                           "backupname", "backup_name", "bakupName", "Mode"}) {
    BodyFields fields(WithBody("{\"" + std::string(slip) + "\":1}"));
    fields.RefuseMisspelled({"backupName", "mode", "dryRun"});
    EXPECT_FALSE(fields.status().ok()) << slip;
  }
  for (const char* other : {"comment", "user", "a", "node", "requestId"}) {
    BodyFields fields(WithBody("{\"" + std::string(other) + "\":1}"));
    fields.RefuseMisspelled({"backupName", "dryRun"});
    EXPECT_TRUE(fields.status().ok()) << other;
  }
}

}  // namespace
}  // namespace levelkeep::api
