#include "format/toc.h"

#include <gtest/gtest.h>

#include <string>

#include "format/document_fixture.h"

namespace levelkeep {
namespace {

using test::BadDocument;
using test::ExpectCorruption;
using test::Replaced;

const std::string kA(64, 'a');
const std::string kB(64, 'b');
const std::string kC(64, 'c');
const std::string kD(64, 'd');

Sha256 Of(const std::string& hex) { return Sha256::FromHex(hex).value(); }

Toc ExampleToc() {
  Toc toc;
  toc.mtime_seconds = 1735300800;
  toc.files.push_back({"db/CURRENT", 16, Of(kA), {{100, Of(kA)}}});
  toc.files.push_back({"db/000003.log", 0, Of(kB), {}});
  toc.files.push_back({"db/000005.ldb",
                       2 * kChunkBytes + 1,
                       Of(kC),
                       {{300, Of(kA)}, {400, Of(kB)}, {500, Of(kD)}}});
  return toc;
}

TEST(TocTest, TextIsTheContract) {
  EXPECT_EQ(
      EncodeToc(ExampleToc()),
      "{\"version\":1,\"entries\":[\n"
      "{\"name\":\"db/CURRENT\",\"type\":\"reg\",\"size\":16,"
      "\"modtime\":\"2024-12-27T12:00:00Z\",\"mode\":384,\"uid\":0,\"gid\":0,"
      "\"digest\":\"sha256:" +
          kA +
          "\",\"offset\":100,"
          "\"chunkDigest\":\"sha256:" +
          kA +
          "\"},\n"
          "{\"name\":\"db/000003.log\",\"type\":\"reg\","
          "\"modtime\":\"2024-12-27T12:00:00Z\",\"mode\":384,\"uid\":0,\"gid\":"
          "0,"
          "\"digest\":\"sha256:" +
          kB +
          "\"},\n"
          "{\"name\":\"db/000005.ldb\",\"type\":\"reg\",\"size\":8388609,"
          "\"modtime\":\"2024-12-27T12:00:00Z\",\"mode\":384,\"uid\":0,\"gid\":"
          "0,"
          "\"digest\":\"sha256:" +
          kC +
          "\",\"offset\":300,\"chunkSize\":4194304,"
          "\"chunkDigest\":\"sha256:" +
          kA +
          "\"},\n"
          "{\"name\":\"db/000005.ldb\",\"type\":\"chunk\",\"mode\":0,\"uid\":0,"
          "\"gid\":0,\"offset\":400,\"chunkOffset\":4194304,"
          "\"chunkSize\":4194304,\"chunkDigest\":\"sha256:" +
          kB +
          "\"},\n"
          "{\"name\":\"db/000005.ldb\",\"type\":\"chunk\",\"mode\":0,\"uid\":0,"
          "\"gid\":0,\"offset\":500,\"chunkOffset\":8388608,"
          "\"chunkDigest\":\"sha256:" +
          kD +
          "\"}\n"
          "]}\n");
}

TEST(TocTest, DecodesWhatItEncodes) {
  const Result<Toc> toc = DecodeToc(EncodeToc(ExampleToc()));
  ASSERT_TRUE(toc.ok()) << toc.status().ToString();
  EXPECT_EQ(EncodeToc(*toc), EncodeToc(ExampleToc()));
  EXPECT_EQ(toc->files[2].ChunkSize(0), kChunkBytes);
  EXPECT_EQ(toc->files[2].ChunkSize(2), 1u);
  const Result<Toc> empty = DecodeToc(EncodeToc(Toc()));
  ASSERT_TRUE(empty.ok()) << empty.status().ToString();
  EXPECT_TRUE(empty->files.empty());
}

TEST(TocTest, OfTwoMembersOfOneNameTheLastCounts) {
  const std::string good = EncodeToc(ExampleToc());
  const std::string twice =
      Replaced(good, "{\"version\":1,", "{\"version\":1,\"entries\":[1],");
  const Result<Toc> toc = DecodeToc(twice);
  ASSERT_TRUE(toc.ok()) << toc.status().ToString();
  EXPECT_EQ(EncodeToc(*toc), good);
  EXPECT_FALSE(DecodeToc(Replaced(good, "]}", "],\"entries\":1}")).ok());
}

TEST(TocTest, RefusesLies) {
  const std::string good = EncodeToc(ExampleToc());
  const std::string shorter = good.substr(0, good.rfind(",\n{")) + "\n]}\n";
  const BadDocument cases[] = {
      {"cut", good.substr(0, good.size() - 4), "not a well-formed"},
      {"last chunk", shorter, "chunks of db/000005.ldb are missing"},
      {"version", Replaced(good, "\"version\":1", "\"version\":2"),
       "\"version\" is not 1"},
      {"no entries", Replaced(good, "entries", "e"), "\"entries\" is missing"},
      {"entries text", "{\"version\":1,\"entries\":\"\"}", "wrong type"},
      {"entry number", "{\"version\":1,\"entries\":[1]}",
       "is not in a JSON object"},
      {"empty name", Replaced(good, "db/CURRENT", ""),
       "can't be the name of a file"},
      {"NUL in name", Replaced(good, "db/CURRENT", "db/\\u0000"),
       "can't be the name of a file"},
      {"same name", Replaced(good, "db/000003.log", "db/CURRENT"),
       "the name appears twice"},
      {"directory", Replaced(good, "\"reg\"", "\"dir\""), "type is not"},
      {"chunk first", Replaced(good, "\"reg\"", "\"chunk\""),
       "a chunk does not follow its file"},
      {"chunk of another",
       Replaced(good, "db/000005.ldb\",\"type\":\"chunk",
                "x\",\"type\":\"chunk"),
       "a chunk does not follow its file"},
      {"chunk missing", Replaced(good, "8388609", "12582913"),
       "chunks don't cover the file"},
      {"a chunk too many", Replaced(good, "8388609", "4194305"),
       "chunks don't cover the file"},
      {"huge size", Replaced(good, "8388609", "18446744073709551615"),
       "chunks don't cover the file"},
      {"chunk offset",
       Replaced(good, "\"chunkOffset\":4194304", "\"chunkOffset\":4194303"),
       "chunks don't cover the file"},
      {"chunk size", Replaced(good, "\"chunkSize\":4194304", "\"chunkSize\":1"),
       "chunks don't cover the file"},
      {"offset back", Replaced(good, "\"offset\":400", "\"offset\":300"),
       "offsets don't rise"},
      {"offset 0", Replaced(good, "\"offset\":100", "\"offset\":0"),
       "offsets don't rise"},
      {"offset missing", Replaced(good, "\"offset\":100,", ""),
       "\"offset\" is missing"},
      {"digest kind", Replaced(good, "sha256:a", "sha512:a"),
       "is not a SHA-256"},
      {"digest length", Replaced(good, "sha256:aa", "sha256:a"),
       "is not a SHA-256"},
      {"no chunk digest", Replaced(good, "chunkDigest", "x"),
       "\"chunkDigest\" is missing"},
      {"digests differ",
       Replaced(good, "\"digest\":\"sha256:a", "\"digest\":\"sha256:b"),
       "contradict each other"},
      {"time", Replaced(good, "2024-12-27T12", "yesterday"), "is not a time"},
      {"times differ", Replaced(good, "2024-12-27T12", "2024-12-27T13"),
       "differs between entries"},
  };
  for (const BadDocument& bad : cases) {
    ExpectCorruption(DecodeToc(bad.text).status(), bad);
  }
}

}  // namespace
}  // namespace levelkeep
