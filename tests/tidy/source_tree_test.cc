// Tests of the reader of sources: if it saw nothing, no rule would fail.

#include "tidy/source_tree.h"

#include <gtest/gtest.h>

namespace levelkeep::test {
namespace {

TEST(SourceTreeTest, BlanksCommentsAndLiterals) {
  const struct {
    const char* text;
    const char* code;
  } kCases[] = {
      {"a // b\nc", "a     \nc"},
      {"a /* b\nc */ d", "a     \n     d"},
      {"f(\"x // y\");", "f(\"      \");"},
      {"f(\"a\\\"b\") // c", "f(\"    \")     "},
      {"c = '\"'; d", "c = ' '; d"},
      {"n = 1'000'000; d", "n = 1'000'000; d"},
      {"R\"(a \" b)\" c", "R        \" c"},
      {"// \"\ncode", "    \ncode"},
  };
  for (const auto& c : kCases) EXPECT_EQ(CodeOnly(c.text), c.code);
}

TEST(SourceTreeTest, FindsIncludes) {
  const auto includes =
      IncludesOf("#include \"a/b.h\"\n\n# include <x.h>  // why\nint i;\n");
  ASSERT_EQ(includes.size(), 2u);
  EXPECT_EQ(includes[0].target, "a/b.h");
  EXPECT_TRUE(includes[0].quoted);
  EXPECT_EQ(includes[1].target, "x.h");
  EXPECT_FALSE(includes[1].quoted);
  EXPECT_EQ(includes[1].line, 3);
}

TEST(SourceTreeTest, KnowsTheModule) {
  EXPECT_EQ((SourceFile{"src/base/log.cc", ""}).Module(), "base");
  EXPECT_EQ((SourceFile{"src/cli/main/main.cc", ""}).Module(), "cli");
  EXPECT_EQ((SourceFile{"src/x.cc", ""}).Module(), "");
}

TEST(SourceTreeTest, FindsLinesOfCodeOnly) {
  const SourceFile file = {"a.cc", "good\nbad  // why\n// bad\n\"bad\"\n"};
  const auto found = FindLines(file, [](const std::string& code) {
    return code.find("bad") != std::string::npos;
  });
  EXPECT_EQ(found, std::vector<std::string>{"a.cc:2: bad  // why"});
}

TEST(SourceTreeTest, MeasuresFunctions) {
  const std::string body = "  a;\n  if (b) {\n    c;\n  }\n";
  const auto found = [&](const std::string& text) {
    return FindLongFunctions({"a.cc", text}, 5);
  };
  EXPECT_EQ(found("void F() {\n" + body + "}\n"),
            std::vector<std::string>{"a.cc:1: 6 lines"});
  EXPECT_EQ(found("\nint F(int a,\n      int b) const {\n" + body + "}\n"),
            std::vector<std::string>{"a.cc:2: 7 lines"});
  EXPECT_EQ(found("A::A(int b)\n    : b_(b),\n      c_(b) {\n" + body + "}\n"),
            std::vector<std::string>{"a.cc:1: 8 lines"});
  EXPECT_EQ(found("class A {\n  void F() {\n    a;\n    a;\n    a;\n    a;\n"
                  "  }\n};\n"),
            std::vector<std::string>{"a.cc:2: 6 lines"});
  EXPECT_TRUE(
      found("void F() {\n  a;\n  b;\n}\nvoid G() {\n  a;\n}\n").empty());
  EXPECT_TRUE(found("class A {\n" + body + body + "};\n").empty());
}

}  // namespace
}  // namespace levelkeep::test
