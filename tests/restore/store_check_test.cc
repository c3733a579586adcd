// levelkeep-check, the real program, on good and on bad databases.

#include <random>

#include "dbfiles/log_format.h"
#include "restore/store_check_fixture.h"

namespace levelkeep::test {
namespace {

TEST_F(StoreCheckTest, CountsTheEntriesOfALargeDatabaseOnce) {
  MakeLarge();
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 25'000u + 201u);
  EXPECT_GE(check->tables, 8u);
}

TEST_F(StoreCheckTest, FindsDamageInEachTableOfALargeDatabase) {
  MakeLarge();
  int tables = 0;
  const auto names = FileSystem::Posix()->List(db_);
  for (const std::string& name : *names) {
    if (ParseDbFileName(name).kind != DbFileKind::kTable) continue;
    const std::string path = db_ + "/" + name;
    const std::string good = ReadFile(path);
    std::string bad = good;
    bad[good.size() / 2] = static_cast<char>(bad[good.size() / 2] ^ 1);
    WriteFile(path, bad);
    EXPECT_NE(Verdict(), "ok") << name;
    WriteFile(path, good);
    ++tables;
  }
  EXPECT_GE(tables, 8);
  EXPECT_EQ(Verdict(), "ok");
}

TEST_F(StoreCheckTest, GoodDatabaseIsScannedWithoutChangingIt) {
  const std::string before = Fingerprint();
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 201u);
  EXPECT_EQ(check->last_sequence, 202u);
  EXPECT_GE(check->tables, 1u);
  EXPECT_EQ(check->torn_tails, 0u);
  EXPECT_EQ(Fingerprint(), before);
  EXPECT_FALSE(PathExists(FileSystem::Posix(), temp_.Sub("scratch")));
}

TEST_F(StoreCheckTest, ReadOnlyDatabaseCanBeChecked) {
  ASSERT_EQ(Shell("chmod -R a-w '" + db_ + "'"), 0);
  EXPECT_EQ(Verdict(), "ok");
}

TEST_F(StoreCheckTest, DatabaseThatIsOpenElsewhereCanBeRead) {
  // The check does not touch LOCK: the process that holds it keeps it.
  const auto db = OpenDb(db_);
  ASSERT_NE(db, nullptr);
  EXPECT_EQ(Verdict(), "ok");
}

TEST_F(StoreCheckTest, TornTailIsCountedAndAccepted) {
  const std::string log = PathOf(DbFileKind::kLog);
  std::string bytes = ReadFile(log);
  WriteFile(log, bytes.substr(0, bytes.size() - 3));
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->torn_tails, 1u);
  EXPECT_EQ(check->last_sequence, 201u);
  EXPECT_EQ(check->entries, 200u);
}

TEST_F(StoreCheckTest, MissingTableIsFound) {
  const std::string table = PathOf(DbFileKind::kTable);
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(table).ok());
  EXPECT_EQ(Verdict(), "table " + BaseName(table) + " is missing");
}

TEST_F(StoreCheckTest, TableOfAnotherSizeIsFound) {
  const std::string table = PathOf(DbFileKind::kTable);
  const std::string bytes = ReadFile(table);
  for (const std::string& other :
       {bytes.substr(0, bytes.size() - 1), bytes + "x", std::string()}) {
    WriteFile(table, other);
    EXPECT_NE(Verdict().find(" bytes instead of "), std::string::npos)
        << other.size();
  }
}

TEST_F(StoreCheckTest, DamagedBlockIsFound) {
  const std::string table = PathOf(DbFileKind::kTable);
  Overwrite(table, 50, std::string(1, '\x55'));
  EXPECT_NE(Verdict().find("LevelDB can't"), std::string::npos) << Verdict();
}

TEST_F(StoreCheckTest, ZeroedLogIsFound) {
  // LevelDB itself opens this database without an error.
  const std::string log = PathOf(DbFileKind::kLog);
  Overwrite(log, 0, std::string(20, '\0'));
  EXPECT_NE(Verdict(), "ok");
  EXPECT_TRUE(OpenAndClose(db_).ok());
}

TEST_F(StoreCheckTest, DamagedFirstRecordOfALogIsFound) {
  const std::string log = PathOf(DbFileKind::kLog);
  Overwrite(log, 10, "\x7f");
  EXPECT_NE(Verdict().find("is damaged at byte 0"), std::string::npos)
      << Verdict();
}

TEST_F(StoreCheckTest, MissingLogIsFound) {
  const std::string log = PathOf(DbFileKind::kLog);
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(log).ok());
  EXPECT_EQ(Verdict(), "log " + BaseName(log) + " is missing");
}

TEST_F(StoreCheckTest, HoleBetweenTablesAndLogIsFound) {
  // A log whose first writes were cut out, record by record.
  FillDb(db_, {{"k1", "1"}, {"k2", "2"}});
  const std::string log = PathOf(DbFileKind::kLog);
  std::vector<std::string> records;
  const std::string bytes = ReadFile(log);
  ASSERT_TRUE(ScanLog(*NewStringSource(bytes), bytes.size(), true,
                      [&](std::string_view record) {
                        records.emplace_back(record);
                        return Status::Ok();
                      })
                  .ok());
  ASSERT_EQ(records.size(), 2u);
  WriteFile(log, FrameAsLog(records[1]));
  EXPECT_NE(Verdict().find("writes are missing"), std::string::npos)
      << Verdict();
}

TEST_F(StoreCheckTest, MissingOrWrongCurrentIsFound) {
  const std::string current = db_ + "/CURRENT";
  WriteFile(current, "MANIFEST-999999\n");
  EXPECT_EQ(Verdict(), "CURRENT names MANIFEST-999999, which is missing");
  WriteFile(current, "nonsense");
  EXPECT_NE(Verdict(), "ok");
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(current).ok());
  EXPECT_EQ(Verdict(),
            "there is no file CURRENT: this is not a LevelDB database");
}

TEST_F(StoreCheckTest, LinkInPlaceOfATableIsFound) {
  const std::string table = PathOf(DbFileKind::kTable);
  ASSERT_EQ(
      Shell("mv '" + table + "' '" + temp_.Sub("elsewhere") + "' && ln -s '" +
            temp_.Sub("elsewhere") + "' '" + table + "'"),
      0);
  EXPECT_NE(Verdict().find("is not a regular file"), std::string::npos);
}

TEST_F(StoreCheckTest, EveryDamageIsFoundOrHarmless) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Entries whole = ReadDb(db_);
  ASSERT_EQ(Shell("cp -r '" + db_ + "' '" + temp_.Sub("good") + "'"), 0);
  for (int round = 0; round < 60; ++round) {
    ASSERT_EQ(Shell("rm -rf '" + db_ + "' && cp -r '" + temp_.Sub("good") +
                    "' '" + db_ + "'"),
              0);
    std::vector<std::string> names;
    for (const std::string& name : *FileSystem::Posix()->List(db_)) {
      if (!IsBackedUp(ParseDbFileName(name).kind)) continue;
      if (FileSystem::Posix()->Stat(db_ + "/" + name)->size_bytes > 0) {
        names.push_back(name);
      }
    }
    const std::string name = names[random() % names.size()];
    std::string bytes = ReadFile(db_ + "/" + name);
    const size_t bit = random() % (bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    WriteFile(db_ + "/" + name, bytes);
    const auto check = Check();
    if (!check.ok() || check->torn_tails > 0) continue;
    EXPECT_EQ(ReadDb(db_), whole) << name << " bit " << bit;
  }
}

}  // namespace
}  // namespace levelkeep::test
