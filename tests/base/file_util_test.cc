#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "base/file_system.h"
#include "support/fault_file_system.h"
#include "support/simulated_disk.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;

TEST(PathTest, JoinsWithOneSlash) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a//", "/b"), "a/b");
  EXPECT_EQ(JoinPath("/", "b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(JoinPath(".", "b"), "./b");
}

TEST(PathTest, SplitsIntoParentAndName) {
  const struct {
    const char* path;
    const char* parent;
    const char* name;
  } kCases[] = {
      {"/a/b", "/a", "b"}, {"/a/b/", "/a", "b"}, {"x", ".", "x"},
      {"x/", ".", "x"},    {"/x", "/", "x"},     {"/", "/", "/"},
      {"a//b", "a", "b"},  {"./x", ".", "x"},    {"../x", "..", "x"},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ParentPath(c.path), c.parent) << c.path;
    EXPECT_EQ(BaseName(c.path), c.name) << c.path;
  }
}

class FileUtilTest : public testing::Test {
 protected:
  test::TempDir dir_;
  FaultFileSystem fs_{FileSystem::Posix()};
};

TEST_F(FileUtilTest, CreatesAllMissingFolders) {
  const std::string path = dir_.Sub("a/b/c");
  ASSERT_TRUE(CreateDirectories(&fs_, path).ok());
  ASSERT_TRUE(CreateDirectories(&fs_, path + "/").ok());
  EXPECT_TRUE(PathExists(&fs_, path));
  // Each new folder is synced into its parent before the next is made.
  EXPECT_EQ(fs_.trace(), (std::vector<std::string>{
                             "CreateDirectory " + dir_.Sub("a"),
                             "SyncDirectory " + dir_.path(),
                             "CreateDirectory " + dir_.Sub("a/b"),
                             "SyncDirectory " + dir_.Sub("a"),
                             "CreateDirectory " + path,
                             "SyncDirectory " + dir_.Sub("a/b"),
                         }));
}

TEST_F(FileUtilTest, AFolderThatCouldNotBeSyncedIsMadeAgain) {
  test::SimulatedDisk disk;
  FileSystem* const fs = disk.file_system();
  disk.FailOn("sync folder", EIO);
  EXPECT_FALSE(CreateDirectories(fs, "/a/b").ok());
  ASSERT_TRUE(CreateDirectories(fs, "/a/b").ok());
  disk.Reboot(0);
  EXPECT_TRUE(PathExists(fs, "/a/b")) << "it was reported as durable";
}

