#include "dbfiles/version.h"

#include <algorithm>
#include <functional>
#include <random>

#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "gtest/gtest.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

std::string Key(const std::string& user_key) { return user_key + "SEQ+TYPE"; }

TableMeta Table(uint64_t number, int level = 0) {
  return {level, number, number * 100, Key("a"), Key("z")};
}

VersionEdit FirstEdit() {
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 3;
  edit.next_file_number = 100;
  edit.last_sequence = 7;
  return edit;
}

void ExpectEqual(const VersionEdit& a, const VersionEdit& b) {
  EXPECT_EQ(a.comparator, b.comparator);
  EXPECT_EQ(a.log_number, b.log_number);
  EXPECT_EQ(a.previous_log_number, b.previous_log_number);
  EXPECT_EQ(a.next_file_number, b.next_file_number);
  EXPECT_EQ(a.last_sequence, b.last_sequence);
  EXPECT_EQ(a.compact_pointers, b.compact_pointers);
  EXPECT_EQ(a.removed_tables, b.removed_tables);
  ASSERT_EQ(a.added_tables.size(), b.added_tables.size());
  for (size_t i = 0; i < a.added_tables.size(); i++) {
    EXPECT_EQ(a.added_tables[i].level, b.added_tables[i].level);
    EXPECT_EQ(a.added_tables[i].number, b.added_tables[i].number);
    EXPECT_EQ(a.added_tables[i].size_bytes, b.added_tables[i].size_bytes);
    EXPECT_EQ(a.added_tables[i].smallest, b.added_tables[i].smallest);
    EXPECT_EQ(a.added_tables[i].largest, b.added_tables[i].largest);
  }
}

TEST(VersionEditTest, RoundTripsEveryField) {
  VersionEdit edit = FirstEdit();
  edit.previous_log_number = 2;
  edit.last_sequence = uint64_t{1} << 55;
  edit.compact_pointers = {{0, Key("m")}, {6, Key(std::string(300, 'x'))}};
  edit.removed_tables = {{0, 4}, {3, uint64_t{1} << 40}};
  edit.added_tables = {Table(5), Table(uint64_t{1} << 50, 6)};
  const Result<VersionEdit> read = VersionEdit::Decode(edit.Encode());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  ExpectEqual(*read, edit);
  ExpectEqual(*VersionEdit::Decode(""), VersionEdit());
}

TEST(VersionEditTest, RefusesWhatItCannotRead) {
  const auto number = [](uint64_t tag, uint64_t value) {
    std::string out;
    PutVarint64(&out, tag);
    PutVarint64(&out, value);
    return out;
  };
  std::string short_key = number(7, 0) + "\x05\x09";
  PutLengthPrefixed(&short_key, "7 bytes");
  PutLengthPrefixed(&short_key, Key("z"));
  const struct {
    std::string record;
    const char* problem;
  } cases[] = {
      {"\x08", "tag"},
      {"\x0a", "tag"},
      {"\xff", "tag"},
      {std::string("\0", 1), "tag"},
      {"\x01\x05xx", "comparator name"},
      {"\x02", "log number"},
      {"\x03\x80", "next file number"},
      {"\x04", "last write number"},
      {"\x09", "previous log number"},
      {number(5, 7), "compaction pointer"},
      {number(5, 0), "compaction pointer"},
      {number(6, 7), "removed table"},
      {number(6, 1), "removed table"},
      {number(7, 7), "added table"},
      {number(7, 1), "added table"},
      {short_key, "added table"},
  };
  for (const auto& c : cases) {
    const Result<VersionEdit> edit = VersionEdit::Decode(c.record);
    ASSERT_FALSE(edit.ok()) << c.problem;
    EXPECT_EQ(edit.status().code(), StatusCode::kCorruption);
    EXPECT_NE(edit.status().message().find(c.problem), std::string::npos)
        << edit.status().message();
  }
}

TEST(VersionEditTest, RandomDamageNeverCrashes) {
  VersionEdit edit = FirstEdit();
  edit.compact_pointers = {{1, Key("m")}};
  edit.removed_tables = {{0, 4}};
  for (uint64_t i = 5; i < 25; i++) edit.added_tables.push_back(Table(i));
  const std::string good = edit.Encode();
  const unsigned seed = std::random_device()();
  RecordProperty("seed", std::to_string(seed));
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  int readable = 0;
  for (int round = 0; round < 20000; round++) {
    std::string bad = good;
    for (unsigned i = 0; i <= random() % 4; i++) {
      const size_t at = random() % bad.size();
      switch (random() % 3) {
        case 0:
          bad[at] = static_cast<char>(random());
          break;
        case 1:
          bad.erase(at, random() % 9);
          break;
        default:
          bad.insert(at, 1, static_cast<char>(random()));
      }
      if (bad.empty()) bad = good;
    }
    const Result<VersionEdit> read = VersionEdit::Decode(bad);
    if (!read.ok()) continue;
    readable++;
    // An edit that can be read can be written and read again, and applied or
    // refused.
    const Result<VersionEdit> again = VersionEdit::Decode(read->Encode());
    ASSERT_TRUE(again.ok());
    ExpectEqual(*again, *read);
    Version version;
    const Status applied = version.Apply(*read);
    EXPECT_TRUE(applied.ok() || applied.code() == StatusCode::kCorruption);
  }
  EXPECT_GT(readable, 0);
  EXPECT_LT(readable, 20000);
}

