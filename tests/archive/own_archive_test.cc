// Our own archives, read: honest, damaged and lying ones.

#include <gtest/gtest.h>

#include <stop_token>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/gzip_format.h"
#include "archive/toc.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::FaultFileSystem;
using test::Files;
using test::ReadFiles;
using test::TempDir;
using test::WriteOptions;
using test::WriteTestArchive;

std::string Replaced(std::string text, const std::string& what,
                     const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

class OwnArchiveTest : public testing::Test {
 protected:
  // The archive's bytes.
  std::string Make(
      const Files& files,
      const std::function<std::string(Manifest)>& encode = EncodeManifest) {
    const std::string path = dir_.Sub("made" + std::to_string(++number_));
    EXPECT_TRUE(WriteTestArchive(path, files, WriteOptions(),
                                 FileSystem::Posix(), encode)
                    .ok());
    return test::ReadFile(path);
  }
  Result<ExtractedDatabase> Check(const std::string& bytes,
                                  const ArchiveReadOptions& options = {}) {
    const std::string path = dir_.Sub("checked");
    test::WriteFile(path, bytes);
    return test::CheckArchive(path, options);
  }
  // The table of contents, its offset, and the archive with another one.
  static uint64_t TocOffset(const std::string& archive) {
    return DecodeFooter(
               std::string_view(archive).substr(archive.size() - kFooterBytes))
        .value();
  }
  std::string TocText(const std::string& archive) {
    const std::string path = dir_.Sub("toc");
    test::WriteFile(path, archive);
    std::string text;
    EXPECT_EQ(test::Shell("tar xzOf '" + path + "' stargz.index.json", &text),
              0);
    return text;
  }
  static std::string Member(const std::string& content) {
    Deflater deflater(true, 1);
    ByteBuffer out;
    MemberWriter(&deflater, &out).Append(content, true);
    return std::string(out.view());
  }
  static std::string TocTar(const std::string& text) {
    return EncodeTarHeader(std::string(kTocEntryName), text.size(), 1735300800)
               .value() +
           text + std::string(TarPadding(text.size()) + kTarEndBytes, '\0');
  }
  static std::string WithToc(const std::string& archive,
                             const std::string& text) {
    const uint64_t offset = TocOffset(archive);
    return archive.substr(0, offset) + Member(TocTar(text)) +
           EncodeFooter(offset);
  }
  void ExpectCorrupt(const std::string& what, const std::string& bytes,
                     const std::string& message) {
    const Result<ExtractedDatabase> database = Check(bytes);
    ASSERT_FALSE(database.ok()) << what;
    EXPECT_EQ(database.status().code(), StatusCode::kCorruption) << what;
    EXPECT_NE(database.status().message().find(message), std::string::npos)
        << what << ": " << database.status().message();
  }

  TempDir dir_;
  int number_ = 0;
};

Files SmallDatabase() {
  Files files = test::MakeDatabase();
  files["000009.log"] = "";
  return files;
}

TEST_F(OwnArchiveTest, OutlineTellsWithoutReadingPayload) {
  const Files files = test::MakeDatabase();
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, files).ok());
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  auto reader = ArchiveReader::Open(&fs, path);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const ArchiveOutline& outline = (*reader)->outline();
  EXPECT_TRUE(outline.own);
  ASSERT_TRUE(outline.manifest.has_value());
  EXPECT_EQ(outline.manifest->last_sequence, 42u);
  EXPECT_EQ(outline.archive_bytes, test::ReadFile(path).size());
  uint64_t bytes = 0;
  for (const auto& [name, content] : files) bytes += content.size();
  EXPECT_EQ(outline.content_bytes, bytes);
  // Open, Stat, two bytes of magic, the tail.
  EXPECT_LE(fs.operations(), 4u);
}

TEST_F(OwnArchiveTest, Sha256IsThatOfTheFile) {
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
  // Remembered: not even a stop is in the way.
  EXPECT_EQ((*reader)->Sha256(stop.get_token()).value(), summary->sha256);
  EXPECT_EQ((*reader)->Check({})->archive_sha256, summary->sha256);
}

