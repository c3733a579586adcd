// levelkeep-check, the real program, on good and on bad databases; and what
// its parent makes of its end.

#include "restore/store_check.h"

#include <csignal>
#include <random>

#include "dbfiles/log_format.h"
#include "leveldb/comparator.h"
#include "restore/restore_fixture.h"
#include "support/made_up_bytes.h"

namespace levelkeep::test {
namespace {

class StoreCheckTest : public ::testing::Test {
 protected:
  StoreCheckTest() {
    context_.fs = FileSystem::Posix();
    context_.options.comparator_name = "leveldb.BytewiseComparator";
    db_ = temp_.Sub("db");
    Entries entries;
    for (int i = 0; i < 200; ++i) {
      entries[std::string("key") + std::to_string(i)] = std::string(100, 'v');
    }
    FillDb(db_, entries, true);                    // in a table
    FillDb(db_, {{"key7", "again"}, {"z", "z"}});  // in a log
  }

  Result<StoreCheck> Check() {
    return CheckStore(context_, db_, temp_.Sub("scratch"), {});
  }
  // The message, or "ok".
  std::string Verdict() {
    const auto check = Check();
    return check.ok() ? "ok" : check.status().message();
  }
  std::string Fingerprint() {
    std::string output;
    EXPECT_EQ(Shell("cd '" + db_ +
                        "' && ls -lnR --time-style=full-iso && "
                        "sha256sum *",
                    &output),
              0);
    return output;
  }
  // Large enough for several threads, each with tables of its own.
  void MakeLarge() {
    Entries entries;
    for (uint64_t i = 0; i < 25'000; ++i) {
      entries["large" + std::to_string(100'000 + i)] = RandomBytes(i, 1000);
    }
    FillDb(db_, entries, true);
  }
  // Of the only, or largest, file of that kind.
  std::string PathOf(DbFileKind kind) {
    std::string found;
    uint64_t size = 0;
    const auto names = FileSystem::Posix()->List(db_);
    for (const std::string& name : *names) {
      if (ParseDbFileName(name).kind != kind) continue;
      const auto info = FileSystem::Posix()->Stat(db_ + "/" + name);
      if (!found.empty() && info->size_bytes <= size) continue;
      found = db_ + "/" + name;
      size = info->size_bytes;
    }
    EXPECT_FALSE(found.empty());
    return found;
  }
  void Overwrite(const std::string& path, size_t offset,
                 const std::string& bytes) {
    std::string content = ReadFile(path);
    ASSERT_LE(offset + bytes.size(), content.size());
    content.replace(offset, bytes.size(), bytes);
    WriteFile(path, content);
  }

  TempDir temp_;
  RestoreContext context_;
  std::string db_;
};

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
  // Its LOCK is not touched: whoever holds it keeps it.
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
  // LevelDB itself opens this without a word.
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

TEST_F(StoreCheckTest, OtherComparatorIsUnsupported) {
  context_.options.comparator_name = "my.Comparator";
  const auto check = Check();
  EXPECT_EQ(check.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(check.status().message().find("leveldb.BytewiseComparator"),
            std::string::npos);
}

class ReverseComparator : public leveldb::Comparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    return b.compare(a);
  }
  const char* Name() const override { return "test.Reverse"; }
  void FindShortestSeparator(std::string* /*start*/,
                             const leveldb::Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}
};

TEST_F(StoreCheckTest, ComparatorOfAnApplicationIsKnownByName) {
  db_ = temp_.Sub("reverse");
  ReverseComparator reverse;
  leveldb::Options options;
  options.create_if_missing = true;
  options.comparator = &reverse;
  leveldb::DB* db = nullptr;
  ASSERT_TRUE(leveldb::DB::Open(options, db_, &db).ok());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(db->Put(leveldb::WriteOptions(),
                        std::string("k") + std::to_string(i), "v")
                    .ok());
  }
  db->CompactRange(nullptr, nullptr);
  delete db;
  context_.options.comparator_name = "test.Reverse";
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->last_sequence, 100u);
  EXPECT_GT(check->entries, 0u);
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

// --- programs that end otherwise ---

class CheckProgramTest : public StoreCheckTest {
 protected:
  Status RunScript(const std::string& script) {
    context_.options.check_program = temp_.Sub("script");
    WriteFile(context_.options.check_program, "#!/bin/sh\n" + script + "\n");
    EXPECT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
    return Check().status();
  }
};

TEST_F(CheckProgramTest, AbortIsTheDatabasesFault) {
  const Status status = RunScript("kill -ABRT $$");
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(), "the database made LevelDB abort (signal 6)");
  EXPECT_FALSE(status.hint().empty());
}

TEST_F(CheckProgramTest, ReportsAreRead) {
  struct Case {
    const char* script;
    StatusCode code;
    const char* message;
    const char* hint = "";
  };
  for (const Case& c : std::vector<Case>{
           {"echo '{\"ok\":true,\"entries\":1,\"lastSequence\":7,"
            "\"tables\":1,\"tornTails\":0}'",
            StatusCode::kOk, ""},
           {"echo '{\"ok\":false,\"code\":\"corruption\",\"error\":\"bad\"}'; "
            "exit 1",
            StatusCode::kCorruption, "bad"},
           {"echo '{\"ok\":false,\"code\":\"no_space\",\"error\":\"full\","
            "\"hint\":\"free some\"}'",
            StatusCode::kNoSpace, "full", "free some"},
           {"echo '{\"ok\":false,\"code\":\"io_error\",\"error\":\"disk\"}'",
            StatusCode::kIoError, "disk"},
           {"echo '{\"ok\":1}'", StatusCode::kCorruption,
            "the check of the database ended without a report"},
           {"echo '{\"ok\":true,\"entries\":1}'", StatusCode::kCorruption,
            "the check of the database ended without a report"},
           {"echo '{\"ok\":false,\"error\":\"bad\"}'", StatusCode::kCorruption,
            "the check of the database ended without a report"},
           {"echo nonsense", StatusCode::kCorruption,
            "the check of the database ended without a report"},
           {"exit 2", StatusCode::kInternal,
            "levelkeep-check does not know its arguments"},
           {"exit 0", StatusCode::kCorruption,
            "the check of the database ended without a report"}}) {
    const Status status = RunScript(c.script);
    EXPECT_EQ(status.code(), c.code) << c.script;
    EXPECT_EQ(status.message(), c.message) << c.script;
    if (*c.hint != 0) {
      EXPECT_EQ(status.hint(), c.hint) << c.script;
    }
  }
}

TEST_F(CheckProgramTest, StopEndsTheChild) {
  context_.options.check_program = temp_.Sub("script");
  WriteFile(context_.options.check_program, "#!/bin/sh\nexec sleep 1000\n");
  ASSERT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
  std::stop_source stop;
  stop.request_stop();
  const auto check =
      CheckStore(context_, db_, temp_.Sub("scratch"), stop.get_token());
  EXPECT_EQ(check.status().code(), StatusCode::kCancelled);
}

TEST_F(CheckProgramTest, MissingProgramIsNotTheDatabasesFault) {
  context_.options.check_program = temp_.Sub("nowhere");
  const auto check = Check();
  EXPECT_EQ(check.status().code(), StatusCode::kNotFound);
  EXPECT_NE(check.status().hint().find("LEVELKEEP_CHECK_PROGRAM"),
            std::string::npos);
}

TEST_F(CheckProgramTest, WrongArgumentsAreRefused) {
  const auto program = FindCheckProgram(FileSystem::Posix(), "");
  ASSERT_TRUE(program.ok()) << program.status().ToString();
  for (const char* arguments :
       {"", "db", "--scratch s", "db --scratch", "db --scratch s --what",
        "db other --scratch s", "db --archive a --scratch s", "--archive a",
        "--archive --scratch s"}) {
    EXPECT_EQ(Shell("'" + *program + "' " + arguments + " 2>/dev/null"), 2)
        << arguments;
  }
}

TEST(CheckOutcomeTest, EachEndHasASentence) {
  struct Case {
    int signal;
    const char* start;
  };
  for (const Case& c :
       std::vector<Case>{{SIGABRT, "the database made LevelDB abort"},
                         {SIGSEGV, "the database made LevelDB crash"},
                         {SIGBUS, "the database made LevelDB crash"},
                         {SIGXCPU, "the database kept LevelDB computing"},
                         {SIGHUP, "the check of the database was ended"}}) {
    ProgramOutcome outcome;
    outcome.signal = c.signal;
    const auto check = InterpretCheckOutcome(outcome, std::chrono::seconds(60));
    EXPECT_EQ(check.status().code(), StatusCode::kCorruption);
    EXPECT_TRUE(check.status().message().starts_with(c.start)) << c.signal;
  }
  // The host's doing, no verdict on the backup.
  ProgramOutcome killed;
  killed.signal = SIGKILL;
  EXPECT_EQ(
      InterpretCheckOutcome(killed, std::chrono::seconds(60)).status().code(),
      StatusCode::kNoSpace);
  ProgramOutcome late;
  late.timed_out = true;
  const auto check = InterpretCheckOutcome(late, std::chrono::seconds(61));
  EXPECT_EQ(check.status().message(),
            "the check of the database did not end within 61 s");
}

// A busy host's doing, no verdict on the backup either.
TEST(CheckOutcomeTest, LatenessOfAnIdleOneSaysNothing) {
  ProgramOutcome late;
  late.timed_out = true;
  const auto check = InterpretCheckOutcome(late, CheckTimeout(0, /*idle=*/true),
                                           /*idle=*/true);
  EXPECT_EQ(check.status().code(), StatusCode::kIoError);
  EXPECT_EQ(check.status().message(),
            "the check of the database did not end within 6000 s at idle "
            "priority");
  EXPECT_NE(check.status().hint().find("BACKUP_PRIORITY=low"),
            std::string::npos);
}

TEST(CheckOutcomeTest, TimeoutGrowsWithTheDatabase) {
  EXPECT_EQ(CheckTimeout(0), std::chrono::seconds(60));
  EXPECT_EQ(CheckTimeout(5'000'000), std::chrono::seconds(61));
  EXPECT_EQ(CheckTimeout(5'000'000'000), std::chrono::seconds(1060));
}

}  // namespace
}  // namespace levelkeep::test
