// The one pass over tables that nobody vouches for: it must count what a
// reader finds, wherever the keys are cut, and let no lie about a table pass.

#include "check/merged_scan.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "check/store_scan.h"
#include "gtest/gtest.h"
#include "hostile/table_bytes.h"

namespace levelkeep::check {
namespace {

using test::InternalKey;
using test::KeyValues;
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
class Tables {
 public:
  static constexpr uint64_t kLastSequence = 1'000'000;

  // The range is that of the entries unless given.
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
  void Lose(uint64_t number) { contents_.erase(number); }

  Version MakeVersion() {
    edit_.comparator = "leveldb.BytewiseComparator";
    edit_.log_number = 3;
    edit_.last_sequence = kLastSequence;
    edit_.next_file_number = last_number_ + 1;
    Version version;
    EXPECT_TRUE(version.Apply(edit_).ok());
    return version;
  }
  Result<uint64_t> Scan(const std::vector<std::string>& cuts) {
    const Version version = MakeVersion();
    return ScanMerged(
        version,
        [this](const TableMeta& meta) -> Result<OpenedTable> {
          const auto found = contents_.find(meta.number);
          if (found == contents_.end()) {
            return Status(StatusCode::kIoError, "the disk is gone");
          }
          return OpenedTable{std::to_string(meta.number),
                             std::make_unique<StringFile>(found->second)};
        },
        kLastSequence, cuts);
  }

 private:
  uint64_t last_number_ = 0;
  VersionEdit edit_;
  std::map<uint64_t, std::string> contents_;
};

struct Write {
  std::string key;
  uint64_t sequence = 0;
  bool deletes = false;
};

KeyValues Sorted(const std::vector<Write>& writes) {
  KeyValues entries;
  for (const Write& write : writes) {
    entries.emplace_back(
        InternalKey(write.key, write.sequence,
                    write.deletes ? test::kTypeDeletion : test::kTypeValue),
        "");
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return IsBefore(a.first, b.first);
  });
  return entries;
}

// Writes spread over levels as LevelDB would: the older, the deeper.
class RandomStore {
 public:
  explicit RandomStore(uint64_t seed) : random_(seed) {
    const size_t count = 1 + Below(120);
    for (uint64_t sequence = 1; sequence <= count; ++sequence) {
      Write write{RandomKey(), sequence, Below(4) == 0};
      if (write.deletes) {
        values_.erase(write.key);
      } else {
        values_.insert(write.key);
      }
      writes_.push_back(std::move(write));
    }
    for (int level = 1 + static_cast<int>(Below(3)); level >= 0; --level) {
      const size_t share = level == 0 ? writes_.size() - done_
                                      : Below(writes_.size() - done_ + 1);
      level == 0 ? AddAtLevel0(share) : AddAtLevel(level, share);
    }
  }

