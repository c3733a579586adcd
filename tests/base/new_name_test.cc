// A finished file gets its name, on disks that can do more and less.

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "gtest/gtest.h"
#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::FaultFileSystem;

enum class Names { kAll, kLinks, kPlain };

// Like NFS: it has links, but no renames that do not replace.
class LinkingDisk : public FaultFileSystem {
 public:
  LinkingDisk() : FaultFileSystem(FileSystem::Posix()) {}
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    if (!links_only) return FaultFileSystem::RenameNoReplace(source, target);
    return Status(StatusCode::kUnsupported, source + " to " + target);
  }
  bool links_only = false;
};

class NewNameTest : public ::testing::TestWithParam<Names> {
 protected:
  NewNameTest() {
    test::WriteFile(part_, "whole");
    Begin();
  }
  void Begin() {
    disk_.Reset();
    disk_.links_only = GetParam() == Names::kLinks;
    disk_.set_plain_names(GetParam() == Names::kPlain);
  }
  bool Exists(const std::string& path) {
    return PathExists(FileSystem::Posix(), path);
  }

  test::TempDir dir_;
  LinkingDisk disk_;
  const std::string part_ = dir_.Sub("part");
  const std::string name_ = dir_.Sub("name");
};

TEST_P(NewNameTest, IsGivenWhereItIsFree) {
  ASSERT_TRUE(MoveToNewName(&disk_, part_, name_).ok());
  EXPECT_EQ(test::ReadFile(name_), "whole");
  EXPECT_FALSE(Exists(part_));
}

TEST_P(NewNameTest, NobodysIsTaken) {
  test::WriteFile(name_, "another");
  EXPECT_EQ(MoveToNewName(&disk_, part_, name_).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(test::ReadFile(name_), "another");
  EXPECT_EQ(test::ReadFile(part_), "whole");
}

TEST_P(NewNameTest, AClaimIsSomebodysToo) {
  test::WriteFile(name_, "");
  EXPECT_EQ(MoveToNewName(&disk_, part_, name_).code(),
            StatusCode::kAlreadyExists);
  EXPECT_TRUE(Exists(name_));
}

TEST_P(NewNameTest, MissingSourceTakesNoName) {
  EXPECT_EQ(MoveToNewName(&disk_, dir_.Sub("none"), name_).code(),
            StatusCode::kNotFound);
  EXPECT_FALSE(Exists(name_));
}

TEST_P(NewNameTest, OfManyAtOnceExactlyOneWins) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> won{0};
    std::string winner;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      test::WriteFile(dir_.Sub("part" + std::to_string(i)), std::to_string(i));
    }
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const std::string number = std::to_string(i);
        if (MoveToNewName(&disk_, dir_.Sub("part" + number), name_).ok()) {
          if (won++ == 0) winner = number;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(won, 1) << "round " << round;
    ASSERT_EQ(test::ReadFile(name_), winner);
    ASSERT_TRUE(FileSystem::Posix()->RemoveFile(name_).ok());
  }
}

// Each step fails once: the file keeps its first name, and takes no other.
TEST_P(NewNameTest, FailureAtAnyStepLeavesTheFirstName) {
  for (uint64_t n = 1;; ++n) {
    Begin();
    disk_.FailAt(n);
    const Status moved = MoveToNewName(&disk_, part_, name_);
    const bool fired = disk_.fired();
    Begin();
    if (moved.ok()) {  // another way was found
      ASSERT_EQ(test::ReadFile(name_), "whole");
      ASSERT_FALSE(Exists(part_));
      ASSERT_TRUE(FileSystem::Posix()->Rename(name_, part_).ok());
    }
    if (!fired) break;
    EXPECT_EQ(test::ReadFile(part_), "whole") << disk_.last_operation();
    EXPECT_FALSE(Exists(name_)) << "step " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Disks, NewNameTest,
                         ::testing::Values(Names::kAll, Names::kLinks,
                                           Names::kPlain),
                         [](const auto& test) {
                           if (test.param == Names::kAll) return "All";
                           return test.param == Names::kLinks ? "Links"
                                                              : "Plain";
                         });

// A crash between the claim and the rename.
TEST(ClaimTest, CrashLeavesTheWholeFileBesideAnEmptyOne) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("part"), "whole");
  FaultFileSystem disk(FileSystem::Posix());
  disk.set_plain_names(true);
  disk.set_observer([&](const std::string& operation) {
    if (operation.starts_with("Rename /")) disk.CrashAt(disk.operations() + 1);
  });
  EXPECT_FALSE(MoveToNewName(&disk, dir.Sub("part"), dir.Sub("name")).ok());
  EXPECT_EQ(test::ReadFile(dir.Sub("part")), "whole");
  const auto info = FileSystem::Posix()->Stat(dir.Sub("name"));
  ASSERT_TRUE(info.ok()) << disk.last_operation();
  EXPECT_TRUE(IsClaim(*info));
  ASSERT_TRUE(RemoveClaim(FileSystem::Posix(), dir.Sub("name")).ok());
  EXPECT_TRUE(RemoveClaim(FileSystem::Posix(), dir.Sub("name")).ok());
  ASSERT_TRUE(RemoveClaim(FileSystem::Posix(), dir.Sub("part")).ok());
  EXPECT_EQ(test::ReadFile(dir.Sub("part")), "whole") << "it is no claim";
}

// Otherwise a power loss could leave an empty file without a part that explains
// it.
TEST(ClaimTest, ThePartIsSafeBeforeTheNameIsClaimed) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("part"), "whole");
  FaultFileSystem disk(FileSystem::Posix());
  disk.set_plain_names(true);
  ASSERT_TRUE(MoveToNewName(&disk, dir.Sub("part"), dir.Sub("name")).ok());
  const auto trace = disk.trace();
  const auto synced =
      std::find(trace.begin(), trace.end(), "SyncDirectory " + dir.path());
  const auto claimed =
      std::find(trace.begin(), trace.end(), "Create " + dir.Sub("name"));
  ASSERT_NE(claimed, trace.end());
  EXPECT_LT(synced, claimed);
}

// A disk on which a removal is done and reported as failed.
class LyingDisk : public LinkingDisk {
 public:
  Status RemoveFile(const std::string& path) override {
    (void)LinkingDisk::RemoveFile(path);
    return Status(StatusCode::kIoError, path + ": I/O error");
  }
};

TEST(NewNameOnLyingDiskTest, FileIsNeverWithoutAName) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("part"), "whole");
  LyingDisk disk;
  disk.links_only = true;
  EXPECT_TRUE(MoveToNewName(&disk, dir.Sub("part"), dir.Sub("name")).ok());
  EXPECT_EQ(test::ReadFile(dir.Sub("name")), "whole");
}

// A disk that ignores the flags of a rename, like exFAT with fuse 3.17.
class HeedlessDisk : public FaultFileSystem {
 public:
  HeedlessDisk() : FaultFileSystem(FileSystem::Posix()) {}
  Status RenameNoReplace(const std::string& source,
                         const std::string& target) override {
    return FaultFileSystem::Rename(source, target);
  }
};

TEST(NewNameOnHeedlessDiskTest, WhatIsThereStays) {
  test::TempDir dir;
  test::WriteFile(dir.Sub("part"), "whole");
  test::WriteFile(dir.Sub("name"), "another");
  HeedlessDisk disk;
  EXPECT_EQ(MoveToNewName(&disk, dir.Sub("part"), dir.Sub("name")).code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(test::ReadFile(dir.Sub("name")), "another");
}

}  // namespace
}  // namespace levelkeep
