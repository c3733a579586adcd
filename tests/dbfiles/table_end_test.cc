#include <string>

#include "dbfiles/database_files.h"
#include "gtest/gtest.h"

namespace levelkeep {
namespace {

// `size` bytes that end with the last eight bytes of a footer.
std::string TableOf(size_t size) {
  std::string table(size - 8, 'x');
  return table + "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
}

Result<uint64_t> End(const std::string& bytes, uint64_t named) {
  return FindTableEnd(*NewStringSource(bytes), bytes.size(), named);
}

TEST(FindTableEndTest, BelievesASizeThatTheFileHas) {
  EXPECT_EQ(End("anything", 8).value(), 8u);
  EXPECT_EQ(End("", 0).value(), 0u);
}

TEST(FindTableEndTest, LooksForTheFooterWhereTheManifestSays) {
  EXPECT_EQ(End(TableOf(100) + "behind it", 100).value(), 100u);
}

TEST(FindTableEndTest, KnowsTheFourBytesOfIq80) {
  EXPECT_EQ(End(TableOf(100), 104).value(), 100u);
  for (const uint64_t named : {101, 103, 105, 200}) {
    EXPECT_EQ(End(TableOf(100), named).status().code(), StatusCode::kCorruption)
        << named;
  }
}

TEST(FindTableEndTest, ATableWithoutAFooterEndsNowhere) {
  const std::string none(100, 'x');
  for (const uint64_t named : {0, 7, 47, 48, 99, 104, 1000}) {
    const auto end = End(none, named);
    EXPECT_EQ(end.status().code(), StatusCode::kCorruption) << named;
    EXPECT_EQ(end.status().message(),
              "has 100 bytes, but the manifest says " + std::to_string(named));
  }
  EXPECT_EQ(End(TableOf(20), 24).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace levelkeep
