// Archives made by other programs; the tests run these programs.

#include <gtest/gtest.h>

#include <filesystem>
#include <stop_token>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/codec_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;
using test::Files;
using test::MakeDatabase;
using test::ReadFiles;
using test::Shell;
using test::TempDir;

class ForeignArchiveTest : public test::WithCodecs, public testing::Test {
 protected:
  void SetUp() override {
    test::WriteFiles(dir_.Sub("storage/db"), MakeDatabase());
    test::WriteFiles(dir_.Sub("storage/db"),
                     {{"LOCK", ""},
                      {"LOG", "log"},
                      {"LOG.old", "old"},
                      {"CURRENT.bak", "goleveldb"},
                      {"CURRENT.000012", "goleveldb"},
                      {"000099.dbtmp", "temp"},
                      {"BACKUP_ID", "id"},
                      {"DATABASE_ID", std::string(32, 'a') + "\n"},
                      {"._CURRENT", "mac"},
                      {".DS_Store", "mac"}});
  }
  // Runs `command` in the directory; the command makes a.tar.gz.
  void Pack(const std::string& command) {
    std::string output;
    ASSERT_EQ(Shell("cd '" + dir_.path() + "' && rm -f a.tar.gz && " + command +
                        " 2>&1",
                    &output),
              0)
        << command << ": " << output;
  }
  Result<ExtractedDatabase> Check(const ArchiveReadOptions& options = {}) {
    return test::CheckArchive(dir_.Sub("a.tar.gz"), options);
  }
  // Extracts what `command` packs; expects exactly the database.
  Result<ExtractedDatabase> TakeWhole(const std::string& command) {
    Pack(command);
    const TempDir out;
    auto database = test::ExtractArchive(dir_.Sub("a.tar.gz"), out.Sub("x"));
    EXPECT_TRUE(database.ok())
        << command << ": " << database.status().ToString();
    if (database.ok()) {
      EXPECT_TRUE(ReadFiles(out.Sub("x")) == MakeDatabase()) << command;
    }
    return database;
  }
  void ExpectRefused(const std::string& what, StatusCode code,
                     const std::string& message) {
    const Result<ExtractedDatabase> database = Check();
    ASSERT_FALSE(database.ok()) << what;
    EXPECT_EQ(database.status().code(), code)
        << what << ": " << database.status().ToString();
    EXPECT_NE(database.status().message().find(message), std::string::npos)
        << what << ": " << database.status().message();
    EXPECT_FALSE(database.status().hint().empty()) << what;
  }

  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(Codecs, ForeignArchiveTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(ForeignArchiveTest, WhatIsNoIdentityIsNone) {
  for (const std::string& text :
       {std::string(), std::string("id"), std::string(33, 'a'),
        std::string(32, 'A'), std::string(5000, 'a')}) {
    test::WriteFile(dir_.Sub("storage/db/DATABASE_ID"), text);
    const auto database = TakeWhole("tar czf a.tar.gz -C storage db");
    ASSERT_TRUE(database.ok());
    EXPECT_EQ(database->database_id, "") << text;
  }
}

// Files in lost/ are ignored, whatever their kind and wherever the database is.
TEST_P(ForeignArchiveTest, PassesOverWhatRepairDbPutAside) {
  test::WriteFiles(dir_.Sub("storage/db/lost"), {{"000003.log", "not a log"},
                                                 {"000005.ldb", "no table"},
                                                 {"MANIFEST-000001", "none"}});
  for (const char* command :
       {"tar czf a.tar.gz -C storage db", "tar czf a.tar.gz -C storage/db .",
        "tar czf a.tar.gz --hard-dereference -C storage/db lost -C .. db"}) {
    const auto database = TakeWhole(command);
    ASSERT_TRUE(database.ok());
    EXPECT_EQ(database->database_id, std::string(32, 'a')) << command;
  }
  Pack("tar czf a.tar.gz -C storage/db lost");
  ExpectRefused("lost alone", StatusCode::kCorruption, "no LevelDB database");
}

// A tar of a whole STORAGE_DIR has locks, and a database that a restore
// replaced.
TEST_P(ForeignArchiveTest, PassesOverTheWorkFolder) {
  test::WriteFiles(dir_.Sub("storage/.levelkeep/db"),
                   {{"instance.lock", ""}, {"applied", "history"}});
  test::WriteFiles(
      dir_.Sub("storage/.levelkeep/db/rollback-1"),
      {{"CURRENT", "MANIFEST-000001\n"}, {"MANIFEST-000001", "x"}});
  for (const char* command :
       {"tar czf a.tar.gz storage", "tar czf a.tar.gz -C storage ."}) {
    ASSERT_TRUE(TakeWhole(command).ok());
  }
  Pack("tar czf a.tar.gz -C storage .levelkeep");
  ExpectRefused("alone", StatusCode::kCorruption, "no LevelDB database");
}

TEST_P(ForeignArchiveTest, AcceptsTheDatabaseInAnyOneFolder) {
  const std::string commands[] = {
      "tar czf a.tar.gz -C storage db",
      "tar czf a.tar.gz storage",
      "tar czf a.tar.gz ./storage/db",
      "tar czf a.tar.gz -C storage/db .",
      "(cd storage/db && tar czf ../../a.tar.gz *)",
      "tar czf a.tar.gz --format=pax -C storage db",
      "tar czf a.tar.gz --format=v7 -C storage db",
      "tar czf a.tar.gz --format=ustar -C storage db",
      "tar czf a.tar.gz --format=gnu -C storage db",
      "bsdtar -czf a.tar.gz -C storage db",
      "bsdtar --format=pax -czf a.tar.gz -C storage db",
      "tar c -C storage db | pigz -9 > a.tar.gz",
      "tar c -C storage db | gzip -n1 > a.tar.gz",
      "printf 'import tarfile\nwith tarfile.open(\"a.tar.gz\", \"w:gz\") "
      "as t: t.add(\"storage/db\")\n' | python3 -",
      "mkdir -p 'd\xc3\xa4ten' && cp -r storage/db 'd\xc3\xa4ten' && "
      "tar czf a.tar.gz --format=pax 'd\xc3\xa4ten'",
      "mkdir -p $(printf 'x%.0s' $(seq 120)) && cp -r storage/db xxx* && "
      "tar czf a.tar.gz xxx* && rm -r xxx*",
      "tar czf a.tar.gz --format=pax --pax-option=comment=hello -C storage db",
  };
  for (const std::string& command : commands) {
    const auto database = TakeWhole(command);
    ASSERT_TRUE(database.ok());
    EXPECT_FALSE(database->own);
    EXPECT_EQ(database->manifest, nullptr);
    EXPECT_EQ(database->archive_sha256,
              Sha256Hex(test::ReadFile(dir_.Sub("a.tar.gz"))));
    EXPECT_EQ(database->files.size(), MakeDatabase().size());
    uint64_t bytes = 0;
    for (const ManifestFile& file : database->files) {
      EXPECT_EQ(file.sha256, Sha256::Of(MakeDatabase()[file.name]));
      bytes += file.size_bytes;
    }
    EXPECT_EQ(database->content_bytes, bytes);
    EXPECT_TRUE(Check().ok());
  }
}

TEST_P(ForeignArchiveTest, OutlineOfAForeignArchiveIsModest) {
  Pack("tar czf a.tar.gz -C storage db");
  auto reader = ArchiveReader::Open(FileSystem::Posix(), dir_.Sub("a.tar.gz"));
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*reader)->outline().own);
  EXPECT_EQ((*reader)->outline().manifest, nullptr);
  EXPECT_EQ((*reader)->outline().content_bytes, 0u);
}

