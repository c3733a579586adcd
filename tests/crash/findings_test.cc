// Faults of LevelKeep that the simulated disk has found, one test for each.

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "crash/machine.h"

namespace levelkeep::test {
namespace {

class FindingsTest : public ::testing::Test {
 protected:
  FindingsTest() { machine_.disk()->Restore(TheInstallation().disk); }
  bool Exists(const std::string& path) {
    return PathExists(machine_.fs(), path);
  }
  size_t CountBackups() {
    machine_.disk()->Restore(machine_.disk()->Save());  // no fault any more
    const auto listed = Engine(machine_.options(), machine_.platform()).List();
    return listed.ok() ? listed->size() : 0;
  }

  Machine machine_;
  const std::string backup_ = TheInstallation().backup;
};

// A state file that could not be looked at counted as missing, and its
// backup was removed.
TEST_F(FindingsTest, PinHoldsWhileTheDiskDoesNotTellOfIt) {
  Application app(&machine_);
  ASSERT_TRUE(app.Start().ok());
  ASSERT_TRUE(app.manager()->PinBackup(backup_, true).ok());
  for (int i = 0; i < 2; ++i) {
    machine_.Wait(std::chrono::seconds(2));
    ASSERT_TRUE(app.manager()->CreateBackup({}).ok());
  }
  machine_.disk()->FailOn(backup_ + ".json", EIO);
  ASSERT_TRUE(app.manager()->Rotate(false).ok());
  EXPECT_TRUE(machine_.disk()->fired());
  EXPECT_TRUE(Exists(machine_.Backup(backup_)));
}

// `levelkeep create` reported a failure though the backup had been made.
TEST_F(FindingsTest, FailingRotationDoesNotUnmakeTheProgramsBackup) {
  bool more = true;
  for (uint64_t nth = 1; more; ++nth) {
    machine_.disk()->Restore(TheInstallation().disk);
    machine_.disk()->FailOn("list /srv/backups", EIO, nth);
    Engine engine(machine_.options(), machine_.platform());
    const bool made = engine.Create({.trigger = "manual"}).ok();
    more = machine_.disk()->fired();
    EXPECT_EQ(CountBackups(), made ? 2u : 1u) << nth;
  }
}

// A read that failed once was remembered as damage of the archive.
TEST_F(FindingsTest, ArchiveThatCantBeReadIsNotCalledDamaged) {
  Application app(&machine_);
  ASSERT_TRUE(app.Start().ok());
  machine_.disk()->FailOn("read from device " + machine_.Backup(backup_), EIO);
  ASSERT_TRUE(app.manager()->CreateBackup({}).ok());
  EXPECT_TRUE(machine_.disk()->fired()) << "no member was read for reuse";
  EXPECT_EQ(app.manager()->FindBackup(backup_)->status,
            BackupStatus::kUnverified);
}

// A crash while BACKUP_ID was written left a file in the database for ever.
TEST_F(FindingsTest, HalfWrittenBackupIdIsSwept) {
  const std::string left =
      JoinPath(machine_.Live(), NewTemporaryName(kTemporarySuffix));
  machine_.WriteWhole(left, "half");
  Application app(&machine_);
  const auto started = app.Initialize();
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(started->swept, std::vector<std::string>{left});
  EXPECT_FALSE(Exists(left));
}

// A crash between the move of a dropped archive and the end of its attempt
// left the attempt to count against a later archive of the same name.
TEST_F(FindingsTest, AttemptEndsWithItsArchive) {
  machine_.WriteWhole(machine_.Work() + "/attempt", "an attempt");
  Application app(&machine_);
  ASSERT_TRUE(app.Initialize().ok());
  EXPECT_FALSE(Exists(machine_.Work() + "/attempt"));
}

// The move to applied/ was recorded though its sync had failed: after a power
// loss the archive lay in restore/ again and was applied once more.
TEST_F(FindingsTest, MoveIsNotRecordedBeforeItIsDurable) {
  machine_.WriteWhole(machine_.Drop("x.tar.gz"), TheInstallation().archive);
  const SimulatedState first = machine_.disk()->Save();
  bool more = true;
  for (uint64_t nth = 1; more; ++nth) {
    machine_.disk()->Restore(first);
    machine_.disk()->FailOn("sync folder /srv/restore", EIO, nth);
    (void)Application(&machine_).Initialize();
    more = machine_.disk()->fired();
    {
      Application again(&machine_);
      ASSERT_TRUE(again.Start().ok());
      ASSERT_TRUE(again.Put("later", "event").ok());
    }
    machine_.disk()->Reboot(0);
    Application after(&machine_);
    ASSERT_TRUE(after.Start().ok());
    EXPECT_EQ((*after.Read())->count("later"), 1u) << nth;
  }
}

// The check took a CURRENT that it could not look at for a missing one, and
// the archive was rejected.
TEST_F(FindingsTest, FailingDiskIsNotTheArchivesFault) {
  machine_.WriteWhole(machine_.Drop("x.tar.gz"), TheInstallation().archive);
  const SimulatedState first = machine_.disk()->Save();
  bool more = true;
  for (uint64_t nth = 1; more; ++nth) {
    machine_.disk()->Restore(first);
    machine_.disk()->FailOn("/CURRENT", EIO, nth);
    (void)Application(&machine_).Initialize();
    more = machine_.disk()->fired();
    EXPECT_FALSE(Exists(machine_.Drop("rejected/x.tar.gz")))
        << machine_.disk()->last_operation();
  }
}

}  // namespace
}  // namespace levelkeep::test
