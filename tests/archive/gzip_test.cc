#include <gtest/gtest.h>
#include <malloc.h>
#include <zlib.h>

#include <string>

#include "archive/archive_fixture.h"
#include "archive/codec.h"
#include "archive/codec_fixture.h"
#include "archive/gzip_format.h"
#include "base/text.h"
#include "support/no_threads.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::Gzip;
using test::RandomBytes;

std::string Member(const std::string& content, bool compress, int level,
                   size_t step) {
  Deflater deflater(compress, level);
  ByteBuffer out;
  MemberWriter member(&deflater, &out);
  size_t done = 0;
  do {
    const size_t size = std::min(step, content.size() - done);
    member.Append(std::string_view(content).substr(done, size),
                  done + size == content.size());
    done += size;
  } while (done < content.size());
  return std::string(out.view());
}

// Inflates with zlib, independent of our code.
std::string Gunzip(const std::string& member, size_t size) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(size + 1, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.data()));
  stream.avail_in = static_cast<uInt>(member.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

// Inflates the member with input and output pieces of the given sizes; returns
// "damaged" or "short" if the member does not end correctly.
std::string Inflate(std::string_view member, size_t input_step,
                    size_t output_step) {
  const std::unique_ptr<MemberInflater> inflater = MemberInflater::New();
  if (member.substr(0, 10) != kMemberHeader) return "header";
  member.remove_prefix(10);
  std::string content;
  std::string buffer(output_step, '\0');
  for (;;) {
    std::string_view input = member.substr(0, input_step);
    const size_t offered = input.size();
    size_t written = 0;
    const MemberInflater::Outcome outcome =
        inflater->Inflate(&input, buffer.data(), buffer.size(), &written);
    content.append(buffer, 0, written);
    member.remove_prefix(offered - input.size());
    if (outcome == MemberInflater::Outcome::kMemberEnd) {
      return member.empty() ? content : "left over";
    }
    if (outcome == MemberInflater::Outcome::kDamaged) return "damaged";
    if (outcome == MemberInflater::Outcome::kNeedsInput && member.empty()) {
      return "short";
    }
  }
}

class GzipTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, GzipTest,
                         testing::ValuesIn(test::AllCodecPairs()),
                         test::CodecsName);

// Each step repeats its first bytes. The matches that the compressor finds show
// whether it remembers the first positions of a step.
TEST_P(GzipTest, BytesDontDependOnWhereTheCompressorKeepsItsState) {
  for (const int level : {0, 1, 2, 3}) {
    std::vector<std::unique_ptr<Deflater>> deflaters;
    for (int i = 0; i < 8; ++i) {
      deflaters.push_back(std::make_unique<Deflater>(true, level));
    }
    for (uint64_t seed = 0; seed < 500; ++seed) {
      std::string step = RandomBytes(seed, 400);
      for (char& c : step) c &= 15;  // compresses to a half
      step.replace(200, 12, step, 0, 12);
      ByteBuffer first;
      deflaters[0]->Append(step, false, &first);
      for (size_t i = 1; i < deflaters.size(); ++i) {
        ByteBuffer other;
        deflaters[i]->Append(step, false, &other);
        ASSERT_EQ(other.view(), first.view())
            << "level " << level << ", seed " << seed << ", deflater " << i;
      }
    }
  }
}

TEST_P(GzipTest, EveryLevelAndSizeIsReadByZlibAndByUs) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{511}, size_t{65535},
                            size_t{65536}, size_t{300000}}) {
    for (const std::string& content :
         {EventText(size, size), RandomBytes(size, size),
          std::string(size, 'x')}) {
      for (int level = -1; level <= 3; ++level) {
        const std::string member =
            Member(content, level >= 0, std::max(level, 0), 100000);
        EXPECT_EQ(Gunzip(member, size), content) << size << " " << level;
        EXPECT_EQ(Inflate(member, 70000, 50000), content)
            << size << " " << level;
      }
    }
  }
}

