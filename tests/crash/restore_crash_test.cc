// Apply, the drop folder, undo and recovery itself, interrupted at every step.

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "crash/crash_fixture.h"
#include "restore/staging.h"

namespace levelkeep::test {
namespace {

enum class Fault { kCrash, kError, kNoSpace };

std::string FaultName(
    const ::testing::TestParamInfo<std::tuple<Fault, bool>>& info) {
  const auto [fault, exchange] = info.param;
  const std::string name = fault == Fault::kCrash   ? "Crash"
                           : fault == Fault::kError ? "Error"
                                                    : "NoSpace";
  return name + (exchange ? "" : "WithoutExchange");
}

// With and without RENAME_EXCHANGE: network file systems lack it.
class RestoreCrashTest
    : public CrashFixture,
      public ::testing::WithParamInterface<std::tuple<Fault, bool>> {
 protected:
  using Operation = std::function<bool(FileSystem*)>;  // returns success

  // Prepares with `first_state`, lets the n-th call of `operation` fail,
  // recovers on a good disk and calls `check`; does so for every n. Returns the
  // number of faults tried.
  uint64_t Loop(const std::function<void()>& first_state,
                const Operation& operation,
                const std::function<void(bool succeeded)>& check) {
    const auto [fault, exchange] = GetParam();
    for (uint64_t n = 1;; ++n) {
      first_state();
      FaultFileSystem disk(FileSystem::Posix());
      disk.set_exchange_supported(exchange);
      Arm(fault, n, &disk);
      const bool succeeded = operation(&disk);
      const bool fired = disk.fired();
      SCOPED_TRACE("fault at call " + std::to_string(n) + ": " +
                   disk.last_operation());
      check(succeeded);
      if (HasFailure() || !fired) return n - 1;
    }
  }

  static void Arm(Fault fault, uint64_t n, FaultFileSystem* disk) {
    if (fault == Fault::kCrash) disk->CrashAt(n);
    if (fault == Fault::kError) disk->FailAt(n, StatusCode::kIoError);
    if (fault == Fault::kNoSpace) disk->FailAt(n, StatusCode::kNoSpace);
  }

  bool ApplyArchive(FileSystem* disk, const OpenCheck& open_check) {
    auto restorer = NewRestorer(disk);
    if (!restorer->Prepare().ok() || !restorer->Recover().ok()) return false;
    const auto staged = restorer->Stage(new_archive_, {}, nullptr);
    if (!staged.ok()) return false;
    if (restorer->Apply(*staged, open_check).ok()) return true;
    restorer->Discard(*staged);  // as the manager does
    return false;
  }
  bool ApplyDrop(FileSystem* disk, const OpenCheck& open_check) {
    auto restorer = NewRestorer(disk);
    if (!restorer->Prepare().ok() || !restorer->Recover(open_check).ok()) {
      return false;
    }
    const auto outcome = restorer->ApplyDropped(open_check, {});
    return outcome.ok() && outcome->applied.has_value();
  }

  // The state after an acknowledged restore.
  void MakeRestored() {
    ResetInstallation();
    ASSERT_TRUE(ApplyArchive(FileSystem::Posix(), OpenAndClose));
  }
};

TEST_P(RestoreCrashTest, ApplyLeavesExactlyOldOrExactlyNew) {
  uint64_t new_states = 0;
  const uint64_t faults =
      Loop([&] { ResetInstallation(); },
           [&](FileSystem* disk) { return ApplyArchive(disk, OpenAndClose); },
           [&](bool succeeded) {
             RecoverOnGoodDisk();
             if (succeeded) {
               EXPECT_TRUE(LiveIsNew()) << "an acknowledged restore holds";
             }
             if (LiveIsNew()) {
               ++new_states;
               ExpectOldIsRecoverable();
             } else {
               EXPECT_TRUE(LiveIsOld());
               EXPECT_FALSE(NewRestorer()->UndoAvailable());
             }
             ExpectTidy();
             ExpectNothingElsewhere();
           });
  EXPECT_GT(faults, 30u);
  EXPECT_GT(new_states, 1u);
}

TEST_P(RestoreCrashTest, DropIsAppliedOnceAndNeverLost) {
  uint64_t opened = 0;
  const OpenCheck count_and_open = [&](const std::string& dir) {
    ++opened;
    return OpenAndClose(dir);
  };
  Loop(
      [&] {
        ResetInstallation();
        DropArchive();
        opened = 0;
      },
      [&](FileSystem* disk) { return ApplyDrop(disk, count_and_open); },
      [&](bool) {
        const RecoveryOutcome recovery = RecoverOnGoodDisk(count_and_open);
        EXPECT_TRUE(LiveIsNew() || LiveIsOld());
        EXPECT_EQ(CountArchives(), 1) << "I6";
        // The host works with the database, then starts again: a restore that
        // was completed may not happen a second time (I3).
        const bool restored = LiveIsNew();
        if (restored) {
          ExpectOldIsRecoverable();
          FillDb(Live(), {{"later", "event"}});
        }
        ASSERT_TRUE(ApplyDrop(FileSystem::Posix(), OpenAndClose) != restored);
        Entries expected = kNewEntries;
        if (restored) expected["later"] = "event";
        EXPECT_EQ(ReadDb(Live()), expected);
        EXPECT_EQ(CountArchives(), 1) << "I6";
        EXPECT_TRUE(Exists(Drop("applied/new.tar.gz")));
        EXPECT_FALSE(Exists(Drop("new.tar.gz")));
        EXPECT_EQ(InWork("attempt").size(), 0u);
        ExpectNothingElsewhere();
      });
}

TEST_P(RestoreCrashTest, BadDropLeavesTheOldDatabaseAndIsNeverLost) {
  const OpenCheck refuse = [](const std::string&) {
    return Status(StatusCode::kCorruption, "the host can't open it");
  };
  Loop(
      [&] {
        ResetInstallation();
        DropArchive();
      },
      [&](FileSystem* disk) { return ApplyDrop(disk, refuse); },
      [&](bool succeeded) {
        EXPECT_FALSE(succeeded);
        RecoverOnGoodDisk(refuse);
        EXPECT_TRUE(LiveIsOld());
        EXPECT_EQ(CountArchives(), 1) << "I6";
        EXPECT_FALSE(ApplyDrop(FileSystem::Posix(), refuse));
        EXPECT_TRUE(LiveIsOld());
        EXPECT_EQ(CountArchives(), 1) << "I6";
        EXPECT_TRUE(Exists(Drop("rejected/new.tar.gz")));
        EXPECT_TRUE(Exists(Drop("rejected/new.tar.gz.reason.txt")));
        EXPECT_FALSE(NewRestorer()->UndoAvailable());
        RecoverOnGoodDisk();
        ExpectTidy();
      });
}

TEST_P(RestoreCrashTest, UndoLeavesExactlyOldOrExactlyNew) {
  Loop([&] { MakeRestored(); },
       [&](FileSystem* disk) {
         auto restorer = NewRestorer(disk);
         return restorer->Prepare().ok() && restorer->Recover().ok() &&
                restorer->Undo(OpenAndClose).ok();
       },
       [&](bool succeeded) {
         RecoverOnGoodDisk();
         const Entries live = ReadDb(Live());
         if (succeeded) {
           EXPECT_EQ(live, kOldEntries);
         }
         ASSERT_TRUE(live == kOldEntries || live == kNewEntries);
         // The other database is still there, and undo brings it back.
         auto restorer = Started();
         ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
         EXPECT_EQ(ReadDb(Live()),
                   live == kOldEntries ? kNewEntries : kOldEntries);
         restorer.reset();
         RecoverOnGoodDisk();
         ExpectTidy();
       });
}

// I2 for the first restore, whatever happens to the second.
TEST_P(RestoreCrashTest, SecondRestoreKeepsWhatTheFirstOneReplaced) {
  Loop(
      [&] {
        MakeRestored();
        FillDb(Live(), {{"between", "event"}});
      },
      [&](FileSystem* disk) { return ApplyArchive(disk, OpenAndClose); },
      [&](bool succeeded) {
        RecoverOnGoodDisk();
        Entries with_event = kNewEntries;
        with_event["between"] = "event";
        const bool again = LiveIsNew();
        EXPECT_EQ(ReadDb(Live()), again ? kNewEntries : with_event);
        EXPECT_TRUE(again || !succeeded);
        auto restorer = Started();
        if (again) {
          ASSERT_TRUE(restorer->Undo(OpenAndClose).ok());
          EXPECT_EQ(ReadDb(Live()), with_event);
        }
        ASSERT_TRUE(restorer->Undo(OpenAndClose, UndoScope::kAll).ok());
        EXPECT_TRUE(LiveIsOld());
        ExpectTidy();
      });
}

TEST_P(RestoreCrashTest, UndoOfAllLeavesExactlyTheFirstOrTheLast) {
  Loop(
      [&] {
        MakeRestored();
        ASSERT_TRUE(ApplyArchive(FileSystem::Posix(), OpenAndClose));
        FillDb(Live(), {{"last", "event"}});
      },
      [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        return restorer->Prepare().ok() && restorer->Recover().ok() &&
               restorer->Undo(OpenAndClose, UndoScope::kAll).ok();
      },
      [&](bool succeeded) {
        RecoverOnGoodDisk();
        Entries last = kNewEntries;
        last["last"] = "event";
        const bool undone = LiveIsOld();
        EXPECT_TRUE(undone || !succeeded);
        EXPECT_EQ(ReadDb(Live()), undone ? kOldEntries : last);
        auto restorer = Started();
        const UndoScope other = undone ? UndoScope::kLast : UndoScope::kAll;
        ASSERT_TRUE(restorer->Undo(OpenAndClose, other).ok());
        EXPECT_EQ(ReadDb(Live()), undone ? last : kOldEntries);
        ExpectTidy();
      });
}

// The application can't open the restored database: nothing of this restore is
// left, and the restore before it can still be undone.
TEST_P(RestoreCrashTest, TakingBackKeepsWhatAnEarlierRestoreReplaced) {
  Loop(
      [&] {
        MakeRestored();
        FillDb(Live(), {{"between", "event"}});
        ASSERT_TRUE(ApplyArchive(FileSystem::Posix(), OpenAndClose));
      },
      [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        return restorer->Prepare().ok() && restorer->Recover().ok() &&
               restorer->TakeBack(OpenAndClose).ok();
      },
      [&](bool succeeded) {
        RecoverOnGoodDisk();
        Entries with_event = kNewEntries;
        with_event["between"] = "event";
        EXPECT_TRUE(LiveIsNew() || ReadDb(Live()) == with_event);
        EXPECT_TRUE(!succeeded || !LiveIsNew());
        auto restorer = Started();
        ASSERT_TRUE(restorer->Undo(OpenAndClose, UndoScope::kAll).ok());
        EXPECT_TRUE(LiveIsOld());
        ExpectTidy();
      });
}

TEST_P(RestoreCrashTest, ForgettingAnUndoNeverTouchesTheLiveDatabase) {
  Loop([&] { MakeRestored(); },
       [&](FileSystem* disk) {
         auto restorer = NewRestorer(disk);
         return restorer->Prepare().ok() && restorer->ForgetUndo().ok();
       },
       [&](bool succeeded) {
         RecoverOnGoodDisk();
         EXPECT_TRUE(LiveIsNew());
         if (succeeded) {
           EXPECT_FALSE(NewRestorer()->UndoAvailable());
         } else if (NewRestorer()->UndoAvailable()) {
           ExpectOldIsRecoverable();
         }
         ExpectTidy();
       });
}

TEST_P(RestoreCrashTest, AnAcceptedLossLeavesTheRemainsOrAWholeDatabase) {
  const std::string current = temp_.Sub("old") + "/CURRENT";
  uint64_t made = 0;
  Loop(
      [&] {
        ResetInstallation();
        std::filesystem::remove(Live() + "/CURRENT");
      },
      [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        if (!restorer->Prepare().ok() || !restorer->Recover().ok()) {
          return false;
        }
        const auto remains = FindRemains(restorer->context());
        if (!remains.ok()) return false;
        const auto staged = StageRemains(restorer->context(), *remains, {});
        return staged.ok() && restorer->Apply(*staged, OpenAndClose).ok();
      },
      [&](bool succeeded) {
        auto restorer = NewRestorer();
        ASSERT_TRUE(restorer->Prepare().ok());
        const auto recovered = restorer->Recover(OpenAndClose);
        EXPECT_TRUE(recovered.ok()) << recovered.status().ToString();
        const bool whole = Exists(Live() + "/CURRENT");
        EXPECT_TRUE(whole || !succeeded);
        const auto rollbacks = InWork("rollback-");
        EXPECT_EQ(rollbacks.size(), whole ? 1u : 0u);
        if (whole) {
          ++made;
        } else {  // the remains have not changed
          std::filesystem::copy(current, Live() + "/CURRENT");
        }
        EXPECT_TRUE(LiveIsOld());
        ExpectTidy();
      });
  EXPECT_GT(made, 1u);
}

TEST_P(RestoreCrashTest, CopyForTheNextStartIsWholeOrAbsent) {
  Loop([&] { ResetInstallation(); },
       [&](FileSystem* disk) {
         auto restorer = NewRestorer(disk);
         return restorer->Prepare().ok() &&
                restorer->StageForRestart(new_archive_).ok();
       },
       [&](bool succeeded) {
         RecoverOnGoodDisk();
         EXPECT_TRUE(LiveIsOld());
         if (succeeded) {
           EXPECT_EQ(CountArchives(), 1);
         }
         const bool there = CountArchives() == 1;
         EXPECT_EQ(ApplyDrop(FileSystem::Posix(), OpenAndClose), there);
         EXPECT_EQ(LiveIsNew(), there);
       });
}

TEST_P(RestoreCrashTest, ExtractionElsewhereIsWholeOrAbsent) {
  const std::string target = options_.storage_dir + "/extracted";
  Loop([&] { ResetInstallation(); },
       [&](FileSystem* disk) {
         return NewRestorer(disk)
             ->ExtractTo(new_archive_, target, {}, nullptr)
             .ok();
       },
       [&](bool succeeded) {
         EXPECT_TRUE(LiveIsOld());
         if (succeeded) {
           EXPECT_TRUE(Exists(target));
         }
         if (Exists(target)) {
           EXPECT_EQ(ReadDb(target), kNewEntries);
         }
       });
}

INSTANTIATE_TEST_SUITE_P(Faults, RestoreCrashTest,
                         ::testing::Combine(::testing::Values(Fault::kCrash,
                                                              Fault::kError,
                                                              Fault::kNoSpace),
                                            ::testing::Bool()),
                         FaultName);

std::string ExchangeName(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "Exchange" : "TwoRenames";
}

class RecoveryCrashTest : public CrashFixture,
                          public ::testing::WithParamInterface<bool> {
 protected:
  // Runs `operation` on a disk that dies at its n-th call. Returns where it
  // died, or nothing if there is no n-th call.
  std::string CrashAt(uint64_t n,
                      const std::function<void(FileSystem*)>& operation) {
    FaultFileSystem disk(FileSystem::Posix());
    disk.set_exchange_supported(GetParam());
    disk.CrashAt(n);
    operation(&disk);
    return disk.fired() ? disk.last_operation() : "";
  }
  // Second crashes are tried at every step_-th call, beginning at another call
  // for each first crash: the neighbours of a first crash try the rest. The
  // step is larger if the environment asks for a part of the states
  // (crash_loop.h).
  const uint64_t step_ =
      std::getenv("LEVELKEEP_CRASH_SHARD") == nullptr ? 2 : 9;
  void Start(FileSystem* disk, bool with_drop) {
    auto restorer = NewRestorer(disk);
    if (!restorer->Prepare().ok()) return;
    if (!restorer->Recover(OpenAndClose).ok()) return;
    if (with_drop) (void)restorer->ApplyDropped(OpenAndClose, {});
  }
};

// I5: a restore that crashed at call m is recovered, which crashes at call n.
TEST_P(RecoveryCrashTest, RecoveryThatIsInterruptedIsDoneAgain) {
  uint64_t pairs = 0;
  for (uint64_t m = 1;; ++m) {
    bool more = true;
    for (uint64_t n = 1 + m % step_; more; n += step_) {
      ResetInstallation();
      DropArchive();
      const std::string first =
          CrashAt(m, [&](FileSystem* disk) { Start(disk, true); });
      if (first.empty()) {
        EXPECT_GT(pairs, 300 / step_);
        return;
      }
      // Only crashes after the journal exists give recovery real work.
      if (!Exists(Work() + "/journal")) break;
      const std::string second =
          CrashAt(n, [&](FileSystem* disk) { Start(disk, false); });
      more = !second.empty();
      SCOPED_TRACE("crash at call " + std::to_string(m) + ": " + first +
                   "; then at call " + std::to_string(n) + ": " + second);
      ++pairs;
      RecoverOnGoodDisk(OpenAndClose);
      ASSERT_TRUE(LiveIsNew()) << "the journal says so";
      ExpectOldIsRecoverable();
      EXPECT_EQ(CountArchives(), 1);
      Start(FileSystem::Posix(), true);
      EXPECT_EQ(InWork("rollback-").size(), 1u);
      ExpectOldIsRecoverable();  // I3: it was not applied once more
      ExpectTidy();
      if (HasFailure()) return;
    }
  }
}

// The same for a restore that is being taken back.
TEST_P(RecoveryCrashTest, TakingBackThatIsInterruptedIsDoneAgain) {
  const OpenCheck refuse = [](const std::string&) {
    return Status(StatusCode::kCorruption, "the host can't open it");
  };
  uint64_t pairs = 0;
  for (uint64_t m = 1;; ++m) {
    bool more = true;
    for (uint64_t n = 1 + m % step_; more; n += step_) {
      ResetInstallation();
      DropArchive();
      const std::string first = CrashAt(m, [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        if (!restorer->Prepare().ok() || !restorer->Recover().ok()) return;
        (void)restorer->ApplyDropped(refuse, {});
      });
      if (first.empty()) {
        EXPECT_GT(pairs, 200 / step_);
        return;
      }
      if (!Exists(Work() + "/journal")) break;
      const std::string second = CrashAt(n, [&](FileSystem* disk) {
        auto restorer = NewRestorer(disk);
        if (restorer->Prepare().ok()) (void)restorer->Recover(refuse);
      });
      more = !second.empty();
      SCOPED_TRACE("crash at call " + std::to_string(m) + ": " + first +
                   "; then at call " + std::to_string(n) + ": " + second);
      ++pairs;
      RecoverOnGoodDisk(refuse);
      ASSERT_TRUE(LiveIsOld());
      EXPECT_EQ(CountArchives(), 1);
      EXPECT_TRUE(Exists(Drop("rejected/new.tar.gz")));
      EXPECT_FALSE(NewRestorer()->UndoAvailable());
      ExpectTidy();
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Recovery, RecoveryCrashTest, ::testing::Bool(),
                         ExchangeName);

}  // namespace
}  // namespace levelkeep::test
