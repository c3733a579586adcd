// The database files of an archive, read without extracting them.

#include "archive/archive_view.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <random>
#include <thread>

#include "archive/codec_fixture.h"
#include "archive/own_archive_fixture.h"
#include "dbfiles/database_files.h"
#include "support/fault_file_system.h"

namespace levelkeep {
namespace {

using test::Files;
using test::Shell;
using View = std::shared_ptr<const ArchiveView>;

class ArchiveViewTest : public test::WithCodecs,
                        public test::OwnArchiveFixture {
 protected:
  static Result<View> Open(const std::string& path,
                           size_t cache = ArchiveView::kDefaultCacheBytes) {
    return ArchiveView::Open(FileSystem::Posix(), path, cache);
  }
  std::string Write(const Files& files) {
    const std::string path = dir_.Sub("archive" + std::to_string(++number_));
    EXPECT_TRUE(test::WriteTestArchive(path, files).ok());
    return path;
  }
  static Result<std::string> Read(const View& view, const std::string& name,
                                  uint64_t offset, size_t size) {
    auto source = ArchiveView::OpenFile(view, name);
    if (!source.ok()) return source.status();
    std::string bytes(size, '?');
    const auto count = (*source)->ReadAt(offset, bytes.data(), size);
    if (!count.ok()) return count.status();
    bytes.resize(*count);
    return bytes;
  }
  // Files with sizes around the borders of tar blocks, pieces and chunks.
  static Files AllSizes() {
    Files files = test::MakeDatabase();
    uint64_t number = 100;
    for (const size_t border : {size_t{512}, ChunkCache::kPieceBytes,
                                size_t{kChunkBytes}, size_t{2 * kChunkBytes}}) {
      for (const size_t size : {border - 1, border, border + 1}) {
        ++number;
        files[TableFileName(number)] = number % 2 == 0
                                           ? test::EventText(number, size)
                                           : test::RandomBytes(number, size);
      }
    }
    files[LogFileName(99)] = "";
    return files;
  }
};

INSTANTIATE_TEST_SUITE_P(Codecs, ArchiveViewTest,
                         testing::ValuesIn(test::EachCodec()),
                         test::CodecsName);

TEST_P(ArchiveViewTest, ContentIsTheFilesOfAnySize) {
  const Files files = AllSizes();
  const std::string path = Write(files);
  for (const size_t cache : {size_t{0}, ArchiveView::kDefaultCacheBytes}) {
    const auto view = Open(path, cache);
    ASSERT_TRUE(view.ok()) << view.status().ToString();
    ASSERT_EQ((*view)->sizes().size(), files.size());
    for (const auto& [name, content] : files) {
      EXPECT_EQ((*view)->sizes().at(name), content.size());
      EXPECT_TRUE(Read(*view, name, 0, content.size() + 9).value() == content)
          << name;
      EXPECT_EQ(Read(*view, name, content.size(), 9).value(), "");
      EXPECT_EQ(Read(*view, name, content.size() + 7, 9).value(), "");
      EXPECT_EQ(Read(*view, name, UINT64_MAX - 4, 9).value(), "");
    }
  }
}

TEST_P(ArchiveViewTest, ReadsCrossPiecesAndChunks) {
  const std::string content = test::EventText(3, 2 * kChunkBytes + 1000);
  const auto view = Open(Write({{"000012.ldb", content}}));
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  for (const size_t border : {ChunkCache::kPieceBytes, size_t{kChunkBytes},
                              size_t{2 * kChunkBytes}, content.size()}) {
    for (const size_t before : {1, 5, 999}) {
      for (const size_t size : {1, 5, 6, 2000}) {
        EXPECT_EQ(Read(*view, "000012.ldb", border - before, size).value(),
                  content.substr(border - before, size))
            << border << " " << before << " " << size;
      }
    }
  }
}

TEST_P(ArchiveViewTest, ManyThreadsReadWithALittleCache) {
  const Files files = AllSizes();
  const auto view = Open(Write(files), 16 * ChunkCache::kPieceBytes);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < 6; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      for (int i = 0; i < 30; ++i) {
        auto file = files.begin();
        std::advance(file, random() % files.size());
        const auto& [name, content] = *file;
        const size_t offset = random() % (content.size() + 1);
        const size_t size = random() % 600'000;
        const auto bytes = Read(*view, name, offset, size);
        if (!bytes.ok() || *bytes != content.substr(offset, size)) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_P(ArchiveViewTest, FlippedBitsAreFoundOrHarmless) {
  const Files files = test::SmallDatabase();
  const std::string good = Make(files);
  const std::string path = dir_.Sub("flipped");
  int found = 0;
  for (size_t i = 0; i < good.size(); i += 5) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    test::WriteFile(path, bad);
    const auto view = Open(path);
    if (!view.ok()) {
      EXPECT_NE(view.status().code(), StatusCode::kIoError);
      ++found;
      continue;
    }
    for (const auto& [name, content] : files) {
      const auto bytes = Read(*view, name, 0, content.size());
      if (bytes.ok()) {
        EXPECT_EQ(*bytes, content) << name << " byte " << i;
        continue;
      }
      EXPECT_EQ(bytes.status().code(), StatusCode::kCorruption);
      EXPECT_NE(bytes.status().message().find(name), std::string::npos);
      ++found;
    }
  }
  EXPECT_GT(found, 200);
}

TEST_P(ArchiveViewTest, TruncatedArchiveIsRefusedOrFailsToBeRead) {
  const Files files = test::SmallDatabase();
  const std::string good = Make(files);
  const std::string path = dir_.Sub("cut");
  for (size_t size = 0; size < good.size(); size += 37) {
    test::WriteFile(path, good.substr(0, size));
    EXPECT_EQ(Open(path).status().code(), StatusCode::kUnsupported) << size;
  }
  test::WriteFile(path, good);
  const auto view = Open(path);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  ASSERT_EQ(Shell("truncate -s 100 '" + path + "'"), 0);
  EXPECT_EQ(Read(*view, "000007.ldb", 0, 10).status().code(),
            StatusCode::kCorruption);
}

TEST_P(ArchiveViewTest, ReplacedArchiveIsReadAsItWasOpened) {
  const Files files = test::SmallDatabase();
  const std::string path = Write(files);
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  ASSERT_TRUE(reader.ok());
  const auto view = Open(path);
  ASSERT_TRUE(view.ok());
  EXPECT_TRUE((*reader)->CheckUnchanged().ok());
  const std::string other = Write(test::MakeDatabase(2));
  ASSERT_TRUE(FileSystem::Posix()->Rename(other, path).ok());
  for (const auto& [name, content] : files) {
    EXPECT_EQ(Read(*view, name, 0, content.size()).value(), content);
  }
  EXPECT_EQ((*reader)->CheckUnchanged().code(), StatusCode::kBusy);
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(path).ok());
  EXPECT_EQ((*reader)->CheckUnchanged().code(), StatusCode::kNotFound);
}

// Like rclone: a file has another inode after each opening.
class RestlessDisk : public test::FaultFileSystem {
 public:
  RestlessDisk() : FaultFileSystem(FileSystem::Posix()) {}
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    ++inode_;
    return FaultFileSystem::Open(path, mode);
  }
  Result<FileInfo> Stat(const std::string& path) override {
    auto info = FaultFileSystem::Stat(path);
    if (info.ok()) info->inode = inode_;
    return info;
  }

