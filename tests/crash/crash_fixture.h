// The crash loop: an operation on a small installation is interrupted at every
// single file-system call. When the machine is up again, it must be in one of
// the promised states.

#ifndef LEVELKEEP_TESTS_CRASH_CRASH_FIXTURE_H_
#define LEVELKEEP_TESTS_CRASH_CRASH_FIXTURE_H_

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "restore/restore_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {

// Hundreds of installations are made and removed: in memory, if /dev/shm
// exists. No test here depends on a real disk.
struct InMemory {
  InMemory() {
    const auto info = FileSystem::Posix()->Stat("/dev/shm");
    if (info.ok() && info->type == FileType::kDirectory) {
      ::setenv("TMPDIR", "/dev/shm", 0);
    }
  }
};

inline const Entries kOldEntries = {{"a", "old"}, {"b", "old"}};
inline const Entries kNewEntries = {{"a", "new"}, {"c", "new"}, {"d", "new"}};

class CrashFixture : private InMemory, public RestoreFixture {
 protected:
  CrashFixture() {
    MakeFolders();
    old_db_ = temp_.Sub("old");
    FillDb(old_db_, kOldEntries);
    new_archive_ = MakeArchive(temp_.Sub("new.tar.gz"), kNewEntries);
    archive_digest_ = Sha256Hex(ReadFile(new_archive_));
  }

  // The first state again: the old database live, nothing else.
  void ResetInstallation() {
    namespace fs = std::filesystem;
    fs::remove_all(options_.storage_dir);
    fs::remove_all(options_.restore_dir);
    fs::create_directory(options_.storage_dir);
    fs::create_directory(options_.restore_dir);
    fs::copy(old_db_, Live());
  }
  void DropArchive() {
    std::filesystem::copy(new_archive_, Drop("new.tar.gz"));
  }

  // --- the invariants ---

  // I1: exactly old or exactly new.
  bool LiveIsOld() { return ReadDb(Live()) == kOldEntries; }
  bool LiveIsNew() { return ReadDb(Live()) == kNewEntries; }

  // I2: while the new database is live, the old one can be brought back.
  void ExpectOldIsRecoverable() {
    const auto rollbacks = InWork("rollback-");
    ASSERT_EQ(rollbacks.size(), 1u);
    EXPECT_EQ(ReadDb(Work() + "/" + rollbacks[0]), kOldEntries);
    EXPECT_TRUE(NewRestorer()->UndoAvailable());
  }

  // I6: how many whole copies of the archive are in the drop folder.
  int CountArchives() {
    int found = 0;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(options_.restore_dir)) {
      const std::string path = file.path();
      if (!file.is_regular_file() || !path.ends_with(".tar.gz")) continue;
      if (Sha256Hex(ReadFile(path)) == archive_digest_) ++found;
    }
    return found;
  }

  // I4: only known names are below the temporary directory.
  void ExpectNothingElsewhere() {
    const auto names = FileSystem::Posix()->List(temp_.path());
    ASSERT_TRUE(names.ok());
    for (const std::string& name : *names) {
      const bool known = name == "storage" || name == "restore" ||
                         name == "old" || name == "new.tar.gz" ||
                         name.starts_with("source-");
      EXPECT_TRUE(known) << name;
    }
    const auto storage = FileSystem::Posix()->List(options_.storage_dir);
    ASSERT_TRUE(storage.ok());
    for (const std::string& name : *storage) {
      EXPECT_TRUE(name == ".levelkeep" || name == options_.db_name) << name;
    }
  }

  // After recovery there is no left-over of any kind.
  void ExpectTidy() {
    for (const std::string& name : InWork("")) {
      const bool known = name == "instance.lock" || name == "undo" ||
                         name == "applied" || name == "request" ||
                         name.starts_with("rollback-");
      EXPECT_TRUE(known) << name;
    }
  }

  // A start on a working disk. I5: doing it twice changes nothing.
  RecoveryOutcome RecoverOnGoodDisk(const OpenCheck& open_check = nullptr) {
    auto restorer = NewRestorer();
    EXPECT_TRUE(restorer->Prepare().ok());
    const auto first = restorer->Recover(open_check);
    EXPECT_TRUE(first.ok()) << first.status().ToString();
    const Entries live = ReadDb(Live());
    const auto second = restorer->Recover(open_check);
    EXPECT_TRUE(second.ok()) << second.status().ToString();
    if (second.ok()) {
      EXPECT_FALSE(second->finished_restore);
      EXPECT_FALSE(second->undone_restore);
      EXPECT_TRUE(second->swept.empty());
    }
    EXPECT_EQ(ReadDb(Live()), live);
    return first.ok() ? *first : RecoveryOutcome();
  }

  std::string old_db_;
  std::string new_archive_;
  std::string archive_digest_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_CRASH_FIXTURE_H_
