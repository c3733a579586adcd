// Failures while an archive is written.

#include <gtest/gtest.h>

#include <atomic>
#include <stop_token>
#include <string>
#include <thread>

#include "archive/archive_fixture.h"
#include "archive/archive_writer.h"
#include "archive/codec_fixture.h"
#include "base/work.h"
#include "format/toc.h"
#include "support/fake_clock.h"
#include "support/fault_file_system.h"
#include "support/no_threads.h"

namespace levelkeep {
namespace {

using test::EventText;
using test::FaultFileSystem;
using test::Files;
using test::TempDir;
using test::WriteOptions;
using test::WriteTestArchive;

Result<std::string> NoManifest(const std::vector<TocFile>&) {
  return std::string("{}");
}

ArchiveInput Input(const std::string& name, uint64_t size,
                   std::string content) {
  return {
      name, size,
      [content = std::move(content)]() -> Result<std::unique_ptr<ByteSource>> {
        return NewStringSource(content);
      }};
}

Status WriteInputs(const std::vector<ArchiveInput>& inputs,
                   const ArchiveWriteOptions& options = WriteOptions()) {
  const TempDir dir;
  auto file = FileSystem::Posix()->Open(dir.Sub("a"), OpenMode::kCreateNew);
  EXPECT_TRUE(file.ok());
  return WriteArchive(inputs, NoManifest, options, file->get()).status();
}

class ArchiveWriterFailureTest : public test::WithCodecs,
                                 public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, ArchiveWriterFailureTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(ArchiveWriterFailureTest, ShortInputIsCorruption) {
  for (const uint64_t size : {uint64_t{100}, 2 * kChunkBytes + 1}) {
    const Status status =
        WriteInputs({Input("db/000001.ldb", size, std::string(99, 'x'))});
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
    EXPECT_NE(status.message().find("db/000001.ldb"), std::string::npos)
        << status.message();
  }
}

TEST_P(ArchiveWriterFailureTest, LongerInputIsCutAtItsSize) {
  // Like the pinned prefix of a log that grows.
  EXPECT_TRUE(
      WriteInputs({Input("db/000001.log", 10, std::string(99, 'x'))}).ok());
}

TEST_P(ArchiveWriterFailureTest, FailureToOpenNamesTheInput) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{5}, 3 * kChunkBytes}) {
    std::vector<ArchiveInput> inputs = {
        Input("db/000001.ldb", 3, "abc"),
        {"db/000002.ldb", size, []() -> Result<std::unique_ptr<ByteSource>> {
           return Status(StatusCode::kPermissionDenied, "no");
         }}};
    const Status status = WriteInputs(inputs);
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
    EXPECT_EQ(status.message(), "opening db/000002.ldb: no");
  }
}

TEST_P(ArchiveWriterFailureTest, ThrowingInputBecomesAStatus) {
  const Status status = WriteInputs(
      {{"db/000002.ldb", 3, []() -> Result<std::unique_ptr<ByteSource>> {
          throw std::runtime_error("host bug");
        }}});
  EXPECT_EQ(status.code(), StatusCode::kInternal);
  EXPECT_NE(status.message().find("host bug"), std::string::npos);
}

// Returns other bytes at each read, like a file that is being written.
class ChangingSource : public ByteSource {
 public:
  Result<size_t> ReadAt(uint64_t, char* buffer, size_t size) const override {
    const int call = ++calls_;
    std::fill(buffer, buffer + size, static_cast<char>(call));
    return size;
  }

 private:
  mutable std::atomic<int> calls_ = 0;
};

TEST_P(ArchiveWriterFailureTest, LargeFileThatChangesIsNoticed) {
  const Status status =
      WriteInputs({{"db/000002.log", kChunkBytes + 1,
                    []() -> Result<std::unique_ptr<ByteSource>> {
                      return std::unique_ptr<ByteSource>(new ChangingSource());
                    }}});
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(), "db/000002.log changed while it was read");
}

TEST_P(ArchiveWriterFailureTest, BadNamesAndLevelsAreRefused) {
  const ArchiveInput good = Input("db/000001.ldb", 3, "abc");
  for (const std::string name :
       {"", "levelkeep-manifest.json", "stargz.index.json", "db/000001.ldb"}) {
    const Status status = WriteInputs({good, Input(name, 3, "abc")});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name;
  }
  for (const int level : {-1, 4}) {
    ArchiveWriteOptions options = WriteOptions();
    options.level = level;
    EXPECT_EQ(
        WriteInputs({good}, options).message(),
        "compression level " + std::to_string(level) + " is not one of 0 to 3");
  }
}

