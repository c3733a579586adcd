// Members that are copied from an earlier archive.

#include <gtest/gtest.h>

#include <string>

#include "archive/archive_fixture.h"
#include "archive/archive_writer.h"
#include "archive/codec_fixture.h"
#include "format/toc.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::Files;
using test::RandomBytes;
using test::TempDir;
using test::WriteOptions;

// Files with no chunk, one chunk, one stored chunk, several chunks.
Files SomeFiles() {
  Files files = test::MakeDatabase();
  files["000011.ldb"] = EventText(11, 2'000'000);
  files["000012.ldb"] = RandomBytes(12, 300'000);
  files["000013.ldb"] = EventText(13, 2 * kChunkBytes + 77);
  files["000014.log"] = "";
  return files;
}

class ReuseTest : public test::WithCodecs, public ::testing::Test {
 protected:
  ReuseTest() : files_(SomeFiles()) {
    auto first = Write("first", WriteOptions(), nullptr);
    EXPECT_TRUE(first.ok()) << first.status().ToString();
    archived_ = first->archived;
    bytes_ = test::ReadFile(dir_.Sub("first"));
  }

  // With `reuse`, non-empty inputs can be opened only if `present_` is true.
  Result<ArchiveSummary> Write(const std::string& name,
                               ArchiveWriteOptions options,
                               const ByteSource* reuse) {
    std::vector<ArchiveInput> inputs = test::InputsOf(files_);
    options.reuse_from = reuse;
    for (size_t i = 0; reuse != nullptr && i < inputs.size(); ++i) {
      inputs[i].archived = &archived_[i];
      if (inputs[i].size_bytes == 0 || present_) continue;
      inputs[i].open = []() -> Result<std::unique_ptr<ByteSource>> {
        return Status(StatusCode::kIoError, "must not be opened");
      };
    }
    auto file = FileSystem::Posix()->Open(dir_.Sub(name), OpenMode::kCreateNew);
    EXPECT_TRUE(file.ok());
    return WriteArchive(
        inputs,
        [](const std::vector<TocFile>& written) -> Result<std::string> {
          return EncodeManifest(test::ManifestFor(written));
        },
        options, file->get());
  }

  // The member of the archive that holds chunk `chunk` of `name`.
  const TocChunk& Member(const std::string& name, size_t chunk) {
    for (const TocFile& file : archived_) {
      if (file.name.ends_with(name)) return file.chunks.at(chunk);
    }
    ADD_FAILURE() << name;
    return archived_[0].chunks[0];
  }

  TempDir dir_;
  Files files_;
  std::vector<TocFile> archived_;
  std::string bytes_;  // of the first archive
  bool present_ = false;
};

INSTANTIATE_TEST_SUITE_P(Codecs, ReuseTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(ReuseTest, ArchiveIsTheSameByteForByteAndNoInputIsRead) {
  const auto first = NewStringSource(bytes_);
  uint64_t total = 0;
  for (const auto& [name, content] : files_) total += content.size();
  for (const int threads : {1, 2, 8}) {
    const std::string name = "again" + std::to_string(threads);
    const auto again = Write(name, WriteOptions(threads), first.get());
    ASSERT_TRUE(again.ok()) << again.status().ToString();
    EXPECT_EQ(test::ReadFile(dir_.Sub(name)), bytes_) << threads;
    EXPECT_EQ(again->reused_bytes, total);
    EXPECT_EQ(again->damaged_members, 0u);
    EXPECT_TRUE(test::CheckArchive(dir_.Sub(name)).ok());
    // A third archive can be made from the second.
    ASSERT_EQ(again->archived.size(), archived_.size());
    for (size_t i = 0; i < archived_.size(); ++i) {
      ASSERT_EQ(again->archived[i].chunks.size(), archived_[i].chunks.size());
      for (size_t k = 0; k < archived_[i].chunks.size(); ++k) {
        EXPECT_EQ(again->archived[i].chunks[k].archive_offset,
                  archived_[i].chunks[k].archive_offset);
        EXPECT_EQ(again->archived[i].chunks[k].member_checksum,
                  archived_[i].chunks[k].member_checksum);
      }
    }
  }
}

TEST_P(ReuseTest, StoredMembersToo) {
  ArchiveWriteOptions options = WriteOptions();
  options.compress = false;
  const auto stored = Write("stored", options, nullptr);
  ASSERT_TRUE(stored.ok());
  archived_ = stored->archived;
  const std::string bytes = test::ReadFile(dir_.Sub("stored"));
  const auto again = Write("again", options, NewStringSource(bytes).get());
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(test::ReadFile(dir_.Sub("again")), bytes);
}

TEST_P(ReuseTest, DamagedMembersAreCompressedAgain) {
  present_ = true;
  const struct {
    const char* file;
    size_t chunk;
  } kDamages[] = {{"000011.ldb", 0},
                  {"000012.ldb", 0},
                  {"000013.ldb", 0},
                  {"000013.ldb", 1},
                  {"000013.ldb", 2}};
  for (const auto& damage : kDamages) {
    const TocChunk& member = Member(damage.file, damage.chunk);
    for (const uint64_t at :
         {uint64_t{0}, member.member_bytes / 2, member.member_bytes - 1}) {
      std::string damaged = bytes_;
      char& byte = damaged[member.archive_offset + at];
      byte = static_cast<char>(byte ^ 0x10);
      const std::string name = std::string(damage.file) +
                               std::to_string(damage.chunk) +
                               std::to_string(at);
      const auto again =
          Write(name, WriteOptions(), NewStringSource(damaged).get());
      ASSERT_TRUE(again.ok()) << again.status().ToString();
      EXPECT_EQ(again->damaged_members, 1u) << name;
      EXPECT_EQ(test::ReadFile(dir_.Sub(name)), bytes_) << name;
    }
  }
}

// A device that fails to read the bytes from `first` on.
class UnreadableFrom : public ByteSource {
 public:
  UnreadableFrom(std::string contents, uint64_t first)
      : contents_(NewStringSource(std::move(contents))), first_(first) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset + size > first_) {
      return Status(StatusCode::kIoError, "the device failed");
    }
    return contents_->ReadAt(offset, buffer, size);
  }

 private:
  const std::unique_ptr<ByteSource> contents_;
  const uint64_t first_;
};

