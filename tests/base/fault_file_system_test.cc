// The tests' own disk is tested too: a fault that does not happen would make
// every crash test pass.

#include "support/fault_file_system.h"

#include <gtest/gtest.h>

#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

TEST(FaultFileSystemTest, FailsExactlyTheChosenOperation) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  fs.FailAt(2, StatusCode::kNoSpace);
  EXPECT_TRUE(fs.CreateDirectory(dir.Sub("a")).ok());
  EXPECT_TRUE(fs.Stat(dir.Sub("a")).ok());  // Stat is not counted
  EXPECT_FALSE(fs.fired());
  EXPECT_EQ(fs.CreateDirectory(dir.Sub("b")).code(), StatusCode::kNoSpace);
  EXPECT_TRUE(fs.fired());
  EXPECT_TRUE(fs.CreateDirectory(dir.Sub("c")).ok());
  EXPECT_EQ(fs.operations(), 3u);
  EXPECT_EQ(fs.last_operation(), "CreateDirectory " + dir.Sub("b"));
  EXPECT_EQ(fs.List(dir.path()).value(), (std::vector<std::string>{"a", "c"}));
}

TEST(FaultFileSystemTest, FailsOperationsByName) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  const auto make = [&](const char* name) {
    return fs.CreateDirectory(dir.Sub(name)).ok();
  };
  fs.FailOn("CreateDirectory " + dir.Sub("a"), StatusCode::kIoError, 2, 2);
  EXPECT_TRUE(make("a1"));
  EXPECT_TRUE(fs.Stat(dir.Sub("a1")).ok());
  EXPECT_TRUE(make("b"));
  EXPECT_FALSE(fs.fired());
  EXPECT_FALSE(make("a2"));
  EXPECT_EQ(fs.last_operation(), "CreateDirectory " + dir.Sub("a2"));
  EXPECT_FALSE(make("a3"));
  EXPECT_TRUE(make("a4"));
  // A new FailOn counts from the beginning; a line feed matches the end of the
  // operation.
  fs.FailOn("Stat " + dir.Sub("a") + "\n", StatusCode::kNoSpace, 1,
            FaultFileSystem::kAlways);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(fs.Stat(dir.Sub("a1")).ok());
    EXPECT_EQ(fs.Stat(dir.Sub("a")).status().code(), StatusCode::kNoSpace);
  }
  fs.Reset();
  EXPECT_EQ(fs.Stat(dir.Sub("a")).status().code(), StatusCode::kNotFound);
}

TEST(FaultFileSystemTest, NothingHappensAfterACrash) {
  TempDir dir;
  WriteFile(dir.Sub("old"), "old");
  FaultFileSystem fs(FileSystem::Posix());
  auto first = fs.Open(dir.Sub("first"), OpenMode::kCreateNew).value();
  auto second = fs.Open(dir.Sub("second"), OpenMode::kCreateNew).value();
  fs.Reset();
  fs.CrashAt(1);
  EXPECT_FALSE(first->Append("12345678").ok());
  EXPECT_FALSE(first->Append("x").ok());
  EXPECT_FALSE(second->Append("x").ok());
  EXPECT_FALSE(second->WriteAt(0, "x").ok());
  EXPECT_FALSE(second->Sync().ok());
  EXPECT_FALSE(fs.Stat(dir.Sub("old")).ok());
  EXPECT_FALSE(fs.List(dir.path()).ok());
  EXPECT_FALSE(fs.RemoveFile(dir.Sub("old")).ok());
  EXPECT_FALSE(fs.Rename(dir.Sub("old"), dir.Sub("new")).ok());
  EXPECT_FALSE(fs.Lock(dir.Sub("lock")).ok());
  EXPECT_FALSE(fs.Open(dir.Sub("old"), OpenMode::kRead).ok());
  EXPECT_FALSE(fs.Open(dir.Sub("third"), OpenMode::kCreateNew).ok());
  // The write at the crash is torn; the later ones never began.
  EXPECT_EQ(ReadFile(dir.Sub("first")), "1234");
  EXPECT_EQ(ReadFile(dir.Sub("second")), "");
  fs.Reset();
  EXPECT_EQ(fs.List(dir.path()).value(),
            (std::vector<std::string>{"first", "old", "second"}));
}

TEST(FaultFileSystemTest, CountsLooksOnRequest) {
  TempDir dir;
  WriteFile(dir.Sub("a"), "data");
  FaultFileSystem fs(FileSystem::Posix(), FaultFileSystem::Count::kAll);
  fs.FailAt(3);
  auto file = fs.Open(dir.Sub("a"), OpenMode::kRead).value();
  char buffer[4];
  EXPECT_EQ(file->ReadAt(0, buffer, 4).value(), 4u);
  EXPECT_EQ(file->ReadAt(0, buffer, 4).status().code(), StatusCode::kIoError);
  EXPECT_EQ(file->ReadAt(0, buffer, 4).value(), 4u);
  EXPECT_EQ(fs.operations(), 4u);
}

TEST(FaultFileSystemTest, CopiesBetweenItsOwnFiles) {
  TempDir dir;
  WriteFile(dir.Sub("a"), "12345678");
  FaultFileSystem fs(FileSystem::Posix());
  auto source = fs.Open(dir.Sub("a"), OpenMode::kRead).value();
  auto target = fs.Open(dir.Sub("b"), OpenMode::kCreateNew).value();
  EXPECT_TRUE(source->CopyRangeTo(target.get(), 0, 8).ok());
  fs.Reset();
  fs.FailAt(1);
  EXPECT_FALSE(source->CopyRangeTo(target.get(), 0, 8).ok());
  EXPECT_EQ(ReadFile(dir.Sub("b")), "123456781234");
}

TEST(FaultFileSystemTest, ImitatesOtherDisks) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  ASSERT_TRUE(fs.CreateDirectory(dir.Sub("a")).ok());
  ASSERT_TRUE(fs.CreateDirectory(dir.Sub("b")).ok());
  fs.set_free_space(17);
  fs.set_exchange_supported(false);
  EXPECT_EQ(fs.FreeSpace(dir.path()).value(), 17u);
  EXPECT_EQ(fs.Exchange(dir.Sub("a"), dir.Sub("b")).code(),
            StatusCode::kUnsupported);
  fs.Reset();
  EXPECT_NE(fs.FreeSpace(dir.path()).value(), 17u);
  EXPECT_TRUE(fs.Exchange(dir.Sub("a"), dir.Sub("b")).ok());
}

TEST(FaultFileSystemTest, ShowsEachOperationBeforeItIsDone) {
  TempDir dir;
  FaultFileSystem fs(FileSystem::Posix());
  std::vector<bool> existed;
  fs.set_observer([&](const std::string&) {
    existed.push_back(PathExists(FileSystem::Posix(), dir.Sub("a")));
  });
  ASSERT_TRUE(fs.CreateDirectory(dir.Sub("a")).ok());
  ASSERT_TRUE(fs.RemoveDirectory(dir.Sub("a")).ok());
  EXPECT_EQ(existed, (std::vector<bool>{false, true}));
}

}  // namespace
}  // namespace levelkeep::test
