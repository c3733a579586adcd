// Files that root makes for a service, and files that root gives away. Only
// root can give files away: other users skip these tests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint32_t kService = 40404;
constexpr uint32_t kGroup = 40405;
constexpr uint32_t kPerson = 40406;

class PosixOwnerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    std::filesystem::create_directory(service_);
    Chown(service_, kService, kGroup);
  }
  static void Chown(const std::string& path, uint32_t user, uint32_t group) {
    ASSERT_EQ(::lchown(path.c_str(), user, group), 0) << path;
  }
  std::string In(const std::string& name) const {
    return JoinPath(service_, name);
  }
  // "owner:group".
  std::string OwnerOf(const std::string& path) const {
    const auto info = fs_->Stat(path);
    if (!info.ok()) return info.status().ToString();
    return std::to_string(info->owner) + ":" + std::to_string(info->group);
  }
  GiveReport Give(const std::string& folder) const {
    return GiveFolder({folder, kService, 0770, [](const std::string& name) {
                         return name != "README.md";
                       }});
  }

  FileSystem* const fs_ = FileSystem::Posix();
  test::TempDir dir_;
  const std::string service_ = dir_.Sub("service");
  const std::string kTheirs = "40404:40405";
};

TEST_F(PosixOwnerTest, WhatRootMakesBelongsToWhomTheFolderBelongsTo) {
  ASSERT_TRUE(fs_->Open(In("new"), OpenMode::kCreateNew).ok());
  ASSERT_TRUE(fs_->Open(In("log"), OpenMode::kAppend).ok());
  ASSERT_TRUE(fs_->Lock(In("lock")).ok());
  ASSERT_TRUE(CreateDirectories(fs_, In("a/b")).ok());
  ASSERT_TRUE(WriteFileDurably(fs_, In("a/b/state"), "{}").ok());
  for (const char* name : {"new", "log", "lock", "a", "a/b", "a/b/state"}) {
    EXPECT_EQ(OwnerOf(In(name)), kTheirs) << name;
  }
}

TEST_F(PosixOwnerTest, InRootsOwnFolderItStaysRoots) {
  ASSERT_TRUE(fs_->Open(dir_.Sub("x"), OpenMode::kCreateNew).ok());
  EXPECT_EQ(fs_->Stat(dir_.Sub("x"))->owner, 0u);
}

TEST_F(PosixOwnerTest, WhatIsThereKeepsItsOwner) {
  test::WriteFile(In("log"), "one");
  Chown(In("log"), kPerson, kPerson);
  ASSERT_TRUE(fs_->Open(In("log"), OpenMode::kAppend).ok());
  ASSERT_TRUE(fs_->Lock(In("log")).ok());
  EXPECT_EQ(OwnerOf(In("log")), "40406:40406");
}

TEST_F(PosixOwnerTest, WhatReplacesAFileBelongsToWhomThatBelongedTo) {
  test::WriteFile(In("state"), "old");
  Chown(In("state"), kPerson, kGroup);
  ASSERT_TRUE(WriteFileDurably(fs_, In("state"), "new").ok());
  EXPECT_EQ(OwnerOf(In("state")), "40406:40405");
}

// An older version that ran as root left this file.
TEST_F(PosixOwnerTest, WhatReplacesRootsBelongsToWhomTheFolderBelongsTo) {
  test::WriteFile(In("state"), "old");
  ASSERT_TRUE(WriteFileDurably(fs_, In("state"), "new").ok());
  EXPECT_EQ(OwnerOf(In("state")), kTheirs);
}

TEST_F(PosixOwnerTest, AFileWithAnotherNameIsNotGivenAway) {
  test::WriteFile(dir_.Sub("secret"), "root's");
  ASSERT_TRUE(fs_->Link(dir_.Sub("secret"), In("secret")).ok());
  fs_->GiveOwnerOf(service_, In("secret"));
  EXPECT_EQ(fs_->Stat(In("secret"))->owner, 0u);
  EXPECT_THAT(Give(service_).given, IsEmpty());
  EXPECT_EQ(fs_->Stat(In("secret"))->owner, 0u);
}

