// The check of each table by itself, for an archive without our digests: no lie
// about a table passes, however many threads check.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "check/store_scan.h"
#include "hostile/table_bytes.h"

namespace levelkeep::check {
namespace {

using test::InternalKey;
using test::KeyValues;
using test::kTypeDeletion;
using test::TableBytes;

class StringFile : public leveldb::RandomAccessFile {
 public:
  explicit StringFile(std::string_view content) : content_(content) {}
  leveldb::Status Read(uint64_t offset, size_t size, leveldb::Slice* result,
                       char* scratch) const override {
    const std::string_view part = content_.substr(
        std::min<size_t>(content_.size(), static_cast<size_t>(offset)), size);
    part.copy(scratch, part.size());
    *result = leveldb::Slice(scratch, part.size());
    return leveldb::Status::OK();
  }

 private:
  const std::string_view content_;
};

// Tables in memory and the version that they make.
class EachTableTest : public ::testing::TestWithParam<size_t> {
 protected:
  static constexpr uint64_t kLastSequence = 1'000'000;

  // The range is that of the entries, unless `largest` is given.
  void Add(int level, const KeyValues& entries,
           const std::string& largest = "") {
    const uint64_t number = ++last_number_;
    contents_[number] = TableBytes(entries);
    TableMeta meta;
    meta.level = level;
    meta.number = number;
    meta.size_bytes = contents_[number].size();
    meta.smallest = entries.front().first;
    meta.largest = largest.empty() ? entries.back().first : largest;
    edit_.added_tables.push_back(std::move(meta));
  }
  Status Check(
      const leveldb::Comparator* order = leveldb::BytewiseComparator()) {
    return CheckTables(order).status();
  }
  Result<EachTable> CheckTables(
      const leveldb::Comparator* order = leveldb::BytewiseComparator()) {
    edit_.comparator = "leveldb.BytewiseComparator";
    edit_.log_number = 3;
    edit_.last_sequence = kLastSequence;
    edit_.next_file_number = last_number_ + 1;
    Version version;
    EXPECT_TRUE(version.Apply(edit_).ok());
    return CheckEachTable(
        version,
        [this](const TableMeta& meta) -> Result<OpenedTable> {
          const auto found = contents_.find(meta.number);
          if (found == contents_.end()) {
            return Status(StatusCode::kIoError, "the disk is gone");
          }
          return OpenedTable{std::to_string(meta.number),
                             std::make_unique<StringFile>(found->second)};
        },
        kLastSequence, order, GetParam());
  }

  uint64_t last_number_ = 0;
  VersionEdit edit_;
  std::map<uint64_t, std::string> contents_;
};

INSTANTIATE_TEST_SUITE_P(Threads, EachTableTest, ::testing::Values(1, 2, 7));

TEST_P(EachTableTest, SoundTablesPass) {
  EXPECT_TRUE(Check().ok()) << "without tables";
  for (uint64_t i = 1; i <= 20; ++i) {
    Add(0, {{InternalKey("a", i), ""}, {InternalKey("b", i), ""}});
    const std::string key(1, static_cast<char>('a' + i));
    Add(2, {{InternalKey(key, 2 * i), ""}, {InternalKey(key, i), ""}});
  }
  const Status checked = Check();
  EXPECT_TRUE(checked.ok()) << checked.ToString();
}

TEST_P(EachTableTest, TableThatReachesBeyondItsEndIsFound) {
  Add(1,
      {{InternalKey("a", 1), ""},
       {InternalKey("b", 2), ""},
       {InternalKey("e", 3), ""}},
      InternalKey("b", 2));
  const Status status = Check();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(),
            "table 1 ends with another key than its MANIFEST says");
}

TEST_P(EachTableTest, ABadTableAmongManyIsFound) {
  for (uint64_t i = 1; i <= 10; ++i) Add(0, {{InternalKey("a", i), ""}});
  // The newer write of the key comes after the older one.
  Add(0, {{InternalKey("a", 5), ""},
          {InternalKey("b", 5), ""},
          {InternalKey("b", 6), ""}});
  for (uint64_t i = 1; i <= 10; ++i) Add(0, {{InternalKey("a", i), ""}});
  EXPECT_EQ(Check().message(), "table 11 holds keys that are not in order");
  EXPECT_EQ(Check(/*order=*/nullptr).message(),
            "table 11 holds keys that are not in order");
}

TEST_P(EachTableTest, TablesOfALevelMustNotOverlap) {
  Add(1, {{InternalKey("a", 1), ""}, {InternalKey("c", 2), ""}});
  Add(1, {{InternalKey("b", 3), ""}, {InternalKey("d", 4), ""}});
  const Status status = Check();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(),
            "tables 000001.ldb and 000002.ldb of level 1 overlap");
  EXPECT_TRUE(Check(/*order=*/nullptr).ok()) << "in an unknown order";
}

