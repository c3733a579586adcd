// LevelKeep archives with damage or lies that need a large file or a loop over
// all bytes. All others are in tests/hostile.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/codec_fixture.h"
#include "archive/own_archive_fixture.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::Files;
using test::Replaced;
using test::SmallDatabase;

class OwnArchiveDamageTest : public test::WithCodecs,
                             public test::OwnArchiveFixture {};

INSTANTIATE_TEST_SUITE_P(Codecs, OwnArchiveDamageTest,
                         testing::ValuesIn(test::AllCodecPairs()),
                         test::CodecsName);

TEST_P(OwnArchiveDamageTest, BytesBetweenMembersAreRefused) {
  const std::string archive = Make(SmallDatabase());
  const Toc toc = DecodeToc(TocText(archive)).value();
  const std::string junk[] = {std::string(1, '\0'), test::OwnMember(""),
                              test::OwnMember(std::string(512, '\0'))};
  for (const std::string& extra : junk) {
    // Inserted after the payload of the first file; all later offsets move.
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
      bytes += test::OwnMember(test::TocTar(EncodeToc(moved))) +
               EncodeFooter(offset);
      const auto database = Check(bytes);
      ASSERT_FALSE(database.ok()) << at;
      EXPECT_EQ(database.status().code(), StatusCode::kCorruption);
    }
  }
  ExpectCorrupt("before the footer",
                archive.substr(0, archive.size() - kFooterBytes) +
                    test::OwnMember("") + EncodeFooter(TocOffset(archive)),
                "between table of contents and footer");
}

TEST_P(OwnArchiveDamageTest, LargeFileWithAWrongDigestIsRefused) {
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

TEST_P(OwnArchiveDamageTest, EmptyFileWithAnotherDigestIsRefused) {
  Files files;
  files["000005.log"] = "";
  const Sha256 wrong = Sha256::Of("something");
  const std::string lying = Make(files, [&](Manifest manifest) {
    manifest.files[0].sha256 = wrong;
    return EncodeManifest(manifest);
  });
  Toc toc = DecodeToc(TocText(lying)).value();
  ExpectCorrupt("manifest alone", lying, "disagree about");
  toc.files[0].sha256 = wrong;
  ExpectCorrupt("both", WithToc(lying, EncodeToc(toc)),
                "000005.log is empty, but its SHA-256 is not");
}

// The archive is refused before it is inflated, whatever the free space.
TEST_P(OwnArchiveDamageTest, ClaimOfMoreThanDeflateCanHoldIsRefused) {
  Files files;
  files["000005.log"] = "a byte or two";
  const auto claiming = [&](uint64_t size) {
    const std::string lying = Make(files, [&](Manifest manifest) {
      manifest.files[0].size_bytes = size;
      return EncodeManifest(manifest);
    });
    Toc toc = DecodeToc(TocText(lying)).value();
    toc.files[0].size_bytes = size;
    return WithToc(lying, EncodeToc(toc));
  };
  const std::string most = claiming(kChunkBytes);
  ASSERT_LT(most.size() * kMaxDeflateRatio, kChunkBytes);
  ExpectCorrupt("four MiB", most, "claims to hold more than its size allows");
  const auto less = Check(claiming(most.size() * kMaxDeflateRatio / 2));
  ASSERT_FALSE(less.ok()) << "a smaller false size is still false";
  EXPECT_EQ(less.status().message().find("claims to hold"), std::string::npos)
      << less.status().message();
}

// The archive states its size and there is enough space: no ratio is too high.
TEST_P(OwnArchiveDamageTest, ZerosAreRestoredHoweverWellTheyPack) {
  Files files;
  files["000005.ldb"] = std::string(64 << 20, '\0');
  const std::string archive = Make(files);
  EXPECT_GT((64u << 20) / archive.size(), 200u)
      << "more than foreign archives may have";
  ArchiveReadOptions options;
  options.limits.free_bytes = 0;
  EXPECT_TRUE(Check(archive, options).ok());
}

}  // namespace
}  // namespace levelkeep
