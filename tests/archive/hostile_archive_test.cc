// Archives that want to do harm, where it takes other limits, or a look at
// each byte inside. All others are in tests/hostile.

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

TEST_P(HostileArchiveTest, EveryFlippedByteOfAForeignTarIsHandled) {
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
