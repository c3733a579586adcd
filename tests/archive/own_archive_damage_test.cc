// Our own archives, damaged or lying.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/own_archive_fixture.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::Files;
using test::Replaced;
using test::SmallDatabase;

class OwnArchiveDamageTest : public test::OwnArchiveFixture {};

TEST_F(OwnArchiveDamageTest, EveryTruncationIsRefused) {
  const std::string archive = Make(SmallDatabase());
  const std::string path = dir_.Sub("cut");
  test::WriteFile(path, archive);
  for (size_t size = archive.size(); size-- > 0;) {
    std::filesystem::resize_file(path, size);
    const auto database = test::CheckArchive(path);
    ASSERT_FALSE(database.ok()) << size;
    EXPECT_EQ(database.status().code(), StatusCode::kCorruption)
        << size << ": " << database.status().ToString();
  }
}

TEST_F(OwnArchiveDamageTest, EveryFlippedBitIsRefusedOrHarmless) {
  Files files;
  files["000005.ldb"] = EventText(1, 600);
  files["000009.log"] = "";
  files["CURRENT"] = "MANIFEST-000004\n";
  const std::string archive = Make(files);
  const auto honest = Check(archive);
  ASSERT_TRUE(honest.ok());
  const std::string path = dir_.Sub("flipped");
  test::WriteFile(path, archive);
  auto file = FileSystem::Posix()->Open(path, OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  int harmless = 0;
  for (size_t bit = 0; bit < archive.size() * 8; ++bit) {
    const char good = archive[bit / 8];
    const char bad = static_cast<char>(good ^ (1 << bit % 8));
    ASSERT_TRUE((*file)->WriteAt(bit / 8, {&bad, 1}).ok());
    const auto database = test::CheckArchive(path);
    ASSERT_TRUE((*file)->WriteAt(bit / 8, {&good, 1}).ok());
    if (!database.ok()) {
      EXPECT_NE(database.status().code(), StatusCode::kInternal) << bit;
      continue;
    }
    // Deflate can say the same in several ways: nothing else may change.
    ++harmless;
    ASSERT_TRUE(database->own) << bit;
    ASSERT_EQ(EncodeManifest(*database->manifest),
              EncodeManifest(*honest->manifest))
        << bit;
  }
  EXPECT_LT(static_cast<size_t>(harmless), archive.size() / 8);
}

TEST_F(OwnArchiveDamageTest, BytesBetweenMembersAreRefused) {
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

TEST_F(OwnArchiveDamageTest, LyingTableOfContentsIsRefused) {
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
                "tar header of stargz.index.json");
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

TEST_F(OwnArchiveDamageTest, FooterThatPointsElsewhereIsRefused) {
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

TEST_F(OwnArchiveDamageTest, TableOfContentsWithPointersBehindItselfIsRefused) {
  const std::string archive = Make(SmallDatabase());
  Toc toc = DecodeToc(TocText(archive)).value();
  toc.files.back().chunks[0].archive_offset = TocOffset(archive);
  ExpectCorrupt("at the table", WithToc(archive, EncodeToc(toc)),
                "points behind itself");
  toc.files.back().chunks[0].archive_offset = UINT64_MAX;
  ExpectCorrupt("far", WithToc(archive, EncodeToc(toc)),
                "points behind itself");
}

TEST_F(OwnArchiveDamageTest, TarFramingOfTheTableOfContentsMustBeRight) {
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

TEST_F(OwnArchiveDamageTest, LyingManifestIsRefused) {
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
         m->files.push_back({"000077.ldb", 1, Sha256()});
       },
       "the manifest lists event_registry_db/000077.ldb, which"},
      {"size", [](Manifest* m) { ++m->files[0].size_bytes; }, "disagree about"},
      {"digest", [](Manifest* m) { m->files[0].sha256 = Sha256(); },
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

TEST_F(OwnArchiveDamageTest, NewerFormatIsUnsupportedNotDamaged) {
  const std::string archive = Make(SmallDatabase(), [](Manifest manifest) {
    return Replaced(EncodeManifest(manifest), "\"format_version\": 1",
                    "\"format_version\": 2");
  });
  const auto database = Check(archive);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kUnsupported);
}

TEST_F(OwnArchiveDamageTest, LargeFileWithAWrongDigestIsRefused) {
  Files files;
  files["000005.log"] = EventText(1, kChunkBytes + 100);
  const std::string archive = Make(files);
  Toc toc = DecodeToc(TocText(archive)).value();
  // Both the manifest and the table of contents lie about the whole file;
  // only the chunks' digests are right.
  const Sha256 wrong = Sha256::Of("something else");
  const Sha256 right = toc.files[0].sha256;
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

TEST_F(OwnArchiveDamageTest, ClaimOfMoreThanDeflateCanHoldIsRefused) {
  Files files;
  files["000005.ldb"] = std::string(1'000'000, 'x');
  ArchiveReadOptions options;
  options.limits.max_ratio = 10;
  EXPECT_EQ(Check(Make(files), options).status().code(),
            StatusCode::kCorruption);
  EXPECT_TRUE(Check(Make(files)).ok());
}

}  // namespace
}  // namespace levelkeep