TEST_P(ForeignArchiveTest, AcceptsTablesWithTheOldSuffix) {
  Pack(
      "mv storage/db/000005.ldb storage/db/000005.sst && "
      "tar czf a.tar.gz storage");
  const auto database = Check();
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_P(ForeignArchiveTest, AcceptsATornLastRecordOfTheManifest) {
  Pack(
      "printf '\\1\\2\\3\\4\\100\\0\\1abc' >> storage/db/MANIFEST-000004 && "
      "tar czf a.tar.gz storage");
  const auto database = Check();
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_P(ForeignArchiveTest, AcceptsTablesThatTheManifestDoesNotName) {
  Pack("echo x > storage/db/000003.ldb && tar czf a.tar.gz storage");
  const auto database = Check();
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_P(ForeignArchiveTest, RefusesAnIncompleteDatabase) {
  struct Case {
    std::string spoil;
    StatusCode code;
    std::string message;
  };
  const Case cases[] = {
      {"rm CURRENT", StatusCode::kCorruption, "CURRENT is missing"},
      {"echo x > CURRENT", StatusCode::kCorruption, "CURRENT is damaged"},
      {": > CURRENT", StatusCode::kCorruption, "CURRENT is damaged"},
      {"echo MANIFEST-000003 > CURRENT", StatusCode::kCorruption,
       "MANIFEST-000003, which CURRENT names, is missing"},
      {"rm MANIFEST-000004", StatusCode::kCorruption,
       "MANIFEST-000004, which CURRENT names, is missing"},
      {": > MANIFEST-000004", StatusCode::kCorruption,
       "MANIFEST-000004 is damaged"},
      {"printf x | dd of=MANIFEST-000004 bs=1 seek=20 conv=notrunc",
       StatusCode::kCorruption, "MANIFEST-000004 is damaged"},
      {"rm 000005.ldb", StatusCode::kCorruption, "table 000005.ldb is missing"},
      {"echo x >> 000007.ldb", StatusCode::kCorruption,
       "table 000007.ldb has 702 bytes instead of 700"},
      {"rm 000008.log", StatusCode::kCorruption, "log 000008.log is missing"},
      {"rm CURRENT MANIFEST* *.ldb *.log", StatusCode::kCorruption,
       "the archive holds no LevelDB database"},
      {"touch readme.txt", StatusCode::kCorruption,
       "entry storage/db/readme.txt is not a file of a LevelDB database"},
      {"mkdir sub && cp CURRENT sub", StatusCode::kCorruption,
       "entry storage/db/sub/CURRENT is outside of storage/db/"},
      {"ln -s CURRENT 000020.log", StatusCode::kCorruption,
       "is a symbolic link"},
      {"ln CURRENT 000020.log", StatusCode::kCorruption, "is a hard link"},
      {"mkfifo 000020.log", StatusCode::kCorruption, "is a FIFO"},
  };
  for (const Case& test : cases) {
    Pack(
        "rm -rf storage/db2 && cp -r storage/db storage/db2 && cd storage/db "
        "&& " +
        test.spoil +
        " && cd ../.. && "
        "tar czf a.tar.gz --sort=name storage/db && rm -r storage/db && "
        "mv storage/db2 storage/db");
    ExpectRefused(test.spoil, test.code, test.message);
  }
}

TEST_P(ForeignArchiveTest, RefusesSparseFiles) {
  for (const std::string format :
       {"gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1",
        "pax --sparse-version=1.0"}) {
    Pack(
        "truncate -s 1M storage/db/000008.log && echo x >> "
        "storage/db/000008.log && tar czSf a.tar.gz --format=" +
        format + " storage");
    ExpectRefused(format, StatusCode::kCorruption, "is a sparse file");
  }
}

TEST_P(ForeignArchiveTest, RefusesOtherFormats) {
  Pack("tar cf a.tar.gz storage");
  ExpectRefused("plain tar", StatusCode::kCorruption, "not a gzip file");
  Pack("bsdtar --format=cpio -czf a.tar.gz storage");
  ExpectRefused("cpio", StatusCode::kCorruption, "Unrecognized");
  Pack("echo hello | gzip > a.tar.gz");
  ExpectRefused("text", StatusCode::kCorruption, "Unrecognized");
  Pack("tar c storage | gzip | gzip > a.tar.gz");
  ExpectRefused("twice", StatusCode::kCorruption, "Unrecognized");
  Pack(": > a.tar.gz");
  ExpectRefused("empty", StatusCode::kCorruption, "not a gzip file");
  Pack(": | gzip > a.tar.gz");
  ExpectRefused("nothing in it", StatusCode::kCorruption, "");
}

TEST_P(ForeignArchiveTest, EveryTruncationOfTheTarInsideIsRefused) {
  const std::string tar = test::TarOf(MakeDatabase(), "db/") + test::TarEnd();
  const std::string path = dir_.Sub("a.tar.gz");
  for (size_t size = 0; size < tar.size(); size += 256) {
    test::WriteFile(path, test::Gzip(tar.substr(0, size), 1));
    EXPECT_FALSE(Check().ok()) << size;
  }
  test::WriteFile(path, test::Gzip(tar));
  const auto database = Check();
  EXPECT_TRUE(database.ok()) << database.status().ToString();
}

TEST_P(ForeignArchiveTest, OurArchivePackedAgainIsHeldToItsManifest) {
  const std::string own = dir_.Sub("own.tar.gz");
  ASSERT_TRUE(test::WriteTestArchive(own, MakeDatabase()).ok());
  const std::string commands[] = {
      "tar czf ../a.tar.gz *",
      "tar czf ../a.tar.gz event_registry_db levelkeep-manifest.json",
      "cd .. && tar czf a.tar.gz own",
  };
  for (const std::string& command : commands) {
    Pack("rm -rf own && mkdir own && cd own && tar xzf ../own.tar.gz && " +
         command);
    const auto database = Check();
    ASSERT_TRUE(database.ok()) << command << database.status().ToString();
    EXPECT_FALSE(database->own);
    ASSERT_NE(database->manifest, nullptr) << command;
    EXPECT_EQ(database->manifest->last_sequence, 42u);
  }
  Pack(
      "cd own && echo x > event_registry_db/000008.log && "
      "tar czf ../a.tar.gz *");
  ExpectRefused("changed", StatusCode::kCorruption,
                "levelkeep-manifest.json contradicts the archive: 000008.log "
                "has another SHA-256");
  Pack(
      "cd own && tar xzf ../own.tar.gz && "
      "cp CURRENT event_registry_db/000009.log 2>/dev/null || "
      "echo y > event_registry_db/000009.log && tar czf ../a.tar.gz *");
  ExpectRefused("one more", StatusCode::kCorruption,
                "000009.log is not listed");
  Pack(
      "cd own && rm event_registry_db/000009.log && "
      "printf '{' > levelkeep-manifest.json && tar czf ../a.tar.gz *");
  ExpectRefused("bad manifest", StatusCode::kCorruption, "not a well-formed");
}

TEST_P(ForeignArchiveTest, FileThatOurManifestListsMustBeThere) {
  const auto one_more = [](Manifest manifest) {
    manifest.files.push_back({"000003.log", 0, Sha256::Of("")});
    return EncodeManifest(manifest);
  };
  ASSERT_TRUE(test::WriteTestArchive(dir_.Sub("own.tar.gz"), MakeDatabase(),
                                     test::WriteOptions(), FileSystem::Posix(),
                                     one_more)
                  .ok());
  Pack(
      "mkdir own && cd own && tar xzf ../own.tar.gz && "
      "tar czf ../a.tar.gz *");
  ExpectRefused("one less", StatusCode::kCorruption,
                "levelkeep-manifest.json contradicts the archive: 000003.log "
                "is missing");
}

// The size in the header is enough to refuse it; the content is not read.
TEST_P(ForeignArchiveTest, ManifestThatIsTooLargeToBeOneIsRefused) {
  const std::string header =
      test::TarHeader(std::string(kManifestEntryName), (64u << 20) + 1);
  test::WriteFile(dir_.Sub("a.tar.gz"),
                  test::Gzip(header + test::RandomBytes(1, 100'000)));
  ExpectRefused("too large", StatusCode::kCorruption,
                "levelkeep-manifest.json contradicts the archive: it is too "
                "large to be one");
}

TEST_P(ForeignArchiveTest, OurArchiveWithoutItsEndIsDamaged) {
  const std::string own = dir_.Sub("a.tar.gz");
  ASSERT_TRUE(test::WriteTestArchive(own, MakeDatabase()).ok());
  const std::string bytes = test::ReadFile(own);
  // All members are complete; only the footer is missing.
  test::WriteFile(own, bytes.substr(0, bytes.size() - 51));
  ExpectRefused("no footer", StatusCode::kCorruption,
                "a LevelKeep archive whose end");
}

TEST_P(ForeignArchiveTest, EveryFailureOfTheDiskIsReported) {
  Pack("tar czf a.tar.gz storage");
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    const TempDir out;
    fs.Reset();
    fs.FailAt(n);
    auto reader = ArchiveReader::Open(&fs, dir_.Sub("a.tar.gz"));
    const Status status = reader.ok()
                              ? (*reader)->Extract(out.path(), {}).status()
                              : reader.status();
    fired = fs.fired();
    ASSERT_EQ(status.code(), fired ? StatusCode::kIoError : StatusCode::kOk)
        << n << " " << fs.last_operation() << " " << status.ToString();
    ASSERT_LT(n, 100u);
  }
}

TEST_P(ForeignArchiveTest, FilesAndDirectoryAreSynced) {
  Pack("tar czf a.tar.gz storage");
  FaultFileSystem fs(FileSystem::Posix());
  auto reader = ArchiveReader::Open(&fs, dir_.Sub("a.tar.gz"));
  ASSERT_TRUE(reader.ok());
  const TempDir out;
  ASSERT_TRUE((*reader)->Extract(out.path(), {}).ok());
  const std::vector<std::string> trace = fs.trace();
  ASSERT_FALSE(trace.empty());
  EXPECT_EQ(trace.back().rfind("SyncDirectory", 0), 0u) << trace.back();
  size_t syncs = 0;
  for (const std::string& operation : trace) {
    if (operation.rfind("Sync ", 0) == 0) ++syncs;
  }
  EXPECT_EQ(syncs, MakeDatabase().size());
}

TEST_P(ForeignArchiveTest, LimitsAreHonoured) {
  Pack("tar czf a.tar.gz -C storage db");
  uint64_t bytes = 0;
  for (const auto& [name, content] : MakeDatabase()) bytes += content.size();
  ArchiveReadOptions options;
  options.limits.max_total_bytes = bytes + 100;
  EXPECT_TRUE(Check(options).ok());
  options.limits.max_total_bytes = bytes - 1;
  EXPECT_EQ(Check(options).status().code(), StatusCode::kNoSpace);
  options.limits = {};
  options.limits.max_entries = 3;
  EXPECT_EQ(Check(options).status().code(), StatusCode::kCorruption);
  options.limits = {};
  options.limits.max_path_length = 9;
  EXPECT_EQ(Check(options).status().code(), StatusCode::kCorruption);
}

TEST_P(ForeignArchiveTest, StopsOnRequest) {
  Pack("tar czf a.tar.gz -C storage db");
  std::stop_source stop;
  stop.request_stop();
  ArchiveReadOptions options;
  options.work.stop = stop.get_token();
  EXPECT_EQ(Check(options).status().code(), StatusCode::kCancelled);
}

TEST_P(ForeignArchiveTest, ProgressEndsAtOne) {
  Pack("tar czf a.tar.gz -C storage db");
  ArchiveReadOptions options;
  double last = 0;
  options.work.progress = [&](double fraction) { last = fraction; };
  ASSERT_TRUE(Check(options).ok());
  EXPECT_EQ(last, 1.0);
}

TEST_P(ForeignArchiveTest, ProgressIsToldOnTheWay) {
  test::WriteFile(dir_.Sub("storage/db/000008.log"),
                  test::RandomBytes(1, 10'000'000));
  Pack("tar czf a.tar.gz -C storage db");
  ArchiveReadOptions options;
  std::vector<double> told;
  options.work.progress = [&](double fraction) {
    EXPECT_TRUE(told.empty() || told.back() < fraction);
    told.push_back(fraction);
  };
  const auto database = Check(options);
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  EXPECT_GE(told.size(), 2u);
  EXPECT_GT(told.front(), 0.5);  // of the archive's bytes
  EXPECT_EQ(told.back(), 1.0);
}

TEST_P(ForeignArchiveTest, OpenRefusesWhatIsNoFile) {
  EXPECT_EQ(ArchiveReader::Open(FileSystem::Posix(), dir_.Sub("none"))
                .status()
                .code(),
            StatusCode::kNotFound);
  Pack("tar czf b.tar.gz storage && ln -s b.tar.gz a.tar.gz");
  EXPECT_FALSE(Check().ok());
  EXPECT_FALSE(
      ArchiveReader::Open(FileSystem::Posix(), dir_.Sub("storage")).ok());
}

}  // namespace
}  // namespace levelkeep