TEST_P(EachTableTest, ARangeThatIsNoneIsRefused) {
  Add(1, {{InternalKey("b", 1), ""}}, "x");
  EXPECT_EQ(Check().message(), "table 000001.ldb has a malformed key range");
  edit_.added_tables.front().largest = InternalKey("a", 1);
  EXPECT_EQ(
      Check().message(),
      "table 000001.ldb ends before it begins, according to the MANIFEST");
}

TEST_P(EachTableTest, AFailureToReadIsNotTheDatabasesFault) {
  Add(1, {{InternalKey("a", 1), ""}});
  Add(1, {{InternalKey("c", 2), ""}});
  contents_.erase(2);
  EXPECT_EQ(Check().code(), StatusCode::kIoError);
}

std::string Text(const std::vector<KeySpan>& spans) {
  std::string text;
  for (const KeySpan& span : spans) {
    text += "[" + span.begin + "," + span.end + ")";
  }
  return text;
}

// A table whose range no other table touches is counted while it is checked:
// its keys, not its writes, and no deleted keys. The rest is left to a scan.
TEST_P(EachTableTest, OnlySharedRangesAreLeftToAScan) {
  Add(2, {{InternalKey("a", 3), ""},
          {InternalKey("a", 2), ""},
          {InternalKey("b", 5, kTypeDeletion), ""},
          {InternalKey("b", 4), ""},
          {InternalKey("c", 1), ""}});
  // Two tables of a level share one key.
  Add(1, {{InternalKey("d", 6), ""}, {InternalKey("e", 9), ""}});
  Add(1, {{InternalKey("e", 8), ""}, {InternalKey("f", 7), ""}});
  // One table covers two others.
  Add(0, {{InternalKey("g", 10), ""}, {InternalKey("m", 11), ""}});
  Add(1, {{InternalKey("h", 1), ""}, {InternalKey("i", 1), ""}});
  Add(1, {{InternalKey("k", 1), ""}, {InternalKey("l", 1), ""}});
  Add(1, {{InternalKey("n", 1), ""}});
  const auto each = CheckTables();
  ASSERT_TRUE(each.ok()) << each.status().ToString();
  EXPECT_EQ(each->entries, 3u) << "a, c and n";
  EXPECT_EQ(Text(each->shared), "[d,g)[g,n)");
  const auto reverse = CheckTables(/*order=*/nullptr);
  ASSERT_TRUE(reverse.ok()) << reverse.status().ToString();
  EXPECT_EQ(reverse->entries, 0u);
  EXPECT_EQ(Text(reverse->shared), "[,)") << "LevelDB scans everything";

  Add(0, {{InternalKey("o", 1), ""}});
  Add(0, {{InternalKey("o", 2), ""}});
  EXPECT_EQ(Text(CheckTables()->shared), "[d,g)[g,n)[o,)");
}

TEST(DivideTest, CutsInsideOfASpanDivideIt) {
  EXPECT_EQ(Text(Divide({{}}, {})), "[,)");
  EXPECT_EQ(Text(Divide({{}}, {"b", "d"})), "[,b)[b,d)[d,)");
  EXPECT_EQ(Text(Divide({{"b", "d"}, {"f", ""}},
                        {"a", "b", "c", "d", "e", "f", "g"})),
            "[b,c)[c,d)[f,g)[g,)");
}

}  // namespace
}  // namespace levelkeep::check
