// Reads LevelKeep archives.

#include <gtest/gtest.h>

#include <stop_token>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/codec_fixture.h"
#include "archive/own_archive_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::FaultFileSystem;
using test::Files;
using test::ReadFiles;
using test::SmallDatabase;
using test::TempDir;
using test::WriteTestArchive;

class OwnArchiveTest : public test::WithCodecs,
                       public test::OwnArchiveFixture {};

INSTANTIATE_TEST_SUITE_P(Codecs, OwnArchiveTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(OwnArchiveTest, OutlineTellsWithoutReadingPayload) {
  const Files files = test::MakeDatabase();
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, files).ok());
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  auto reader = ArchiveReader::Open(&fs, path);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const ArchiveOutline& outline = (*reader)->outline();
  EXPECT_TRUE(outline.own);
  ASSERT_NE(outline.manifest, nullptr);
  EXPECT_EQ(outline.manifest->last_sequence, 42u);
  EXPECT_EQ(outline.archive_bytes, test::ReadFile(path).size());
  uint64_t bytes = 0;
  for (const auto& [name, content] : files) bytes += content.size();
  EXPECT_EQ(outline.content_bytes, bytes);
  // Open, Stat, two bytes of magic, the tail.
  EXPECT_LE(fs.operations(), 4u);
}

TEST_P(OwnArchiveTest, Sha256IsThatOfTheFile) {
  const std::string path = dir_.Sub("a");
  const auto summary = WriteTestArchive(path, SmallDatabase());
  ASSERT_TRUE(summary.ok());
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  ASSERT_TRUE(reader.ok());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ((*reader)->Sha256(stop.get_token()).status().code(),
            StatusCode::kCancelled);
  EXPECT_EQ((*reader)->Sha256({}).value(), summary->sha256);
  // The digest is remembered: even a stop does not matter.
  EXPECT_EQ((*reader)->Sha256(stop.get_token()).value(), summary->sha256);
  EXPECT_EQ((*reader)->Check({})->archive_sha256, summary->sha256);
}

TEST_P(OwnArchiveTest, BytesThatHaveNoPathAreReadLikeAFile) {
  const Files files = SmallDatabase();
  const std::string archive = Make(files);
  const std::shared_ptr<const ByteSource> bytes = NewStringSource(archive);
  const auto reader = ArchiveReader::Open(FileSystem::Posix(), "store:a", bytes,
                                          archive.size());
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_FALSE((*reader)->has_path());
  EXPECT_TRUE((*reader)->CheckUnchanged().ok());
  EXPECT_EQ((*reader)->outline().archive_bytes, archive.size());
  EXPECT_EQ((*reader)->Check({})->archive_sha256, Sha256Hex(archive));
  const std::string target = dir_.Sub("target");
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(target).ok());
  ASSERT_TRUE((*reader)->Extract(target, {}).ok());
  EXPECT_EQ(ReadFiles(target), files);
  const auto cut = ArchiveReader::Open(FileSystem::Posix(), "store:a", bytes,
                                       archive.size() - 1);
  ASSERT_TRUE(cut.ok()) << "without its end it counts as foreign";
  EXPECT_NE((*cut)->Check({}).status().message().find("store:a"),
            std::string::npos);
}

TEST_P(OwnArchiveTest, LimitsAreHonoured) {
  const Files files = SmallDatabase();
  const std::string archive = Make(files);
  uint64_t bytes = 0;
  for (const auto& [name, content] : files) bytes += content.size();
  ArchiveReadOptions options;
  options.limits.max_entries = files.size() + 1;
  options.limits.max_total_bytes = bytes;
  options.limits.max_path_length = 40;
  EXPECT_TRUE(Check(archive, options).ok());
  options.limits.max_total_bytes = bytes - 1;
  EXPECT_EQ(Check(archive, options).status().code(), StatusCode::kNoSpace);
  options.limits = {};
  options.limits.max_entries = files.size();
  EXPECT_EQ(Check(archive, options).status().code(), StatusCode::kCorruption);
  options.limits = {};
  options.limits.max_path_length = 10;
  EXPECT_EQ(Check(archive, options).status().code(), StatusCode::kCorruption);
}

