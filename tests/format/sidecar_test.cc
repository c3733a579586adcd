#include "format/backup_name.h"
#include "gtest/gtest.h"

namespace levelkeep {
namespace {

const std::string kSha(64, 'b');
const std::string kMd5(32, 'c');

std::string Sha(const std::string& text) {
  return ParseDigest(text, DigestKind::kSha256, "x.tar.gz");
}

TEST(SidecarTest, FormsThatProgramsWrite) {
  for (const std::string& text :
       {kSha, kSha + "\n", kSha + "  x.tar.gz\n", kSha + " *x.tar.gz\r\n",
        kSha + "  ./backups/x.tar.gz", kSha + " *C:\\backups\\x.tar.gz",
        "SHA256 (x.tar.gz) = " + kSha, "SHA2-256(x.tar.gz)= " + kSha + "\n",
        "\\" + kSha + "  x\\n.tar.gz", std::string(64, 'B') + "  x.tar.gz",
        "\xef\xbb\xbf" + kSha, "# made by hand\n\n" + kSha + "\n\n",
        kSha + "  renamed-since.tar.gz"}) {
    EXPECT_EQ(Sha(text), kSha) << text;
  }
  EXPECT_EQ(ParseDigest("MD5 (x.tar.gz) = " + kMd5, DigestKind::kMd5, "x"),
            kMd5);
  EXPECT_EQ(ParseDigest(kMd5 + "  x", DigestKind::kMd5, "x"), kMd5);
}

TEST(SidecarTest, OfSeveralLinesTheOneOfTheFile) {
  const std::string other(64, 'd');
  EXPECT_EQ(Sha(other + "  y.tar.gz\n" + kSha + "  x.tar.gz\n"), kSha);
  EXPECT_EQ(Sha(other + "  y.tar.gz\n" + kSha + "  z.tar.gz\n"), "");
}

TEST(SidecarTest, EverythingElseIsNoDigest) {
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("404 Not Found"),
        kSha.substr(1), kSha + "a", kSha + "x.tar.gz", kMd5,
        "MD5 (x.tar.gz) = " + kMd5, "SHA256 (x.tar.gz) = " + kMd5,
        "SHA256 x.tar.gz) = " + kSha, "SHA256 )x(= " + kSha,
        kSha + "  x\nsomething else"}) {
    EXPECT_EQ(Sha(text), "") << text;
  }
}

TEST(SidecarTest, NamesOfDigestFiles) {
  EXPECT_EQ(DigestKindOfName("x.tar.gz.sha256"), DigestKind::kSha256);
  EXPECT_EQ(DigestKindOfName("x.tgz.MD5"), DigestKind::kMd5);
  EXPECT_EQ(DigestKindOfName("x.tar.gz"), std::nullopt);
}

}  // namespace
}  // namespace levelkeep
