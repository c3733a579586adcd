#include "base/scratch_directory.h"

#include <filesystem>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

class ScratchDirectoryTest : public ::testing::Test {
 protected:
  bool Exists(const std::string& name) {
    return std::filesystem::exists(temp_.Sub(name));
  }

  FileSystem* const fs_ = FileSystem::Posix();
  test::TempDir temp_;
  const std::string path_ = temp_.Sub("work/scratch-1");
};

TEST_F(ScratchDirectoryTest, GoesAwayWithItsOwner) {
  {
    const auto scratch = ScratchDirectory::Make(fs_, path_);
    ASSERT_TRUE(scratch.ok()) << scratch.status().ToString();
    test::WriteFile(path_ + "/file", "x");
  }
  EXPECT_FALSE(Exists("work"));
}

TEST_F(ScratchDirectoryTest, AFolderThatWasThereStays) {
  std::filesystem::create_directory(temp_.Sub("work"));
  ASSERT_TRUE(ScratchDirectory::Make(fs_, path_).ok());
  EXPECT_TRUE(Exists("work"));
  EXPECT_FALSE(Exists("work/scratch-1"));
}

TEST_F(ScratchDirectoryTest, AFolderThatOthersUseByNowStays) {
  {
    const auto scratch = ScratchDirectory::Make(fs_, path_);
    ASSERT_TRUE(scratch.ok());
    test::WriteFile(temp_.Sub("work/journal"), "x");
  }
  EXPECT_TRUE(Exists("work/journal"));
  EXPECT_FALSE(Exists("work/scratch-1"));
}

TEST_F(ScratchDirectoryTest, IsNeverSomeoneElses) {
  std::filesystem::create_directories(path_);
  EXPECT_EQ(ScratchDirectory::Make(fs_, path_).status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(Exists("work/scratch-1"));
}

TEST_F(ScratchDirectoryTest, WithoutItsLockThereIsNone) {
  test::FaultFileSystem fs(fs_);
  fs.FailOn("Lock ", StatusCode::kUnsupported);
  EXPECT_EQ(ScratchDirectory::Make(&fs, path_).status().code(),
            StatusCode::kUnsupported);
  EXPECT_FALSE(Exists("work"));
}

TEST_F(ScratchDirectoryTest, IsNotSweptWhileItIsInUse) {
  auto scratch = ScratchDirectory::Make(fs_, path_);
  ASSERT_TRUE(scratch.ok());
  test::WriteFile(path_ + "/000005.ldb", "x");
  EXPECT_FALSE(SweepScratch(fs_, path_).value());
  EXPECT_TRUE(Exists("work/scratch-1/000005.ldb"));
}

TEST_F(ScratchDirectoryTest, WhatIsLeftBehindIsSwept) {
  std::filesystem::create_directories(path_);
  test::WriteFile(path_ + "/owner.lock", "");
  test::WriteFile(path_ + "/000005.ldb", "x");
  EXPECT_TRUE(SweepScratch(fs_, path_).value());
  EXPECT_FALSE(Exists("work/scratch-1"));
  test::WriteFile(path_, "a file of that name");
  EXPECT_TRUE(SweepScratch(fs_, path_).value());
  EXPECT_FALSE(Exists("work/scratch-1"));
}

TEST_F(ScratchDirectoryTest, ASweepThatFailsSaysSo) {
  std::filesystem::create_directories(path_);
  test::FaultFileSystem fs(fs_);
  fs.FailOn("RemoveDirectory ");
  EXPECT_EQ(SweepScratch(&fs, path_).status().code(), StatusCode::kIoError);
}

}  // namespace
}  // namespace levelkeep
