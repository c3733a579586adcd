// Full verification: LevelKeep archives are opened in place, others are
// extracted. Also tested: how verification uses the disk, and archives that
// change meanwhile.

#include "restore/restore_fixture.h"
#include "restore/store_check.h"
#include "support/fault_file_system.h"
#include "support/made_up_bytes.h"

namespace levelkeep::test {
namespace {

const Entries kFew = {{"k1", "1"}, {"k2", "2"}};

// Reports of levelkeep-check.
constexpr char kGoodReport[] =
    R"({"ok":true,"entries":2,"lastSequence":2,"tables":1,"tornTails":0})";
constexpr char kBadReport[] =
    R"({"ok":false,"code":"corruption","error":"bad"})";

class VerifyTest : public RestoreFixture {
 protected:
  VerifyTest() { options_.store_checker = nullptr; }  // levelkeep-check itself

  Result<StoreCheck> Verify(const std::string& archive,
                            FileSystem* fs = FileSystem::Posix()) {
    auto check =
        NewRestorer(fs)->VerifyFull(archive, temp_.Sub("scratch"), {}, nullptr);
    EXPECT_TRUE(FileSystem::Posix()->List(temp_.Sub("scratch"))->empty());
    return check;
  }
  // Some megabytes in tables, for several threads, and a log.
  std::string MakeLargeDb(uint64_t entries = 25'000) {
    const std::string db = temp_.Sub("large");
    Entries large;
    for (uint64_t i = 0; i < entries; ++i) {
      large["large" + std::to_string(100'000 + i)] = RandomBytes(i, 1000);
    }
    FillDb(db, large, true);
    FillDb(db, kFew);
    return db;
  }
  // A levelkeep-check that runs this script.
  void UseScript(const std::string& script) {
    options_.check_program = temp_.Sub("script");
    WriteFile(options_.check_program, "#!/bin/sh\n" + script + "\n");
    ASSERT_EQ(Shell("chmod +x '" + options_.check_program + "'"), 0);
  }
  uint64_t LogBytes(const std::string& db) {
    uint64_t bytes = 0;
    const auto names = FileSystem::Posix()->List(db);
    for (const std::string& name : *names) {
      const DbFileKind kind = ParseDbFileName(name).kind;
      if (kind != DbFileKind::kLog && kind != DbFileKind::kManifest) continue;
      bytes += FileSystem::Posix()->Stat(db + "/" + name)->size_bytes;
    }
    return bytes;
  }
};

TEST_F(VerifyTest, LargeDatabaseNeedsNoRoomForACopy) {
  const std::string db = MakeLargeDb();
  const std::string archive = temp_.Sub("x.tar.gz");
  WriteOwnArchive(db, archive);
  FaultFileSystem fs(FileSystem::Posix());
  fs.set_free_space(options_.reserve_bytes + LogBytes(db));
  const auto check = Verify(archive, &fs);
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 25'002u);
  EXPECT_EQ(check->last_sequence, 25'002u);
  EXPECT_GE(check->tables, 8u);
  // Only the folder is made and removed: this process writes no file.
  for (const std::string& operation : fs.trace()) {
    EXPECT_EQ(operation.find("Append"), std::string::npos) << operation;
    EXPECT_EQ(operation.find("WriteAt"), std::string::npos) << operation;
  }

  fs.set_free_space(options_.reserve_bytes + LogBytes(db) - 1);
  const auto refused = Verify(archive, &fs);
  EXPECT_EQ(refused.status().code(), StatusCode::kNoSpace);
  EXPECT_NE(refused.status().message().find("the database needs"),
            std::string::npos)
      << refused.status().message();
}

TEST_F(VerifyTest, ForeignArchiveIsExtractedAndNeedsTheRoom) {
  const std::string db = MakeLargeDb(1000);
  const std::string archive = temp_.Sub("x.tar.gz");
  WriteForeignArchive(db, archive);
  FaultFileSystem fs(FileSystem::Posix());
  fs.set_free_space(options_.reserve_bytes + LogBytes(db));
  EXPECT_EQ(Verify(archive, &fs).status().code(), StatusCode::kNoSpace);
  fs.set_free_space(std::nullopt);
  const auto check = Verify(archive, &fs);
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 1002u);
}

TEST_F(VerifyTest, ChecksOwnCheckerGetsAFolder) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kFew);
  std::string folder;
  options_.store_checker = [&](const std::string& db_dir, const std::string&,
                               std::stop_token) -> Result<StoreCheck> {
    folder = db_dir;
    EXPECT_TRUE(Exists(db_dir + "/CURRENT"));
    StoreCheck check;
    check.last_sequence = 2;
    return check;
  };
  EXPECT_TRUE(Verify(archive).ok());
  EXPECT_FALSE(folder.empty());
}

TEST_F(VerifyTest, ArchivesOwnCheckerGetsTheArchiveAndAnEmptyFolder) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kFew);
  options_.store_checker = CheapCheck;
  std::string folder;
  options_.archive_checker = [&](const std::string& path,
                                 const std::string& scratch,
                                 std::stop_token) -> Result<StoreCheck> {
    EXPECT_EQ(path, archive);
    EXPECT_TRUE(FileSystem::Posix()->List(scratch)->empty());
    WriteFile(scratch + "/what it writes", "goes with the folder");
    folder = scratch;
    StoreCheck check;
    check.last_sequence = 2;
    return check;
  };
  EXPECT_TRUE(Verify(archive).ok());
  EXPECT_FALSE(folder.empty());
  EXPECT_FALSE(Exists(folder));
}

