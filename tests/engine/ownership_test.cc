// Which database a backup belongs to, and whether a database is still the same
// one: several installations on one BACKUP_DIR, copies, databases that were put
// back, volumes that are missing.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "engine/site.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::Site;

namespace fs = std::filesystem;

class OwnershipTest : public ::testing::Test {
 protected:
  OwnershipTest() : a_(dir_.path(), "a"), b_(dir_.path(), "b") {}

  void Copy(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  test::TempDir dir_;
  Site a_, b_;
};

TEST_F(OwnershipTest, EachDatabaseRotatesItsOwnBackups) {
  a_.Put(0, 100);
  b_.Put(0, 50);
  const std::string a1 = a_.Create();
  const std::string a2 = a_.Create();
  for (int i = 0; i < 4; ++i) b_.Create();
  EXPECT_TRUE(a_.Has(a1));
  EXPECT_TRUE(a_.Has(a2));
  EXPECT_EQ(a_.Files().size(), 4u) << "two of each database";
  EXPECT_EQ(a_.Latest(), a2) << "though b made newer ones";
  EXPECT_NE(a_.Identity().id, b_.Identity().id);
  EXPECT_EQ(a_.ManifestOf(a2)->db_id, a_.Identity().id);
  EXPECT_EQ(a_.ManifestOf(a2)->previous_name, a1);
}

TEST_F(OwnershipTest, AnothersBackupIsTakenOnlyIfItIsMeant) {
  a_.Put(0, 100);
  b_.Put(0, 50);
  const std::string a1 = a_.Create();
  const std::string b1 = b_.Create();
  EXPECT_EQ(b_.Restore(a1).code(), StatusCode::kOtherDatabase);
  const DatabaseIdentity before = b_.Identity();
  const Status meant = b_.Restore(a1, /*other=*/true);
  ASSERT_TRUE(meant.ok()) << meant.ToString();
  EXPECT_EQ(test::CheckDatabase(b_.db_dir(), 100), "");
  EXPECT_EQ(b_.Identity().id, before.id) << "the identity stays";
  EXPECT_NE(b_.Identity().epoch, before.epoch);
  EXPECT_EQ(b_.Identity().parent, a_.Identity().epoch);

  EXPECT_EQ(b_.engine().Delete(a1, true, false).code(),
            StatusCode::kOtherDatabase);
  EXPECT_TRUE(b_.Has(a1));
  EXPECT_TRUE(b_.engine().Delete(a1, true, true).ok());
  EXPECT_FALSE(b_.Has(a1));
  EXPECT_TRUE(b_.Has(b1));
}

TEST_F(OwnershipTest, WhereNoDatabaseIsTheLatestOfSeveralIsNotGuessed) {
  a_.Put(0, 100);
  const std::string a1 = a_.Create();
  Site nobody(dir_.path(), "nobody");
  EXPECT_EQ(nobody.Latest(), a1) << "there is only one database";
  b_.Put(0, 50);
  b_.Create();
  nobody.Reset();
  EXPECT_NE(nobody.Latest().find("several databases"), std::string::npos);
  // Without a database, a rotation removes nothing.
  nobody.options_.retention.max_backups = 1;
  nobody.Reset();
  const auto rotated = nobody.engine().Rotate();
  ASSERT_TRUE(rotated.ok());
  for (const RotationDecision& decision : *rotated) {
    EXPECT_TRUE(decision.keep) << decision.reason;
  }
}

TEST_F(OwnershipTest, ADatabaseThatIsMissingIsNotBegunAnew) {
  a_.Put(0, 100);
  EXPECT_TRUE(a_.engine().RequireDatabase().ok());
  ASSERT_TRUE(a_.engine().Adopt(true).ok());
  a_.Reset();
  fs::rename(a_.options_.storage_dir, dir_.Sub("elsewhere"));
  const Status missing = a_.engine().RequireDatabase();
  EXPECT_EQ(missing.code(), StatusCode::kRefused);
  EXPECT_NE(missing.hint().find("ALLOW_NEW_DATABASE"), std::string::npos);
  EXPECT_TRUE(b_.engine().RequireDatabase().ok()) << "there never was one";
}

TEST_F(OwnershipTest,
       ANewLifeInTheSamePlaceIsTheSameDatabaseWithAnotherHistory) {
  a_.Put(0, 100);
  ASSERT_TRUE(a_.engine().Adopt(true).ok());
  const DatabaseIdentity before = a_.Identity();
  const std::string a1 = a_.Create();
  a_.Reset();
  fs::remove_all(a_.options_.storage_dir);
  a_.Put(0, 10);
  const auto adopted = a_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok()) << adopted.status().ToString();
  EXPECT_TRUE(adopted->began);
  EXPECT_EQ(adopted->identity.id, before.id);
  EXPECT_NE(adopted->identity.epoch, before.epoch);
  EXPECT_EQ(a_.Latest(), a1) << "its backups are still its own";
}

