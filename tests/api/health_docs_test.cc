#include "api/health_docs.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

#include "base/report_names.h"
#include "base/text.h"
#include "support/temp_dir.h"

namespace levelkeep::api {
namespace {

// A heading's anchor, as Markdown renderers make it.
std::string AnchorOf(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0)
      anchor += static_cast<char>(std::tolower(byte));
    if (c == '-' || c == '_') anchor += c;
    if (c == ' ') anchor += '-';
  }
  return anchor;
}

std::set<std::string> AnchorsOfTheOperationsPage() {
  std::set<std::string> anchors;
  const std::string page =
      test::ReadFile(std::string(LEVELKEEP_SOURCE_DIR) + "/docs/operations.md");
  for (const std::string_view line : Split(page, '\n')) {
    const size_t marks = line.find_first_not_of('#');
    if (marks == 0 || marks == std::string_view::npos) continue;
    if (line[marks] != ' ') continue;
    anchors.insert(AnchorOf(line.substr(marks + 1)));
  }
  return anchors;
}

TEST(HealthDocsTest, EachCodeHasAWordAndAnEntry) {
  const std::set<std::string> anchors = AnchorsOfTheOperationsPage();
  std::set<std::string> words, docs;
  for (int i = 0; i <= static_cast<int>(HealthCode::kJobStuck); ++i) {
    const auto code = static_cast<HealthCode>(i);
    const std::string word(NameOf(code));
    EXPECT_EQ(ParseHealthCode(word), code);
    words.insert(word);
    const std::string doc = DocOf(code);
    docs.insert(doc);
    ASSERT_TRUE(doc.starts_with("docs/operations.md#")) << doc;
    EXPECT_TRUE(anchors.contains(doc.substr(doc.find('#') + 1)))
        << word << ": no heading for " << doc;
  }
  EXPECT_EQ(words.size(), docs.size()) << "two codes share an entry";
  EXPECT_GT(words.size(), 10u);
}

}  // namespace
}  // namespace levelkeep::api