TEST_P(GzipTest, PiecesOfAnySizeMakeNoDifferenceToInflating) {
  const std::string content = EventText(3, 5000);
  const std::string members[] = {Member(content, true, 1, 5000),
                                 Member(content, true, 1, 700),
                                 Member(content, false, 1, 5000)};
  for (const std::string& member : members) {
    for (const size_t input : {1u, 2u, 7u, 8u, 9u, 333u, 100000u}) {
      for (const size_t output : {1u, 3u, 300u, 5000u, 5001u}) {
        EXPECT_EQ(Inflate(member, input, output), content)
            << input << " " << output;
      }
    }
  }
}

TEST_P(GzipTest, WhatDoesNotShrinkIsStored) {
  const size_t size = 200000;
  const std::string content = RandomBytes(1, size);
  const std::string stored = Member(content, false, 0, size);
  EXPECT_EQ(stored.size(), 10 + StoredSize(size) + kMemberTrailerBytes);
  for (int level = 0; level <= 3; ++level) {
    EXPECT_EQ(Member(content, true, level, size), stored) << level;
  }
  EXPECT_LT(Member(EventText(1, size), true, 1, size).size(), size / 2);
}

TEST_P(GzipTest, SameStepsMakeSameBytesWhateverWasCompressedBefore) {
  Deflater used(true, 1);
  ByteBuffer scratch;
  used.Append(EventText(8, 100000), false, &scratch);
  used.Append(RandomBytes(8, 1000), true, &scratch);
  const std::string content = EventText(9, 100000);
  ByteBuffer after;
  used.Append(content, true, &after);
  Deflater fresh(true, 1);
  ByteBuffer first;
  fresh.Append(content, true, &first);
  EXPECT_EQ(after.view(), first.view());
}

TEST_P(GzipTest, EveryFlippedBitIsNoticedOrHarmless) {
  const std::string content = EventText(5, 300);
  for (const bool compress : {true, false}) {
    const std::string member = Member(content, compress, 1, 300);
    for (size_t bit = 0; bit < member.size() * 8; ++bit) {
      std::string flipped = member;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const std::string outcome = Inflate(flipped, 1000, 1000);
      EXPECT_TRUE(outcome == "damaged" || outcome == "short" ||
                  outcome == "header" || outcome == "left over" ||
                  outcome == content)
          << bit;
    }
    for (size_t size = 0; size < member.size(); ++size) {
      const std::string outcome = Inflate(member.substr(0, size), 1000, 1000);
      EXPECT_TRUE(outcome == "short" || outcome == "header") << size;
    }
  }
}

// --- the stream of foreign members ---

Result<std::string> ReadStream(const std::string& bytes,
                               uint64_t* members = nullptr) {
  const auto source = NewStringSource(bytes);
  Verdict verdict({});
  InflateAhead stream(source.get(), bytes.size(), &verdict);
  std::string content;
  for (;;) {
    const Result<std::string_view> part = stream.Next();
    if (!part.ok()) return part.status();
    if (part->empty()) break;
    content += *part;
  }
  if (members != nullptr) *members = stream.members();
  EXPECT_EQ(stream.offset(), bytes.size());
  EXPECT_EQ(stream.FinishSha256(), Sha256Hex(bytes));
  EXPECT_TRUE(stream.Next().value().empty());
  return content;
}

size_t AllocatedBytes() {
  const auto info = ::mallinfo2();  // zeros with a sanitizer's allocator
  return info.uordblks + info.hblkhd;
}

class InflateAheadTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, InflateAheadTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(InflateAheadTest, LargeFilesComeThroughTheSecondThreadWhole) {
  const std::string a = EventText(1, 9'000'000);
  const std::string b = RandomBytes(2, 1'500'000);
  uint64_t members = 0;
  const Result<std::string> content =
      ReadStream(Gzip(a, 1) + Gzip(b, 1), &members);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(*content, a + b);
  EXPECT_EQ(members, 2u);
}

