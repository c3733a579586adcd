#include "archive/archive_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/codec_fixture.h"
#include "format/toc.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::Files;
using test::RandomBytes;
using test::ReadFiles;
using test::Shell;
using test::TempDir;
using test::WriteOptions;
using test::WriteTestArchive;

// A database with files of all sizes that matter: around the sizes of tar
// blocks, steps and chunks.
Files AllSizes() {
  Files files;
  uint64_t number = 5;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{511}, size_t{512}, size_t{513},
        size_t{512 << 10}, size_t{(512 << 10) + 1},
        static_cast<size_t>(kChunkBytes) - 1, static_cast<size_t>(kChunkBytes),
        static_cast<size_t>(kChunkBytes) + 1,
        static_cast<size_t>(3 * kChunkBytes) + 700}) {
    char name[32];
    std::snprintf(name, sizeof name, "%06llu.ldb",
                  static_cast<unsigned long long>(number));
    files[name] =
        number % 2 == 0 ? RandomBytes(number, size) : EventText(number, size);
    ++number;
  }
  files["000999.log"] = "";
  files["CURRENT"] = "MANIFEST-000004\n";
  return files;
}

class ArchiveRoundTripTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, ArchiveRoundTripTest,
                         testing::ValuesIn(test::AllCodecPairs()),
                         test::CodecsName);

class ArchiveWriterTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, ArchiveWriterTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(ArchiveRoundTripTest, AllSizes) {
  const TempDir dir;
  const Files files = AllSizes();
  const Result<ArchiveSummary> summary =
      WriteTestArchive(dir.Sub("a.tar.gz"), files);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  const Result<ExtractedDatabase> database =
      test::ExtractArchive(dir.Sub("a.tar.gz"), dir.Sub("out"));
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  EXPECT_TRUE(ReadFiles(dir.Sub("out")) == files);
  EXPECT_TRUE(database->own);
  ASSERT_NE(database->manifest, nullptr);
  EXPECT_EQ(database->content_bytes, summary->source_bytes);
  EXPECT_EQ(database->archive_sha256, summary->sha256);
  EXPECT_EQ(database->manifest->files.size(), files.size());
  EXPECT_TRUE(test::CheckArchive(dir.Sub("a.tar.gz")).ok());
}

TEST_P(ArchiveWriterTest, SummaryTellsTheTruth) {
  const TempDir dir;
  ArchiveWriteOptions options = WriteOptions();
  options.md5 = true;
  const Files files = AllSizes();
  const Result<ArchiveSummary> summary =
      WriteTestArchive(dir.Sub("a.tar.gz"), files, options);
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  const std::string bytes = test::ReadFile(dir.Sub("a.tar.gz"));
  EXPECT_EQ(summary->size_bytes, bytes.size());
  EXPECT_EQ(summary->sha256, Sha256Hex(bytes));
  Digest md5(DigestKind::kMd5);
  md5.Update(bytes);
  EXPECT_EQ(summary->md5, md5.FinishHex());
  ASSERT_EQ(summary->archived.size(), files.size());
  size_t i = 0;
  uint64_t total = 0;
  for (const auto& [name, content] : files) {
    EXPECT_EQ(summary->archived[i].name,
              std::string(test::kDbName) + "/" + name);
    EXPECT_EQ(summary->archived[i].size_bytes, content.size());
    EXPECT_EQ(summary->archived[i].sha256, Sha256::Of(content)) << name;
    total += content.size();
    ++i;
  }
  EXPECT_EQ(summary->source_bytes, total);
}

TEST_P(ArchiveWriterTest, BytesDependOnInputsAndOptionsOnly) {
  const TempDir dir;
  const Files files = AllSizes();
  for (const bool compress : {true, false}) {
    std::string first;
    for (const int threads : {1, 2, 3, 8}) {
      ArchiveWriteOptions options = WriteOptions(threads);
      options.compress = compress;
      const std::string path =
          dir.Sub((compress ? "c" : "s") + std::to_string(threads));
      ASSERT_TRUE(WriteTestArchive(path, files, options).ok());
      const std::string sha256 = Sha256Hex(test::ReadFile(path));
      if (first.empty()) first = sha256;
      EXPECT_EQ(sha256, first) << threads;
    }
  }
}

TEST_P(ArchiveWriterTest, StoredArchiveIsAsLargeAsItsContent) {
  const TempDir dir;
  ArchiveWriteOptions options = WriteOptions();
  options.compress = false;
  Files files;
  files["000005.ldb"] = std::string(1000000, 'x');
  const Result<ArchiveSummary> summary =
      WriteTestArchive(dir.Sub("a.tar.gz"), files, options);
  ASSERT_TRUE(summary.ok());
  EXPECT_GT(summary->size_bytes, 1000000u);
  EXPECT_LT(summary->size_bytes, 1010000u);
  EXPECT_TRUE(test::CheckArchive(dir.Sub("a.tar.gz")).ok());
}

