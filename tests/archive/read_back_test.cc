// Compares the written bytes with the bytes on the device.

#include <gtest/gtest.h>

#include <stop_token>
#include <string>
#include <thread>

#include "archive/archive_fixture.h"
#include "archive/archive_writer.h"
#include "archive/codec_fixture.h"
#include "archive/write_pipeline.h"
#include "support/fault_file_system.h"
#include "support/no_threads.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;
using test::TempDir;

constexpr size_t kRun = 8u << 20;  // bytes that the thread checks at once
constexpr size_t kNoDamage = SIZE_MAX;

std::unique_ptr<File> NewFile(FileSystem* fs, const std::string& path) {
  auto file = fs->Open(path, OpenMode::kCreateNew);
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  return file.ok() ? std::move(*file) : nullptr;
}

// Appends `bytes` in parts of odd sizes, with the byte at `damage` flipped
// on its way to the file.
void Write(std::string_view bytes, size_t damage, File* file, ReadBack* check) {
  size_t offset = 0;
  while (offset < bytes.size()) {
    const std::string_view part = bytes.substr(offset, 777'777);
    std::string stored(part);
    if (damage >= offset && damage - offset < part.size()) {
      stored[damage - offset] = static_cast<char>(stored[damage - offset] ^ 1);
    }
    ASSERT_TRUE(file->Append(stored).ok());
    check->Written(part);
    offset += part.size();
  }
  ASSERT_TRUE(file->Sync().ok());
}

TEST(ReadBackTest, AcceptsWhatWasWritten) {
  const TempDir dir;
  // No bytes, less than a piece, less than a run, and runs with a rest.
  for (const size_t size :
       {size_t{0}, size_t{5}, kRun - 1, kRun, 2 * kRun + 9}) {
    const auto file =
        NewFile(FileSystem::Posix(), dir.Sub(std::to_string(size)));
    ReadBack check(file.get(), ThreadPriority::kLow, {});
    Write(test::RandomBytes(1, size), kNoDamage, file.get(), &check);
    EXPECT_TRUE(check.Finish().ok()) << size;
    EXPECT_FALSE(check.failed());
  }
}

TEST(ReadBackTest, WithoutThreadsTheCallerReadsBack) {
  const TempDir dir;
  const size_t size = kRun + 2'000'000;  // a run for the thread, and a rest
  const std::string bytes = test::EventText(2, size);
  const test::NoThreads none;
  for (const size_t damage : {kNoDamage, size_t{5}, size - 1}) {
    const auto file =
        NewFile(FileSystem::Posix(), dir.Sub(std::to_string(damage)));
    ReadBack check(file.get(), ThreadPriority::kLow, {});
    Write(bytes, damage, file.get(), &check);
    EXPECT_EQ(check.Finish().code(),
              damage == kNoDamage ? StatusCode::kOk : StatusCode::kCorruption)
        << damage;
  }
}

TEST(ReadBackTest, NoticesAFlippedBitAnywhere) {
  const TempDir dir;
  const size_t size = 2 * kRun + kRun / 2 + 3;
  const std::string bytes = test::RandomBytes(2, size);
  for (const size_t at :
       {size_t{0}, kRun - 1, kRun, kRun + kRun / 2, 2 * kRun, size - 1}) {
    const auto file = NewFile(FileSystem::Posix(), dir.Sub(std::to_string(at)));
    ReadBack check(file.get(), ThreadPriority::kLow, {});
    Write(bytes, at, file.get(), &check);
    const Status status = check.Finish();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << at;
    EXPECT_NE(status.message().find(std::to_string(at >> 20 << 20)),
              std::string::npos)
        << status.message();
    EXPECT_FALSE(status.hint().empty());
  }
}

TEST(ReadBackTest, NoticesAWrongSize) {
  const TempDir dir;
  for (const bool longer : {false, true}) {
    const auto file = NewFile(FileSystem::Posix(), dir.Sub(longer ? "l" : "s"));
    ReadBack check(file.get(), ThreadPriority::kLow, {});
    check.Written("0123456789");
    ASSERT_TRUE(file->Append(longer ? "0123456789x" : "012345678").ok());
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_EQ(check.Finish().code(), StatusCode::kCorruption);
  }
}

TEST(ReadBackTest, WriterLearnsOfDamageBeforeTheEnd) {
  const TempDir dir;
  const auto file = NewFile(FileSystem::Posix(), dir.Sub("a"));
  ReadBack check(file.get(), ThreadPriority::kLow, {});
  ASSERT_TRUE(file->Append(std::string(kRun, 'x')).ok());
  check.Written(std::string(kRun, 'y'));
  while (!check.failed()) std::this_thread::yield();
  EXPECT_EQ(check.status().code(), StatusCode::kCorruption);
}

TEST(ReadBackTest, StopsOnRequestAndWhenGivenUp) {
  const TempDir dir;
  std::stop_source stop;
  const auto file = NewFile(FileSystem::Posix(), dir.Sub("a"));
  {
    ReadBack check(file.get(), ThreadPriority::kLow, stop.get_token());
    stop.request_stop();
    Write(test::RandomBytes(3, kRun + 1), kNoDamage, file.get(), &check);
    EXPECT_EQ(check.Finish().code(), StatusCode::kCancelled);
  }
  // Destroying the check in the middle does not hang.
  ReadBack check(file.get(), ThreadPriority::kLow, {});
  check.Written(test::RandomBytes(4, 3 * kRun));
}

TEST(ReadBackTest, EachFailureOfTheFileIsPassedOn) {
  const TempDir dir;
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  const std::string bytes = test::RandomBytes(5, kRun + 10);
  const auto file = NewFile(&fs, dir.Sub("a"));
  ASSERT_TRUE(file->Append(bytes).ok());
  ASSERT_TRUE(file->Sync().ok());
  bool fired = true;
  uint64_t n = 0;
  while (fired) {
    fs.Reset();
    fs.FailAt(++n);
    ReadBack check(file.get(), ThreadPriority::kLow, {});
    check.Written(bytes);
    const Status status = check.Finish();
    fired = fs.fired();
    EXPECT_EQ(status.code(), fired ? StatusCode::kIoError : StatusCode::kOk)
        << status.ToString();
    ASSERT_LT(n, 30u);
  }
  // One stat; for each of the two runs, one wait and its reads.
  EXPECT_GE(n - 1, 1u + 2u + 2u);
}

// A file that returns one byte differently from the written one.
class LyingFile : public File {
 public:
  LyingFile(std::unique_ptr<File> base, uint64_t bad)
      : base_(std::move(base)), bad_(bad) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    auto count = base_->ReadAt(offset, buffer, size);
    if (count.ok() && offset <= bad_ && bad_ < offset + *count) {
      char& byte = buffer[bad_ - offset];
      byte = static_cast<char>(byte ^ 4);
    }
    return count;
  }
  Status Append(std::string_view data) override { return base_->Append(data); }
  Status WriteAt(uint64_t offset, std::string_view data) override {
    return base_->WriteAt(offset, data);
  }
  Status Sync() override {
    ++syncs;
    return base_->Sync();
  }
  Result<FileInfo> Stat() const override { return base_->Stat(); }
  Status CopyRangeTo(File* target, uint64_t offset,
                     uint64_t size) const override {
    return base_->CopyRangeTo(target, offset, size);
  }
  Status Close() override { return base_->Close(); }

  int syncs = 0;

 private:
  const std::unique_ptr<File> base_;
  const uint64_t bad_;
};

class WriterReadBackTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, WriterReadBackTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(WriterReadBackTest, WriterAcknowledgesOnlyWhatReadsBack) {
  const TempDir dir;
  test::Files files;
  files["000005.ldb"] = test::RandomBytes(1, 13'500'000);
  int count = 0;
  for (const uint64_t bad :
       {UINT64_MAX, uint64_t{0}, uint64_t{5'000'000}, uint64_t{13'400'000}}) {
    LyingFile file(
        NewFile(FileSystem::Posix(), dir.Sub(std::to_string(++count))), bad);
    ArchiveWriteOptions options = test::WriteOptions();
    options.read_back = true;
    const auto summary = WriteArchive(
        test::InputsOf(files),
        [](const std::vector<TocFile>&) -> Result<std::string> {
          return std::string("{}");
        },
        options, &file);
    if (bad == UINT64_MAX) {
      EXPECT_TRUE(summary.ok()) << summary.status().ToString();
      EXPECT_EQ(file.syncs, 1);
      continue;
    }
    EXPECT_EQ(summary.status().code(), StatusCode::kCorruption) << bad;
  }
}

}  // namespace
}  // namespace levelkeep
