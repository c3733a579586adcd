// Databases that make LevelDB crash, run for ever or ask for all memory: only
// the child that opens them dies.

#include <memory>
#include <random>
#include <string>

#include "hostile/database_case.h"
#include "hostile/hostile_site.h"
#include "hostile/memory_peak.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "leveldb/options.h"
#include "restore/store_check.h"

namespace levelkeep::test {
namespace {

KeyValues OneKey() { return {{InternalKey("a", 1), "1"}}; }

class CheckChildTest : public HostileSite {
 protected:
  CheckChildTest() { context_.fs = FileSystem::Posix(); }

  Result<StoreCheck> Check(const Files& files,
                           Vouched vouched = Vouched::kYes) {
    const std::string db = temp_.Sub("canary/db");
    EXPECT_TRUE(context_.fs->CreateDirectory(db).ok());
    for (const auto& [name, content] : files) {
      WriteFile(db + "/" + name, content);
    }
    const auto check =
        CheckStore(context_, db, temp_.Sub("canary/scratch"), {}, vouched);
    EXPECT_TRUE(RemoveTree(context_.fs, db).ok());
    return check;
  }
  Result<StoreCheck> CheckTable(const TableLies& lies,
                                const KeyValues& entries = OneKey()) {
    return Check(
        CraftedFiles({{TableBytes(entries, lies), entries.front().first,
                       entries.back().first, 0}}));
  }
  // Runs levelkeep-check with an option that LevelKeep never gives.
  void UseOption(const std::string& option) {
    const auto program = FindCheckProgram(context_.fs, "");
    ASSERT_TRUE(program.ok());
    context_.options.check_program = temp_.Sub("canary/limited");
    WriteFile(context_.options.check_program,
              "#!/bin/sh\nexec '" + *program + "' \"$@\" " + option + "\n");
    ASSERT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
  }

