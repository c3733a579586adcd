#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace levelkeep {
namespace {

using nlohmann::json;

std::string Nested(size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(JsonTest, TakesWhatIsJson) {
  for (const std::string& text :
       {std::string("{}"), std::string("[1,{\"a\":{}},[]]"),
        std::string(" null\r\n"), std::string("\"\\u0000\\ud83d\\ude00\""),
        std::string("{\"label\":\"x\",\"n\":1.5e3,\"z\":null}"),
        std::string("\xef\xbb\xbf{\"bom\":1}"), Nested(32),
        std::string("{\"a\":{\"a\":1},\"b\":{\"a\":2}}")}) {
    EXPECT_TRUE(ParseJson(text, "it").ok()) << text;
  }
}

TEST(JsonTest, BuildsWhatWasSent) {
  const std::string text =
      R"({"a":[1,-2,3.5,true,null,"x"],"b":{"c":{},"d":[[],{"e":18446744073709551615}]}})";
  const auto tree = ParseJson(text, "it");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(DumpJson(*tree), text);
}

TEST(JsonTest, KeepsTheOrderIfAskedAndIsAsStrict) {
  const std::string text = R"({"z":1,"a":{"y":[],"b":-2}})";
  const auto tree = ParseJsonInOrder(text, "it");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(DumpJson(*tree), text);
  for (const std::string& bad : {std::string("{\"a\":1,\"a\":2}"), Nested(33),
                                 std::string("{}\0", 3), std::string("{} x")}) {
    const auto refused = ParseJsonInOrder(bad, "it");
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_EQ(refused.status().message(),
              ParseJson(bad, "it").status().message());
  }
}

TEST(JsonTest, RefusesTheRestWithAReason) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "is not JSON: see byte 1"},
      {" ", "is not JSON: see byte 2"},
      {"{", "is not JSON: see byte 2"},
      {"{}{}", "is not JSON: see byte 3"},
      {"[1,]", "is not JSON: see byte 4"},
      {"{\"a\":1,}", "is not JSON: see byte 8"},
      {"[01]", "is not JSON: see byte 3"},
      {"[+1]", "is not JSON: see byte 2"},
      {"[.5]", "is not JSON: see byte 2"},
      {"// a\n1", "is not JSON: see byte 1"},
      {"'a'", "is not JSON: see byte 1"},
      {"[NaN]", "is not JSON: see byte 2"},
      {"\"\t\"", "is not JSON: see byte 2"},
      {"\"\\x41\"", "is not JSON: see byte 3"},
      {"\"\\ud800\"", "is not JSON: see byte 8"},
      {std::string("{}\0", 3), "is not JSON: see byte 3"},
      {std::string("{}\0{\"a\":1}", 10), "is not JSON: see byte 3"},
      {std::string("\"a\0b\"", 5), "is not JSON: see byte 3"},
      {"1e999", "holds a number that is out of range"},
      {Nested(33), "is nested deeper than 32 levels"},
      {std::string(60000, '['), "is nested deeper than 32 levels"},
      {"{\"a\":1,\"a\":2}", "has the field \"a\" twice"},
      {"[{\"x\":{\"\\u0062\":1,\"b\":1}}]", "has the field \"b\" twice"},
      {"{\"label\":\"caf\xe9\"}", "is not UTF-8"},
      {"\"\xed\xa0\x80\"", "is not UTF-8"},
      {"{\"a\":1,\"a\":2,\"b\":\"\xff\"}", "is not UTF-8"},
  };
  for (const auto& [text, reason] : cases) {
    const auto tree = ParseJson(text, "it");
    ASSERT_FALSE(tree.ok()) << text.substr(0, 60);
    EXPECT_EQ(tree.status().code(), StatusCode::kCorruption);
    EXPECT_EQ(tree.status().message(), "it " + reason) << text.substr(0, 60);
  }
}

TEST(JsonTest, NoPrefixOfADocumentIsOne) {
  const std::string text = R"({"a":[1,"\u00e9",{"b":true}],"c":-1.5e-3})";
  ASSERT_TRUE(ParseJson(text, "it").ok());
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseJson(text.substr(0, size), "it").ok()) << size;
  }
}