TEST_F(OwnershipTest, ADatabaseThatWasPutBackBeginsAnotherHistory) {
  a_.Put(0, 100);
  const std::string a1 = a_.Create();
  Copy(a_.options_.storage_dir, dir_.Sub("kept"));
  a_.Put(100, 200);
  const std::string a2 = a_.Create();
  a_.Verify(a2);
  const DatabaseIdentity before = a_.Identity();
  Copy(dir_.Sub("kept"), a_.options_.storage_dir);
  a_.Reset();
  a_.Put(100, 110);
  const std::string a3 = a_.Create();
  EXPECT_EQ(a_.Identity().id, before.id);
  EXPECT_NE(a_.Identity().epoch, before.epoch);
  EXPECT_EQ(a_.Identity().parent, before.epoch);
  EXPECT_EQ(a_.ManifestOf(a3)->db_parent, before.epoch);
  EXPECT_EQ(a_.Latest(), a3) << "newer, though it holds fewer writes";
  const std::string a4 = a_.Create();
  const std::string a5 = a_.Create();
  EXPECT_FALSE(a_.Has(a1));
  EXPECT_TRUE(a_.Has(a2)) << "the last backup of the other history";
  EXPECT_TRUE(a_.Has(a4));
  EXPECT_TRUE(a_.Has(a5));
}

TEST_F(OwnershipTest, WhatIsPutBackIsNoticedByItsManifestToo) {
  a_.Put(0, 100);
  a_.Create();
  Copy(a_.options_.storage_dir, dir_.Sub("kept"));
  for (int i = 0; i < 5; ++i) a_.Put(100 + i, 101 + i);  // five MANIFESTs
  a_.Create();
  const std::string epoch = a_.Identity().epoch;
  Copy(dir_.Sub("kept"), a_.options_.storage_dir);
  a_.Put(100, 400);  // more writes than ever, in one go
  a_.Reset();
  const auto adopted = a_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok());
  EXPECT_TRUE(adopted->began);
  EXPECT_NE(a_.Identity().epoch, epoch);
}

// The remembered state is lost, but the newest backup knows it.
TEST_F(OwnershipTest, TheNewestBackupRemembersWhatWasReached) {
  a_.Put(0, 100);
  a_.Create();
  Copy(a_.options_.storage_dir, dir_.Sub("kept"));
  a_.Put(100, 200);
  a_.Create();
  Copy(dir_.Sub("kept"), a_.options_.storage_dir);
  fs::remove_all(a_.options_.backup_dir + "/.levelkeep/databases");
  a_.Reset();
  const auto adopted = a_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok());
  EXPECT_TRUE(adopted->began) << adopted->forked;
}

TEST_F(OwnershipTest, WhatLevelKeepRestoredIsNoFork) {
  a_.Put(0, 100);
  const std::string a1 = a_.Create();
  a_.Put(100, 200);
  ASSERT_TRUE(a_.Restore(a1).ok());
  const std::string restored = a_.Identity().epoch;
  a_.Reset();
  auto adopted = a_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok());
  EXPECT_FALSE(adopted->began) << adopted->forked;
  EXPECT_EQ(a_.Identity().epoch, restored);
  a_.engine().Release();

  ASSERT_TRUE(a_.engine().Undo(UndoScope::kLast).ok());
  a_.Reset();
  adopted = a_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok());
  EXPECT_FALSE(adopted->began) << adopted->forked;
  EXPECT_EQ(test::CheckDatabase(a_.db_dir(), 200), "");
}

TEST_F(OwnershipTest, ACopyThatLivesAtTheSameTimeIsADatabaseOfItsOwn) {
  a_.Put(0, 100);
  ASSERT_TRUE(a_.engine().Adopt(true).ok());
  const std::string a1 = a_.Create();
  Copy(a_.options_.storage_dir, b_.options_.storage_dir);
  const auto adopted = b_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok()) << adopted.status().ToString();
  EXPECT_TRUE(adopted->began);
  EXPECT_NE(b_.Identity().id, a_.Identity().id);
  EXPECT_EQ(b_.Identity().parent, a_.Identity().epoch);
  for (int i = 0; i < 3; ++i) b_.Create();
  EXPECT_TRUE(a_.Has(a1));
  EXPECT_EQ(a_.Latest(), a1);
}

