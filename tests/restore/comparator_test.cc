// Databases with their own comparator. Without it, every key is read and the
// order is not checked; a check program that has the comparator checks it, too.

#include <cstdio>

#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "restore/reverse_comparator.h"
#include "restore/store_check_fixture.h"

namespace levelkeep::test {
namespace {

constexpr int kKeys = 20'000;

class ComparatorTest : public StoreCheckTest {
 protected:
  ComparatorTest() {
    db_ = temp_.Sub("reverse");
    // Many tables, on more than one level, and a log.
    Fill(0, kKeys, /*compact=*/true);
    Fill(kKeys, 100, /*compact=*/false);
  }

  void Fill(int first, int count, bool compact) {
    leveldb::Options options;
    options.create_if_missing = true;
    options.comparator = &comparator_;
    options.write_buffer_size = 64 << 10;
    leveldb::DB* raw = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, db_, &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    for (int i = first; i < first + count; ++i) {
      ASSERT_TRUE(db->Put(leveldb::WriteOptions(), Key(i),
                          "v" + std::to_string(i) + std::string(40, 'x'))
                      .ok());
    }
    if (compact) db->CompactRange(nullptr, nullptr);
  }
  static std::string Key(int i) {
    char text[20];
    std::snprintf(text, sizeof text, "k%06d", i * 7919 % 1'000'000);
    return text;
  }
  void UseOwnProgram() {
    context_.options.check_program = LEVELKEEP_REVERSE_CHECK;
  }

  const ReverseComparator comparator_;
};

TEST_F(ComparatorTest, EveryKeyIsReadWithoutIt) {
  for (const Vouched vouched : {Vouched::kYes, Vouched::kNo}) {
    const auto check =
        CheckStore(context_, db_, temp_.Sub("scratch"), {}, vouched);
    ASSERT_TRUE(check.ok()) << check.status().ToString();
    EXPECT_EQ(check->entries, uint64_t{kKeys} + 100);
    EXPECT_EQ(check->last_sequence, uint64_t{kKeys} + 100);
    EXPECT_EQ(check->comparator, "test.Reverse");
    EXPECT_FALSE(check->order_checked);
  }
}

TEST_F(ComparatorTest, AProgramThatHasItJudgesTheOrder) {
  UseOwnProgram();
  for (const Vouched vouched : {Vouched::kYes, Vouched::kNo}) {
    const auto check =
        CheckStore(context_, db_, temp_.Sub("scratch"), {}, vouched);
    ASSERT_TRUE(check.ok()) << check.status().ToString();
    EXPECT_EQ(check->entries, uint64_t{kKeys} + 100);
    EXPECT_TRUE(check->order_checked);
  }
}

// A program with its own comparator also knows LevelDB's default one.
TEST_F(ComparatorTest, AProgramThatHasItStillKnowsTheUsualOne) {
  UseOwnProgram();
  db_ = temp_.Sub("db");
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->comparator, "leveldb.BytewiseComparator");
  EXPECT_TRUE(check->order_checked);
}

// An exception of the comparator does not mean damage.
TEST_F(ComparatorTest, AComparatorThatThrowsGivesNoVerdict) {
  UseOwnProgram();
  {
    leveldb::Options options;
    options.comparator = &comparator_;
    leveldb::DB* raw = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, db_, &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    ASSERT_TRUE(db->Put(leveldb::WriteOptions(), "unknown", "v").ok());
  }
  for (const Vouched vouched : {Vouched::kYes, Vouched::kNo}) {
    const Status status =
        CheckStore(context_, db_, temp_.Sub("scratch"), {}, vouched).status();
    EXPECT_EQ(status.code(), StatusCode::kNotChecked) << status.ToString();
    EXPECT_NE(status.message().find("what is this key?"), std::string::npos)
        << status.ToString();
  }
}

TEST_F(ComparatorTest, DamageIsFoundWithoutIt) {
  struct Case {
    DbFileKind kind;
    const char* message;
  };
  for (const Case& c : {Case{DbFileKind::kTable, "LevelDB can't read table"},
                        Case{DbFileKind::kLog, "is damaged at byte"}}) {
    const std::string path = PathOf(c.kind);
    const std::string good = ReadFile(path);
    std::string bad = good;
    bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 1);
    WriteFile(path, bad);
    const Status status = Check().status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_NE(status.message().find(c.message), std::string::npos)
        << status.ToString();
    WriteFile(path, good);
  }
  EXPECT_TRUE(Check().ok());
}

// A batch with a correct checksum and malformed content.
TEST_F(ComparatorTest, ABatchThatIsNoneIsFoundWithoutIt) {
  const std::string log = PathOf(DbFileKind::kLog);
  std::string first;
  const std::string bytes = ReadFile(log);
  ASSERT_TRUE(ScanLog(*NewStringSource(bytes), bytes.size(), true,
                      [&](std::string_view record) {
                        if (first.empty()) first = record;
                        return Status::Ok();
                      })
                  .ok());
  for (const std::string& bad :
       {first.substr(0, first.size() - 1), first + "x",
        first.substr(0, 12) + "\x07" + first.substr(13)}) {
    WriteFile(log, FrameAsLog(bad));
    const Status status = Check().status();
    EXPECT_EQ(status.code(), StatusCode::kCorruption);
    EXPECT_NE(status.message().find("holds a malformed write batch"),
              std::string::npos)
        << status.ToString();
  }
}

// The keys are in the order of bytes, but not in the comparator's order.
TEST_F(ComparatorTest, KeysInAnotherOrderAreFoundWithIt) {
  db_ = temp_.Sub("db");
  const std::string manifest = PathOf(DbFileKind::kManifest);
  const std::string bytes = ReadFile(manifest);
  const auto content = ReadManifest(*NewStringSource(bytes), bytes.size());
  ASSERT_TRUE(content.ok());
  VersionEdit edit = *VersionEdit::Decode(content->version.EncodeAsEdit());
  edit.comparator = "test.Reverse";
  WriteFile(manifest, FrameAsLog(edit.Encode()));
  const auto unknown = Check();
  ASSERT_TRUE(unknown.ok()) << unknown.status().ToString();
  EXPECT_FALSE(unknown->order_checked);
  UseOwnProgram();
  const Status status =
      CheckStore(context_, db_, temp_.Sub("scratch"), {}, Vouched::kNo)
          .status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("not in order"), std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace levelkeep::test