TEST_F(OwnArchiveTest, EveryTruncationIsRefused) {
  const std::string archive = Make(SmallDatabase());
  const std::string path = dir_.Sub("cut");
  for (size_t size = 0; size < archive.size(); ++size) {
    test::WriteFile(path, archive.substr(0, size));
    const auto database = test::CheckArchive(path);
    ASSERT_FALSE(database.ok()) << size;
    EXPECT_EQ(database.status().code(), StatusCode::kCorruption)
        << size << ": " << database.status().ToString();
  }
}

TEST_F(OwnArchiveTest, EveryFlippedBitIsRefusedOrHarmless) {
  Files files;
  files["000005.ldb"] = EventText(1, 600);
  files["000009.log"] = "";
  files["CURRENT"] = "MANIFEST-000004\n";
  const std::string archive = Make(files);
  const auto honest = Check(archive);
  ASSERT_TRUE(honest.ok());
  ArchiveReadOptions options;
  options.threads = 1;
  int harmless = 0;
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    std::string flipped = archive;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto database = Check(flipped, options);
    if (!database.ok()) {
      EXPECT_NE(database.status().code(), StatusCode::kInternal) << bit;
      continue;
    }
    // Padding bits of a deflate block: nothing else may change.
    ++harmless;
    fprintf(stderr, "H %zu.%zu of %zu\n", bit / 8, bit % 8, archive.size());
    ASSERT_TRUE(database->own) << bit;
    ASSERT_EQ(EncodeManifest(*database->manifest),
              EncodeManifest(*honest->manifest))
        << bit;
  }
  EXPECT_LT(harmless, 100);
}

TEST_F(OwnArchiveTest, BytesBetweenMembersAreRefused) {
  const std::string archive = Make(SmallDatabase());
  const Toc toc = DecodeToc(TocText(archive)).value();
  const std::string junk[] = {std::string(1, '\0'), Member(""),
                              Member(std::string(512, '\0'))};
  for (const std::string& extra : junk) {
    // Behind the payload of the first file; all later offsets move.
    for (size_t at = 0; at < toc.files.size(); ++at) {
      if (toc.files[at].chunks.empty()) continue;
      Toc moved = toc;
      for (size_t i = at; i < moved.files.size(); ++i) {
        for (TocChunk& chunk : moved.files[i].chunks) {
          chunk.archive_offset += extra.size();
        }
      }
      std::string bytes = archive.substr(0, TocOffset(archive));
      bytes.insert(toc.files[at].chunks[0].archive_offset, extra);
      const uint64_t offset = bytes.size();
      bytes += Member(TocTar(EncodeToc(moved))) + EncodeFooter(offset);
      const auto database = Check(bytes);
      ASSERT_FALSE(database.ok()) << at;
      EXPECT_EQ(database.status().code(), StatusCode::kCorruption);
    }
  }
  ExpectCorrupt("before the footer",
                archive.substr(0, archive.size() - kFooterBytes) + Member("") +
                    EncodeFooter(TocOffset(archive)),
                "between table of contents and footer");
}

TEST_F(OwnArchiveTest, LyingTableOfContentsIsRefused) {
  const std::string archive = Make(SmallDatabase());
  const std::string toc = TocText(archive);
  const auto lie = [&](const std::string& what, const std::string& by) {
    return WithToc(archive, Replaced(toc, what, by));
  };
  const std::string first = "\"name\":\"event_registry_db/000005.ldb\"";
  ASSERT_TRUE(Check(WithToc(archive, toc)).ok());
  ExpectCorrupt("renamed", lie("db/000005.ldb", "db/000006.ldb"),
                "is not listed in the manifest");
  ExpectCorrupt("led out", lie("event_registry_db/000005", "../000005"),
                "is not listed in the manifest");
  ExpectCorrupt("size", lie("\"size\":3000", "\"size\":2999"),
                "disagree about event_registry_db/000005.ldb");
  ExpectCorrupt("time", lie("{\"version\":1,", "{\"version\":3,"),
                "\"version\" is not 1");
  ExpectCorrupt("manifest renamed",
                lie("levelkeep-manifest.json", "levelkeep-manifest.jsox"),
                "the last entry is not levelkeep-manifest.json");
  ExpectCorrupt("nothing", WithToc(archive, "{\"version\":1,\"entries\":[]}"),
                "the last entry is not levelkeep-manifest.json");
  ExpectCorrupt("not JSON", WithToc(archive, "hello"), "not a well-formed");
  ExpectCorrupt("no content", WithToc(archive, ""),
                "the table of contents is empty");
  // All times moved: then the tar headers disagree.
  std::string later = toc;
  for (size_t at; (at = later.find("2024-12-27")) != std::string::npos;) {
    later.replace(at, 10, "2024-12-28");
  }
  EXPECT_FALSE(Check(WithToc(archive, later)).ok());
}