TEST_F(FileUtilTest, AcceptsFoldersBehindLinksButNothingElse) {
  ASSERT_TRUE(fs_.CreateDirectory(dir_.Sub("real")).ok());
  ASSERT_EQ(::symlink("real", dir_.Sub("link").c_str()), 0);
  EXPECT_TRUE(CreateDirectories(&fs_, dir_.Sub("link")).ok());
  EXPECT_TRUE(CreateDirectories(&fs_, dir_.Sub("link/in")).ok());
  test::WriteFile(dir_.Sub("file"), "");
  EXPECT_EQ(CreateDirectories(&fs_, dir_.Sub("file")).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(CreateDirectories(&fs_, dir_.Sub("file/in")).code(),
            StatusCode::kInvalidArgument);
  ASSERT_EQ(::symlink("nowhere", dir_.Sub("dangling").c_str()), 0);
  EXPECT_FALSE(CreateDirectories(&fs_, dir_.Sub("dangling")).ok());
  EXPECT_FALSE(PathExists(&fs_, dir_.Sub("nowhere")));
}

TEST_F(FileUtilTest, ReadsWholeFilesUpToTheLimit) {
  const std::string data(100'000, 'x');
  test::WriteFile(dir_.Sub("a"), data);
  EXPECT_EQ(ReadFile(&fs_, dir_.Sub("a"), data.size()).value(), data);
  const auto big = ReadFile(&fs_, dir_.Sub("a"), data.size() - 1);
  EXPECT_EQ(big.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(big.status().message().find(dir_.Sub("a")), std::string::npos);
  test::WriteFile(dir_.Sub("empty"), "");
  EXPECT_EQ(ReadFile(&fs_, dir_.Sub("empty"), 0).value(), "");
  EXPECT_EQ(ReadFile(&fs_, dir_.Sub("none"), 10).status().code(),
            StatusCode::kNotFound);
  // A file whose size is not known before it is read.
  EXPECT_GT(ReadFile(&fs_, "/proc/self/status", 1 << 20)->size(), 100u);
}

TEST_F(FileUtilTest, WritesDurablyInTheRightOrder) {
  const std::string path = dir_.Sub("record");
  ASSERT_TRUE(WriteFileDurably(&fs_, path, "one").ok());
  const auto trace = fs_.trace();
  ASSERT_EQ(trace.size(), 6u);
  const char* const kOrder[] = {"Create ", "Append ", "Sync ",
                                "Close ",  "Rename ", "SyncDirectory "};
  for (size_t i = 0; i < trace.size(); ++i) {
    EXPECT_TRUE(trace[i].starts_with(kOrder[i])) << trace[i];
  }
  EXPECT_TRUE(trace[4].ends_with(" to " + path));
  ASSERT_TRUE(WriteFileDurably(&fs_, path, "two").ok());
  EXPECT_EQ(test::ReadFile(path), "two");
  EXPECT_EQ(fs_.List(dir_.path())->size(), 1u);
}

TEST_F(FileUtilTest, ACrashWhileWritingLeavesTheOldOrTheNewContent) {
  const std::string path = dir_.Sub("record");
  const std::string fresh(5000, 'n');
  for (uint64_t n = 1;; ++n) {
    test::WriteFile(path, "old");
    fs_.Reset();
    fs_.CrashAt(n);
    const Status status = WriteFileDurably(&fs_, path, fresh);
    if (!fs_.fired()) {
      EXPECT_EQ(n, 7u);
      EXPECT_TRUE(status.ok());
      break;
    }
    EXPECT_FALSE(status.ok());
    const std::string now = test::ReadFile(path);
    EXPECT_TRUE(now == "old" || now == fresh) << fs_.last_operation();
    fs_.Reset();
    for (const std::string& name : fs_.List(dir_.path()).value()) {
      if (name == "record") continue;
      EXPECT_TRUE(IsTemporaryName(name)) << name;
      ASSERT_TRUE(fs_.RemoveFile(dir_.Sub(name)).ok());
    }
  }
}

TEST_F(FileUtilTest, AFailedWriteLeavesNothingBehind) {
  const std::string path = dir_.Sub("record");
  test::WriteFile(path, "old");
  for (uint64_t n = 1; n <= 5; ++n) {
    fs_.Reset();
    fs_.FailAt(n, StatusCode::kNoSpace);
    EXPECT_EQ(WriteFileDurably(&fs_, path, "new").code(), StatusCode::kNoSpace);
    EXPECT_EQ(test::ReadFile(path), "old") << fs_.last_operation();
    EXPECT_EQ(fs_.List(dir_.path())->size(), 1u) << fs_.last_operation();
  }
}

// Another process that starts removes the temporary file as a left-over.
TEST_F(FileUtilTest, ASweepWhileWritingIsOutlived) {
  const std::string path = dir_.Sub("record");
  int sweeps = 0;
  fs_.set_observer([&](const std::string& operation) {
    if (!operation.starts_with("Rename ") || ++sweeps > 2) return;
    for (const std::string& name : *FileSystem::Posix()->List(dir_.path())) {
      if (IsTemporaryName(name)) {
        EXPECT_TRUE(FileSystem::Posix()->RemoveFile(dir_.Sub(name)).ok());
      }
    }
  });
  EXPECT_TRUE(WriteFileDurably(&fs_, path, "new").ok());
  EXPECT_EQ(sweeps, 3);
  EXPECT_EQ(test::ReadFile(path), "new");
  EXPECT_EQ(fs_.List(dir_.path())->size(), 1u);
}

TEST_F(FileUtilTest, RemovesTreesWithoutFollowingLinks) {
  test::WriteFile(dir_.Sub("keep"), "k");
  ASSERT_TRUE(fs_.CreateDirectory(dir_.Sub("kept")).ok());
  test::WriteFile(dir_.Sub("kept/x"), "x");
  ASSERT_TRUE(CreateDirectories(&fs_, dir_.Sub("t/a/b")).ok());
  test::WriteFile(dir_.Sub("t/a/f"), "");
  ASSERT_EQ(::symlink("../../kept", dir_.Sub("t/a/link").c_str()), 0);
  ASSERT_EQ(::symlink(dir_.Sub("keep").c_str(), dir_.Sub("t/l").c_str()), 0);
  EXPECT_TRUE(RemoveTree(&fs_, dir_.Sub("t")).ok());
  EXPECT_FALSE(PathExists(&fs_, dir_.Sub("t")));
  EXPECT_EQ(test::ReadFile(dir_.Sub("kept/x")), "x");
  EXPECT_EQ(test::ReadFile(dir_.Sub("keep")), "k");
  EXPECT_TRUE(RemoveTree(&fs_, dir_.Sub("t")).ok());
  ASSERT_EQ(::symlink("kept", dir_.Sub("top").c_str()), 0);
  EXPECT_TRUE(RemoveTree(&fs_, dir_.Sub("top")).ok());
  EXPECT_TRUE(PathExists(&fs_, dir_.Sub("kept/x")));
}

TEST_F(FileUtilTest, RemoveTreeReportsWhatItCouldNotRemove) {
  ASSERT_TRUE(CreateDirectories(&fs_, dir_.Sub("t/a")).ok());
  fs_.Reset();
  fs_.FailAt(1);
  EXPECT_EQ(RemoveTree(&fs_, dir_.Sub("t")).code(), StatusCode::kIoError);
  EXPECT_TRUE(PathExists(&fs_, dir_.Sub("t/a")));
}

TEST_F(FileUtilTest, ReadExactlyMissesNothing) {
  const auto source = NewStringSource("0123456789");
  char buffer[16];
  EXPECT_TRUE(ReadExactly(*source, 2, buffer, 8).ok());
  EXPECT_EQ(std::string_view(buffer, 8), "23456789");
  const Status status = ReadExactly(*source, 8, buffer, 4);
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(), "ends at byte 10, 2 bytes are missing");
  EXPECT_FALSE(ReadExactly(*source, 100, buffer, 1).ok());
}

TEST_F(FileUtilTest, APrefixHidesTheRest) {
  const std::shared_ptr<const ByteSource> all = NewStringSource("0123456789");
  const auto prefix = NewPrefixSource(all, 4);
  char buffer[16];
  EXPECT_EQ(prefix->ReadAt(0, buffer, 16).value(), 4u);
  EXPECT_EQ(std::string_view(buffer, 4), "0123");
  EXPECT_EQ(prefix->ReadAt(3, buffer, 1).value(), 1u);
  EXPECT_EQ(prefix->ReadAt(4, buffer, 1).value(), 0u);
  EXPECT_EQ(prefix->ReadAt(9, buffer, 1).value(), 0u);
  EXPECT_EQ(prefix->ReadAt(UINT64_MAX, buffer, 1).value(), 0u);
  EXPECT_EQ(NewPrefixSource(all, 100)->ReadAt(0, buffer, 16).value(), 10u);
  prefix->WillNeed(0, 100);
  prefix->DontNeed(100, 100);
}

TEST_F(FileUtilTest, CopyBytesCopiesExactlyTheRange) {
  const std::string data = std::string(2'500'000, 'a') + "end";
  const auto source = NewStringSource(data);
  auto file = fs_.Open(dir_.Sub("a"), OpenMode::kCreateNew).value();
  ASSERT_TRUE(CopyBytes(*source, file.get(), 1, data.size() - 1).ok());
  EXPECT_TRUE(CopyBytes(*source, file.get(), 1, 0).ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("a")), data.substr(1));
  EXPECT_EQ(CopyBytes(*source, file.get(), data.size() - 1, 2).code(),
            StatusCode::kCorruption);
}

}  // namespace
}  // namespace levelkeep