  RestoreContext context_;
};

TEST_F(CheckChildTest, SoundOneIsFine) {
  const auto check = CheckTable({});
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 1u);
}

// Overlapping tables, with deletions and with writes that are only in a log.
TEST_F(CheckChildTest, CountsTheSameWhoeverVouches) {
  Files files = CraftedFiles(
      {{TableBytes({{InternalKey("a", 1), "1"}, {InternalKey("c", 2), "2"}}),
        InternalKey("a", 1), InternalKey("c", 2), 2},
       {TableBytes({{InternalKey("b", 3), "3"},
                    {InternalKey("c", 4, kTypeDeletion), ""}}),
        InternalKey("b", 3), InternalKey("c", 4, kTypeDeletion), 1},
       {TableBytes({{InternalKey("a", 5), "5"}}), InternalKey("a", 5),
        InternalKey("a", 5), 0}});
  files["000003.log"] = LogBytes({BatchBytes(6, {{"d", "6"}, {"b", "7"}})});
  for (const Vouched vouched : {Vouched::kYes, Vouched::kNo}) {
    const auto check = Check(files, vouched);
    ASSERT_TRUE(check.ok()) << check.status().ToString();
    EXPECT_EQ(check->entries, 3u);  // a, b, d
    EXPECT_EQ(check->last_sequence, 7u);
  }
}

// Random writes and deletions in a database that is reopened often, so that the
// tables of all levels and of the log overlap in some places only.
TEST_F(CheckChildTest, CountsWhatAReaderOfOverlappingTablesFinds) {
  const std::string db_dir = temp_.Sub("canary/written");
  std::mt19937 random(11);
  uint64_t entries = 0;
  for (int round = 0; round < 12; ++round) {
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = 64 << 10;
    options.max_file_size = 1 << 20;
    leveldb::DB* raw = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, db_dir, &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    // The keys of each round overlap with half of the next round's.
    for (int i = 0; i < 800; ++i) {
      const std::string key =
          std::to_string(10'000 + (round % 7) * 500 + random() % 1000);
      const leveldb::Status done =
          random() % 4 == 0
              ? db->Delete({}, key)
              : db->Put({}, key, std::string(random() % 400, 'v'));
      ASSERT_TRUE(done.ok());
    }
    entries = 0;
    const std::unique_ptr<leveldb::Iterator> at(db->NewIterator({}));
    for (at->SeekToFirst(); at->Valid(); at->Next()) ++entries;
  }
  for (const Vouched vouched : {Vouched::kYes, Vouched::kNo}) {
    const auto check =
        CheckStore(context_, db_dir, temp_.Sub("canary/scratch"), {}, vouched);
    ASSERT_TRUE(check.ok()) << check.status().ToString();
    EXPECT_EQ(check->entries, entries);
  }
}

TEST_F(CheckChildTest, EachOfManyTablesIsLookedAt) {
  std::vector<CraftedTable> tables;
  for (int i = 0; i < 70; ++i) {
    const std::string key = InternalKey(std::to_string(100 + i), 1);
    tables.push_back({TableBytes({{key, ""}}), key, key, 0});
  }
  const auto sound = Check(CraftedFiles(tables), Vouched::kNo);
  ASSERT_TRUE(sound.ok()) << sound.status().ToString();
  EXPECT_EQ(sound->entries, 70u);
  const std::string future = InternalKey("135", 1'000'000);
  tables[35] = {TableBytes({{future, ""}}), future, future, 0};
  EXPECT_TRUE(Check(CraftedFiles(tables)).ok()) << "no scan can see it";
  const Status status = Check(CraftedFiles(tables), Vouched::kNo).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("table 000040.ldb holds a write (1000000)"),
            std::string::npos)
      << status.ToString();
}

// Keys in an order of the application's own.
TEST_F(CheckChildTest, AnotherOrderIsTheApplicationsBusiness) {
  const auto files = [](const KeyValues& entries) {
    return CraftedFiles(
        {{TableBytes(entries), entries.front().first, entries.back().first, 1}},
        [](VersionEdit* edit) { edit->comparator = "app.Reverse"; });
  };
  const auto check =
      Check(files({{InternalKey("b", 1), "1"}, {InternalKey("a", 2), "2"}}),
            Vouched::kNo);
  EXPECT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_FALSE(check->order_checked);
  // The writes of one key must be in order anyway.
  const Status status =
      Check(files({{InternalKey("b", 1), "1"}, {InternalKey("b", 2), "2"}}),
            Vouched::kNo)
          .status();
  EXPECT_NE(status.message().find("keys that are not in order"),
            std::string::npos)
      << status.ToString();
}

// Two tables of one level overlap: LevelDB asserts that this never happens.
TEST_F(CheckChildTest, DeathIsToldByItsSignal) {
  const auto table = [](const std::string& first, const std::string& last) {
    return CraftedTable{
        TableBytes({{InternalKey(first, 1), "1"}, {InternalKey(last, 2), "2"}}),
        InternalKey(first, 1), InternalKey(last, 2), 1};
  };
  const Status status =
      Check(CraftedFiles({table("a", "c"), table("b", "d")})).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_NE(status.message().find("made LevelDB abort (signal 6)"),
            std::string::npos)
      << status.ToString();
}

TEST_F(CheckChildTest, HungerForMemoryIsStopped) {
  TableLies lies;
  lies.compression = 1;
  lies.block = [](std::string* block) { *block = "\x80\x80\x80\x80\x02xyz"; };
  const Status status = CheckTable(lies).status();
  // Sanitizers do not limit memory: LevelDB unpacks the block and refuses it.
  EXPECT_EQ(status.code(),
            kMemoryCounts ? StatusCode::kNotChecked : StatusCode::kCorruption)
      << status.ToString();
  if (kMemoryCounts) {
    EXPECT_NE(status.message().find("needs more memory than 192.0 MiB"),
              std::string::npos)
        << status.ToString();
    EXPECT_LT(ChildMemoryPeakBytes(), 256u << 20);
  }
}

// Writes newer than the newest write, which no scan returns; the index names
// their block a hundred thousand times.
TEST_F(CheckChildTest, EndlessScanIsStoppedAndSaysSo) {
  UseOption("--processor-seconds 1");
  KeyValues entries;
  for (int i = 0; i < 20'000; ++i) {
    entries.emplace_back(
        InternalKey(std::to_string(1'000'000 + i), uint64_t{1} << 50), "");
  }
  TableLies lies;
  lies.repeat = 100'000;
  const Status status = CheckTable(lies, entries).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_NE(status.message().find("computing without an end"),
            std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace levelkeep::test