TEST_P(InflateAheadTest, WithoutThreadsTheCallerInflates) {
  const std::string content = EventText(1, 9'000'000);
  const std::string bytes = Gzip(content, 1);
  const auto source = NewStringSource(bytes);
  Verdict verdict({});
  InflateAhead stream(source.get(), bytes.size(), &verdict);
  std::string inflated;
  inflated.reserve(content.size());
  size_t most = 0;
  {
    const test::NoThreads none;
    const size_t before = AllocatedBytes();
    while (inflated.size() < content.size()) {
      const auto part = stream.Next();
      ASSERT_TRUE(part.ok()) << part.status().ToString();
      ASSERT_FALSE(part->empty());
      inflated += *part;
      most = std::max(most, AllocatedBytes() - before);
    }
  }
  EXPECT_TRUE(inflated == content);
  EXPECT_TRUE(stream.Next()->empty());
  EXPECT_LE(most, 1'000'000u) << "one block is enough";
}

TEST_P(InflateAheadTest, DamageInALargeFileIsToldAndItsEndIsNotAwaited) {
  const std::string good = Gzip(RandomBytes(3, 5'000'000), 1);
  std::string damaged = good;
  damaged[damaged.size() - 1] ^= 1;
  EXPECT_EQ(ReadStream(damaged).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(ReadStream(good.substr(0, good.size() / 2)).status().code(),
            StatusCode::kCorruption);
  // One stream is destroyed in the middle, another is stopped by its caller.
  const auto source = NewStringSource(good);
  Verdict verdict({});
  InflateAhead given_up(source.get(), good.size(), &verdict);
  EXPECT_TRUE(given_up.Next().ok());
  std::stop_source stop;
  Verdict stopped(stop.get_token());
  InflateAhead stream(source.get(), good.size(), &stopped);
  EXPECT_TRUE(stream.Next().ok());
  stop.request_stop();
  Status status;
  while (status.ok()) {
    const auto part = stream.Next();
    status = part.status();
    if (part.ok() && part->empty()) break;
  }
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

class GzipStreamTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, GzipStreamTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(GzipStreamTest, ReadsMembersOneBehindTheOther) {
  const std::string a = EventText(1, 100000);
  const std::string b = RandomBytes(2, 70000);
  uint64_t members = 0;
  const Result<std::string> content =
      ReadStream(Gzip(a) + Gzip("") + Gzip(b, 1), &members);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(*content, a + b);
  EXPECT_EQ(members, 3u);
}

// Inserts header fields of RFC 1952 before the deflate data of "hello".
std::string WithHeader(char flags, const std::string& fields) {
  std::string member = Gzip("hello");
  member[3] = flags;
  return member.insert(10, fields);
}

TEST_P(GzipStreamTest, SkipsAllHeaderFields) {
  const std::string extra = std::string("\x05\0", 2) + "extra";
  std::string all = WithHeader(
      '\x1e', extra + std::string("name\0", 5) + std::string("comment\0", 8));
  const uint32_t crc = Crc32(0, std::string_view(all).substr(0, 30));
  std::string with_crc = all;
  with_crc.insert(
      30, {static_cast<char>(crc & 0xff), static_cast<char>(crc >> 8 & 0xff)});
  std::string wrong_crc = with_crc;
  wrong_crc[30] = static_cast<char>(wrong_crc[30] ^ 1);
  const Result<std::string> content = ReadStream(with_crc);
  ASSERT_TRUE(content.ok()) << content.status().ToString();
  EXPECT_EQ(*content, "hello");
  EXPECT_EQ(ReadStream(WithHeader('\x08', std::string("n\0", 2))).value(),
            "hello");
  EXPECT_EQ(ReadStream(wrong_crc).status().message().substr(0, 35),
            "a gzip header has a wrong checksum ");
}

TEST_P(GzipStreamTest, RefusesDamage) {
  const std::string good = Gzip(EventText(4, 3000));
  const auto with = [&](size_t at, char bits) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ bits);
    return bytes;
  };
  struct Case {
    std::string what;
    std::string bytes;
    std::string message;
  };
  const Case cases[] = {
      {"magic", with(0, 1), "not a gzip file"},
      {"method", with(2, 1), "a gzip header of an unknown kind"},
      {"reserved flag", with(3, '\x80'), "a gzip header of an unknown kind"},
      {"data", with(100, 1), "compressed data or its checksum is wrong"},
      {"CRC", with(good.size() - 8, 1), "compressed data or its checksum"},
      {"ISIZE", with(good.size() - 1, 1), "compressed data or its checksum"},
      {"cut in the trailer", good.substr(0, good.size() - 1), "cut short"},
      {"cut in the data", good.substr(0, 50), "cut short"},
      {"cut in the header", good.substr(0, 5), "cut short"},
      {"cut in the second header", good + good.substr(0, 3), "cut short"},
      {"garbage", good + "garbage....", "other bytes behind the gzip data"},
      {"zeros", good + std::string(512, '\0'), "other bytes behind the gzip"},
      {"endless name", WithHeader('\x08', std::string(5000, 'n')),
       "a gzip header has an endless name"},
  };
  for (const Case& test : cases) {
    const Result<std::string> content = ReadStream(test.bytes);
    ASSERT_FALSE(content.ok()) << test.what;
    EXPECT_EQ(content.status().code(), StatusCode::kCorruption) << test.what;
    EXPECT_NE(content.status().message().find(test.message), std::string::npos)
        << test.what << ": " << content.status().message();
    EXPECT_FALSE(content.status().hint().empty()) << test.what;
  }
}

