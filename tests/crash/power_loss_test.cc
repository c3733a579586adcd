// The power goes at every file-system call; what was not synced is lost, all
// of it or only the newest part.

#include "crash/crash_fixture.h"
#include "crash/power_loss_file_system.h"

namespace levelkeep::test {
namespace {

// With and without RENAME_EXCHANGE.
class PowerLossTest : public CrashFixture,
                      public ::testing::WithParamInterface<bool> {
 protected:
  // Runs `operation` until the power goes at the n-th call, forgets the
  // newest `forget` unsynced changes, calls `check` on the disk as it is
  // found; for all n and all forget that differ.
  void Loop(const std::function<void()>& first_state,
            const std::function<bool(FileSystem*)>& operation,
            const std::function<void(bool succeeded)>& check) {
    size_t forgotten = 0;
    for (uint64_t n = 1;; ++n) {
      bool fired = false;
      size_t unsynced = 0;
      for (size_t forget = 0; forget <= unsynced; ++forget) {
        first_state();
        std::filesystem::remove_all(temp_.Sub("graveyard"));
        PowerLossFileSystem power(temp_.Sub("graveyard"));
        FaultFileSystem disk(&power);
        disk.set_exchange_supported(GetParam());
        disk.CrashAt(n);
        const bool succeeded = operation(&disk);
        fired = disk.fired();
        unsynced = power.unsynced_changes();
        power.Lose(forget, temp_.path());
        forgotten += forget;
        SCOPED_TRACE("power loss at call " + std::to_string(n) + " (" +
                     disk.last_operation() + "), " + std::to_string(forget) +
                     " of " + std::to_string(unsynced) +
                     " unsynced changes lost");
        check(succeeded);
        if (HasFailure()) return;
      }
      if (!fired) break;
    }
    EXPECT_GT(forgotten, 10u) << "the disk had something to forget";
  }
};

TEST_P(PowerLossTest, ApplyLeavesExactlyOldOrExactlyNew) {
  Loop([&] { ResetInstallation(); },
       [&](FileSystem* disk) {
         auto restorer = NewRestorer(disk);
         if (!restorer->Prepare().ok() || !restorer->Recover().ok()) {
           return false;
         }
         const auto staged = restorer->Stage(new_archive_, {}, nullptr);
         return staged.ok() && restorer->Apply(*staged, OpenAndClose).ok();
       },
       [&](bool succeeded) {
         RecoverOnGoodDisk(OpenAndClose);
         if (succeeded) {
           EXPECT_TRUE(LiveIsNew());
         }
         if (LiveIsNew()) {
           ExpectOldIsRecoverable();
         } else {
           EXPECT_TRUE(LiveIsOld());
         }
         ExpectTidy();
       });
}

TEST_P(PowerLossTest, DropIsAppliedOnceAndNeverLost) {
  const auto start = [&](FileSystem* disk) {
    auto restorer = NewRestorer(disk);
    if (!restorer->Prepare().ok() || !restorer->Recover(OpenAndClose).ok()) {
      return false;
    }
    const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
    return outcome.ok() && outcome->applied.has_value();
  };
  Loop(
      [&] {
        ResetInstallation();
        DropArchive();
      },
      start,
      [&](bool succeeded) {
        RecoverOnGoodDisk(OpenAndClose);
        EXPECT_EQ(CountArchives(), 1) << "I6";
        if (succeeded) {
          EXPECT_TRUE(LiveIsNew());
        }
        ASSERT_TRUE(LiveIsNew() || LiveIsOld());
        EXPECT_EQ(start(FileSystem::Posix()), LiveIsOld()) << "I3";
        EXPECT_EQ(CountArchives(), 1) << "I6";
        EXPECT_TRUE(LiveIsNew());
        ExpectOldIsRecoverable();
      });
}

TEST_P(PowerLossTest, UndoLeavesExactlyOldOrExactlyNew) {
  Loop(
      [&] {
        ResetInstallation();
        auto restorer = Started();
        const auto staged = restorer->Stage(new_archive_, {}, nullptr);
        ASSERT_TRUE(staged.ok());
        ASSERT_TRUE(restorer->Apply(*staged, OpenAndClose).ok());
      },
      [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        return restorer->Prepare().ok() && restorer->Recover().ok() &&
               restorer->Undo(OpenAndClose).ok();
      },
      [&](bool succeeded) {
        RecoverOnGoodDisk(OpenAndClose);
        const Entries live = ReadDb(Live());
        if (succeeded) {
          EXPECT_EQ(live, kOldEntries);
        }
        ASSERT_TRUE(live == kOldEntries || live == kNewEntries);
        ASSERT_TRUE(NewRestorer()->UndoAvailable());
        ASSERT_TRUE(Started()->Undo(OpenAndClose).ok());
        EXPECT_EQ(ReadDb(Live()),
                  live == kOldEntries ? kNewEntries : kOldEntries);
      });
}

TEST_P(PowerLossTest, ExtractionElsewhereIsWholeOrAbsent) {
  const std::string target = options_.storage_dir + "/extracted";
  Loop([&] { ResetInstallation(); },
       [&](FileSystem* disk) {
         return NewRestorer(disk)
             ->ExtractTo(new_archive_, target, {}, nullptr)
             .ok();
       },
       [&](bool succeeded) {
         if (succeeded) {
           EXPECT_TRUE(Exists(target));
         }
         if (Exists(target)) {
           EXPECT_EQ(ReadDb(target), kNewEntries);
         }
       });
}

TEST_P(PowerLossTest, CopyForTheNextStartIsWholeOrAbsent) {
  Loop([&] { ResetInstallation(); },
       [&](FileSystem* disk) {
         auto restorer = NewRestorer(disk);
         return restorer->Prepare().ok() &&
                restorer->StageForRestart(new_archive_).ok();
       },
       [&](bool succeeded) {
         RecoverOnGoodDisk();
         if (succeeded) {
           EXPECT_EQ(CountArchives(), 1);
         }
         const bool there = Exists(Drop("new.tar.gz"));
         EXPECT_EQ(CountArchives(), there ? 1 : 0) << "never half of it";
       });
}

std::string ExchangeName(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "Exchange" : "TwoRenames";
}

INSTANTIATE_TEST_SUITE_P(Power, PowerLossTest, ::testing::Bool(), ExchangeName);

}  // namespace
}  // namespace levelkeep::test