TEST_P(ArchiveWriterFailureTest, FailureOfTheManifestIsPassedOn) {
  const TempDir dir;
  auto file = FileSystem::Posix()->Open(dir.Sub("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok());
  const auto summary = WriteArchive(
      {Input("db/000001.ldb", 3, "abc")},
      [](const std::vector<TocFile>&) -> Result<std::string> {
        return Status(StatusCode::kBusy, "later");
      },
      WriteOptions(), file->get());
  EXPECT_EQ(summary.status().code(), StatusCode::kBusy);
}

TEST_P(ArchiveWriterFailureTest, EveryFailedWriteIsReported) {
  Files files;
  for (int i = 1; i <= 6; ++i) {
    files["00000" + std::to_string(i) + ".ldb"] =
        test::RandomBytes(static_cast<uint64_t>(i), kChunkBytes / 2);
  }
  files["000009.log"] = EventText(1, kChunkBytes + 100);
  bool fired = true;
  for (uint64_t n = 1; fired; ++n) {
    const TempDir dir;
    FaultFileSystem fs(FileSystem::Posix());
    fs.FailAt(n, StatusCode::kNoSpace);
    const auto summary =
        WriteTestArchive(dir.Sub("a"), files, WriteOptions(), &fs);
    fired = fs.fired();
    ASSERT_EQ(summary.ok(), !fired) << n << " " << fs.last_operation();
    if (fired) {
      EXPECT_EQ(summary.status().code(), StatusCode::kNoSpace);
    }
    ASSERT_LT(n, 100u);
  }
}

// Asks for a stop while the n-th read is under way.
class StoppingSource : public ByteSource {
 public:
  StoppingSource(std::stop_source* stop, int at) : stop_(stop), at_(at) {}
  Result<size_t> ReadAt(uint64_t, char* buffer, size_t size) const override {
    if (++reads == at_) stop_->request_stop();
    std::fill(buffer, buffer + size, 'x');
    return size;
  }
  static std::atomic<int> reads;

 private:
  std::stop_source* const stop_;
  const int at_;
};
std::atomic<int> StoppingSource::reads = 0;

TEST_P(ArchiveWriterFailureTest, StopsInsideALargeFile) {
  for (const int threads : {1, 4}) {
    std::stop_source stop;
    ArchiveWriteOptions options = WriteOptions(threads);
    options.work.stop = stop.get_token();
    StoppingSource::reads = 0;
    const uint64_t size = uint64_t{1} << 40;  // would take hours
    const Status status = WriteInputs(
        {{"db/000002.log", size,
          [&]() -> Result<std::unique_ptr<ByteSource>> {
            return std::unique_ptr<ByteSource>(new StoppingSource(&stop, 20));
          }}},
        options);
    EXPECT_EQ(status.code(), StatusCode::kCancelled) << status.ToString();
    // Each worker may have been inside one more step.
    EXPECT_LE(StoppingSource::reads, 20 + 2 * threads);
  }
}

TEST_P(ArchiveWriterFailureTest, StopBeforeTheStartWritesNothing) {
  std::stop_source stop;
  stop.request_stop();
  ArchiveWriteOptions options = WriteOptions();
  options.work.stop = stop.get_token();
  EXPECT_EQ(WriteInputs({Input("db/000001.ldb", 3, "abc")}, options).code(),
            StatusCode::kCancelled);
}

TEST_P(ArchiveWriterFailureTest, StopEndsTheWaitOfARateLimit) {
  std::stop_source stop;
  ArchiveWriteOptions options = WriteOptions();
  options.work.stop = stop.get_token();
  options.rate_limit_bytes_per_second = 1;  // a day for the first step
  std::atomic<int> calls = 0;
  options.work.progress = [&](double) {
    if (++calls == 1) stop.request_stop();
  };
  EXPECT_EQ(WriteInputs({Input("db/000001.ldb", kChunkBytes,
                               std::string(kChunkBytes, 'x'))},
                        options)
                .code(),
            StatusCode::kCancelled);
}

TEST_P(ArchiveWriterFailureTest, IndexThatNoReaderWouldTakeIsNotWritten) {
  const TempDir dir;
  auto file = FileSystem::Posix()->Open(dir.Sub("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok());
  const auto summary = WriteArchive(
      {},
      [](const std::vector<TocFile>&) -> Result<std::string> {
        return std::string(kMaxIndexBytes + 1, ' ');
      },
      test::WriteOptions(), file->get());
  EXPECT_EQ(summary.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(summary.status().message(),
            "the database has too many files for one archive");
  EXPECT_FALSE(summary.status().hint().empty());
}

TEST_P(ArchiveWriterFailureTest, WithoutThreadsSmallOnesAreWrittenAllTheSame) {
  const TempDir dir;
  const test::NoThreads none;
  ArchiveWriteOptions options = test::WriteOptions();
  options.read_back = true;
  ASSERT_TRUE(
      test::WriteTestArchive(dir.Sub("a"), test::MakeDatabase(), options).ok());
  EXPECT_TRUE(test::CheckArchive(dir.Sub("a")).ok());
  test::Files large = test::MakeDatabase();
  large["000005.ldb"] = test::RandomBytes(1, 3'000'000);
  const Status refused =
      test::WriteTestArchive(dir.Sub("b"), large, options).status();
  EXPECT_EQ(refused.code(), StatusCode::kIoError);
  EXPECT_EQ(refused.message().find("can't start a thread"), 0u)
      << refused.message();
}

TEST(RateLimiterTest, SpreadsBytesOverTime) {
  test::FakeClock clock;
  RateLimiter limiter(&clock, 1000);
  std::atomic<int> granted = 0;
  std::jthread taker([&] {
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(limiter.Take(500, {}).ok());
      ++granted;
    }
  });
  // The first request is granted at once, then one each half second.
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(clock.WaitForSleepers(1));
    EXPECT_EQ(granted, i);
    clock.Advance(std::chrono::milliseconds(499));
    EXPECT_EQ(granted, i);
    clock.Advance(std::chrono::milliseconds(1));
    while (granted == i) std::this_thread::yield();
  }
}

TEST(RateLimiterTest, IdleTimeIsNotSavedUp) {
  test::FakeClock clock;
  RateLimiter limiter(&clock, 1000);
  ASSERT_TRUE(limiter.Take(1, {}).ok());
  clock.Advance(std::chrono::hours(1));
  ASSERT_TRUE(limiter.Take(1000, {}).ok());
  std::stop_source stop;
  stop.request_stop();
  // Without the stop, the call would wait.
  EXPECT_EQ(limiter.Take(1, stop.get_token()).code(), StatusCode::kCancelled);
}

TEST(RateLimiterTest, ZeroIsNoLimit) {
  test::FakeClock clock;
  RateLimiter limiter(&clock, 0);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(limiter.Take(UINT64_MAX, {}).ok());
  }
}

}  // namespace
}  // namespace levelkeep
