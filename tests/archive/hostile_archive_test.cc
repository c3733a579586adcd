// Archives that want to do harm, built byte by byte.

#include <gtest/gtest.h>

#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"

namespace levelkeep {
namespace {

using test::Files;
using test::Gzip;
using test::MakeDatabase;
using test::TarEnd;
using test::TarFile;
using test::TarHeader;
using test::TarOf;
using test::TempDir;

class HostileArchiveTest : public testing::Test {
 protected:
  // Extracts into an empty directory beside which nothing may appear.
  Result<ExtractedDatabase> Extract(const std::string& archive,
                                    const ArchiveReadOptions& options = {}) {
    const std::string base = dir_.Sub("t" + std::to_string(++number_));
    EXPECT_EQ(test::Shell("mkdir " + base), 0);
    test::WriteFile(base + "/a.tar.gz", archive);
    Result<ExtractedDatabase> database =
        test::ExtractArchive(base + "/a.tar.gz", base + "/out", options);
    const auto names = FileSystem::Posix()->List(base);
    EXPECT_EQ(names->size(), 2u) << "something got out";
    return database;
  }
  void ExpectRefused(const std::string& what, const std::string& tar,
                     StatusCode code, const std::string& message) {
    const Result<ExtractedDatabase> database = Extract(Gzip(tar));
    ASSERT_FALSE(database.ok()) << what;
    EXPECT_EQ(database.status().code(), code)
        << what << ": " << database.status().ToString();
    EXPECT_NE(database.status().message().find(message), std::string::npos)
        << what << ": " << database.status().message();
  }

