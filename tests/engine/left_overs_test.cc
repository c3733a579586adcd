// The next create, rotation or verification removes the left-overs of killed
// programs; files that a living program holds stay.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/scratch_directory.h"
#include "engine/site.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

namespace stdfs = std::filesystem;

class LeftOversTest : public ::testing::Test {
 protected:
  LeftOversTest() { site_.Put(0, 10); }

  std::string Work(const std::string& name) const {
    return site_.options_.storage_dir + "/.levelkeep/" +
           site_.options_.db_name + "/" + name;
  }
  std::string Backups(const std::string& name) const {
    return site_.options_.backup_dir + "/" + name;
  }

  FileSystem* const fs_ = FileSystem::Posix();
  test::TempDir dir_;
  test::Site site_{dir_.path(), "storage"};
};

TEST_F(LeftOversTest, PartsGoWithTheNextCreateAndRotation) {
  site_.Create();
  const std::string left = Backups(NewTemporaryName(kPartSuffix));
  const std::string held = Backups(NewTemporaryName(kPartSuffix));
  test::WriteFile(held, "half");
  const auto lock = fs_->Lock(held);
  ASSERT_TRUE(lock.ok());
  test::WriteFile(left, "half");
  site_.Create();
  EXPECT_FALSE(stdfs::exists(left));
  EXPECT_TRUE(stdfs::exists(held)) << "another program writes it";
  test::WriteFile(left, "half");
  ASSERT_TRUE(site_.engine().PlanRotation().ok());
  EXPECT_TRUE(stdfs::exists(left)) << "a preview removes nothing";
  ASSERT_TRUE(site_.engine().Rotate().ok());
  EXPECT_FALSE(stdfs::exists(left));
  EXPECT_TRUE(stdfs::exists(held));
}

// The links in a scratch folder keep the space of tables that LevelDB has
// removed.
TEST_F(LeftOversTest, ScratchOfSnapshotsGoesWithTheNextCreate) {
  stdfs::create_directories(Work("scratch-killed"));
  test::WriteFile(Work("scratch-killed/owner.lock"), "");
  test::WriteFile(Work("scratch-killed/000005.ldb"), "x");
  const auto living = ScratchDirectory::Make(fs_, Work("scratch-living"));
  ASSERT_TRUE(living.ok());
  stdfs::create_directories(Work("scratch-of-a-check"));
  site_.Create();
  EXPECT_FALSE(stdfs::exists(Work("scratch-killed")));
  EXPECT_TRUE(stdfs::exists(Work("scratch-living")));
  EXPECT_TRUE(stdfs::exists(Work("scratch-of-a-check")));
}

TEST_F(LeftOversTest, ScratchOfVerificationsGoesWithTheNextOne) {
  const std::string name = site_.Create();
  const std::string left = Backups(".levelkeep/databases/" +
                                   site_.Identity().id + "/scratch-killed");
  stdfs::create_directories(left);
  site_.Verify(name);
  EXPECT_FALSE(stdfs::exists(left));
}

}  // namespace
}  // namespace levelkeep
