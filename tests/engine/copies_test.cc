// Backups whose archive is only in another destination: they are verified,
// inspected and restored as if the archive were here.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/hash.h"
#include "destination/folder_destination.h"
#include "engine/site.h"

namespace levelkeep {
namespace {

class EngineCopiesTest : public ::testing::Test {
 protected:
  EngineCopiesTest() {
    site_.Put(0, 500);
    name_ = site_.Create();
    const std::string path = site_.options_.backup_dir + "/" + name_;
    const std::string bytes = test::ReadFile(path);
    const auto source = NewStringSource(bytes);
    const auto put =
        other_.Put(name_, {source.get(), bytes.size(), Sha256Hex(bytes), {}},
                   nullptr, Work());
    EXPECT_TRUE(put.ok()) << put.status().ToString();
    Catalog catalog(FileSystem::Posix(), site_.options_.backup_dir);
    EXPECT_TRUE(
        catalog
            .AddCopy(name_, {other_.Id(), name_, put->version, put->size_bytes,
                             Sha256Hex(bytes), Clock::System()->Now()})
            .ok());
    EXPECT_TRUE(catalog.Remove(name_).ok());
    site_.Reset();
    site_.engine().AddDestination(&other_);
  }

  test::TempDir dir_;
  test::TempDir other_dir_;
  FolderDestination other_{FileSystem::Posix(), other_dir_.path()};
  test::Site site_{dir_.path(), "a"};
  std::string name_;
};

TEST_F(EngineCopiesTest, IsListedWithWhereItIs) {
  const auto backups = site_.engine().List();
  ASSERT_TRUE(backups.ok());
  ASSERT_EQ(backups->size(), 1u);
  EXPECT_EQ(backups->front().name, name_);
  EXPECT_EQ(backups->front().path, "");
  EXPECT_EQ(backups->front().status, BackupStatus::kUnverified);
  EXPECT_GT(backups->front().size_bytes, 0u);
  EXPECT_NE(backups->front().problem.find(other_.Id()), std::string::npos);
  EXPECT_TRUE(site_.engine().PendingVerification()->empty());
}

TEST_F(EngineCopiesTest, IsVerifiedAndInspected) {
  site_.Verify(name_);
  const auto found = site_.engine().Find(name_);
  EXPECT_EQ(found->status(), BackupStatus::kVerified);
  const auto inspected = site_.engine().Inspect(*found, {});
  ASSERT_TRUE(inspected.ok()) << inspected.status().ToString();
  EXPECT_TRUE(inspected->own);
  EXPECT_EQ(inspected->manifest->last_sequence, found->manifest->last_sequence);
}

TEST_F(EngineCopiesTest, IsRestoredNowAndAtTheNextStart) {
  const auto sequence = site_.engine().Find(name_)->manifest->last_sequence;
  site_.Put(500, 900);
  const auto preview = site_.engine().Preview(*site_.engine().Find(name_));
  ASSERT_TRUE(preview.ok()) << preview.status().ToString();
  EXPECT_GT(preview->current_sequence, sequence);
  ASSERT_TRUE(site_.Restore(name_).ok());
  EXPECT_EQ(
      site_.engine().Preview(*site_.engine().Find(name_))->current_sequence,
      sequence);
  const auto staged = site_.engine().Stage(*site_.engine().Find(name_), {});
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  const std::string dropped = site_.options_.restore_dir + "/" + name_;
  EXPECT_TRUE(test::ReadFile(dropped) == test::ReadFile(other_dir_.Sub(name_)));
}

TEST_F(EngineCopiesTest, ADamagedCopyIsFoundOutBeforeAnythingIsRestored) {
  const std::string path = other_dir_.Sub(name_);
  const auto time = std::filesystem::last_write_time(path);
  std::string bytes = test::ReadFile(path);
  bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
  test::WriteFile(path, bytes);
  std::filesystem::last_write_time(path, time);  // a bad disk keeps the time
  const auto verified = site_.engine().Verify(*site_.engine().Find(name_),
                                              VerifyDepth::kFull, {});
  EXPECT_EQ(verified.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(site_.engine().Find(name_)->status(), BackupStatus::kDamaged);
  EXPECT_FALSE(site_.Restore(name_).ok());
}

TEST_F(EngineCopiesTest, WithoutItsDestinationItIsSaidWhereItIs) {
  site_.Reset();
  const Status restored = site_.Restore(name_);
  EXPECT_EQ(restored.code(), StatusCode::kUnsupported);
  EXPECT_NE(restored.message().find(other_.Id()), std::string::npos);
  EXPECT_TRUE(site_.engine().DatabasePresent());
}

}  // namespace
}  // namespace levelkeep