TEST_F(OwnArchiveTest, FooterThatPointsElsewhereIsRefused) {
  const std::string archive = Make(SmallDatabase());
  const std::string front = archive.substr(0, archive.size() - kFooterBytes);
  const Toc toc = DecodeToc(TocText(archive)).value();
  const uint64_t offsets[] = {0,
                              1,
                              toc.files[0].chunks[0].archive_offset,
                              TocOffset(archive) - 1,
                              TocOffset(archive) + 1,
                              front.size() - 1,
                              front.size(),
                              archive.size(),
                              UINT64_MAX};
  for (const uint64_t offset : offsets) {
    ExpectCorrupt(std::to_string(offset), front + EncodeFooter(offset), "");
  }
  ExpectCorrupt("only a footer", EncodeFooter(0), "");
}

TEST_F(OwnArchiveTest, TableOfContentsWithPointersBehindItselfIsRefused) {
  const std::string archive = Make(SmallDatabase());
  Toc toc = DecodeToc(TocText(archive)).value();
  toc.files.back().chunks[0].archive_offset = TocOffset(archive);
  ExpectCorrupt("at the table", WithToc(archive, EncodeToc(toc)),
                "points behind itself");
  toc.files.back().chunks[0].archive_offset = UINT64_MAX;
  ExpectCorrupt("far", WithToc(archive, EncodeToc(toc)),
                "points behind itself");
}

TEST_F(OwnArchiveTest, TarFramingOfTheTableOfContentsMustBeRight) {
  const std::string archive = Make(SmallDatabase());
  const uint64_t offset = TocOffset(archive);
  const std::string text = TocText(archive);
  const std::string good = TocTar(text);
  const auto with = [&](const std::string& tar) {
    return archive.substr(0, offset) + Member(tar) + EncodeFooter(offset);
  };
  ASSERT_TRUE(Check(with(good)).ok());
  ExpectCorrupt("one end mark", with(good.substr(0, good.size() - 512)),
                "not framed as tar asks");
  ExpectCorrupt("more zeros", with(good + std::string(512, '\0')),
                "not framed as tar asks");
  ExpectCorrupt("other header",
                with(EncodeTarHeader("x", text.size(), 1735300800).value() +
                     good.substr(512)),
                "tar header of stargz.index.json");
}

TEST_F(OwnArchiveTest, LyingManifestIsRefused) {
  struct Case {
    std::string what;
    std::function<void(Manifest*)> lie;
    std::string message;
  };
  const Case cases[] = {
      {"a file less", [](Manifest* m) { m->files.pop_back(); },
       "is not listed in the manifest"},
      {"a file more",
       [](Manifest* m) {
         m->files.push_back({"000077.ldb", 1, std::string(64, '0')});
       },
       "the manifest lists event_registry_db/000077.ldb, which"},
      {"size", [](Manifest* m) { ++m->files[0].size_bytes; }, "disagree about"},
      {"digest", [](Manifest* m) { m->files[0].sha256 = std::string(64, '0'); },
       "disagree about"},
      {"folder", [](Manifest* m) { m->db_name = "other"; },
       "is not listed in the manifest"},
  };
  for (const Case& test : cases) {
    const std::string archive = Make(SmallDatabase(), [&](Manifest manifest) {
      test.lie(&manifest);
      return EncodeManifest(manifest);
    });
    ExpectCorrupt(test.what, archive, test.message);
  }
  ExpectCorrupt("no manifest at all",
                Make(SmallDatabase(), [](Manifest) { return "hello"; }),
                "not a well-formed JSON object");
  ExpectCorrupt("empty manifest",
                Make(SmallDatabase(), [](Manifest) { return ""; }),
                "has an impossible size");
}