TEST(JsonTest, RulesBoundTheTree) {
  const std::string text = R"([1,{"abc":"de"},[]])";
  const struct {
    JsonRules rules;
    std::string reason;  // empty: the text is accepted
  } kCases[] = {
      {{2, 5, 9, true}, ""},
      {{1, 5, 9, true}, "is nested deeper than 1 levels"},
      {{2, 4, 9, true}, "holds too many values"},
      {{2, 5, 4, true}, "holds too long a string"},
  };
  for (const auto& test : kCases) {
    const auto tree = ParseJson(text, "it", test.rules);
    EXPECT_EQ(tree.ok() ? "" : tree.status().message(),
              test.reason.empty() ? "" : "it " + test.reason);
  }
  JsonRules rules;
  rules.max_text_bytes = 3;
  const auto letters = ParseJson(R"({"a":"b","c":"d"})", "it", rules);
  ASSERT_FALSE(letters.ok());
  EXPECT_EQ(letters.status().message(), "it holds too much text");
  rules.max_text_bytes = 10;
  const auto blanks = ParseJson("[" + std::string(20, ' ') + "]", "it", rules);
  ASSERT_FALSE(blanks.ok());
  EXPECT_EQ(blanks.status().message(), "it holds too long a string");
  const auto quote = ParseJson(R"("123456\"123456")", "it", rules);
  EXPECT_EQ(quote.status().message(), "it holds too long a string");
  EXPECT_TRUE(ParseJson("[\"\\\\\",\"12345\",\"67\"]", "it", rules).ok());
}

TEST(JsonTest, OfMembersOfOneNameTheLastCountsIfAsked) {
  JsonRules rules;
  rules.unique_names = false;
  const auto tree = ParseJson(R"({"a":[1],"b":0,"a":{"c":2}})", "it", rules);
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(DumpJson(*tree), R"({"a":{"c":2},"b":0})");
}

// The elements of a list of {"n": text, "u": number}, or why it was refused.
std::string Taken(const std::string& text) {
  std::string taken;
  const JsonList list = {{"db", "files"},
                         [&] { taken += "begin "; },
                         [&](const json& element) -> Status {
                           const auto name = RequireText(element, "n");
                           if (!name.ok()) return name.status();
                           const auto number = OptionalUint(element, "u");
                           if (!number.ok()) return number.status();
                           taken += *name + "=" + std::to_string(*number) + " ";
                           return Status::Ok();
                         }};
  Status elements;
  const auto root = ParseJsonList(text, "the list", list, &elements);
  if (!root.ok()) return root.status().message();
  return taken + (elements.ok() ? DumpJson(*root) : elements.message());
}

TEST(JsonListTest, HandsOutTheElements) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"db":{"files":[{"n":"a","u":7},{"u":18446744073709551615,"n":"b"}]}})",
       R"(begin a=7 b=18446744073709551615 {"db":{"files":[]}})"},
      {R"({"x":[{"n":1}],"db":{"y":{"files":[1]},"files":[{"n":"a"}],"z":1}})",
       R"(begin a=0 {"db":{"files":[],"y":{"files":[1]},"z":1},"x":[{"n":1}]})"},
      {R"({"files":[{"n":"a"}],"db":{"files":1}})",
       R"({"db":{"files":1},"files":[{"n":"a"}]})"},
      {R"({"x":{"db":{"files":[1]}},"db":[{"files":[1]}]})",
       R"({"db":[{"files":[1]}],"x":{"db":{"files":[1]}}})"},
      {R"({"x":{"files":[{"n":"a"}]},"db":{}})",
       R"({"db":{},"x":{"files":[{"n":"a"}]}})"},
      // Other members of an element are skipped.
      {R"({"db":{"files":[{"x":[{"n":"no","u":"no"}],"n":"a","y":{"n":2}}]}})",
       R"(begin a=0 {"db":{"files":[]}})"},
      {R"({"db":{"files":[{"n":"a","n":"b"}]}})",
       R"(begin b=0 {"db":{"files":[]}})"},
      // If lists have the same name, the last one counts.
      {R"({"db":{"files":[1],"files":[{"n":"a"}]}})",
       R"(begin begin a=0 {"db":{"files":[]}})"},
      {R"({"db":{"files":[{"n":"a"},{"n":2},{"n":"c"}]}})",
       R"(begin a=0 field "n" has a wrong type)"},
      {R"({"db":{"files":[{"n":"a","u":-1}]}})",
       R"(begin field "u" has a wrong type)"},
      {R"({"db":{"files":[{}]}})", R"(begin field "n" is missing)"},
      {R"({"db":{"files":[{"n":[]}]}})", R"(begin field "n" has a wrong type)"},
      {R"({"db":{"files":["n"]}})",
       R"(begin field "n" is not in a JSON object)"},
      {R"({"db":{"files":[["n"]]}})",
       R"(begin field "n" is not in a JSON object)"},
  };
  for (const auto& [text, taken] : cases) EXPECT_EQ(Taken(text), taken) << text;
}