TEST_F(VerifyTest, ScratchFolderThatCanNotBeRemovedIsTold) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kFew);
  FaultFileSystem fs(FileSystem::Posix());
  const auto verify = [&](const std::string& report) {
    UseScript("echo '" + report + "'");
    fs.FailOn("RemoveDirectory ");
    const auto check =
        NewRestorer(&fs)->VerifyFull(archive, temp_.Sub("scratch"), {}, {});
    EXPECT_TRUE(fs.fired());
    return check.status();
  };
  EXPECT_EQ(verify(kGoodReport).code(), StatusCode::kIoError);
  // The report of the check takes precedence.
  EXPECT_EQ(verify(kBadReport).message(), "bad");
}

TEST_F(VerifyTest, DamageIsFoundBeforeTheDatabaseIsOpened) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kFew);
  UseScript("touch '" + temp_.Sub("ran") + "'");
  std::string bytes = ReadFile(archive);
  bytes[30] = static_cast<char>(bytes[30] ^ 1);
  WriteFile(archive, bytes);
  EXPECT_EQ(Verify(archive).status().code(), StatusCode::kCorruption);
  EXPECT_FALSE(Exists(temp_.Sub("ran")));
}

TEST_F(VerifyTest, ManifestWithAnotherComparatorThanTheDatabase) {
  ArchiveSpec spec;
  spec.comparator = "other.Comparator";
  const auto check = Verify(MakeArchive(temp_.Sub("x.tar.gz"), kFew, spec));
  EXPECT_EQ(check.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(check.status().message(),
            "the database's comparator is leveldb.BytewiseComparator, but "
            "its manifest says other.Comparator");
}

// The comparator may be another one than this application's.
TEST_F(VerifyTest, AnyComparatorCanBeVerified) {
  options_.comparator_name = "other.Comparator";
  const auto check = Verify(MakeArchive(temp_.Sub("x.tar.gz"), kFew));
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_TRUE(check->order_checked);
}

TEST_F(VerifyTest, NoVerdictOnAnArchiveThatIsReplacedMeanwhile) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kFew);
  const std::string good = std::string("echo '") + kGoodReport + "'";
  UseScript(good);
  EXPECT_TRUE(Verify(archive).ok());
  // Even equal bytes and a bad report give no verdict.
  const std::string replace = "cp '" + archive + "' '" + archive + ".new'; " +
                              "mv '" + archive + ".new' '" + archive + "'; ";
  for (const std::string& verdict :
       {good, std::string("echo '") + kBadReport + "'"}) {
    UseScript(replace + verdict);
    const auto check = Verify(archive);
    EXPECT_EQ(check.status().code(), StatusCode::kBusy)
        << check.status().ToString();
  }
  UseScript("rm '" + archive + "'; " + good);
  EXPECT_EQ(Verify(archive).status().code(), StatusCode::kNotFound);
}

