// The settings in the answer of /api/backup/status.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "api/api.h"
#include "api/store_fixture.h"
#include "config/settings.h"

namespace levelkeep::api {
namespace {

using nlohmann::json;

class StatusTest : public test::StoreFixture {
 protected:
  json Config(const std::optional<Settings>& settings = std::nullopt) {
    std::optional<LiveValue<Settings>> program;
    if (settings) program.emplace(*settings);
    Api api(manager_.get(), http::ApiOptions(), program ? &*program : nullptr);
    http::Request request;
    request.method = "GET";
    request.path = "/api/backup/status";
    return json::parse(api.Handle(request).body).at("config");
  }
};

TEST_F(StatusTest, TheProgramShowsEachOfItsSettings) {
  StartManager();
  Settings settings;
  settings.backup = options_;
  settings.api.allowed_hosts = {"a.example", "b.example"};
  settings.backup.schedule.poll = std::chrono::milliseconds(1234);
  settings.log.level = LogLevel::kWarn;
  const json config = Config(settings);
  std::set<std::string> keys;
  for (const SettingInfo& info : AllSettings()) {
    EXPECT_TRUE(config.contains(info.key)) << info.name;
    keys.insert(info.key);
  }
  EXPECT_EQ(config.size(), keys.size());
  EXPECT_EQ(config.at("apiPort"), 5050);
  EXPECT_EQ(config.at("apiAllowedHosts"), json({"a.example", "b.example"}));
  EXPECT_EQ(config.at("storageSync"), true);
  EXPECT_EQ(config.at("workerPoll"), 1234);
  EXPECT_EQ(config.at("logLevel"), "warn");
  EXPECT_EQ(config.at("logDir"), "");
  EXPECT_EQ(config.at("backupDir"), dir_.Sub("backups"));
}

TEST_F(StatusTest, SecretsAreMasked) {
  StartManager();
  Settings settings;
  EXPECT_EQ(Config(settings).at("apiToken"), "");
  settings.api.token = "s3cret";
  const json config = Config(settings);
  EXPECT_EQ(config.at("apiToken"), "********");
  EXPECT_EQ(config.dump().find("s3cret"), std::string::npos);
}

TEST_F(StatusTest, AnApplicationShowsTheManagersOnly) {
  StartManager();
  const json config = Config();
  EXPECT_EQ(config.at("reuse"), true);
  EXPECT_EQ(config.at("reserve"), 0);
  EXPECT_EQ(config.at("restoreDir"), dir_.Sub("restore"));
  EXPECT_FALSE(config.contains("apiToken"));
  EXPECT_FALSE(config.contains("logLevel"));
}

}  // namespace
}  // namespace levelkeep::api
