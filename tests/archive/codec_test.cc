#include "archive/codec.h"

#include <gtest/gtest.h>

#include <set>

#include "archive/archive_fixture.h"
#include "archive/codec_fixture.h"

namespace levelkeep {
namespace {

class FakeDeflate : public Deflater::Engine {
 public:
  bool TryDeflate(std::string_view, bool, size_t, ByteBuffer* out) override {
    out->Append("fake");
    return true;
  }
};

class FakeInflate : public MemberInflater {
 public:
  void Reset() override {}
  MemberInflater::Outcome Inflate(std::string_view* input, char*, size_t,
                                  size_t* written) override {
    *written = 0;
    input->remove_prefix(input->size());
    return MemberInflater::Outcome::kMemberEnd;
  }
};

const Codec kFake = {"fake",
                     [](int) -> std::unique_ptr<Deflater::Engine> {
                       return std::make_unique<FakeDeflate>();
                     },
                     []() -> std::unique_ptr<MemberInflater> {
                       return std::make_unique<FakeInflate>();
                     }};

std::string Deflated(Deflater* deflater) {
  ByteBuffer out;
  deflater->Append(test::EventText(1, 1000), true, &out);
  return std::string(out.view());
}

TEST(CodecTest, NewOnesAreMadeWithTheLibraryInUse) {
  const Codec* const usual = TheCodecs().deflate;
  Deflater before(true, 1);
  TheCodecs().deflate = &kFake;
  EXPECT_EQ(CompressorName(), "fake");
  Deflater fake(true, 1);
  EXPECT_EQ(Deflated(&fake), "fake");
  Deflater stores(false, 1);
  EXPECT_EQ(Deflated(&stores).size(), StoredSize(1000));
  TheCodecs().deflate = usual;
  EXPECT_EQ(CompressorName(), usual->name);
  Deflater after(true, 1);
  EXPECT_EQ(Deflated(&before), Deflated(&after));
}

TEST(CodecTest, ReadersAreMadeWithTheirOwn) {
  const Codec* const usual = TheCodecs().inflate;
  std::string_view input = "nothing that could be inflated";
  char output[100];
  size_t written = 0;
  TheCodecs().inflate = &kFake;
  EXPECT_EQ(
      MemberInflater::New()->Inflate(&input, output, sizeof output, &written),
      MemberInflater::Outcome::kMemberEnd);
  EXPECT_NE(CompressorName(), "fake");
  TheCodecs().inflate = usual;
  input = "nothing that could be inflated";
  EXPECT_EQ(
      MemberInflater::New()->Inflate(&input, output, sizeof output, &written),
      MemberInflater::Outcome::kDamaged);
}

TEST(CodecTest, TheFirstIsTheDefaultAndZlibIsAlwaysThere) {
  const auto codecs = BuiltInCodecs();
  EXPECT_EQ(codecs.front(), TheCodecs().deflate);
  EXPECT_EQ(codecs.front(), TheCodecs().inflate);
  EXPECT_STREQ(codecs.back()->name, "zlib");
  // The number that was requested when the test was built.
  EXPECT_EQ(codecs.size(), LEVELKEEP_TEST_CODECS);
  EXPECT_EQ(test::AllCodecPairs().size(), codecs.size() * codecs.size());
}

TEST(CodecTest, LibrariesMakeDifferentBytesOfTheSameContent) {
  std::set<std::string> outputs;
  for (const Codec* codec : BuiltInCodecs()) {
    TheCodecs().deflate = codec;
    Deflater deflater(true, 1);
    outputs.insert(Deflated(&deflater));
  }
  TheCodecs().deflate = BuiltInCodecs().front();
  EXPECT_EQ(outputs.size(), BuiltInCodecs().size());
}

}  // namespace
}  // namespace levelkeep