TEST(VersionTest, AddsUpEdits) {
  Version version;
  ASSERT_TRUE(version.Apply(FirstEdit()).ok());
  VersionEdit edit;
  edit.added_tables = {Table(5), Table(6)};
  edit.log_number = 7;
  edit.compact_pointers = {{0, Key("m")}, {0, Key("n")}};
  ASSERT_TRUE(version.Apply(edit).ok());
  // A trivial move: the same table in both lists.
  VersionEdit move;
  move.removed_tables = {{0, 5}};
  move.added_tables = {Table(5, 1)};
  move.last_sequence = 70;
  ASSERT_TRUE(version.Apply(move).ok());
  EXPECT_EQ(version.tables().size(), 2u);
  EXPECT_EQ(version.tables().at(5).level, 1);
  EXPECT_EQ(version.log_number(), 7u);
  EXPECT_EQ(version.last_sequence(), 70u);
  EXPECT_EQ(version.next_file_number(), 100u);
  EXPECT_EQ(version.comparator(), "leveldb.BytewiseComparator");
  Version copy;
  const Result<VersionEdit> as_edit =
      VersionEdit::Decode(version.EncodeAsEdit());
  ASSERT_TRUE(as_edit.ok());
  ASSERT_TRUE(copy.Apply(*as_edit).ok());
  EXPECT_EQ(copy.EncodeAsEdit(), version.EncodeAsEdit());
  EXPECT_EQ(as_edit->Encode(), version.EncodeAsEdit());
  EXPECT_EQ(as_edit->compact_pointers.size(), 1u);
}

// As in LevelDB, which gathers tables in a set; goleveldb writes such edits.
TEST(VersionTest, ATableThatIsNamedAgainAsItIsChangesNothing) {
  Version version;
  VersionEdit first = FirstEdit();
  first.added_tables = {Table(5), Table(6), Table(5)};
  ASSERT_TRUE(version.Apply(first).ok());
  VersionEdit again;
  again.added_tables = {Table(6), Table(7), Table(6)};
  ASSERT_TRUE(version.Apply(again).ok());
  EXPECT_EQ(version.tables().size(), 3u);
  EXPECT_EQ(VersionEdit::Decode(version.EncodeAsEdit())->added_tables.size(),
            3u);
  // Table 5 is removed and added back, twice.
  VersionEdit moved;
  moved.removed_tables = {{0, 5}};
  moved.added_tables = {Table(5, 1), Table(5, 1)};
  ASSERT_TRUE(version.Apply(moved).ok());
  EXPECT_EQ(version.tables().at(5).level, 1);
}

TEST(VersionTest, ATableMayGetAnotherSize) {
  Version version;
  VersionEdit first = FirstEdit();
  first.added_tables = {Table(5), Table(6)};
  ASSERT_TRUE(version.Apply(first).ok());
  version.SetTableSize(6, 4711);
  EXPECT_EQ(version.tables().at(6).size_bytes, 4711u);
  EXPECT_EQ(version.tables().at(5).size_bytes, Table(5).size_bytes);
}

TEST(VersionTest, RefusesContradictionsAndStaysAsItWas) {
  VersionEdit base = FirstEdit();
  base.added_tables = {Table(5), Table(6, 1)};
  const struct {
    const char* problem;
    std::function<void(VersionEdit*)> make;
  } cases[] = {
      {"added twice", [](VersionEdit* e) { e->added_tables = {Table(5, 1)}; }},
      {"added twice",
       [](VersionEdit* e) {
         e->added_tables = {Table(9), Table(9, 1)};
       }},
      {"level that lacks it",
       [](VersionEdit* e) {
         e->removed_tables = {{0, 7}};
       }},
      {"level that lacks it",
       [](VersionEdit* e) {
         e->removed_tables = {{0, 6}};
       }},
      {"removed twice",
       [](VersionEdit* e) {
         e->removed_tables = {{0, 5}, {0, 5}};
       }},
      {"added twice",
       [](VersionEdit* e) {
         TableMeta other = Table(9);
         other.size_bytes++;
         e->added_tables = {Table(9), other};
       }},
      {"next file number",
       [](VersionEdit* e) { e->added_tables = {Table(100)}; }},
      {"next file number", [](VersionEdit* e) { e->next_file_number = 6; }},
      {"comparator", [](VersionEdit* e) { e->comparator = "other"; }},
  };
  for (const auto& c : cases) {
    Version version;
    ASSERT_TRUE(version.Apply(base).ok());
    VersionEdit bad;
    bad.last_sequence = 999;
    c.make(&bad);
    const Status status = version.Apply(bad);
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << c.problem;
    EXPECT_NE(status.message().find(c.problem), std::string::npos)
        << status.message();
    Version untouched;
    ASSERT_TRUE(untouched.Apply(base).ok());
    EXPECT_EQ(version.EncodeAsEdit(), untouched.EncodeAsEdit());
  }
}

