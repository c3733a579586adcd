// The page that people read says what the table of settings says.

#include <gtest/gtest.h>

#include "config/settings.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

std::string RowOf(const SettingInfo& info) {
  std::string row = "| `" + info.name + "`";
  for (const std::string& alias : info.aliases)
    row += " (also `" + alias + "`)";
  row += " | ";
  row += info.secret ? "none: secret, or `" + info.name + "_FILE`"
                     : "`" + info.flag + "`";
  row += " | ";
  if (!info.default_value.empty()) row += "`" + info.default_value + "`";
  return row + " | " + info.help + " |\n";
}

TEST(DocsTest, TheTableOfSettingsIsTheProgramsOwn) {
  const std::string page = test::ReadFile(LEVELKEEP_SOURCE_DIR "/docs/cli.md");
  std::string table;
  for (const SettingInfo& info : AllSettings()) table += RowOf(info);
  EXPECT_NE(page.find(table), std::string::npos)
      << "docs/cli.md should have this table:\n"
      << table;
}

}  // namespace
}  // namespace levelkeep
