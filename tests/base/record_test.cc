#include "base/record.h"

#include <climits>

#include "base/hash.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr std::string_view kTitle = "levelkeep test 1";

TEST(RecordTest, ComesBackAsItWas) {
  Record record;
  record.Set("plain", "value");
  record.Set("empty", "");
  record.Set("strange", "a b\n%\t\xff caf\xc3\xa9");
  record.SetNumber("number", UINT64_MAX);
  const auto decoded = Record::Decode(kTitle, record.Encode(kTitle));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->Get("plain"), "value");
  EXPECT_EQ(decoded->Get("empty"), "");
  EXPECT_EQ(decoded->Get("strange"), "a b\n%\t\xff caf\xc3\xa9");
  EXPECT_EQ(decoded->GetNumber("number"), UINT64_MAX);
  EXPECT_EQ(decoded->Get("missing"), "");
  EXPECT_EQ(decoded->GetNumber("missing"), 0u);
}

TEST(RecordTest, LooksAsDocumented) {
  Record record;
  record.Set("archive", "a b.tar.gz");
  record.Set("state", "ready");
  const std::string text = record.Encode("levelkeep journal 1");
  EXPECT_EQ(text.substr(0, text.rfind("crc32c ")),
            "levelkeep journal 1\narchive a%20b.tar.gz\nstate ready\n");
}

TEST(RecordTest, EveryFlippedBitAndEveryTruncationIsCorruption) {
  Record record;
  record.Set("name", "value");
  const std::string text = record.Encode(kTitle);
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(Record::Decode(kTitle, damaged).status().code(),
              StatusCode::kCorruption)
        << bit;
  }
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(Record::Decode(kTitle, text.substr(0, size)).status().code(),
              StatusCode::kCorruption)
        << size;
  }
  EXPECT_EQ(Record::Decode(kTitle, text + text).status().code(),
            StatusCode::kCorruption);
}

TEST(RecordTest, OtherTitleIsCorruption) {
  const std::string text = Record().Encode(kTitle);
  EXPECT_TRUE(Record::Decode(kTitle, text).ok());
  EXPECT_FALSE(Record::Decode("levelkeep test 2", text).ok());
}

TEST(RecordTest, LinesThatAreNoneOfOursAreCorruptionEvenWithARightCrc) {
  const auto decode = [](const std::string& body) {
    char crc[32];
    std::snprintf(crc, sizeof(crc), "crc32c %08x\n", Crc32c(0, body));
    return Record::Decode(kTitle, body + crc).status();
  };
  const std::string title = std::string(kTitle) + "\n";
  EXPECT_TRUE(decode(title + "name value\n").ok());
  EXPECT_TRUE(decode(title + "name \n").ok()) << "an empty value is valid";
  struct Case {
    std::string body;
    const char* message;
  };
  for (const Case& c :
       std::vector<Case>{{title + "name\n", "has a line without a value"},
                         {title + " value\n", "has a line without a value"},
                         {title + "\n", "has a line without a value"},
                         {title + "name value", "ends early"},
                         {title + "name %zz\n", "malformed escape in a record"},
                         {"", "is empty"}}) {
    const Status status = decode(c.body);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << c.body;
    EXPECT_NE(status.message().find(c.message), std::string::npos)
        << c.body << ": " << status.message();
  }
}

TEST(RecordTest, MissingFileIsNotFoundAndLargeFileIsCorruption) {
  TempDir temp;
  FileSystem* const fs = FileSystem::Posix();
  EXPECT_EQ(LoadRecord(fs, temp.Sub("x"), kTitle).status().code(),
            StatusCode::kNotFound);
  WriteFile(temp.Sub("x"), std::string(1 << 20, 'x'));
  EXPECT_EQ(LoadRecord(fs, temp.Sub("x"), kTitle).status().code(),
            StatusCode::kCorruption);
  EXPECT_TRUE(RemoveRecord(fs, temp.Sub("x")).ok());
  EXPECT_TRUE(RemoveRecord(fs, temp.Sub("x")).ok());
}

struct EscapeCase {
  const char* token;
  bool valid;
  const char* text;
};

TEST(RecordTest, Escapes) {
  for (const EscapeCase& c : std::vector<EscapeCase>{
           {"plain", true, "plain"},
           {"a%20b", true, "a b"},
           {"%25", true, "%"},
           {"", true, ""},
           {"%", false, ""},
           {"%2", false, ""},
           {"%2G", false, ""},
           {"%FF", false, ""}}) {  // we write lower case only
    const auto text = UnescapeToken(c.token);
    EXPECT_EQ(text.ok(), c.valid) << c.token;
    if (c.valid) {
      EXPECT_EQ(*text, c.text);
      EXPECT_EQ(EscapeToken(*text), c.token);
    }
  }
}

}  // namespace
}  // namespace levelkeep::test