TEST_P(ReuseTest, MembersThatTheDeviceDoesNotGiveAreNoDamage) {
  present_ = true;
  const UnreadableFrom device(bytes_, Member("000013.ldb", 1).archive_offset);
  const auto again = Write("again", WriteOptions(), &device);
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->damaged_members, 0u);
  EXPECT_GE(again->unreadable_members, 2u);
  EXPECT_GT(again->reused_bytes, 0u);
  EXPECT_EQ(test::ReadFile(dir_.Sub("again")), bytes_);
}

TEST_P(ReuseTest, TruncatedAndMisdescribedArchivesAreOfNoUse) {
  present_ = true;
  const auto half =
      Write("half", WriteOptions(),
            NewStringSource(bytes_.substr(0, bytes_.size() / 2)).get());
  ASSERT_TRUE(half.ok());
  EXPECT_GT(half->damaged_members, 0u);
  EXPECT_GT(half->reused_bytes, 0u);
  EXPECT_EQ(test::ReadFile(dir_.Sub("half")), bytes_);
  for (TocFile& file : archived_) {
    // Sizes that no member has must not be allocated.
    for (TocChunk& chunk : file.chunks) chunk.member_bytes = UINT64_MAX / 2;
  }
  const auto none =
      Write("none", WriteOptions(), NewStringSource(bytes_).get());
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->reused_bytes, 0u);
  EXPECT_EQ(test::ReadFile(dir_.Sub("none")), bytes_);
}

TEST_P(ReuseTest, LargeFileThatChangedIsNotMixedWithItsPast) {
  present_ = true;
  std::string damaged = bytes_;
  damaged[Member("000013.ldb", 1).archive_offset + 20] ^= 1;
  files_["000013.ldb"][kChunkBytes + 5] ^= 1;
  const auto mixed =
      Write("mixed", WriteOptions(), NewStringSource(damaged).get());
  EXPECT_EQ(mixed.status().code(), StatusCode::kCorruption);
  EXPECT_NE(mixed.status().message().find("000013.ldb"), std::string::npos);
}

TEST_P(ReuseTest, DescriptionsOfOtherFilesAreRefused) {
  const auto first = NewStringSource(bytes_);
  archived_.back().size_bytes += 1;
  EXPECT_EQ(Write("size", WriteOptions(), first.get()).status().code(),
            StatusCode::kInvalidArgument);
  archived_.back().size_bytes -= 1;
  archived_.front().chunks.emplace_back();
  EXPECT_EQ(Write("chunks", WriteOptions(), first.get()).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace levelkeep
