// Tests that run with each library for deflate and inflate.

#ifndef LEVELKEEP_TESTS_ARCHIVE_CODEC_FIXTURE_H_
#define LEVELKEEP_TESTS_ARCHIVE_CODEC_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "archive/codec.h"

namespace levelkeep::test {

struct CodecPair {
  const Codec* deflate;
  const Codec* inflate;
};

// Each pair of a writing and a reading library.
inline std::vector<CodecPair> AllCodecPairs() {
  std::vector<CodecPair> pairs;
  for (const Codec* deflate : BuiltInCodecs()) {
    for (const Codec* inflate : BuiltInCodecs()) {
      pairs.push_back({deflate, inflate});
    }
  }
  return pairs;
}

// Each library reads its own output.
inline std::vector<CodecPair> EachCodec() {
  std::vector<CodecPair> pairs = AllCodecPairs();
  std::erase_if(pairs, [](const CodecPair& pair) {
    return pair.deflate != pair.inflate;
  });
  return pairs;
}

// "zlib", or "isal_read_by_zlib".
inline std::string CodecsName(const testing::TestParamInfo<CodecPair>& info) {
  std::string name = info.param.deflate->name;
  if (info.param.deflate != info.param.inflate) {
    name += std::string("_read_by_") + info.param.inflate->name;
  }
  std::erase(name, '-');
  return name;
}

// The libraries of the parameter are in use while the fixture lives.
//
//   class FooTest : public WithCodecs, public testing::Test {};
//   INSTANTIATE_TEST_SUITE_P(Codecs, FooTest, EachCodec(), CodecsName);
class WithCodecs : public testing::WithParamInterface<CodecPair> {
 public:
  WithCodecs() { Use(GetParam()); }
  ~WithCodecs() { Use(AllCodecPairs().front()); }
  WithCodecs(const WithCodecs&) = delete;
  WithCodecs& operator=(const WithCodecs&) = delete;

 private:
  static void Use(const CodecPair& pair) {
    TheCodecs().deflate = pair.deflate;
    TheCodecs().inflate = pair.inflate;
  }
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_ARCHIVE_CODEC_FIXTURE_H_