TEST_F(OwnershipTest, ACopyOfADatabaseThatNobodyHasOpenTakesItsPlace) {
  a_.Put(0, 100);
  ASSERT_TRUE(a_.engine().Adopt(true).ok());
  a_.Reset();  // as after kill -9: nobody holds the record's lock
  Copy(a_.options_.storage_dir, b_.options_.storage_dir);
  const auto adopted = b_.engine().Adopt(true);
  ASSERT_TRUE(adopted.ok());
  EXPECT_FALSE(adopted->began) << adopted->forked;
  EXPECT_EQ(b_.Identity(), a_.Identity());
}

// Archives of 0.1.0 name no database.
TEST_F(OwnershipTest, ATarOfTheFolderMovesTheIdentityWithIt) {
  a_.Put(0, 100);
  ASSERT_TRUE(a_.engine().Adopt(false).ok());
  const std::string tar = dir_.Sub("moved.tar.gz");
  const std::string command = "tar czf '" + tar + "' -C '" +
                              a_.options_.storage_dir + "' " +
                              a_.options_.db_name;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto restore = [&](Site* site) {
    const auto found = site->engine().Locate(tar);
    ASSERT_TRUE(found.ok());
    const auto report = site->engine().Restore(*found, {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(test::CheckDatabase(site->db_dir(), 100), "");
  };
  restore(&b_);
  EXPECT_EQ(b_.Identity().id, a_.Identity().id);
  EXPECT_NE(b_.Identity().epoch, a_.Identity().epoch);
  // An existing database keeps its own identity.
  Site c(dir_.path(), "c");
  c.Put(0, 5);
  ASSERT_TRUE(c.engine().Adopt(false).ok());
  const DatabaseIdentity before = c.Identity();
  restore(&c);
  EXPECT_EQ(c.Identity().id, before.id);
}

TEST_F(OwnershipTest, VerificationsOfTwoDatabasesDoNotWaitForEachOther) {
  a_.Put(0, 100);
  b_.Put(0, 50);
  const std::string a1 = a_.Create();
  const std::string b1 = b_.Create();
  const auto lock_of = [&](const Site& site) {
    return site.options_.backup_dir + "/.levelkeep/databases/" +
           site.Identity().id + "/verify.lock";
  };
  {
    const auto held = FileSystem::Posix()->Lock(lock_of(a_));
    ASSERT_TRUE(held.ok());
    const auto busy =
        a_.engine().Verify(*a_.engine().Find(a1), VerifyDepth::kChecksums, {});
    EXPECT_EQ(busy.status().code(), StatusCode::kBusy);
    b_.Verify(b1);
  }
  a_.Verify(a1);
  // The scratch folder of a killed verification is swept if its lock is free.
  const std::string scratch = fs::path(lock_of(a_)).parent_path() / "scratch-1";
  fs::create_directory(scratch);
  {
    const auto held = FileSystem::Posix()->Lock(lock_of(a_));
    ASSERT_TRUE(b_.engine().Sweep().ok());
    EXPECT_TRUE(fs::exists(scratch));
  }
  ASSERT_TRUE(b_.engine().Sweep().ok());
  EXPECT_FALSE(fs::exists(scratch));
}

TEST_F(OwnershipTest, NamelessArchivesAreItsOwnWhileItIsAlone) {
  a_.Put(0, 100);
  a_.Create();
  const std::string nameless = "backup_2024-01-01_000000.tar.gz";
  test::WriteOwnArchive(a_.db_dir(), a_.options_.backup_dir + "/" + nameless);
  b_.Put(0, 10);
  b_.Create();
  for (int i = 0; i < 3; ++i) a_.Create();
  EXPECT_TRUE(a_.Has(nameless)) << "it may be b's";
  EXPECT_TRUE(a_.Restore(nameless).ok()) << "by name, as always";
  // b goes away, with everything that is remembered about it.
  for (const std::string& name : b_.Files()) {
    if (b_.ManifestOf(name)->db_id == b_.Identity().id) {
      ASSERT_TRUE(b_.engine().Delete(name, true, false).ok());
    }
  }
  fs::remove_all(a_.options_.backup_dir + "/.levelkeep/databases/" +
                 b_.Identity().id);
  a_.Reset();
  a_.Create();
  EXPECT_TRUE(a_.Has(nameless)) << "the restore can be undone";
  ASSERT_TRUE(a_.engine().ForgetUndo().ok());
  a_.Create();
  EXPECT_FALSE(a_.Has(nameless));
}

}  // namespace
}  // namespace levelkeep
