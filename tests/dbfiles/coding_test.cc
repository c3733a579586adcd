#include "dbfiles/coding.h"

#include <limits>

#include "gtest/gtest.h"

namespace levelkeep {
namespace {

TEST(CodingTest, FixedNumbersAreLittleEndian) {
  std::string bytes;
  PutFixed<uint32_t>(&bytes, 0x04030201u);
  PutFixed<uint64_t>(&bytes, 0x0c0b0a0908070605u);
  EXPECT_EQ(bytes, std::string("\1\2\3\4\5\6\7\x8\x9\xa\xb\xc"));
  EXPECT_EQ(DecodeFixed<uint32_t>(bytes.data()), 0x04030201u);
  EXPECT_EQ(DecodeFixed<uint64_t>(bytes.data() + 4), 0x0c0b0a0908070605u);
}

TEST(CodingTest, VariableNumbersRoundTrip) {
  for (unsigned shift = 0; shift < 64; shift++) {
    for (const uint64_t delta : {0u, 1u}) {
      const uint64_t value = (uint64_t{1} << shift) - delta;
      std::string bytes;
      PutVarint64(&bytes, value);
      std::string_view input = bytes;
      uint64_t read = ~value;
      ASSERT_TRUE(GetVarint64(&input, &read));
      EXPECT_EQ(read, value);
      EXPECT_TRUE(input.empty());
    }
  }
}

TEST(CodingTest, RefusesNumbersThatAreTooLongOrCutOff) {
  uint64_t wide = 0;
  uint32_t narrow = 0;
  std::string_view input = "";
  EXPECT_FALSE(GetVarint64(&input, &wide));
  input = "\x80";
  EXPECT_FALSE(GetVarint64(&input, &wide));
  input = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";  // 65 bits
  EXPECT_FALSE(GetVarint64(&input, &wide));
  input = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01";
  EXPECT_FALSE(GetVarint64(&input, &wide));
  input = "\xff\xff\xff\xff\x1f";  // 33 bits
  EXPECT_FALSE(GetVarint32(&input, &narrow));
  input = "\xff\xff\xff\xff\x0f";
  EXPECT_TRUE(GetVarint32(&input, &narrow));
  EXPECT_EQ(narrow, std::numeric_limits<uint32_t>::max());
}

TEST(CodingTest, LengthPrefixedBytesMustBeThere) {
  std::string bytes;
  PutLengthPrefixed(&bytes, std::string("a\0b", 3));
  PutLengthPrefixed(&bytes, "");
  std::string_view input = bytes, value;
  ASSERT_TRUE(GetLengthPrefixed(&input, &value));
  EXPECT_EQ(value, std::string_view("a\0b", 3));
  ASSERT_TRUE(GetLengthPrefixed(&input, &value));
  EXPECT_EQ(value, "");
  EXPECT_FALSE(GetLengthPrefixed(&input, &value));
  input = "\x05only";
  EXPECT_FALSE(GetLengthPrefixed(&input, &value));
}

}  // namespace
}  // namespace levelkeep
