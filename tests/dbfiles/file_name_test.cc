#include "dbfiles/database_files.h"
#include "gtest/gtest.h"

namespace levelkeep {
namespace {

struct Case {
  const char* name;
  DbFileKind kind;
  uint64_t number;
};

TEST(DbFileNameTest, ParsesWhatLevelDbWrites) {
  const Case cases[] = {
      {"CURRENT", DbFileKind::kCurrent, 0},
      {"LOCK", DbFileKind::kLock, 0},
      {"LOG", DbFileKind::kInfoLog, 0},
      {"LOG.old", DbFileKind::kInfoLog, 0},
      {"MANIFEST-000005", DbFileKind::kManifest, 5},
      {"MANIFEST-1", DbFileKind::kManifest, 1},
      {"000012.ldb", DbFileKind::kTable, 12},
      {"000012.sst", DbFileKind::kTable, 12},
      {"000013.log", DbFileKind::kLog, 13},
      {"000014.dbtmp", DbFileKind::kTemp, 14},
      {"1234567.ldb", DbFileKind::kTable, 1234567},
      {"18446744073709551615.log", DbFileKind::kLog, 18446744073709551615u},
  };
  for (const Case& c : cases) {
    const DbFileName parsed = ParseDbFileName(c.name);
    EXPECT_EQ(parsed.kind, c.kind) << c.name;
    EXPECT_EQ(parsed.number, c.number) << c.name;
  }
}

TEST(DbFileNameTest, EverythingElseIsUnknown) {
  for (const char* name : {"",
                           "current",
                           "CURRENT ",
                           "MANIFEST",
                           "MANIFEST-",
                           "MANIFEST-5x",
                           "MANIFEST-5.ldb",
                           "MANIFEST--5",
                           "x000012.ldb",
                           "12.LDB",
                           "12.ldb.pin1",
                           "12.log.pin3",
                           "12",
                           ".ldb",
                           "-1.ldb",
                           "+1.ldb",
                           " 1.ldb",
                           "1 .ldb",
                           "0x1.ldb",
                           "18446744073709551616.log",
                           "99999999999999999999999.ldb",
                           "LOG.older",
                           "LOCKED",
                           "BACKUP_ID",
                           "../000012.ldb",
                           "a/000012.ldb",
                           "12.ldb/",
                           "12..ldb"}) {
    EXPECT_EQ(ParseDbFileName(name).kind, DbFileKind::kUnknown) << name;
  }
}

TEST(DbFileNameTest, FormatsAsLevelDbDoes) {
  EXPECT_EQ(ManifestFileName(5), "MANIFEST-000005");
  EXPECT_EQ(TableFileName(12), "000012.ldb");
  EXPECT_EQ(OldTableFileName(12), "000012.sst");
  EXPECT_EQ(LogFileName(13), "000013.log");
  EXPECT_EQ(LogFileName(12345678), "12345678.log");
  EXPECT_EQ(LogFileName(18446744073709551615u), "18446744073709551615.log");
}

TEST(DbFileNameTest, FormattedNamesParseBack) {
  for (const uint64_t number : {0u, 1u, 999999u, 1000000u, 4294967295u}) {
    EXPECT_EQ(ParseDbFileName(ManifestFileName(number)).number, number);
    EXPECT_EQ(ParseDbFileName(TableFileName(number)).number, number);
    EXPECT_EQ(ParseDbFileName(LogFileName(number)).number, number);
  }
}

TEST(DbFileNameTest, ABackupHoldsFourKindsOfFile) {
  EXPECT_TRUE(IsBackedUp(DbFileKind::kCurrent));
  EXPECT_TRUE(IsBackedUp(DbFileKind::kManifest));
  EXPECT_TRUE(IsBackedUp(DbFileKind::kTable));
  EXPECT_TRUE(IsBackedUp(DbFileKind::kLog));
  EXPECT_FALSE(IsBackedUp(DbFileKind::kLock));
  EXPECT_FALSE(IsBackedUp(DbFileKind::kInfoLog));
  EXPECT_FALSE(IsBackedUp(DbFileKind::kTemp));
  EXPECT_FALSE(IsBackedUp(DbFileKind::kUnknown));
}

}  // namespace
}  // namespace levelkeep