// The member refers to bytes before its beginning. After such a reference,
// ISA-L 2.30 leaves a count of -1 bytes.
TEST_P(GzipStreamTest, DamageIsInsideOfTheArchive) {
  std::string member = Gzip("hello");
  member.insert(10, 1, '\x03');
  const std::string message = ReadStream(member).status().message();
  const size_t at = message.rfind(' ') + 1;
  const auto offset = ParseUint64(message.substr(at));
  ASSERT_TRUE(offset.has_value()) << message;
  EXPECT_LE(*offset, member.size()) << message;

  std::string_view input = std::string_view(member).substr(10);
  const std::string_view offered = input;
  const std::unique_ptr<MemberInflater> inflater = MemberInflater::New();
  char buffer[100];
  size_t written = 0;
  EXPECT_EQ(inflater->Inflate(&input, buffer, sizeof buffer, &written),
            MemberInflater::Outcome::kDamaged);
  EXPECT_TRUE(offered.ends_with(input));
  EXPECT_LE(written, sizeof buffer);
}

TEST(FooterTest, IsTheOneOfEStargz) {
  const std::string footer = EncodeFooter(0x123456789abcdef0u);
  ASSERT_EQ(footer.size(), kFooterBytes);
  EXPECT_EQ(footer.substr(0, 4), "\x1f\x8b\x08\x04");
  EXPECT_EQ(footer.substr(10, 28),
            std::string("\x1a\0SG\x16\0", 6) + "123456789abcdef0STARGZ");
  for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
    EXPECT_EQ(DecodeFooter(EncodeFooter(offset)), offset);
  }
}

TEST(FooterTest, EveryOtherBitPatternMeansAnotherOffsetOrNone) {
  const std::string footer = EncodeFooter(0x00000000deadbeefu);
  for (size_t bit = 0; bit < footer.size() * 8; ++bit) {
    std::string flipped = footer;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(DecodeFooter(flipped), 0x00000000deadbeefu) << bit;
  }
  EXPECT_FALSE(DecodeFooter(footer.substr(1)).has_value());
  EXPECT_FALSE(DecodeFooter("").has_value());
  EXPECT_FALSE(DecodeFooter(footer + "x").has_value());
}

}  // namespace
}  // namespace levelkeep