 private:
  uint64_t inode_ = 1;
};

TEST_P(ArchiveViewTest, WhereReadingChangesTheInodeTheBytesTell) {
  const std::string path = Write(test::SmallDatabase());
  RestlessDisk disk;
  auto reader = ArchiveReader::Open(&disk, path);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->CheckUnchanged().code(), StatusCode::kBusy)
      << "its content at opening is unknown";
  ASSERT_TRUE((*reader)->Sha256({}).ok());
  EXPECT_TRUE((*reader)->CheckUnchanged().ok());
  ASSERT_EQ(Shell("printf x | dd of='" + path +
                  "' bs=1 seek=50 conv=notrunc 2>/dev/null"),
            0);
  EXPECT_EQ((*reader)->CheckUnchanged().code(), StatusCode::kBusy);
}

TEST_P(ArchiveViewTest, ContentChangedInPlaceIsNotUnchanged) {
  const std::string path = Write(test::SmallDatabase());
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  ASSERT_TRUE(reader.ok());
  // Size and time are equal; only the kernel's own time (ctime) differs.
  ASSERT_EQ(Shell("touch -r '" + path + "' '" + dir_.Sub("time") +
                  "' && sleep 0.02 && printf x | dd of='" + path +
                  "' bs=1 seek=50 conv=notrunc 2>/dev/null && touch -r '" +
                  dir_.Sub("time") + "' '" + path + "'"),
            0);
  EXPECT_EQ((*reader)->CheckUnchanged().code(), StatusCode::kBusy);
}

