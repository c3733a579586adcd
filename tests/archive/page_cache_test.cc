// A backup leaves the application's pages in the page cache.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "archive/archive_fixture.h"
#include "archive/archive_writer.h"
#include "archive/codec_fixture.h"
#include "base/mutex.h"
#include "format/toc.h"

namespace levelkeep {
namespace {

// The hints of a backup to the page cache, and whether the file was in it.
struct Hints {
  explicit Hints(bool in_cache) : cached(in_cache) {}

  const bool cached;
  Mutex mutex;
  uint64_t dropped_bytes GUARDED_BY(mutex) = 0;

  uint64_t dropped() {
    MutexLock lock(&mutex);
    return dropped_bytes;
  }
};

class WatchedSource : public ByteSource {
 public:
  WatchedSource(std::string content, Hints* hints)
      : content_(NewStringSource(std::move(content))), hints_(hints) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return content_->ReadAt(offset, buffer, size);
  }
  void DontNeed(uint64_t /*offset*/, uint64_t size) const override {
    MutexLock lock(&hints_->mutex);
    hints_->dropped_bytes += size;
  }
  bool IsCached(uint64_t /*offset*/) const override { return hints_->cached; }

 private:
  const std::unique_ptr<ByteSource> content_;
  Hints* const hints_;
};

class PageCacheTest : public test::WithCodecs, public testing::Test {};
INSTANTIATE_TEST_SUITE_P(Codecs, PageCacheTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(PageCacheTest, OnlyWhatWasNotThereIsDroppedAgain) {
  const test::TempDir dir;
  // A table, and a file of several chunks.
  for (const uint64_t size : {uint64_t{2'000'000}, 2 * kChunkBytes + 5}) {
    for (const bool cached : {false, true}) {
      Hints hints(cached);
      const std::string content = test::EventText(size, size);
      ArchiveInput input;
      input.name = "db/000005.ldb";
      input.size_bytes = size;
      input.open = [&]() -> Result<std::unique_ptr<ByteSource>> {
        return std::unique_ptr<ByteSource>(
            std::make_unique<WatchedSource>(content, &hints));
      };
      const std::string path =
          dir.Sub(std::to_string(size) + (cached ? "warm" : "cold"));
      auto file = FileSystem::Posix()->Open(path, OpenMode::kCreateNew);
      ASSERT_TRUE(file.ok());
      const auto summary = WriteArchive(
          {input},
          [](const std::vector<TocFile>&) -> Result<std::string> {
            return std::string("{}");
          },
          test::WriteOptions(), file->get());
      ASSERT_TRUE(summary.ok()) << summary.status().ToString();
      EXPECT_EQ(hints.dropped(), cached ? 0 : size);
    }
  }
}

}  // namespace
}  // namespace levelkeep