TEST_F(OwnArchiveTest, NewerFormatIsUnsupportedNotDamaged) {
  const std::string archive = Make(SmallDatabase(), [](Manifest manifest) {
    return Replaced(EncodeManifest(manifest), "\"format_version\": 1",
                    "\"format_version\": 2");
  });
  const auto database = Check(archive);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kUnsupported);
}

TEST_F(OwnArchiveTest, LargeFileWithAWrongDigestIsRefused) {
  Files files;
  files["000005.log"] = EventText(1, kChunkBytes + 100);
  const std::string archive = Make(files);
  Toc toc = DecodeToc(TocText(archive)).value();
  // Both the manifest and the table of contents lie about the whole file;
  // only the chunks' digests are right.
  const std::string wrong(64, 'e');
  const std::string right = toc.files[0].sha256;
  const std::string lying = Make(files, [&](Manifest manifest) {
    manifest.files[0].sha256 = wrong;
    return EncodeManifest(manifest);
  });
  toc = DecodeToc(TocText(lying)).value();
  ASSERT_EQ(toc.files[0].sha256, right);
  toc.files[0].sha256 = wrong;
  ExpectCorrupt("whole", WithToc(lying, EncodeToc(toc)),
                "the SHA-256 of the whole file is wrong");
  toc = DecodeToc(TocText(archive)).value();
  toc.files[0].chunks[1].sha256 = wrong;
  ExpectCorrupt("chunk", WithToc(archive, EncodeToc(toc)),
                "the SHA-256 of chunk 1 is wrong");
}

TEST_F(OwnArchiveTest, LimitsAreHonoured) {
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
  EXPECT_EQ(Check(archive, options).status().code(),
            StatusCode::kInvalidArgument);
  options.limits = {};
  options.limits.max_path_length = 10;
  EXPECT_EQ(Check(archive, options).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(OwnArchiveTest, ClaimOfMoreThanDeflateCanHoldIsRefused) {
  Files files;
  files["000005.ldb"] = std::string(1'000'000, 'x');
  ArchiveReadOptions options;
  options.limits.max_ratio = 10;
  EXPECT_EQ(Check(Make(files), options).status().code(),
            StatusCode::kCorruption);
  EXPECT_TRUE(Check(Make(files)).ok());
}

TEST_F(OwnArchiveTest, ExtractNeedsAnEmptyDirectory) {
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

TEST_F(OwnArchiveTest, EveryFailureOfTheDiskIsReported) {
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

TEST_F(OwnArchiveTest, EveryFileAndAtLastTheDirectoryIsSynced) {
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

TEST_F(OwnArchiveTest, StopsOnRequest) {
  const std::string path = dir_.Sub("a");
  ASSERT_TRUE(WriteTestArchive(path, SmallDatabase()).ok());
  ArchiveReadOptions options;
  std::stop_source stop;
  stop.request_stop();
  options.stop = stop.get_token();
  EXPECT_EQ(test::CheckArchive(path, options).status().code(),
            StatusCode::kCancelled);
}

TEST_F(OwnArchiveTest, ProgressEndsAtTheTotal) {
  const std::string path = dir_.Sub("a");
  const auto summary = WriteTestArchive(path, SmallDatabase());
  ASSERT_TRUE(summary.ok());
  ArchiveReadOptions options;
  uint64_t last = 0;
  uint64_t total = 0;
  options.progress = [&](uint64_t done, uint64_t all) {
    EXPECT_GE(done, last);
    last = done;
    total = all;
  };
  ASSERT_TRUE(test::CheckArchive(path, options).ok());
  EXPECT_EQ(last, summary->source_bytes);
  EXPECT_EQ(total, summary->source_bytes);
}

}  // namespace
}  // namespace levelkeep
