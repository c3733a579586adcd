// A caller that looks at a backup first restores exactly that backup.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/site.h"
#include "restore/context.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::Site;

class LookAndRestoreTest : public ::testing::Test {
 protected:
  LookAndRestoreTest() : site_(dir_.path(), "storage", &clock_) {
    site_.Reset();
    site_.Put(0, 10);
    const std::string first = site_.Create();
    first_ = PathOf(first);
    sequence_ = site_.ManifestOf(first)->last_sequence;
    clock_.Advance(std::chrono::minutes(1));
    site_.Put(10, 20);
    second_ = PathOf(site_.Create());
  }
  std::string PathOf(const std::string& name) {
    const auto found = site_.engine().Find(name);
    EXPECT_TRUE(found.ok());
    return found.ok() ? found->path : "";
  }
  // The first backup: shown, then replaced by the second, which gets its name.
  FoundBackup ShownAndReplaced() {
    const std::string shown = dir_.Sub("shown.tar.gz");
    std::filesystem::copy_file(first_, shown);
    auto backup = site_.engine().Locate(shown);
    EXPECT_TRUE(backup.ok());
    EXPECT_TRUE(site_.engine().Open(&*backup).ok());
    std::filesystem::copy_file(second_, dir_.Sub("other"));
    std::filesystem::rename(dir_.Sub("other"), shown);
    return *backup;
  }

  test::FakeClock clock_;
  test::TempDir dir_;
  Site site_;
  std::string first_, second_;
  uint64_t sequence_ = 0;  // of the first
};

TEST_F(LookAndRestoreTest, RestoresWhatWasShown) {
  const FoundBackup backup = ShownAndReplaced();
  const auto preview = site_.engine().Preview(backup);
  ASSERT_TRUE(preview.ok());
  const auto restored = site_.engine().Restore(backup, {});
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_EQ(restored->last_sequence, preview->backup_sequence);
  EXPECT_EQ(restored->last_sequence, sequence_);
}

TEST_F(LookAndRestoreTest, ExtractsWhatWasShown) {
  const auto extracted =
      site_.engine().Extract(ShownAndReplaced(), dir_.Sub("to"), {});
  ASSERT_TRUE(extracted.ok()) << extracted.status().ToString();
  EXPECT_EQ(extracted->last_sequence, sequence_);
}

TEST_F(LookAndRestoreTest, StagesWhatWasShown) {
  const FoundBackup backup = ShownAndReplaced();
  ASSERT_TRUE(site_.engine().Stage(backup, {}).ok());
  const auto staged = site_.engine().Locate(
      JoinPath(site_.options_.restore_dir, "shown.tar.gz"));
  ASSERT_TRUE(staged.ok());
  const auto preview = site_.engine().Preview(*staged);
  ASSERT_TRUE(preview.ok());
  EXPECT_EQ(preview->backup_sequence, sequence_);
}

TEST_F(LookAndRestoreTest, NothingIsStagedThatNoStartWouldApply) {
  site_.options_.restore.at_start = false;
  site_.Reset();
  const auto found = site_.engine().Locate(first_);
  ASSERT_TRUE(found.ok());
  const Status refused = site_.engine().Stage(*found, {}).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("AUTO_RESTORE_ENABLED"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(site_.options_.restore_dir + "/" +
                                       BaseName(first_)));
}

TEST_F(LookAndRestoreTest, ALaterRestoreReplacesTheOneThatIsStaged) {
  const std::string drops = site_.options_.restore_dir + "/";
  const auto staged = [&] {
    return std::filesystem::exists(drops + BaseName(second_));
  };
  const auto stage = [&] {
    EXPECT_TRUE(site_.engine().Stage(*site_.engine().Locate(second_), {}).ok());
    EXPECT_TRUE(staged());
  };
  stage();
  std::filesystem::copy_file(second_, drops + "persons.tar.gz");
  ASSERT_TRUE(site_.engine().Restore(*site_.engine().Locate(first_), {}).ok());
  EXPECT_FALSE(staged());
  EXPECT_TRUE(std::filesystem::exists(drops + "persons.tar.gz"))
      << "a restore leaves the drop of a person alone";
  stage();
  ASSERT_TRUE(site_.engine().Undo(UndoScope::kLast).ok());
  EXPECT_FALSE(staged());
}

TEST_F(LookAndRestoreTest, NothingIsExtractedIntoWhatARestoreReplaces) {
  const auto found = site_.engine().Locate(first_);
  ASSERT_TRUE(found.ok());
  ASSERT_TRUE(site_.engine().Restore(*found, {}).ok());  // makes our own folder
  for (const std::string& folder :
       {site_.db_dir(),
        WorkDirOf(site_.options_.storage_dir, site_.options_.db_name)}) {
    const std::string target = folder + "/rollback-mine";
    for (const Status& refused :
         {site_.engine().Extract(*found, target, {}).status(),
          site_.engine().RehearseExtract(*found, target, {})}) {
      EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
      EXPECT_EQ(refused.message().find("the target ("), 0u)
          << refused.ToString();
    }
    EXPECT_FALSE(std::filesystem::exists(target));
  }
}

TEST_F(LookAndRestoreTest, AnUndoWhereNothingWasMakesNoFolder) {
  site_.options_.storage_dir = dir_.Sub("none");
  site_.options_.restore_dir = dir_.Sub("none-either");
  site_.Reset();
  EXPECT_EQ(site_.engine().Undo(UndoScope::kAll).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(site_.engine().ForgetUndo().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(dir_.Sub("none")));
  EXPECT_FALSE(std::filesystem::exists(dir_.Sub("none-either")));
}

TEST_F(LookAndRestoreTest, AFileIsVerifiedWhereNoBackupsAre) {
  site_.options_.backup_dir = dir_.Sub("none");
  site_.Reset();
  const auto found = site_.engine().Locate(first_);
  ASSERT_TRUE(found.ok());
  const auto report = site_.engine().Verify(*found, VerifyDepth::kFull, {});
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_FALSE(std::filesystem::exists(dir_.Sub("none")));
}

}  // namespace
}  // namespace levelkeep