TEST(VersionTest, IsCompleteOnlyWithAllFourFields) {
  const struct {
    const char* missing;
    std::function<void(VersionEdit*)> drop;
  } cases[] = {
      {"comparator", [](VersionEdit* e) { e->comparator.reset(); }},
      {"log number", [](VersionEdit* e) { e->log_number.reset(); }},
      {"next file number", [](VersionEdit* e) { e->next_file_number.reset(); }},
      {"last write number", [](VersionEdit* e) { e->last_sequence.reset(); }},
  };
  for (const auto& c : cases) {
    VersionEdit edit = FirstEdit();
    c.drop(&edit);
    const std::string log = FrameAsLog(edit.Encode());
    const auto source = NewStringSource(log);
    const auto content = ReadManifest(*source, log.size());
    ASSERT_FALSE(content.ok()) << c.missing;
    EXPECT_EQ(content.status().code(), StatusCode::kCorruption);
    EXPECT_NE(content.status().message().find(c.missing), std::string::npos);
  }
}

TEST(ReadManifestTest, TornTailsAreAllowedAndDamageNever) {
  std::string log = FrameAsLog(FirstEdit().Encode());
  const uint64_t first = log.size();
  VersionEdit more;
  more.added_tables = {Table(5)};
  log += FrameAsLog(more.Encode());
  const auto read = [](const std::string& bytes) {
    return ReadManifest(*NewStringSource(bytes), bytes.size());
  };
  EXPECT_EQ(read(log)->version.tables().size(), 1u);
  EXPECT_EQ(read(log)->boundary, log.size());
  const std::string torn = log.substr(0, log.size() - 1);
  ASSERT_TRUE(read(torn).ok());
  EXPECT_EQ(read(torn)->boundary, first);
  EXPECT_TRUE(read(torn)->version.tables().empty());
  std::string damaged = log;
  damaged[first + 10] = static_cast<char>(damaged[first + 10] ^ 4);
  EXPECT_EQ(read(damaged).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(read("").status().code(), StatusCode::kCorruption);
  const std::string bad_edit = log + FrameAsLog("\x08");
  EXPECT_EQ(read(bad_edit).status().code(), StatusCode::kCorruption);
}

TEST(ReadManifestTest, ReadsWhatLevelDbWrote) {
  test::TempDir temp;
  const std::string dir = temp.Sub("db");
  test::BuildDatabase(dir, 4000);
  FileSystem* const fs = FileSystem::Posix();
  const auto current = ParseCurrent(test::ReadFile(dir + "/CURRENT"));
  ASSERT_TRUE(current.ok());
  const std::string bytes = test::ReadFile(dir + "/" + *current);
  const auto content = ReadManifest(*NewStringSource(bytes), bytes.size());
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  const Version& version = content->version;
  EXPECT_EQ(content->boundary, bytes.size());
  EXPECT_EQ(version.comparator(), "leveldb.BytewiseComparator");
  EXPECT_GT(version.tables().size(), 3u);
  for (const auto& [number, table] : version.tables()) {
    const auto info = fs->Stat(dir + "/" + TableFileName(number));
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->size_bytes, table.size_bytes);
    EXPECT_LE(table.smallest, table.largest);
  }
  // One log or two: the newest holds the last write.
  uint64_t last_sequence = 0;
  for (const std::string& name : *fs->List(dir)) {
    const DbFileName parsed = ParseDbFileName(name);
    if (parsed.kind != DbFileKind::kLog) continue;
    EXPECT_GE(parsed.number, version.log_number());
    const std::string log = test::ReadFile(dir + "/" + name);
    const auto scan = ScanLog(*NewStringSource(log), log.size(), true, nullptr);
    ASSERT_TRUE(scan.ok());
    EXPECT_EQ(scan->boundary, log.size());
    last_sequence = std::max(last_sequence, scan->last_sequence);
  }
  EXPECT_EQ(last_sequence, 4000u);
  // LevelDB reads our rewritten MANIFEST and finds everything.
  test::WriteFile(dir + "/" + *current, FrameAsLog(version.EncodeAsEdit()));
  EXPECT_EQ(test::CheckDatabase(dir, 4000), "");
}

TEST(ParseCurrentTest, TakesAManifestNameAndANewline) {
  EXPECT_EQ(*ParseCurrent("MANIFEST-000005\n"), "MANIFEST-000005");
  EXPECT_EQ(*ParseCurrent("MANIFEST-12345678\n"), "MANIFEST-12345678");
  for (const char* bad :
       {"", "\n", "MANIFEST-000005", "MANIFEST-000005\r\n",
        "MANIFEST-000005\n\n", "000005.ldb\n", "../MANIFEST-000005\n",
        "/etc/passwd\n", "MANIFEST-\n", " MANIFEST-000005\n"}) {
    const auto parsed = ParseCurrent(bad);
    ASSERT_FALSE(parsed.ok()) << bad;
    EXPECT_EQ(parsed.status().code(), StatusCode::kCorruption);
  }
}

}  // namespace
}  // namespace levelkeep
