#include <gtest/gtest.h>

#include <string>

#include "base/hash.h"
#include "catalog/database_records.h"

namespace levelkeep {
namespace {

Sha256 Digits(char digit) {
  return Sha256::FromHex(std::string(64, digit)).value();
}

ReuseRecord Example() {
  ReuseRecord record{"backup_2024-12-27_120000.tar.gz",
                     1000,
                     77,
                     -5,
                     std::string(32, 'e'),
                     "isa-l-1",
                     {}};
  ReusableFile small;
  small.device = 65024;
  small.inode = 12;
  small.mtime_ns = 1'700'000'000'123'456'789;
  small.archived.name = "000005.ldb";
  small.archived.size_bytes = 40'000;
  small.archived.sha256 = Digits('a');
  TocChunk only;
  only.archive_offset = 100;
  only.sha256 = small.archived.sha256;
  only.member_bytes = 300;
  only.member_checksum = UINT64_MAX;
  small.archived.chunks.push_back(only);
  ReusableFile large = small;
  large.archived.name = "000006.ldb";
  large.archived.size_bytes = kChunkBytes + 1;
  large.archived.chunks.clear();
  for (uint64_t i = 0; i < 2; ++i) {
    TocChunk chunk;
    chunk.archive_offset = 500 + 100 * i;
    chunk.member_bytes = 90;
    chunk.member_checksum = i;
    chunk.sha256 = Digits(i == 0 ? 'b' : 'c');
    large.archived.chunks.push_back(chunk);
  }
  record.files = {small, large};
  return record;
}

TEST(ReuseRecordTest, ComesBackAsItWas) {
  const ReuseRecord record = Example();
  const std::string text = EncodeReuseRecord(record);
  const auto decoded = DecodeReuseRecord(text);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->archive, record.archive);
  EXPECT_EQ(decoded->archive_bytes, 1000u);
  EXPECT_EQ(decoded->archive_inode, 77u);
  EXPECT_EQ(decoded->archive_mtime_ns, -5);
  EXPECT_EQ(decoded->db_epoch, record.db_epoch);
  EXPECT_EQ(decoded->writer, "isa-l-1");
  ASSERT_EQ(decoded->files.size(), 2u);
  EXPECT_EQ(decoded->files[0].mtime_ns, 1'700'000'000'123'456'789);
  EXPECT_EQ(decoded->files[0].archived.chunks[0].member_checksum, UINT64_MAX);
  EXPECT_EQ(decoded->files[0].archived.chunks[0].sha256, Digits('a'));
  EXPECT_EQ(decoded->files[1].archived.chunks[1].archive_offset, 600u);
  EXPECT_EQ(decoded->files[1].archived.chunks[1].sha256, Digits('c'));
  EXPECT_EQ(EncodeReuseRecord(*decoded), text);
}

TEST(ReuseRecordTest, EveryFlippedBitAndEveryTruncationIsNoticed) {
  const std::string text = EncodeReuseRecord(Example());
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      EXPECT_EQ(DecodeReuseRecord(damaged).status().code(),
                StatusCode::kCorruption)
          << at;
    }
    EXPECT_FALSE(DecodeReuseRecord(text.substr(0, at)).ok()) << at;
  }
  EXPECT_FALSE(DecodeReuseRecord(text + "x").ok());
}

// Appends the right digest, which damage would not produce.
std::string Sealed(const std::string& text) {
  return text + Sha256Hex(text) + "\n";
}

TEST(ReuseRecordTest, OtherContentIsRefused) {
  const std::string head =
      "levelkeep-reuse-1 backup_2024-12-27_120000.tar.gz 1 2 3 epoch isa-l-1\n";
  const std::string digest(64, 'a');
  EXPECT_TRUE(DecodeReuseRecord(Sealed(head)).ok());
  const std::string kBad[] = {
      "",
      "levelkeep-reuse-2 backup_2024-12-27_120000.tar.gz 1 2 3 e w\n",
      "levelkeep-reuse-1 ../x 1 2 3 e w\n",
      "levelkeep-reuse-1 backup_2024-12-27_120000.tar.gz x 2 3 e w\n",
      "levelkeep-reuse-1 backup_2024-12-27_120000.tar.gz 1 2 3 e w more\n",
      head + "000005.ldb 1 2 3 4 " + digest,         // no line feed
      head + "000005.ldb 1 2 3 4 " + digest + "\n",  // no chunk
      head + "000005.ldb 1 2 3 4 short 1 2 3\n",
      head + "000005.ldb 1 2 3 4 " + digest + " 1 2\n",
      head + "000005.ldb -1 2 3 4 " + digest + " 1 2 3\n",
      head + "../../etc 1 2 3 4 " + digest + " 1 2 3\n",
      head + "LOCK 1 2 3 4 " + digest + " 1 2 3\n",
  };
  for (const std::string& text : kBad) {
    EXPECT_EQ(DecodeReuseRecord(Sealed(text)).status().code(),
              StatusCode::kCorruption)
        << text;
  }
}

}  // namespace
}  // namespace levelkeep
