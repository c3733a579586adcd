// Secrets: from files, never shown, and nobody's problem but of those who need
// them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "config/setting_rows.h"
#include "config/settings.h"
#include "config/settings_fixture.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(SettingsTest, ReadsSecretsFromFiles) {
  test::WriteFile("token", "geheim\n");
  sources_.environment = {{"API_TOKEN_FILE", dir_.Sub("token")}};
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.api.token, "geheim");
  EXPECT_EQ(OriginOf(loaded, "API_TOKEN").value_masked, "********");
  EXPECT_EQ(OriginOf(loaded, "API_TOKEN").origin, "environment API_TOKEN_FILE");
  // Orchestrators mount secrets as links.
  ASSERT_EQ(::symlink("token", "link"), 0);
  sources_.environment = {{"API_TOKEN_FILE", "link"}};
  EXPECT_EQ(Load().settings.api.token, "geheim");
  // The environment overrides the file, also with API_TOKEN_FILE.
  test::WriteFile(".env", "API_TOKEN=other");
  EXPECT_EQ(Load().settings.api.token, "geheim");
}

TEST_F(SettingsTest, ASecretForOthersIsNoProblemOfThoseWhoNeedNone) {
  test::WriteFile("token", "geheim\n");
  test::FaultFileSystem disk(FileSystem::Posix(),
                             test::FaultFileSystem::Count::kAll);
  disk.FailOn("token", StatusCode::kPermissionDenied);
  sources_.file_system = &disk;
  sources_.environment = {{"API_TOKEN_FILE", "token"}};
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.api.token, "");
  EXPECT_THAT(loaded.settings.api_token_problem,
              HasSubstr("API_TOKEN_FILE is \"token\" (environment "
                        "API_TOKEN_FILE): "));
  EXPECT_EQ(OriginOf(loaded, "API_TOKEN").value_masked, "(not readable)");
  EXPECT_EQ(OriginOf(loaded, "API_TOKEN").origin, "environment API_TOKEN_FILE");
}

TEST_F(SettingsTest, RefusesSecretsThatAreNone) {
  test::WriteFile("empty", "\n");
  test::WriteFile("two", "one two");
  const struct {
    std::map<std::string, std::string> environment;
    const char* problem;
  } kCases[] = {
      {{{"API_TOKEN", ""}},
       "API_TOKEN is empty (environment API_TOKEN): allowed is 1 to 4096 "
       "visible ASCII characters without blanks"},
      {{{"API_TOKEN_FILE", "empty"}},
       "API_TOKEN is empty (environment API_TOKEN_FILE): allowed is 1 to 4096 "
       "visible ASCII characters without blanks"},
      {{{"API_TOKEN_FILE", ""}},
       "API_TOKEN_FILE is empty (environment API_TOKEN_FILE): allowed is the "
       "path of a file"},
      {{{"API_TOKEN_FILE", "none"}},
       "API_TOKEN_FILE is \"none\" (environment API_TOKEN_FILE): cannot open "
       "none: No such file or directory"},
      {{{"API_TOKEN_FILE", "two"}},
       "API_TOKEN is not usable (environment API_TOKEN_FILE): allowed is 1 to "
       "4096 visible ASCII characters without blanks"},
      {{{"API_TOKEN", "a"}, {"API_TOKEN_FILE", "two"}},
       "environment API_TOKEN and environment API_TOKEN_FILE are both set: "
       "allowed is one of the two"},
  };
  for (const auto& c : kCases) {
    sources_.environment = c.environment;
    EXPECT_EQ(LoadProblems(), c.problem);
  }
}

TEST_F(SettingsTest, NeverShowsASecret) {
  test::WriteFile(".env", "API_TOKEN=\"hush hush\"\nAPI_PORT=x\n");
  EXPECT_THAT(LoadProblems(), Not(HasSubstr("hush")));
  sources_.environment = {{"API_TOKEN", "hush\x01"}};
  EXPECT_THAT(LoadProblems(), Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace levelkeep
