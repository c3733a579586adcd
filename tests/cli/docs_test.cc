// The documentation for users says the same as the table of settings. Run with
// LEVELKEEP_UPDATE_GOLDEN=1 to write the table into the pages.

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/text.h"
#include "cli/arguments.h"
#include "config/settings.h"
#include "support/temp_dir.h"

namespace levelkeep::cli {
namespace {

// Compares the text between two lines of a page in the source tree with `part`.
void ExpectPart(const std::string& name, const std::string& begin,
                const std::string& end, const std::string& part) {
  const std::string path = std::string(LEVELKEEP_SOURCE_DIR) + "/" + name;
  std::string page = test::ReadFile(path);
  const size_t from = page.find(begin);
  const size_t to = page.find(end);
  ASSERT_NE(from, std::string::npos) << name << " lacks " << begin;
  ASSERT_LT(from, to) << name << " lacks " << end;
  const size_t first = from + begin.size();
  if (std::getenv("LEVELKEEP_UPDATE_GOLDEN") != nullptr) {
    page.replace(first, to - first, part);
    test::WriteFile(path, page);
    return;
  }
  EXPECT_EQ(page.substr(first, to - first), part) << name;
}

// The verbs that take the flag, or all but those that do not: the shorter text.
std::string VerbsOf(const SettingInfo& info) {
  if (info.flag.empty()) return "";
  std::vector<std::string> names;
  std::vector<std::string> others;
  for (const Verb* verb : AllVerbs()) {
    (info.IsFor(verb->name) ? names : others)
        .push_back("`" + std::string(verb->name) + "`");
  }
  if (others.empty()) return "all";
  return names.size() <= others.size() ? Join(names, ", ")
                                       : "all but " + Join(others, ", ");
}

std::string RowOf(const SettingInfo& info) {
  std::string row = "| `" + info.name + "`";
  for (const std::string& alias : info.aliases)
    row += " (also `" + alias + "`)";
  row += " | ";
  row += info.secret ? "none: secret, or `" + info.name + "_FILE`"
                     : "`" + info.flag + "`";
  row += " | ";
  if (!info.default_value.empty()) row += "`" + info.default_value + "`";
  return row + " | " + info.help + " | " + VerbsOf(info) + " | " +
         (info.reloadable ? "yes" : "") + " |\n";
}

TEST(DocsTest, TheTablesOfSettingsAreTheProgramsOwn) {
  std::string tables;
  std::string section;
  for (const SettingInfo& info : AllSettings()) {
    if (info.section != section) {
      section = info.section;
      tables += "\n### " + section +
                "\n\n| setting | flag | default | meaning | flag of | SIGHUP "
                "|\n|---|---|---|---|---|---|\n";
    }
    tables += RowOf(info);
  }
  ExpectPart("docs/cli.md", "<!-- settings -->\n", "\n<!-- end of settings -->",
             tables);
}

// roff may end a line at a plain hyphen.
std::string Roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '-') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

TEST(DocsTest, TheManPageHasEachFlagOfASetting) {
  std::string list;
  std::string section;
  for (const SettingInfo& info : AllSettings()) {
    if (info.flag.empty()) continue;
    if (info.section != section) list += ".SS " + info.section + "\n";
    section = info.section;
    list += ".TP\n.BI " + Roff(info.flag) + " \" VALUE\"\n" + Roff(info.help) +
            "\n";
  }
  ExpectPart("packaging/man/levelkeep.1", ".\\\" settings\n",
             ".\\\" end of settings\n", list);
}

TEST(DocsTest, SettingsNameVerbsThatThereAre) {
  std::set<std::string> verbs;
  for (const Verb* verb : AllVerbs()) verbs.insert(verb->name);
  for (const SettingInfo& info : AllSettings()) {
    EXPECT_NE(info.section, "") << info.name;
    EXPECT_TRUE(info.IsFor("config")) << info.name;
    for (const std::string& verb : info.verbs) {
      EXPECT_TRUE(verbs.contains(verb)) << info.name << ": " << verb;
    }
  }
}

}  // namespace
}  // namespace levelkeep::cli