TEST_P(ArchiveRoundTripTest, AllLevels) {
  const TempDir dir;
  Files files;
  files["000005.ldb"] = EventText(1, 3000000);
  for (int level = 0; level <= 3; ++level) {
    ArchiveWriteOptions options = WriteOptions();
    options.level = level;
    const std::string path = dir.Sub(std::to_string(level));
    const Result<ArchiveSummary> summary =
        WriteTestArchive(path, files, options);
    ASSERT_TRUE(summary.ok()) << level;
    EXPECT_LT(summary->size_bytes, 1500000u) << level;
    EXPECT_TRUE(test::CheckArchive(path).ok()) << level;
  }
}

TEST_P(ArchiveWriterTest, OtherToolsReadIt) {
  const TempDir dir;
  const Files files = AllSizes();
  ASSERT_TRUE(WriteTestArchive(dir.Sub("a.tar.gz"), files).ok());
  const std::string cd = "cd '" + dir.path() + "' && ";
  std::string output;
  EXPECT_EQ(Shell(cd + "gzip -t a.tar.gz 2>&1", &output), 0) << output;
  EXPECT_EQ(output, "");
  EXPECT_EQ(Shell(cd + "tar tzf a.tar.gz 2>&1", &output), 0) << output;
  std::string expected;
  for (const auto& [name, content] : files) {
    expected += "event_registry_db/" + name + "\n";
  }
  expected += "levelkeep-manifest.json\nstargz.index.json\n";
  EXPECT_EQ(output, expected);
  const std::string tools[] = {
      "tar xzf ../a.tar.gz",
      "bsdtar xf ../a.tar.gz",
      // Newer versions of Python print a warning without a filter.
      "python3 -c 'import tarfile; "
      "f = {\"filter\": \"data\"} if hasattr(tarfile, \"data_filter\") else "
      "{}; tarfile.open(\"../a.tar.gz\").extractall(**f)'",
  };
  int number = 0;
  for (const std::string& tool : tools) {
    const std::string out = "out" + std::to_string(++number);
    ASSERT_EQ(
        Shell(cd + "mkdir " + out + " && cd " + out + " && " + tool + " 2>&1",
              &output),
        0)
        << tool << ": " << output;
    EXPECT_EQ(output, "") << tool;
    EXPECT_TRUE(ReadFiles(dir.Sub(out + "/event_registry_db")) == files)
        << tool;
  }
  EXPECT_EQ(
      Shell(cd + "tar tvzf a.tar.gz | grep -vc '^-rw------- 0/0 '", &output), 1)
      << output;
}

TEST_P(ArchiveWriterTest, EveryPayloadAndTheIndexStartAMember) {
  const TempDir dir;
  Files files;
  files["000005.ldb"] = EventText(1, kChunkBytes + 5);
  files["CURRENT"] = "MANIFEST-000004\n";
  ASSERT_TRUE(WriteTestArchive(dir.Sub("a.tar.gz"), files).ok());
  // Reads the archive like a program that follows the format: takes the table
  // of contents from tar, and inflates each chunk with zlib from its offset.
  std::string output;
  EXPECT_EQ(
      Shell("cd '" + dir.path() +
                "' && python3 -c '\n"
                "import json, tarfile, zlib, hashlib\n"
                "raw = open(\"a.tar.gz\", \"rb\").read()\n"
                "assert raw[-51:-35] == bytes([31,139,8,4,0,0,0,0,0,255,26,"
                "0,83,71,22,0]) and raw[-19:-13] == b\"STARGZ\"\n"
                "at = int(raw[-35:-19], 16)\n"
                "assert zlib.decompressobj(31).decompress(raw[at:]"
                ").startswith(b\"stargz.index.json\")\n"
                "toc = json.load(tarfile.open(\"a.tar.gz\").extractfile("
                "\"stargz.index.json\"))\n"
                "assert toc[\"version\"] == 1\n"
                "sizes = {}\n"
                "for e in toc[\"entries\"]:\n"
                "  sizes.setdefault(e[\"name\"], e.get(\"size\"))\n"
                "  done = e.get(\"chunkOffset\", 0)\n"
                "  n = e.get(\"chunkSize\") or sizes[e[\"name\"]] - done\n"
                "  c = zlib.decompressobj(31).decompress("
                "raw[e[\"offset\"]:])[:n]\n"
                "  assert len(c) == n\n"
                "  assert e[\"chunkDigest\"] == \"sha256:\" + "
                "hashlib.sha256(c).hexdigest()\n"
                "print(len(toc[\"entries\"]))\n' 2>&1",
            &output),
      0);
  EXPECT_EQ(output, "4\n");
}

TEST_P(ArchiveWriterTest, DatabaseWithoutFiles) {
  const TempDir dir;
  ASSERT_TRUE(WriteTestArchive(dir.Sub("a.tar.gz"), {}).ok());
  const Result<ExtractedDatabase> database =
      test::ExtractArchive(dir.Sub("a.tar.gz"), dir.Sub("out"));
  ASSERT_TRUE(database.ok()) << database.status().ToString();
  EXPECT_TRUE(database->manifest->files.empty());
  EXPECT_EQ(Shell("gzip -t '" + dir.Sub("a.tar.gz") + "'"), 0);
}