  TempDir dir_;
  int number_ = 0;
};

std::string Database() { return TarOf(MakeDatabase(), "db/"); }

TEST_F(HostileArchiveTest, TheGeneratorMakesGoodArchivesToo) {
  const auto database = Extract(Gzip(Database() + TarEnd()));
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_F(HostileArchiveTest, EntriesThatAreNoPlainFilesAreRefused) {
  struct Case {
    char type;
    std::string message;
  };
  const Case cases[] = {
      {'1', "is a hard link"}, {'2', "is a symbolic link"},
      {'3', "is a device"},    {'4', "is a device"},
      {'6', "is a FIFO"},
  };
  for (const Case& test : cases) {
    for (const std::string name : {"db/000009.log", "db/CURRENT", "x", "LOG"}) {
      const std::string entry = TarHeader(name, 0, test.type, "/etc/passwd");
      ExpectRefused(name + test.type, entry + Database() + TarEnd(),
                    StatusCode::kCorruption, test.message);
      ExpectRefused(name + test.type, Database() + entry + TarEnd(),
                    StatusCode::kCorruption, test.message);
    }
  }
}

TEST_F(HostileArchiveTest, PathsThatLeadOutAreRefused) {
  struct Case {
    std::string name;
    std::string message;
  };
  const Case cases[] = {
      {"/etc/000009.log", "entry /etc/000009.log has an absolute path"},
      {"../000009.log", "entry ../000009.log leads out of the archive"},
      {"db/../000009.log", "leads out"},
      {"db/..", "leads out"},
      {"./../db/000009.log", "leads out"},
      {"db/\x1b[2J.ldb", "entry db/\\x1b[2J.ldb is no file of a LevelDB"},
      {"db/..\\000009.log", "is no file of a LevelDB database"},
      {"db/000009.log\n", "is no file of a LevelDB database"},
      {"000009.log", "is outside of db/"},
      {"db/db/000009.log", "is outside of db/"},
  };
  for (const Case& test : cases) {
    ExpectRefused(test.name, Database() + TarFile(test.name, "x") + TarEnd(),
                  StatusCode::kCorruption, test.message);
  }
  // Directories may not lead out either, although nothing makes them.
  ExpectRefused("directory", Database() + TarHeader("../x/", 0, '5') + TarEnd(),
                StatusCode::kCorruption, "leads out");
}

TEST_F(HostileArchiveTest, DuplicatesAreRefused) {
  const std::string current = MakeDatabase()["CURRENT"];
  for (const std::string name :
       {"db/CURRENT", "./db/CURRENT", "db//CURRENT", "db/./CURRENT"}) {
    ExpectRefused(name, Database() + TarFile(name, current) + TarEnd(),
                  StatusCode::kCorruption, "comes twice");
  }
  ExpectRefused("manifests",
                Database() + TarFile("levelkeep-manifest.json", "{}") +
                    TarFile("db/levelkeep-manifest.json", "{}") + TarEnd(),
                StatusCode::kCorruption, "comes twice");
}

TEST_F(HostileArchiveTest, SparseFilesAreRefused) {
  // A GNU sparse header: one data run at 1 MiB.
  std::string header = TarHeader("db/000009.log", 512, 'S');
  header.replace(386, 12, "00004000000\0", 12);
  header.replace(398, 12, "00000001000\0", 12);
  header.replace(483, 12, "00004001000\0", 12);
  header.replace(257, 8, "ustar  \0", 8);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  char octal[16];
  std::snprintf(octal, sizeof octal, "%06o", sum);
  header.replace(148, 7, octal, 7);
  ExpectRefused("sparse",
                Database() + header + std::string(512, 'x') + TarEnd(),
                StatusCode::kCorruption, "is a sparse file");
}

// A pax header that says `records` of the entry behind it.
std::string Pax(const std::string& key, const std::string& value,
                char type = 'x') {
  const std::string body = " " + key + "=" + value + "\n";
  std::string record;
  for (size_t size = body.size() + 1;; ++size) {
    record = std::to_string(size) + body;
    if (record.size() == size) break;
  }
  return TarFile("pax", record, type);
}

std::string LongName(const std::string& name) {
  return TarFile("././@LongLink", name + std::string(1, '\0'), 'L');
}

TEST_F(HostileArchiveTest, LongNamesAreFollowedAndJudged) {
  Files rest = MakeDatabase();
  const std::string log = rest["000008.log"];
  rest.erase("000008.log");
  const std::string tar = TarOf(rest, "db/");
  const std::string plain = TarFile("innocent", log);
  EXPECT_TRUE(
      Extract(Gzip(tar + LongName("db/000008.log") + plain + TarEnd())).ok());
  EXPECT_TRUE(
      Extract(Gzip(tar + Pax("path", "db/000008.log") + plain + TarEnd()))
          .ok());
  EXPECT_TRUE(Extract(Gzip(Pax("comment", "hello", 'g') + tar +
                           Pax("path", "db/000008.log") + plain + TarEnd()))
                  .ok());
  for (const std::string out : {"../000008.log", "/tmp/000008.log"}) {
    ExpectRefused(out, tar + LongName(out) + plain + TarEnd(),
                  StatusCode::kCorruption, "entry " + out);
    ExpectRefused(out, tar + Pax("path", out) + plain + TarEnd(),
                  StatusCode::kCorruption, "entry " + out);
  }
  const std::string very_long = "db/" + std::string(600, 'x');
  ExpectRefused("long", tar + LongName(very_long) + plain + TarEnd(),
                StatusCode::kCorruption, "has a long name");
  ExpectRefused("link by pax",
                tar + Pax("linkpath", "/etc/passwd") +
                    TarHeader("db/000008.log", 0, '2', "x") + TarEnd(),
                StatusCode::kCorruption, "is a symbolic link");
}

TEST_F(HostileArchiveTest, LiesAboutSizesAreRefused) {
  const std::string tar = Database();
  ExpectRefused("longer than the tar",
                tar + TarHeader("db/000009.log", 100000) + "x" + TarEnd(),
                StatusCode::kCorruption, "");
  ExpectRefused(
      "negative",
      tar + Pax("size", "-1") + TarFile("db/000009.log", "x") + TarEnd(),
      StatusCode::kCorruption, "");
  ExpectRefused("exabytes",
                tar + Pax("size", "9223372036854775807") +
                    TarFile("db/000009.log", "x") + TarEnd(),
                StatusCode::kCorruption, "");
  std::string bad_sum = TarFile("db/000009.log", "x");
  bad_sum[148] = static_cast<char>(bad_sum[148] ^ 1);
  ExpectRefused("checksum", tar + bad_sum + TarEnd(), StatusCode::kCorruption,
                "");
}

TEST_F(HostileArchiveTest, TheEndMustBeTheEnd) {
  const std::string tar = Database();
  ExpectRefused("none", tar, StatusCode::kCorruption, "without its end marks");
  ExpectRefused("half", tar + std::string(512, '\0'), StatusCode::kCorruption,
                "without its end marks");
  ExpectRefused("garbage", tar + TarEnd() + "garbage", StatusCode::kCorruption,
                "behind the end of the tar");
  ExpectRefused("a second tar", tar + TarEnd() + tar + TarEnd(),
                StatusCode::kCorruption, "behind the end of the tar");
  // Tools pad to a record.
  EXPECT_TRUE(Extract(Gzip(tar + TarEnd() + std::string(20 * 512, '\0'))).ok());
  // Behind the gzip data.
  EXPECT_FALSE(Extract(Gzip(tar + TarEnd()) + "x").ok());
  EXPECT_FALSE(Extract(Gzip(tar + TarEnd()) + std::string(1024, '\0')).ok());
}

TEST_F(HostileArchiveTest, EmptyArchivesHoldNoDatabase) {
  ExpectRefused("end marks", TarEnd(), StatusCode::kCorruption,
                "holds no LevelDB database");
  ExpectRefused("directories", TarHeader("db/", 0, '5') + TarEnd(),
                StatusCode::kCorruption, "holds no LevelDB database");
  ExpectRefused("only a lock", TarFile("db/LOCK", "") + TarEnd(),
                StatusCode::kCorruption, "holds no LevelDB database");
}

TEST_F(HostileArchiveTest, BombsAreDefused) {
  Files files = MakeDatabase();
  files["000009.log"] = std::string(40 << 20, '\0');
  const std::string archive = Gzip(TarOf(files, "db/") + TarEnd(), 9);
  ASSERT_LT(archive.size(), 100'000u);
  ArchiveReadOptions options;
  options.limits.max_ratio = 100;
  Result<ExtractedDatabase> database = Extract(archive, options);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kCorruption);
  EXPECT_NE(database.status().message().find("more than the archive can hold"),
            std::string::npos);
  options.limits = {};
  options.limits.max_total_bytes = 10 << 20;
  EXPECT_EQ(Extract(archive, options).status().code(), StatusCode::kNoSpace);
  EXPECT_TRUE(Extract(archive).ok());
  // Zeros behind the end count as well, which no header announces.
  options.limits = {};
  options.limits.max_ratio = 100;
  database =
      Extract(Gzip(Database() + std::string(40 << 20, '\0'), 9), options);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kCorruption);
  EXPECT_NE(database.status().message().find("more than 100 times its size"),
            std::string::npos);
}

TEST_F(HostileArchiveTest, HugeManifestOfLevelDbIsUnsupported) {
  Files files = MakeDatabase();
  files["MANIFEST-000009"] = std::string(65 << 20, '\0');
  ArchiveReadOptions options;
  const auto database =
      Extract(Gzip(TarOf(files, "db/") + TarEnd(), 1), options);
  EXPECT_EQ(database.status().code(), StatusCode::kUnsupported)
      << database.status().ToString();
}

TEST_F(HostileArchiveTest, SeveralMembersAreFineWithoutOurManifest) {
  const std::string tar = Database() + TarEnd();
  EXPECT_TRUE(Extract(Gzip(tar.substr(0, 1000)) + Gzip(tar.substr(1000))).ok());
  const std::string with_toc =
      Database() + TarFile("stargz.index.json", "{}") + TarEnd();
  EXPECT_TRUE(Extract(Gzip(with_toc)).ok());
  const auto database =
      Extract(Gzip(with_toc.substr(0, 1000)) + Gzip(with_toc.substr(1000)));
  ASSERT_FALSE(database.ok());
  EXPECT_NE(database.status().message().find("without its end"),
            std::string::npos);
}

TEST_F(HostileArchiveTest, EveryFlippedByteOfAForeignTarIsHandled) {
  Files files = MakeDatabase();
  files["000005.ldb"].resize(3000);
  const std::string tar = TarOf(files, "") + TarEnd();
  // Plain members, so that the flip gets past the checksum: what is found
  // then is the tar reader's and the database check's. Only a digest could
  // notice a flip inside a table.
  ArchiveReadOptions options;
  const std::string path = dir_.Sub("a.tar.gz");
  for (size_t at = 0; at < tar.size(); at += 7) {
    std::string flipped = tar;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x15);
    test::WriteFile(path, Gzip(flipped, 1));
    const auto database = test::CheckArchive(path, options);
    if (!database.ok()) {
      EXPECT_EQ(database.status().code(), StatusCode::kCorruption)
          << at << ": " << database.status().ToString();
    } else {
      EXPECT_EQ(database->files.size(), files.size()) << at;
    }
  }
}

}  // namespace
}  // namespace levelkeep