TEST(JsonListTest, RefusesWhatIsNoObject) {
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("{"), std::string("{}{}"),
        std::string("{}\0", 3), std::string("{\"a\xff\":1}"),
        "{\"a\":" + Nested(8) + "}",
        R"({"db":{"files":[{"a":)" + Nested(5) + "}]}}"}) {
    EXPECT_NE(Taken(text).find("the list is not a well-formed JSON object"),
              std::string::npos)
        << text;
  }
  EXPECT_EQ(Taken("{\"a\":" + Nested(7) + "}"), "{\"a\":" + Nested(7) + "}");
}

TEST(JsonListTest, RefusesMoreThanAnHonestDocumentHolds) {
  std::string numbers = "1";
  for (int i = 0; i < 10'000; ++i) numbers += ",1";
  const std::string large((1u << 20) + 1, 'x');
  for (const std::string& text :
       {"{\"a\":[" + numbers + "]}", "{\"a\":\"" + large + "\"}",
        "{\"" + large + "\":1}",
        "{\"a\":" + std::string(large.size(), ' ') + "1}",
        R"({"db":{"files":[{"n":")" + large + "\"}]}}"}) {
    EXPECT_EQ(Taken(text), "the list holds too much besides its list")
        << text.substr(0, 40);
  }
  // The elements of the list itself are not limited.
  std::string elements = R"({"n":"a"})";
  for (int i = 0; i < 50'000; ++i) elements += R"(,{"n":"a"})";
  const std::string taken = Taken(R"({"db":{"files":[)" + elements + "]}}");
  EXPECT_EQ(taken.substr(taken.size() - 23), R"(a=0 {"db":{"files":[]}})");
}

TEST(JsonFieldsTest, NameWhatIsWrong) {
  const json object = json::parse(
      R"({"t":"x","u":7,"i":-7,"b":true,"o":{},"l":[],"big":9223372036854775808,"h":"0aff"})");
  EXPECT_EQ(*RequireText(object, "t"), "x");
  EXPECT_EQ(*OptionalText(object, "t"), "x");
  EXPECT_EQ(*OptionalText(object, "none"), "");
  EXPECT_EQ(*RequireUint(object, "u"), 7u);
  EXPECT_EQ(*RequireInt(object, "u"), 7);
  EXPECT_EQ(*RequireInt(object, "i"), -7);
  EXPECT_EQ(*RequireUint(object, "big"), 9223372036854775808u);
  EXPECT_TRUE(*RequireBool(object, "b"));
  EXPECT_EQ(*RequireHex(object, "h", 4), "0aff");
  EXPECT_TRUE((*RequireObject(object, "o"))->empty());
  EXPECT_TRUE(RequireList(object, "l").ok());
  const std::pair<Status, std::string> cases[] = {
      {RequireText(object, "none").status(), "field \"none\" is missing"},
      {RequireText(object, "u").status(), "field \"u\" has a wrong type"},
      {OptionalText(object, "u").status(), "field \"u\" has a wrong type"},
      {RequireUint(object, "i").status(), "field \"i\" has a wrong type"},
      {RequireUint(object, "t").status(), "field \"t\" has a wrong type"},
      {RequireInt(object, "big").status(), "field \"big\" has a wrong type"},
      {RequireInt(object, "b").status(), "field \"b\" has a wrong type"},
      {RequireBool(object, "u").status(), "field \"u\" has a wrong type"},
      {RequireObject(object, "l").status(), "field \"l\" has a wrong type"},
      {RequireList(object, "o"), "field \"o\" has a wrong type"},
      {RequireHex(object, "h", 5).status(),
       "field \"h\" is not a hex number of the right length"},
      {RequireText(json::array(), "t").status(),
       "field \"t\" is not in a JSON object"},
  };
  for (const auto& [status, message] : cases) {
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_EQ(status.message(), message);
  }
}

TEST(JsonTextTest, AnyBytesBecomeText) {
  auto object = nlohmann::ordered_json::object();
  object["name"] = "caf\xe9";
  object["a"] = 1;
  EXPECT_EQ(DumpJson(object), "{\"name\":\"caf\xef\xbf\xbd\",\"a\":1}");
  EXPECT_EQ(DumpJson(json::array({1}), 2), "[\n  1\n]");
  std::string text = "x:";
  AppendQuoted("plain ~", &text);
  AppendQuoted("\"\\\n\x7f\xff", &text);
  EXPECT_EQ(text, "x:\"plain ~\"\"\\\"\\\\\\n\x7f\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace levelkeep