// --- databases inside archives, checked by the program ---

class ArchivedStoreTest : public VerifyTest {
 protected:
  ArchivedStoreTest() {
    db_ = temp_.Sub("db");
    Entries entries;
    for (int i = 0; i < 200; ++i) {
      entries["key" + std::to_string(i)] = std::string(100, 'v');
    }
    FillDb(db_, entries, true);                    // in a table
    FillDb(db_, {{"key7", "again"}, {"z", "z"}});  // in a log
  }
  // Packs `db_` as it is now, with true digests, and verifies the archive.
  Result<StoreCheck> Check() {
    ArchiveSpec spec;
    spec.last_sequence = 202;
    const std::string archive = temp_.Sub("archive-" + RandomId());
    WriteOwnArchive(db_, archive, spec);
    return Verify(archive);
  }
  std::string PathOf(DbFileKind kind) {
    const auto names = FileSystem::Posix()->List(db_);
    for (const std::string& name : *names) {
      if (ParseDbFileName(name).kind == kind) return db_ + "/" + name;
    }
    ADD_FAILURE() << "no such file";
    return "";
  }

  std::string db_;
};

TEST_F(ArchivedStoreTest, GoodDatabaseIsScanned) {
  const auto check = Check();
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 201u);
  EXPECT_EQ(check->last_sequence, 202u);
  EXPECT_GE(check->tables, 1u);
  EXPECT_EQ(check->torn_tails, 0u);
}

TEST_F(ArchivedStoreTest, TornTailIsSeen) {
  const std::string log = PathOf(DbFileKind::kLog);
  const std::string bytes = ReadFile(log);
  WriteFile(log, bytes.substr(0, bytes.size() - 3));
  EXPECT_EQ(Check().status().message(),
            "the database ends at write number 201, but its manifest says 202");
}

TEST_F(ArchivedStoreTest, DamageThatTheDigestsCoverIsFound) {
  struct Case {
    DbFileKind kind;
    size_t offset;
    const char* message;
  };
  for (const Case& c : {Case{DbFileKind::kTable, 50, "LevelDB can't"},
                        Case{DbFileKind::kLog, 10, "is damaged at byte 0"},
                        Case{DbFileKind::kCurrent, 0, "CURRENT"}}) {
    const std::string path = PathOf(c.kind);
    const std::string good = ReadFile(path);
    std::string bad = good;
    bad[c.offset] = static_cast<char>(bad[c.offset] ^ 0x55);
    WriteFile(path, bad);
    const auto check = Check();
    EXPECT_EQ(check.status().code(), StatusCode::kCorruption);
    EXPECT_NE(check.status().message().find(c.message), std::string::npos)
        << check.status().message();
    WriteFile(path, good);
  }
  EXPECT_TRUE(Check().ok());
}

TEST_F(ArchivedStoreTest, MissingFilesAreFound) {
  struct Case {
    DbFileKind kind;
    const char* message;
  };
  for (const Case& c : {Case{DbFileKind::kTable, ".ldb is missing"},
                        Case{DbFileKind::kManifest, ", which is missing"},
                        Case{DbFileKind::kCurrent, "there is no file CURRENT"},
                        Case{DbFileKind::kLog, ".log is missing"}}) {
    const std::string path = PathOf(c.kind);
    const std::string good = ReadFile(path);
    ASSERT_TRUE(FileSystem::Posix()->RemoveFile(path).ok());
    const auto check = Check();
    EXPECT_EQ(check.status().code(), StatusCode::kCorruption);
    EXPECT_NE(check.status().message().find(c.message), std::string::npos)
        << check.status().message();
    WriteFile(path, good);
  }
}

}  // namespace
}  // namespace levelkeep::test
