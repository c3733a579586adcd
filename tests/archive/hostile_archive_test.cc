// Archives made to do harm, for tests with other limits or with a check of each
// byte inside. All others are in tests/hostile.

#include <gtest/gtest.h>

#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_reader.h"
#include "archive/codec_fixture.h"

namespace levelkeep {
namespace {

using test::Files;
using test::Gzip;
using test::MakeDatabase;
using test::TarEnd;
using test::TarOf;
using test::TempDir;

class HostileArchiveTest : public test::WithCodecs, public testing::Test {
 protected:
  // Extracts into an empty directory; no other entry may appear beside it.
  Result<ExtractedDatabase> Extract(const std::string& archive,
                                    const ArchiveReadOptions& options = {}) {
    const std::string base = dir_.Sub("t" + std::to_string(++number_));
    EXPECT_EQ(test::Shell("mkdir " + base), 0);
    test::WriteFile(base + "/a.tar.gz", archive);
    Result<ExtractedDatabase> database =
        test::ExtractArchive(base + "/a.tar.gz", base + "/out", options);
    const auto names = FileSystem::Posix()->List(base);
    EXPECT_EQ(names->size(), 2u) << "a file got out of the target";
    return database;
  }

  TempDir dir_;
  int number_ = 0;
};

std::string Database() { return TarOf(MakeDatabase(), "db/"); }

INSTANTIATE_TEST_SUITE_P(Codecs, HostileArchiveTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(HostileArchiveTest, BombsAreDefused) {
  Files files = MakeDatabase();
  files["000009.log"] = std::string(40 << 20, '\0');
  const std::string archive = Gzip(TarOf(files, "db/") + TarEnd(), 9);
  ASSERT_LT(archive.size(), 100'000u);
  ArchiveReadOptions options;
  options.limits.free_bytes = 1 << 20;
  Result<ExtractedDatabase> database = Extract(archive, options);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(database.status().message().find("more than 200 times its size"),
            std::string::npos);
  options.limits = {};
  options.limits.max_total_bytes = 10 << 20;
  EXPECT_EQ(Extract(archive, options).status().code(), StatusCode::kNoSpace);
  EXPECT_TRUE(Extract(archive).ok());
  // Zeros after the end of the tar count as well, though no header names them.
  options.limits = {};
  options.limits.free_bytes = 1 << 20;
  database =
      Extract(Gzip(Database() + std::string(40 << 20, '\0'), 9), options);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(database.status().message().find("more than 200 times its size"),
            std::string::npos);
}

// Regression: 1.1 MB became 1 GiB, because the permitted ratio was not reached.
TEST_P(HostileArchiveTest, RatioHasTwoSides) {
  const std::string tar = Database() + std::string(600u << 10, '\0') + TarEnd();
  const std::string archive = Gzip(tar, 9);
  ArchiveReadOptions options;
  options.limits.max_ratio = 3;
  options.limits.free_bytes = tar.size() - 3 * archive.size();
  EXPECT_TRUE(Extract(archive, options).ok());
  options.limits.free_bytes -= 1;
  EXPECT_EQ(Extract(archive, options).status().code(),
            StatusCode::kUnsupported);
  // A header that claims more than the archive can hold is refused at once.
  options.limits = {};
  const std::string claim = Gzip(
      test::TarHeader("db/000009.log", uint64_t{1032} << 22) + TarEnd(), 9);
  ASSERT_LT(claim.size(), 4096u * 1024u);
  EXPECT_NE(Extract(claim, options).status().message().find("archive can hold"),
            std::string::npos);
}

TEST_P(HostileArchiveTest, EveryFlippedByteOfAForeignTarIsHandled) {
  Files files = MakeDatabase();
  files["000005.ldb"].resize(3000);
  const std::string tar = TarOf(files, "") + TarEnd();
  // The tar changes before it is compressed, so the checksum of gzip is right:
  // only the tar reader and the check of the database can find the flip. A flip
  // inside a table could be noticed only by a digest.
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