  Tables& tables() { return tables_; }
  size_t values() const { return values_.size(); }
  // Some of them the first keys of tables, or none's.
  std::vector<std::string> RandomCuts() {
    std::set<std::string> cuts;
    for (size_t i = Below(8); i > 0; --i) cuts.insert(RandomKey());
    return {cuts.begin(), cuts.end()};
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  std::string RandomKey() {
    std::string key(1 + Below(3), 'a');
    for (char& c : key) c = static_cast<char>('a' + Below(4));
    return key;
  }
  std::vector<Write> Take(size_t count) {
    const auto begin = writes_.begin() + static_cast<std::ptrdiff_t>(done_);
    done_ += count;
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }
  // One key's writes may be cut apart, as LevelDB does.
  void AddAtLevel(int level, size_t share) {
    const KeyValues entries = Sorted(Take(share));
    for (size_t at = 0; at < entries.size();) {
      const size_t end = std::min(entries.size(), at + 1 + Below(12));
      tables_.Add(level, {entries.begin() + static_cast<std::ptrdiff_t>(at),
                          entries.begin() + static_cast<std::ptrdiff_t>(end)});
      at = end;
    }
  }
  void AddAtLevel0(size_t share) {
    while (share > 0) {
      const size_t count = 1 + Below(std::min<size_t>(share, 20));
      tables_.Add(0, Sorted(Take(count)));
      share -= count;
    }
  }

  std::mt19937_64 random_;
  std::vector<Write> writes_;  // by sequence number
  size_t done_ = 0;            // of them, in tables
  std::set<std::string> values_;
  Tables tables_;
};

TEST(MergedScanTest, CountsWhatAReaderFindsWhereverItIsCut) {
  const char* const given = std::getenv("LEVELKEEP_HOSTILE_SEED");
  const uint64_t seed = ParseUint64(given ? given : "").value_or(1);
  for (uint64_t round = 0; round < 300; ++round) {
    SCOPED_TRACE("LEVELKEEP_HOSTILE_SEED=" + std::to_string(seed) + ", round " +
                 std::to_string(round));
    RandomStore store(seed * 1000 + round);
    for (int i = 0; i < 4; ++i) {
      const auto cuts = store.RandomCuts();
      const auto entries = store.tables().Scan(cuts);
      ASSERT_TRUE(entries.ok()) << entries.status().ToString();
      ASSERT_EQ(*entries, store.values()) << "cut at " << Join(cuts, " ");
    }
  }
}

TEST(MergedScanTest, NothingIsNothing) {
  Tables tables;
  EXPECT_EQ(tables.Scan({}).value(), 0u);
  EXPECT_EQ(tables.Scan({"a", "b"}).value(), 0u);
}

// The MANIFEST says that the table ends before the cut: whoever reads what is
// behind the cut does not look into it.
TEST(MergedScanTest, TableThatReachesBeyondItsEndIsFound) {
  for (const std::vector<std::string>& cuts :
       {std::vector<std::string>(), {"b"}, {"c"}, {"d"}}) {
    Tables tables;
    tables.Add(1,
               {{InternalKey("a", 1), ""},
                {InternalKey("b", 2), ""},
                {InternalKey("e", 3), ""}},
               InternalKey("b", 2));
    const Status status = tables.Scan(cuts).status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << Join(cuts, " ");
    EXPECT_NE(status.message().find("table 1 ends with another key"),
              std::string::npos)
        << status.ToString();
  }
}

// Each entry of a table that is cut is checked by one of the ranges at least.
TEST(MergedScanTest, DamageIsFoundOnEitherSideOfACut) {
  for (const char* const wrong : {"ab", "db"}) {
    KeyValues entries;
    for (const char* const key : {"a", "b", "c", "d", "e"}) {
      entries.emplace_back(InternalKey(key, 5), "");
    }
    // The newer write of the key stands behind the older one.
    const std::string key(1, wrong[0]);
    entries.insert(std::find_if(entries.begin(), entries.end(),
                                [&](const auto& entry) {
                                  return UserKeyOf(entry.first) > key;
                                }),
                   {InternalKey(key, 6), ""});
    Tables tables;
    tables.Add(2, entries);
    const Status status = tables.Scan({"c"}).status();
    EXPECT_NE(status.message().find("not in order"), std::string::npos)
        << wrong << ": " << status.ToString();
  }
}

TEST(MergedScanTest, TablesOfALevelMustNotOverlap) {
  Tables tables;
  tables.Add(1, {{InternalKey("a", 1), ""}, {InternalKey("c", 2), ""}});
  tables.Add(1, {{InternalKey("b", 3), ""}, {InternalKey("d", 4), ""}});
  const Status status = tables.Scan({}).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(),
            "tables 000001.ldb and 000002.ldb of level 1 overlap");
}

TEST(MergedScanTest, RangeThatIsNoneIsRefused) {
  const auto scan = [](const std::string& largest) {
    Tables tables;
    tables.Add(1, {{InternalKey("b", 1), ""}}, largest);
    return tables.Scan({"b"}).status().message();
  };
  EXPECT_EQ(scan("x"), "table 000001.ldb has a malformed key range");
  EXPECT_EQ(scan(InternalKey("a", 1)),
            "table 000001.ldb ends before it begins, says the MANIFEST");
}

TEST(MergedScanTest, FailureToReadIsNotTheDatabasesFault) {
  Tables tables;
  tables.Add(1, {{InternalKey("a", 1), ""}});
  tables.Add(1, {{InternalKey("c", 2), ""}});
  tables.Lose(2);
  for (const std::vector<std::string>& cuts :
       {std::vector<std::string>(), {"b"}}) {
    EXPECT_EQ(tables.Scan(cuts).status().code(), StatusCode::kIoError);
  }
}

// As many as LevelDB never makes: each would need its own open file.
TEST(MergedScanTest, ManyTablesAtLevel0AreNotMerged) {
  Tables tables;
  for (uint64_t i = 1; i <= 64; ++i) tables.Add(0, {{InternalKey("a", i), ""}});
  EXPECT_TRUE(CanBeMerged(tables.MakeVersion()));
  EXPECT_EQ(tables.Scan({}).value(), 1u);
  tables.Add(0, {{InternalKey("a", 65), ""}});
  EXPECT_FALSE(CanBeMerged(tables.MakeVersion()));
}

}  // namespace
}  // namespace levelkeep::check
