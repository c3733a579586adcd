// Settings that are loaded in a folder of the test's own.

#ifndef LEVELKEEP_TESTS_CONFIG_SETTINGS_FIXTURE_H_
#define LEVELKEEP_TESTS_CONFIG_SETTINGS_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "config/settings.h"
#include "support/temp_dir.h"

namespace levelkeep {

// Loads settings in a folder of its own, so that ./.env belongs to the test.
class SettingsTest : public testing::Test {
 protected:
  SettingsTest() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(dir_.path());
  }
  ~SettingsTest() override { std::filesystem::current_path(before_); }

  LoadedSettings Load() {
    auto loaded = LoadSettings(sources_);
    EXPECT_TRUE(loaded.ok()) << loaded.status().ToString();
    return loaded.ok() ? *std::move(loaded) : LoadedSettings();
  }
  std::string LoadProblems() {
    const auto loaded = LoadSettings(sources_);
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.status().code(), StatusCode::kInvalidArgument);
    EXPECT_NE(loaded.status().hint(), "");
    return loaded.status().message();
  }
  static SettingOrigin OriginOf(const LoadedSettings& loaded,
                                const std::string& name) {
    for (const SettingOrigin& origin : loaded.origins) {
      if (origin.name == name) return origin;
    }
    return {};
  }

  test::TempDir dir_;
  const std::filesystem::path before_;
  SettingsSources sources_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_TESTS_CONFIG_SETTINGS_FIXTURE_H_
