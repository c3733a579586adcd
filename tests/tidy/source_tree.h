// Support for the tests of this folder.
// The sources of LevelKeep as data, for tests that read them.

#ifndef LEVELKEEP_TESTS_TIDY_SOURCE_TREE_H_
#define LEVELKEEP_TESTS_TIDY_SOURCE_TREE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace levelkeep::test {

struct SourceFile {
  std::string path;  // below the root, e.g. "src/base/log.cc"
  std::string text;

  bool IsHeader() const { return path.ends_with(".h"); }
  // "base" of "src/base/log.cc".
  std::string Module() const;
};

// All .h and .cc files below these folders, sorted by path.
std::vector<SourceFile> ReadSources(const std::string& root,
                                    const std::vector<std::string>& folders);

std::vector<std::string> SplitLines(std::string_view text);

// The same text with blanks for comments and the inside of literals; lines and
// columns stay where they are.
std::string CodeOnly(std::string_view text);

struct Include {
  int line = 0;
  std::string target;  // without quotes or brackets
  bool quoted = false;
};
std::vector<Include> IncludesOf(std::string_view text);

// "path:line: problem" for each line of code for which `is_bad` is true.
std::vector<std::string> FindLines(
    const SourceFile& file,
    const std::function<bool(const std::string& code)>& is_bad);

// Functions in namespace scope or of a class that have more lines than that, as
// "path:line: N lines". It relies on clang-format's layout.
std::vector<std::string> FindLongFunctions(const SourceFile& file,
                                           int most_lines);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_TIDY_SOURCE_TREE_H_
