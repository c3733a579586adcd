// Compares exchanges with the files in tests/golden/http, verbatim.
//
// Values that differ between runs (digests, sizes, durations, folders) are
// replaced by placeholders; times come from a clock that the test sets. Run
// with LEVELKEEP_UPDATE_GOLDEN=1 to write the files again, and read the
// difference before you commit it.

#ifndef LEVELKEEP_TESTS_API_GOLDEN_FIXTURE_H_
#define LEVELKEEP_TESTS_API_GOLDEN_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <thread>

#include "api/api.h"
#include "api/store_fixture.h"

namespace levelkeep::api {

using http::ApiOptions;
using http::Request;
using http::Response;
using Json = nlohmann::ordered_json;

inline constexpr char kFirst[] =
    "backup_2024-12-27_120000_manual-backup.tar.gz";
inline constexpr char kSecond[] = "backup_2024-12-27_130000.tar.gz";

// Of these members only the presence and the type are compared.
inline const std::set<std::string> kVarying = {
    "size",    "totalSize",   "durationMs",  "freeBytes",
    "ageDays", "neededBytes", "sourceBytes", "predictedRestoreSeconds",
    "bytes",   "backupBytes", "threads",     "diskBytes"};

inline const std::set<std::string> kHeaders = {"Accept-Ranges",
                                               "Allow",
                                               "Cache-Control",
                                               "Content-Range",
                                               "ETag",
                                               "Retry-After",
                                               "X-Content-Type-Options",
                                               "WWW-Authenticate",
                                               "Content-Disposition"};

class GoldenTest : public test::StoreFixture {
 protected:
  void Start(ApiOptions api_options = ApiOptions()) {
    StartManager();
    api_ = std::make_unique<Api>(manager_.get(), api_options);
  }

  Request Make(const std::string& method, const std::string& target,
               const std::string& body = "") {
    Request request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (const size_t at = target.find('?'); at != std::string::npos) {
      const std::string query = target.substr(at + 1);
      request.query[query.substr(0, query.find('='))] =
          query.substr(query.find('=') + 1);
    }
    request.headers["host"] = "localhost:5050";
    request.body = body;
    return request;
  }

  // Handles the request and compares with tests/golden/http/NAME.json.
  void Expect(const std::string& name, const Request& request) {
    SCOPED_TRACE(name);
    const Response response = api_->Handle(request);
    ExpectInTable(request, response.status);
    Json golden;
    golden["request"] = Normal(
        "", request.method + " " + request.path +
                (request.body.empty() ? "" : " " + request.body.substr(0, 80)));
    golden["status"] = response.status;
    golden["contentType"] = response.content_type;
    for (const auto& [header, value] : response.headers) {
      if (kHeaders.count(header) > 0) {
        golden["headers"][header] = Normal("", value);
      }
    }
    if (response.file != nullptr) {
      golden["body"] = "<FILE>";
    } else if (!response.body.empty()) {
      golden["body"] = Normal("", Json::parse(response.body));
    }
    Compare(name,
            golden.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  // Expects that the table of routes lists this status for the route.
  void ExpectInTable(Request request, int status) {
    static const std::set<int> kOfAll = {400, 401, 403, 413, 415, 500, 503};
    api_->router()->Resolve(&request);
    if (request.route == nullptr) return;
    for (const Route& route : api_->routes()) {
      if (route.method != request.route->method) continue;
      if (route.path != request.route->pattern) continue;
      EXPECT_TRUE(kOfAll.contains(status) ||
                  std::ranges::count(route.answers, status) > 0)
          << status;
      return;
    }
    ADD_FAILURE() << "the route is not in the table";
  }

  void Expect(const std::string& name, const std::string& method,
              const std::string& target, const std::string& body = "") {
    Expect(name, Make(method, target, body));
  }

  Json Normal(const std::string& key, const Json& value) {
    if (value.is_object() || value.is_array()) {
      Json result = value;
      for (auto it = result.begin(); it != result.end(); ++it) {
        *it = Normal(value.is_object() ? it.key() : key, *it);
      }
      return result;
    }
    if (value.is_number() && kVarying.count(key) > 0) return "<NUMBER>";
    if (!value.is_string()) return value;
    // The results of jobs are texts.
    const auto digits =
        value.get<std::string>().find_first_not_of("0123456789");
    if (digits == std::string::npos && kVarying.count(key) > 0) {
      return "<NUMBER>";
    }
    std::string text = value.get<std::string>();
    for (size_t at = text.find(dir_.path()); at != std::string::npos;
         at = text.find(dir_.path())) {
      text.replace(at, dir_.path().size(), "<DIR>");
    }
    text = std::regex_replace(text, std::regex("[0-9a-f]{64}"), "<SHA256>");
    text = std::regex_replace(text, std::regex("[0-9a-f]{32}"), "<ID>");
    text = std::regex_replace(
        text, std::regex("[0-9]{8}-[0-9]{6}-[0-9]{3}-[0-9a-f]{8}"), "<JOB>");
    text = std::regex_replace(text, std::regex("/[0-9]{3,}$"), "/<NUMBER>");
    text = std::regex_replace(text, std::regex("has [0-9]+ bytes"),
                              "has <NUMBER> bytes");
    text = std::regex_replace(text, std::regex("[0-9.]+ [KMGTPE]?i?B\\b"),
                              "<SIZE>");
    return text;
  }

  static void Compare(const std::string& name, const std::string& actual) {
    const std::string path =
        std::string(LEVELKEEP_TEST_DATA) + "/golden/http/" + name + ".json";
    if (std::getenv("LEVELKEEP_UPDATE_GOLDEN") != nullptr) {
      std::filesystem::create_directories(
          std::filesystem::path(path).parent_path());
      test::WriteFile(path, actual);
      return;
    }
    ASSERT_TRUE(std::filesystem::exists(path)) << path;
    EXPECT_EQ(test::ReadFile(path), actual);
  }

  std::unique_ptr<Api> api_;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_TESTS_API_GOLDEN_FIXTURE_H_