TEST_F(PosixOwnerTest, NoLinkIsFollowed) {
  test::WriteFile(dir_.Sub("secret"), "root's");
  std::filesystem::create_directory(dir_.Sub("etc"));
  test::WriteFile(dir_.Sub("etc/shadow"), "root's");
  std::filesystem::create_symlink(dir_.Sub("secret"), In("x.tar.gz"));
  std::filesystem::create_symlink(dir_.Sub("etc"), In("applied"));
  fs_->GiveOwnerOf(service_, In("x.tar.gz"));
  EXPECT_THAT(Give(service_).given, IsEmpty());
  for (const char* name : {"secret", "etc", "etc/shadow"}) {
    EXPECT_EQ(fs_->Stat(dir_.Sub(name))->owner, 0u) << name;
  }
  std::filesystem::create_symlink(service_, dir_.Sub("link"));
  const GiveReport report = Give(dir_.Sub("link"));
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].code(), StatusCode::kRefused);
}

TEST_F(PosixOwnerTest, AFolderIsGivenWithWhatIsWantedInIt) {
  const std::string folder = dir_.Sub("restore");
  std::filesystem::create_directories(JoinPath(folder, "applied/deep"));
  for (const char* name : {"x.tar.gz", "README.md", "applied/deep/y"}) {
    test::WriteFile(JoinPath(folder, name), name);
    Chown(JoinPath(folder, name), kPerson, kPerson);
  }
  Chown(folder, kPerson, kPerson);
  const GiveReport report = Give(folder);
  EXPECT_THAT(report.left, IsEmpty());
  EXPECT_THAT(report.given,
              UnorderedElementsAre(folder, JoinPath(folder, "x.tar.gz"),
                                   JoinPath(folder, "applied"),
                                   JoinPath(folder, "applied/deep"),
                                   JoinPath(folder, "applied/deep/y")));
  EXPECT_EQ(OwnerOf(folder), "40404:40406");
  EXPECT_EQ(fs_->Stat(folder)->mode, 0770u);
  EXPECT_EQ(OwnerOf(JoinPath(folder, "x.tar.gz")), "40404:40406");
  EXPECT_EQ(OwnerOf(JoinPath(folder, "README.md")), "40406:40406");
  EXPECT_THAT(Give(folder).given, IsEmpty()) << "given a second time";
}

// The service's own folder keeps the mode that somebody gave it.
TEST_F(PosixOwnerTest, WhatIsTheirsKeepsItsMode) {
  ASSERT_TRUE(fs_->SetMode(service_, 0750).ok());
  test::WriteFile(In("x"), "");
  EXPECT_THAT(Give(service_).given, ElementsAre(In("x")));
  EXPECT_EQ(fs_->Stat(service_)->mode, 0750u);
}

// In a folder for several users, or /tmp, a file is given away; the folder
// keeps its owner.
TEST_F(PosixOwnerTest, AFolderThatTheUserCanUseStaysAsItIs) {
  const std::string shared = dir_.Sub("shared");
  std::filesystem::create_directory(shared);
  test::WriteFile(JoinPath(shared, "x"), "");
  ASSERT_EQ(::chmod(shared.c_str(), 03777), 0);
  EXPECT_THAT(Give(shared).given, ElementsAre(JoinPath(shared, "x")));
  EXPECT_EQ(OwnerOf(shared), "0:0");
}

TEST_F(PosixOwnerTest, AFolderKeepsItsSetgidBit) {
  const std::string shared = dir_.Sub("shared");
  std::filesystem::create_directory(shared);
  Chown(shared, 0, kGroup);
  ASSERT_EQ(::chmod(shared.c_str(), 02755), 0);
  EXPECT_THAT(Give(shared).given, ElementsAre(shared));
  struct stat data;
  ASSERT_EQ(::stat(shared.c_str(), &data), 0);
  EXPECT_EQ(data.st_mode & 07777u, 02770u);
}

TEST_F(PosixOwnerTest, AFolderThatIsNotThereIsFine) {
  EXPECT_THAT(Give(dir_.Sub("none")).given, IsEmpty());
  EXPECT_THAT(Give(dir_.Sub("none")).left, IsEmpty());
  test::WriteFile(dir_.Sub("file"), "");
  EXPECT_EQ(Give(dir_.Sub("file")).left.size(), 1u);
}

TEST(GiveFolderTest, NobodyButRootGivesAnything) {
  if (::geteuid() == 0) GTEST_SKIP() << "needs another user than root";
  test::TempDir dir;
  const GiveReport report = GiveFolder({dir.path(), 40404, 0770, nullptr});
  ASSERT_EQ(report.left.size(), 1u);
  EXPECT_EQ(report.left[0].code(), StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace levelkeep
