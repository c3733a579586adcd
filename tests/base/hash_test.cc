#include "base/hash.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <random>
#include <set>

namespace levelkeep {
namespace {

// The published vectors: FIPS 180-4 and RFC 1321.
TEST(DigestTest, MatchesPublishedVectors) {
  EXPECT_EQ(Sha256Hex(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Digest md5(DigestKind::kMd5);
  EXPECT_EQ(md5.FinishHex(), "d41d8cd98f00b204e9800998ecf8427e");
  md5.Update("message ");
  md5.Update("digest");
  EXPECT_EQ(md5.FinishHex(), "f96b697d7cb7938d525a2f31aaf161d0");
}

// Threads may still compute digests while the process exits.
TEST(DigestTest, WorkBehindTheEndOfOpenSsl) {
  const auto end_and_digest = [] {
    PrepareDigests();
    OPENSSL_cleanup();
    Digest md5(DigestKind::kMd5);
    const bool right =
        md5.FinishHex() == "d41d8cd98f00b204e9800998ecf8427e" &&
        Sha256Hex("abc").starts_with("ba7816bf8f01cfea414140de5dae2223");
    _exit(right ? 7 : 1);
  };
  EXPECT_EXIT(end_and_digest(), testing::ExitedWithCode(7), "");
}

TEST(DigestTest, StartsOverAfterFinish) {
  Digest digest(DigestKind::kSha256);
  digest.Update("something else");
  (void)digest.FinishHex();
  digest.Update("a");
  digest.Update("bc");
  EXPECT_EQ(digest.FinishHex(), Sha256Hex("abc"));
}

// The functions in use, and those that are used without ISA-L.
struct CrcFunctions {
  uint32_t (*crc32)(uint32_t, std::string_view);
  uint32_t (*crc32c)(uint32_t, std::string_view);
};

class CrcTest : public testing::TestWithParam<CrcFunctions> {};
INSTANTIATE_TEST_SUITE_P(Crcs, CrcTest,
                         testing::Values(CrcFunctions{Crc32, Crc32c},
                                         CrcFunctions{PortableCrc32,
                                                      PortableCrc32c}),
                         [](const auto& crc) {
                           return crc.param.crc32 == Crc32 ? "used"
                                                           : "portable";
                         });

// The CRC of RFC 1952, and the examples of RFC 3720 (iSCSI), appendix B.4.
TEST_P(CrcTest, MatchesPublishedVectors) {
  const auto [crc32, crc32c] = GetParam();
  EXPECT_EQ(crc32(0, ""), 0u);
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926u);
  EXPECT_EQ(crc32c(0, ""), 0u);
  EXPECT_EQ(crc32c(0, "123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(0, std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  EXPECT_EQ(crc32c(0, rising), 0x46dd794eu);
}

uint32_t BitwiseCrc(uint32_t polynomial, std::string_view data) {
  uint32_t crc = ~0u;
  for (const char c : data) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    }
  }
  return ~crc;
}

TEST_P(CrcTest, EqualsTheDefinitionInAnyCutting) {
  const auto [crc32, crc32c] = GetParam();
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 500; ++round) {
    std::string data(random() % 300, '\0');
    for (char& c : data) c = static_cast<char>(random());
    const size_t cut = data.empty() ? 0 : random() % data.size();
    const std::string_view text = data;
    ASSERT_EQ(crc32(crc32(0, text.substr(0, cut)), text.substr(cut)),
              BitwiseCrc(0xedb88320u, data));
    ASSERT_EQ(crc32c(crc32c(0, text.substr(0, cut)), text.substr(cut)),
              BitwiseCrc(0x82f63b78u, data));
  }
}

// LevelDB stores the CRC rotated right by 15 bits plus a constant.
TEST(MaskTest, MasksAsLevelDbDoes) {
  const uint32_t crc = Crc32c(0, "foo");
  const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  EXPECT_EQ(MaskCrc32c(crc), masked);
  for (const uint32_t value : {0u, 1u, 0x80000000u, 0xffffffffu, crc}) {
    EXPECT_NE(MaskCrc32c(value), value);
    EXPECT_EQ(UnmaskCrc32c(MaskCrc32c(value)), value);
  }
}

TEST(RandomIdTest, HasThirtyTwoHexDigitsAndIsNew) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = RandomId();
    ASSERT_EQ(id.size(), 32u);
    ASSERT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ASSERT_TRUE(seen.insert(id).second);
  }
}

TEST(ConstantTimeEqualsTest, ComparesLengthAndContent) {
  EXPECT_TRUE(ConstantTimeEquals("", ""));
  EXPECT_TRUE(ConstantTimeEquals("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEquals("secret", "secret1"));
  EXPECT_FALSE(ConstantTimeEquals("", "x"));
}

// The cases 1, 2 and 6 of RFC 4231.
TEST(HashTest, HmacAgreesWithItsRfc) {
  EXPECT_EQ(HmacSha256Hex(std::string(20, '\x0b'), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HmacSha256Hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(HmacSha256Hex(std::string(131, '\xaa'),
                          "Test Using Larger Than Block-Size Key - Hash Key "
                          "First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace levelkeep