TEST_P(OwnArchiveTest, ExtractNeedsAnEmptyDirectory) {
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, SmallDatabase()).ok());
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->Extract("", {}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ((*reader)->Extract(dir_.Sub("missing"), {}).status().code(),
            StatusCode::kNotFound);
  test::WriteFiles(dir_.Sub("full"), {{"x", "mine"}});
  EXPECT_EQ((*reader)->Extract(dir_.Sub("full"), {}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadFiles(dir_.Sub("full")).size(), 1u);
}

TEST_P(OwnArchiveTest, EveryFailureOfTheDiskIsReported) {
  const std::string path = dir_.Sub("a");
  Files files = SmallDatabase();
  files["000010.log"] = EventText(3, 2 * kChunkBytes + 5);
  ASSERT_TRUE(WriteTestArchive(path, files).ok());
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    const TempDir out;
    fs.Reset();
    fs.FailAt(n);
    Status status;
    auto reader = ArchiveReader::Open(&fs, path);
    status = reader.status();
    if (reader.ok()) {
      status = (*reader)->Extract(out.path(), {}).status();
    }
    fired = fs.fired();
    ASSERT_EQ(status.code(), fired ? StatusCode::kIoError : StatusCode::kOk)
        << n << " " << fs.last_operation() << " " << status.ToString();
    if (!fired) {
      EXPECT_TRUE(ReadFiles(out.path()) == files);
    }
    ASSERT_LT(n, 300u);
  }
}

TEST_P(OwnArchiveTest, WhatIsNotInThePageCachePassesItBy) {
  const std::string path = dir_.Sub("a");
  Files files = SmallDatabase();
  files["000010.log"] = EventText(3, 2 * kChunkBytes + 5);
  ASSERT_TRUE(WriteTestArchive(path, files).ok());
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  const std::string from_device = "ReadFromDevice " + path;
  bool more = true;
  uint64_t failures = 0;
  for (uint64_t nth = 1; more; ++nth) {
    fs.Reset();
    fs.set_cached(false);
    fs.FailOn(from_device, StatusCode::kIoError, nth);
    auto reader = ArchiveReader::Open(&fs, path);
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    const TempDir out;
    const Status status = (*reader)->Extract(out.path(), {}).status();
    more = fs.fired();
    failures += more ? 1 : 0;
    EXPECT_EQ(status.code(), more ? StatusCode::kIoError : StatusCode::kOk);
    if (!more) {
      EXPECT_TRUE(ReadFiles(out.path()) == files);
    }
  }
  EXPECT_GE(failures, 3u) << "one for each chunk";
}

// The headers of the empty files are in one unit with the chunk before them;
// the unit is then too long to be kept in memory.
TEST_P(OwnArchiveTest, ManyEmptyFilesBehindALargeOne) {
  Files files = SmallDatabase();
  files["000010.ldb"] = test::RandomBytes(1, kChunkBytes);
  for (int i = 0; i < 400; ++i) {
    files[std::to_string(100'000 + i) + ".log"] = "";
  }
  ArchiveWriteOptions options = test::WriteOptions();
  options.compress = false;
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, files, options).ok());
  const TempDir out;
  const auto database = test::ExtractArchive(path, out.Sub("x"));
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  EXPECT_TRUE(ReadFiles(out.Sub("x")) == files);
  EXPECT_EQ(database->archive_sha256, Sha256Hex(test::ReadFile(path)));
}

TEST_P(OwnArchiveTest, ManifestOfSeveralChunksIsRead) {
  Files files = SmallDatabase();
  for (int i = 0; i < 40'000; ++i) {
    files[std::to_string(100'000 + i) + ".log"] = "";
  }
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, files).ok());
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->outline().manifest->files.size(), files.size());
  EXPECT_TRUE((*reader)->Check({}).ok());
}

TEST_P(OwnArchiveTest, EveryFileAndAtLastTheDirectoryIsSynced) {
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, SmallDatabase()).ok());
  FaultFileSystem fs(FileSystem::Posix());
  auto reader = ArchiveReader::Open(&fs, path);
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
  EXPECT_EQ(syncs, SmallDatabase().size());
}

TEST_P(OwnArchiveTest, StopsOnRequest) {
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, SmallDatabase()).ok());
  ArchiveReadOptions options;
  std::stop_source stop;
  stop.request_stop();
  options.work.stop = stop.get_token();
  EXPECT_EQ(test::CheckArchive(path, options).status().code(),
            StatusCode::kCancelled);
}

TEST_P(OwnArchiveTest, ProgressEndsAtOne) {
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, SmallDatabase()).ok());
  ArchiveReadOptions options;
  double last = 0;
  options.work.progress = [&](double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
  };
  ASSERT_TRUE(test::CheckArchive(path, options).ok());
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace levelkeep