TEST_P(ArchiveWriterTest, ManySmallFilesAreBatched) {
  const TempDir dir;
  Files files;
  for (int i = 0; i < 5000; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "%06d.ldb", i + 1);
    files[name] = EventText(static_cast<uint64_t>(i), 200);
  }
  std::string sha256;
  for (const int threads : {1, 8}) {
    const std::string path = dir.Sub(std::to_string(threads));
    const auto summary = WriteTestArchive(path, files, WriteOptions(threads));
    ASSERT_TRUE(summary.ok());
    if (sha256.empty()) sha256 = summary->sha256;
    EXPECT_EQ(summary->sha256, sha256);
    const auto database = test::CheckArchive(path);
    ASSERT_TRUE(database.ok()) << database.status().ToString();
    EXPECT_EQ(database->manifest->files.size(), 5000u);
  }
}

TEST_P(ArchiveWriterTest, UnusualFolderNamesAreNoProblem) {
  for (const std::string& folder :
       {std::string(140, 'd'), std::string(250, 'e'), std::string("d\xc3\xa4"),
        std::string("with blank"), std::string("bytes\xff\xfe")}) {
    const TempDir dir;
    auto file =
        FileSystem::Posix()->Open(dir.Sub("a.tar.gz"), OpenMode::kCreateNew);
    ASSERT_TRUE(file.ok());
    const std::vector<ArchiveInput> inputs = {
        {folder + "/000005.ldb", 5,
         []() -> Result<std::unique_ptr<ByteSource>> {
           return NewStringSource("hello");
         }}};
    const auto summary = WriteArchive(
        inputs,
        [&](const std::vector<TocFile>& files) -> Result<std::string> {
          Manifest manifest = test::ManifestFor({});
          manifest.db_name = folder;
          manifest.files = {{"000005.ldb", 5, files[0].sha256}};
          return EncodeManifest(manifest);
        },
        WriteOptions(), file->get());
    if (folder[0] == 'b') {
      // JSON can't represent this name: it is refused, not changed.
      EXPECT_EQ(summary.status().code(), StatusCode::kInvalidArgument);
      continue;
    }
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    const auto database = test::CheckArchive(dir.Sub("a.tar.gz"));
    EXPECT_TRUE(database.ok()) << database.status().ToString();
    std::string output;
    ASSERT_EQ(
        Shell("cd '" + dir.path() + "' && tar xzf a.tar.gz 2>&1", &output), 0);
    EXPECT_EQ(output, "");
    EXPECT_EQ(test::ReadFile(dir.Sub(folder + "/000005.ldb")), "hello");
  }
}

TEST(TarFormatTest, LargeSizesAndLongNamesGetPaxHeaders) {
  struct Case {
    std::string name;
    uint64_t size;
    size_t bytes;
  };
  const uint64_t eight_gib = uint64_t{8} << 30;
  const Case cases[] = {
      {"db/000005.ldb", 0, 512},
      {"db/000005.ldb", eight_gib - 1, 512},
      {"db/000005.ldb", eight_gib, 1536},
      {std::string(100, 'd') + "/" + std::string(90, 'e'), 1, 512},
      {std::string(200, 'd') + "/000005.ldb", 1, 1536},
  };
  for (const Case& test : cases) {
    const Result<std::string> header =
        EncodeTarHeader(test.name, test.size, 1735300800);
    ASSERT_TRUE(header.ok()) << header.status().ToString();
    EXPECT_EQ(header->size(), test.bytes) << test.name;
    EXPECT_TRUE(CheckTarHeader(*header, test.name, test.size, 1735300800).ok());
    EXPECT_FALSE(
        CheckTarHeader(*header, test.name, test.size + 1, 1735300800).ok());
    EXPECT_FALSE(
        CheckTarHeader(*header, test.name + "x", test.size, 1735300800).ok());
    EXPECT_FALSE(
        CheckTarHeader(*header, test.name, test.size, 1735300801).ok());
    EXPECT_FALSE(CheckTarHeader(*header + std::string(512, '\0'), test.name,
                                test.size, 1735300800)
                     .ok());
    EXPECT_FALSE(CheckTarHeader("", test.name, test.size, 1735300800).ok());
  }
}

TEST(TarFormatTest, HeaderOfAnotherTarThatSaysTheSameIsAccepted) {
  const std::string other = test::TarHeader("db/000005.ldb", 5);
  EXPECT_TRUE(CheckTarHeader(other, "db/000005.ldb", 5, 1735301824).ok());
  EXPECT_EQ(TarPadding(0), 0u);
  EXPECT_EQ(TarPadding(1), 511u);
  EXPECT_EQ(TarPadding(512), 0u);
}

TEST_P(ArchiveWriterTest, ProgressEndsAtOne) {
  const TempDir dir;
  ArchiveWriteOptions options = WriteOptions();
  double last = 0;
  options.work.progress = [&](double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
  };
  ASSERT_TRUE(WriteTestArchive(dir.Sub("a.tar.gz"), AllSizes(), options).ok());
  EXPECT_EQ(last, 1.0);
}

}  // namespace
}  // namespace levelkeep
