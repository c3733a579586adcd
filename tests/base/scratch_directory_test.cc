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

TEST_F(ScratchDirectoryTest, WhereNobodyCanTellWhetherTheOwnerLivesItStays) {
  std::filesystem::create_directories(path_);
  test::FaultFileSystem fs(fs_);
  for (const StatusCode code :
       {StatusCode::kUnsupported, StatusCode::kIoError}) {
    fs.Reset();
    fs.FailOn("Lock ", code);
    EXPECT_FALSE(SweepScratch(&fs, path_).value());
    EXPECT_TRUE(Exists("work/scratch-1"));
  }
}

// A sweep between the steps of the owner, in each of its first three tries.
TEST_F(ScratchDirectoryTest, ASweepThatComesBeforeTheLockIsOutlived) {
  test::FaultFileSystem fs(fs_);
  int sweeps = 0;
  fs.set_observer([&](const std::string& operation) {
    if (!operation.starts_with("Lock ") || ++sweeps > 3) return;
    EXPECT_TRUE(SweepScratch(fs_, path_).value());
  });
  const auto scratch = ScratchDirectory::Make(&fs, path_);
  ASSERT_TRUE(scratch.ok()) << scratch.status().ToString();
  EXPECT_EQ(sweeps, 4);
  EXPECT_FALSE(SweepScratch(fs_, path_).value());
}

TEST_F(ScratchDirectoryTest, OnlyAbandonedOnesAreSwept) {
  auto living = ScratchDirectory::Make(fs_, path_);
  ASSERT_TRUE(living.ok());
  for (const char* name : {"scratch-2", "scratch-3", "staging-4"}) {
    std::filesystem::create_directories(temp_.Sub("work/") + name);
  }
  test::WriteFile(temp_.Sub("work/scratch-2/owner.lock"), "");
  test::WriteFile(temp_.Sub("work/scratch-2/000005.ldb"), "x");
  // A check's folder without a lock: its restore may still be running.
  test::WriteFile(temp_.Sub("work/scratch-3/MANIFEST-000002"), "x");
  test::WriteFile(temp_.Sub("work/staging-4/owner.lock"), "x");
  SweepAbandonedScratch(fs_, temp_.Sub("work"), "scratch-");
  EXPECT_TRUE(Exists("work/scratch-1"));
  EXPECT_FALSE(Exists("work/scratch-2"));
  EXPECT_TRUE(Exists("work/scratch-3"));
  EXPECT_TRUE(Exists("work/staging-4"));
  SweepAbandonedScratch(fs_, temp_.Sub("nowhere"), "scratch-");
}

TEST_F(ScratchDirectoryTest, ASweepThatFailsSaysSo) {
  std::filesystem::create_directories(path_);
  test::FaultFileSystem fs(fs_);
  fs.FailOn("RemoveDirectory ");
  EXPECT_EQ(SweepScratch(&fs, path_).status().code(), StatusCode::kIoError);
}

}  // namespace
}  // namespace levelkeep
