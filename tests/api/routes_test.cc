// The table of routes, and the page that describes them.

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "api/api.h"
#include "api/events/event_routes.h"
#include "support/temp_dir.h"

namespace levelkeep::api {
namespace {

using Routes = std::map<std::string, std::string>;  // "GET /x": its description

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() : api_(nullptr, http::ApiOptions()) {
    api_.Add(EventRoutes(nullptr));
  }

  Api api_;
};

// The rows of the tables below "## Routes" in docs/http-api.md.
Routes DocumentedRoutes() {
  std::string page =
      test::ReadFile(std::string(LEVELKEEP_SOURCE_DIR) + "/docs/http-api.md");
  page.erase(0, page.find("## Routes"));
  page.erase(page.find("### Create"));
  static const std::regex kRow(
      "\\| `((?:GET|POST|DELETE|PUT) [^`]+)` \\| (.+) \\|");
  Routes routes;
  for (std::sregex_iterator it(page.begin(), page.end(), kRow), end; it != end;
       ++it) {
    EXPECT_TRUE(routes.emplace((*it)[1], (*it)[2]).second) << (*it)[1];
  }
  return routes;
}

TEST_F(RoutesTest, ThePageHasEachRouteAndNoOther) {
  Routes table;
  for (const Route& route : api_.routes()) {
    const std::string key = route.method + " " + route.path;
    EXPECT_TRUE(table.emplace(key, route.summary).second) << key;
  }
  EXPECT_GT(table.size(), 15u);
  EXPECT_EQ(table, DocumentedRoutes());
}

TEST_F(RoutesTest, OnlyHealthChecksAreOpenAndOnlyReadersAreGets) {
  std::set<std::string> open;
  for (const Route& route : api_.routes()) {
    if (route.scope == Scope::kOpen) {
      open.insert(route.path);
    } else {
      EXPECT_EQ(route.method == "GET", route.scope == Scope::kRead)
          << route.method << " " << route.path;
    }
  }
  EXPECT_EQ(open, (std::set<std::string>{"/livez", "/readyz"}));
}

// No route that changes something accepts parameters or fields that it does not
// know.
TEST_F(RoutesTest, WhatChangesSomethingTakesNothingThatItDoesNotKnow) {
  const auto status_of = [](const Route& route, const std::string& name,
                            const std::string& body) {
    http::Request request;
    if (!name.empty()) request.query[name] = "true";
    request.body = body;
    return Call(route, request).status();
  };
  for (const Route& route : api_.routes()) {
    SCOPED_TRACE(route.method + " " + route.path);
    for (const char* name : {"dryRun", "preview", "x"}) {
      EXPECT_EQ(status_of(route, name, "").ok(), !Changes(route)) << name;
    }
    if (!Changes(route) || route.path == "/api/events") continue;
    ASSERT_TRUE(route.body.has_value()) << "the table does not name its fields";
    EXPECT_FALSE(status_of(route, "", R"({"preview":true})").ok());
    for (const Field& field : route.body->fields) {
      const std::string start = "{\"" + field.name + "\":";
      EXPECT_FALSE(status_of(route, "", start + "null}").ok()) << field.name;
      EXPECT_FALSE(status_of(route, "", start + "\"\"}").ok()) << field.name;
    }
  }
}

}  // namespace
}  // namespace levelkeep::api
