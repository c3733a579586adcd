#include "restore/record.h"

#include <climits>

#include "base/hash.h"
#include "gtest/gtest.h"
#include "restore/journal.h"
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
  EXPECT_TRUE(decode(title + "name \n").ok()) << "an empty value is one";
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

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    context_.fs = FileSystem::Posix();
    context_.options.storage_dir = temp_.path();
    context_.options.db_name = "db";
    EXPECT_TRUE(context_.fs->CreateDirectory(context_.work_dir()).ok());
  }
  TempDir temp_;
  RestoreContext context_;
};

TEST_F(JournalTest, ComesBackAsItWas) {
  Journal journal;
  journal.id = "1234";
  journal.kind = JournalKind::kUndo;
  journal.state = JournalState::kRolledBack;
  journal.incoming = "rollback-1";
  journal.outgoing = "rollback-2";
  journal.old_inode = 5;
  journal.new_inode = 6;
  journal.old_sequence = 7;
  journal.crashes = 2;
  journal.reason = "it did not open";
  journal.reject = true;
  journal.drop = {"x.tar.gz", 8, 9, 10};
  journal.outcome.archive_name = "x.tar.gz";
  journal.outcome.archive_sha256 = "abcd";
  journal.outcome.own = true;
  journal.outcome.epoch = "e";
  journal.outcome.last_sequence = 11;
  journal.outcome.content_bytes = 12;
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  const auto loaded = LoadJournal(context_);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->id, journal.id);
  EXPECT_EQ(loaded->kind, journal.kind);
  EXPECT_EQ(loaded->state, journal.state);
  EXPECT_EQ(loaded->incoming, journal.incoming);
  EXPECT_EQ(loaded->outgoing, journal.outgoing);
  EXPECT_EQ(loaded->old_inode, 5u);
  EXPECT_EQ(loaded->new_inode, 6u);
  EXPECT_EQ(loaded->old_sequence, 7u);
  EXPECT_EQ(loaded->crashes, 2u);
  EXPECT_EQ(loaded->reason, journal.reason);
  EXPECT_TRUE(loaded->reject);
  EXPECT_TRUE(loaded->drop.LooksLike(journal.drop));
  EXPECT_EQ(loaded->outcome.archive_sha256, "abcd");
  EXPECT_TRUE(loaded->outcome.own);
  EXPECT_EQ(loaded->outcome.epoch, "e");
  EXPECT_EQ(loaded->outcome.last_sequence, 11u);
  EXPECT_EQ(loaded->outcome.content_bytes, 12u);
  ASSERT_TRUE(RemoveJournal(context_).ok());
  EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kNotFound);
}

TEST_F(JournalTest, StateOfALaterVersionIsCorruption) {
  Journal journal;
  journal.incoming = "staging-1";
  journal.outgoing = "rollback-1";
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  ASSERT_TRUE(LoadJournal(context_).ok());
  constexpr std::string_view kJournal = "levelkeep journal 1";
  const std::string path = context_.InWork("journal");
  auto record = LoadRecord(context_.fs, path, kJournal);
  ASSERT_TRUE(record.ok());
  record->Set("state", "half-swapped");
  ASSERT_TRUE(StoreRecord(context_.fs, path, kJournal, *record).ok());
  const Status status = LoadJournal(context_).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(), path + " holds fields that make no sense");
}

TEST_F(JournalTest, NamesThatLeadElsewhereAreCorruption) {
  const std::string long_name(NAME_MAX + 1, 'a');
  for (const char* name :
       {"", "..", ".", "../x", "a/b", "/etc", long_name.c_str()}) {
    Journal journal;
    journal.incoming = name;
    journal.outgoing = "rollback-1";
    ASSERT_TRUE(StoreJournal(context_, journal).ok());
    EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kCorruption)
        << name;
    if (*name == '\0') continue;  // a restore that came from no drop
    journal.incoming = "staging-1";
    journal.drop.name = name;
    ASSERT_TRUE(StoreJournal(context_, journal).ok());
    EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kCorruption)
        << name << " in restore/";
  }
}

}  // namespace
}  // namespace levelkeep::test
