#include "base/text.h"

#include <gtest/gtest.h>

#include <random>

namespace levelkeep {
namespace {

TEST(TextTest, ParsesDecimalNumbersOnly) {
  EXPECT_EQ(ParseUint64("0"), 0u);
  EXPECT_EQ(ParseUint64("007"), 7u);
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "a",
                          "18446744073709551616", "99999999999999999999"}) {
    EXPECT_FALSE(ParseUint64(bad).has_value()) << bad;
  }
}

TEST(TextTest, WritesHex) {
  EXPECT_EQ(ToHex(""), "");
  EXPECT_EQ(ToHex(std::string_view("\x00\x7f\xff", 3)), "007fff");
}

TEST(TextTest, FormatsBytesForPeople) {
  const struct {
    uint64_t bytes;
    const char* text;
  } kCases[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {1024 * 1024 - 1, "1.0 MiB"},
      {uint64_t{256} << 20, "256.0 MiB"},
      {uint64_t{3} << 29, "1.5 GiB"},
      {uint64_t{1} << 40, "1.0 TiB"},
      {UINT64_MAX, "16.0 EiB"},
  };
  for (const auto& c : kCases) EXPECT_EQ(FormatBytes(c.bytes), c.text);
}

TEST(TextTest, SecondsAreForPeople) {
  EXPECT_EQ(FormatSeconds(0), "less than 0.1 s");
  EXPECT_EQ(FormatSeconds(0.3), "0.3 s");
  EXPECT_EQ(FormatSeconds(12.4), "12 s");
  EXPECT_EQ(FormatSeconds(185.4), "3 min 5 s");
  EXPECT_EQ(FormatSeconds(7800), "2 h 10 min");
}

TEST(TextTest, FormatsMegabytesAsTheManualShowsThem) {
  EXPECT_EQ(FormatMegabytes(0), "0.00");
  EXPECT_EQ(FormatMegabytes(12345), "0.01");
  EXPECT_EQ(FormatMegabytes(61725), "0.06");
  EXPECT_EQ(FormatMegabytes(1 << 20), "1.00");
  EXPECT_EQ(FormatMegabytes((2 << 20) - 1), "2.00");
  EXPECT_EQ(FormatMegabytes(UINT64_MAX), "17592186044416.00");
}

TEST(TextTest, MakesUntrustedBytesPrintable) {
  EXPECT_EQ(Printable("plain, ä and 漢"), "plain, ä and 漢");
  EXPECT_EQ(Printable("a\nb\x1b[0m\x7f"), "a\\x0ab\\x1b[0m\\x7f");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Printable("\xff\xc3("), "\\xff\\xc3(");
  EXPECT_EQ(Printable("\xc2\x9b"), "\\xc2\\x9b");           // C1 control
  EXPECT_EQ(Printable("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // right-to-left
  EXPECT_EQ(Printable("\xe2\x80\x8b"), "\\xe2\\x80\\x8b");  // no width
  EXPECT_EQ(Printable("a\xc2\xad."), "a\\xc2\\xad.");       // soft hyphen
  EXPECT_EQ(Printable("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");  // byte order mark
  EXPECT_EQ(Printable("\xf3\xa0\x80\xa0"), "\\xf3\\xa0\\x80\\xa0");  // a tag
}

TEST(TextTest, CutsPrintableTextAtTheLimit) {
  EXPECT_EQ(Printable("12345", 5), "12345");
  EXPECT_EQ(Printable("123456", 5), "12...");
  EXPECT_EQ(Printable("ääääää", 5), "ää...");
  EXPECT_EQ(Printable("\n\n", 5), "...");  // an escape is never cut
  EXPECT_EQ(Printable("\n\n", 7), "\\x0a...");
  EXPECT_EQ(Printable("abc", 2), "..");
  EXPECT_EQ(Printable("abc", 0), "");
}

TEST(TextTest, JoinsParts) {
  EXPECT_EQ(Join({}, ", "), "");
  EXPECT_EQ(Join({"a"}, ", "), "a");
  EXPECT_EQ(Join({"a", "", "b"}, ", "), "a, , b");
}

TEST(TextTest, KnowsUtf8) {
  for (const char* good :
       {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsValidUtf8(good)) << ToHex(good);
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80",
        "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xef\xbf",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe",
        "a\xff"}) {
    EXPECT_FALSE(IsValidUtf8(bad)) << ToHex(bad);
  }
}

TEST(TextTest, PrintableIsAlwaysValidUtf8WithinTheLimit) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const size_t limit = random() % 50;
    const std::string text = Printable(bytes, limit);
    ASSERT_TRUE(IsValidUtf8(text)) << ToHex(bytes);
    size_t characters = 0;
    for (const char c : text) characters += (c & 0xc0) != 0x80 ? 1 : 0;
    ASSERT_LE(characters, limit) << ToHex(bytes);
  }
}

TEST(TextTest, CountsEdits) {
  const struct {
    const char* a;
    const char* b;
    size_t edits;
  } kCases[] = {{"", "", 0},
                {"", "abc", 3},
                {"MAX_BACKUP", "MAX_BACKUPS", 1},
                {"BACKUP_DRI", "BACKUP_DIR", 2},
                {"kitten", "sitting", 3}};
  for (const auto& c : kCases) {
    EXPECT_EQ(EditDistance(c.a, c.b), c.edits) << c.a << " " << c.b;
    EXPECT_EQ(EditDistance(c.b, c.a), c.edits) << c.b << " " << c.a;
  }
}

}  // namespace
}  // namespace levelkeep
