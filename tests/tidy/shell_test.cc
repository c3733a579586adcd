// Rules for shell scripts that shellcheck does not know.

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "support/temp_dir.h"
#include "tidy/source_tree.h"

namespace levelkeep::test {
namespace {

// Finds pipes whose reader ends before its input does. Chance decides whether
// SIGPIPE then kills the writer, and under `pipefail` whether the pipe fails.
// Use a reader of the whole input instead: a file or a variable between the
// two, `sed -n 1,40p`, `awk`.
std::vector<std::string> HastyReaders(std::string text) {
  static const std::regex kPipe(
      "(^|[^|])\\|&?\\s*"
      "(head\\b|read\\b"
      "|grep\\s+([^|]*\\s)?(-[A-Za-z]*[qmlL]|--(quiet|silent|max-count|files-))"
      "|grep\\s[^|]*[^2]>\\s*/dev/null"  // with it, grep behaves as with -q
      "|sed\\s+[^|]*[0-9$/; {][qQ](['\"; }]|$)"
      "|awk\\s+[^|]*\\bexit\\b)[^|;]*");
  // A pipe may continue in the next line.
  text = std::regex_replace(text, std::regex("(\\||\\\\)\\s*\n\\s*"), "$1 ");
  text = std::regex_replace(text, std::regex("\\\\ "), "");
  std::vector<std::string> found;
  for (const std::string& line : SplitLines(text)) {
    std::smatch match;
    if (line.find_first_not_of(' ') == line.find('#')) continue;
    if (std::regex_search(line, match, kPipe)) found.push_back(match.str());
  }
  return found;
}

TEST(ShellTest, FindsReadersThatEndBeforeTheirInput) {
  for (const char* hasty : {
           "list | grep -q x",
           "list | grep -vxq x || die",
           "list |\n  grep -E -m 1 x",
           "list \\\n  | grep --quiet x",
           "list | head -n 40 | sort",
           "list | sed 3q",
           "list | sed -n '/x/{p;q}'",
           "list | awk '/x/ { print; exit }'",
           "list | read -r first",
           "list 2>&1 |& head",
           "list | grep -x x >/dev/null",
       }) {
    EXPECT_EQ(HastyReaders(hasty).size(), 1u) << hasty;
  }
  for (const char* patient : {
           "grep -q x file || head -n 3 file",
           "list | grep -c x 2>/dev/null",
           "list | tail -n 1",
           "list | sed -n '1,40s/^/queue /p'",
           "list | awk 'NR > 1'",
           "# list | head",
           "case $x in a | reader) ;; esac",
       }) {
    EXPECT_TRUE(HastyReaders(patient).empty()) << patient;
  }
}

bool IsShellScript(const std::filesystem::path& path) {
  if (path.extension() == ".sh" || path.extension() == ".bash") return true;
  if (path.has_extension()) return false;
  const std::string text = ReadFile(path.string());
  const std::string first = text.substr(0, text.find('\n'));
  return first.starts_with("#!") && first.ends_with("sh");
}

TEST(ShellTest, NoPipeFailsByChance) {
  namespace fs = std::filesystem;
  const fs::path root = LEVELKEEP_SOURCE_DIR;
  std::string problems;
  int scripts = 0;
  for (const char* folder :
       {".ci", "scripts", "tests", "fuzz", "bench", "packaging"}) {
    for (fs::recursive_directory_iterator it(root / folder), end; it != end;
         ++it) {
      if (it->path().filename() == "node_modules") {
        it.disable_recursion_pending();
        continue;
      }
      if (!it->is_regular_file() || !IsShellScript(it->path())) continue;
      ++scripts;
      for (const auto& pipe : HastyReaders(ReadFile(it->path().string()))) {
        problems += fs::relative(it->path(), root).string() + ":" + pipe + "\n";
      }
    }
  }
  EXPECT_GT(scripts, 10);
  EXPECT_EQ(problems, "");
}

}  // namespace
}  // namespace levelkeep::test