TEST_P(ArchiveViewTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(Open(dir_.Sub("nowhere")).status().code(), StatusCode::kNotFound);
  test::WriteFile(dir_.Sub("plain"), "no archive at all");
  const auto plain = Open(dir_.Sub("plain"));
  EXPECT_EQ(plain.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(plain.status().message().find("plain is not an archive"),
            std::string::npos);
  const auto view = Open(Write(test::SmallDatabase()));
  ASSERT_TRUE(view.ok());
  for (const char* name : {"000006.ldb", "", "levelkeep-manifest.json"}) {
    EXPECT_EQ(ArchiveView::OpenFile(*view, name).status().code(),
              StatusCode::kNotFound);
  }
}

// --- the cache ---

class ChunkCacheTest : public testing::Test {
 protected:
  static constexpr size_t kPieces = kChunkBytes / ChunkCache::kPieceBytes;

  explicit ChunkCacheTest(size_t chunks = 10)
      : cache_(chunks * kPieces * ChunkCache::kPieceBytes) {}
  // Reads one piece and checks that it is the right one.
  void Read(uint64_t chunk, size_t piece) {
    const auto got = cache_.Get(chunk, piece, [&] { return Load(chunk); });
    ASSERT_TRUE(got.ok());
    EXPECT_EQ((*got)->view(), Name(chunk, piece));
  }
  // Reads that many chunks side by side, as a merge does.
  void MergeOf(uint64_t chunks) {
    constexpr size_t kReadsOfAPiece = 40;
    for (size_t piece = 0; piece < kPieces; ++piece) {
      for (size_t read = 0; read < kReadsOfAPiece; ++read) {
        for (uint64_t chunk = 0; chunk < chunks; ++chunk) Read(chunk, piece);
      }
    }
  }
  static std::string Name(uint64_t chunk, size_t piece) {
    return std::to_string(chunk) + "/" + std::to_string(piece);
  }
  Result<std::vector<ChunkCache::Piece>> Load(uint64_t chunk) {
    ++loads_;
    std::vector<ChunkCache::Piece> pieces;
    for (size_t i = 0; i < kPieces; ++i) {
      auto piece = cache_.NewPiece();
      piece->Append(Name(chunk, i));
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

  ChunkCache cache_;
  size_t loads_ = 0;
};

TEST_F(ChunkCacheTest, ChunkThatIsReadInOrderIsLoadedOnce) {
  for (uint64_t chunk = 0; chunk < 10; ++chunk) {
    Read(chunk, kPieces - 1);  // the table's footer comes first
    for (size_t piece = 0; piece < kPieces; ++piece) Read(chunk, piece);
  }
  EXPECT_EQ(loads_, 10u);
}

TEST_F(ChunkCacheTest, ChunksOfAMergeThatFitAreLoadedOnce) {
  MergeOf(7);
  EXPECT_EQ(loads_, 7u);
}

TEST_F(ChunkCacheTest, MergeOfMoreThanFitsLoadsEachAFewTimes) {
  MergeOf(30);  // three times what fits; each is read 2560 times
  EXPECT_LE(loads_, 30u * 6);
}

TEST_F(ChunkCacheTest, PieceBehindTheEndOfAChunkIsAnError) {
  const auto got = cache_.Get(1, kPieces, [&] { return Load(1); });
  EXPECT_EQ(got.status().code(), StatusCode::kInternal);
  Read(1, 0);
  EXPECT_EQ(loads_, 2u) << "no piece of it was kept";
}

TEST_F(ChunkCacheTest, FailureIsNotRemembered) {
  for (int i = 0; i < 2; ++i) {
    const auto failed =
        cache_.Get(1, 0, []() -> Result<std::vector<ChunkCache::Piece>> {
          return Status(StatusCode::kIoError, "the disk");
        });
    EXPECT_EQ(failed.status().code(), StatusCode::kIoError);
  }
  // No thread waits for ever for a load that threw.
  for (size_t i = 0; i < 2 * ChunkCache::kMaxLoading; ++i) {
    EXPECT_THROW(
        (void)cache_.Get(1, 0,
                         []() -> Result<std::vector<ChunkCache::Piece>> {
                           throw std::bad_alloc();
                         }),
        std::bad_alloc);
  }
  Read(1, 0);
  EXPECT_EQ(loads_, 1u);
}

}  // namespace
}  // namespace levelkeep
