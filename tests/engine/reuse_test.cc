// Backups that copy members of the backup before them.

#include "engine/reuse.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "archive/archive_reader.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "engine/verify_named.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::TempDir;

// Changes the file without a trace in its size, inode and times.
void ChangeUnseen(const std::string& path, size_t at) {
  struct stat before;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  std::string bytes = test::ReadFile(path);
  bytes.at(at) = static_cast<char>(bytes.at(at) ^ 1);
  const int fd = ::open(path.c_str(), O_WRONLY);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(::pwrite(fd, bytes.data() + at, 1, static_cast<off_t>(at)), 1);
  const struct timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::futimens(fd, times), 0);
  ::close(fd);
}

class ReusePlanTest : public ::testing::Test {
 protected:
  ReusePlanTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    std::filesystem::create_directories(options_.storage_dir);
    AddEvents(1, 6000);
  }
  void AddEvents(uint64_t first, uint64_t count) {
    test::BuildOptions build;
    build.first_event = first;
    build.write_buffer_bytes = 256 << 10;  // tables that are worth reusing
    test::BuildDatabase(options_.storage_path(), count, build);
  }
  BackupInfo Create() {
    auto made = Engine(options_, {}).Create({.trigger = "cli"});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? *made : BackupInfo();
  }
  // How many tables the next backup would copy.
  int Reusable() {
    FileSystem* const fs = FileSystem::Posix();
    auto snapshot = TakeOfflineSnapshot(fs, options_.storage_path());
    auto identity = ReadIdentity(fs, options_.storage_path());
    EXPECT_TRUE(snapshot.ok() && identity.ok());
    const ReusePlan plan =
        ReusePlan::Load(fs, options_, **snapshot, *identity, {});
    int count = 0;
    for (const SnapshotFile& file : (*snapshot)->info().files) {
      if (plan.Find(file) != nullptr) ++count;
    }
    return count;
  }
  void ExpectGood(const BackupInfo& backup, uint64_t events) {
    Engine engine(options_, {});
    const auto report =
        test::VerifyNamed(&engine, backup.name, VerifyDepth::kChecksums);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    const std::string target = dir_.Sub("out-" + backup.name);
    const auto extracted =
        engine.Extract(*engine.Find(backup.name), target, {});
    ASSERT_TRUE(extracted.ok()) << extracted.status().ToString();
    EXPECT_EQ("", test::CheckDatabase(target, events));
  }
  std::string RecordPath() const {
    const auto identity =
        ReadIdentity(FileSystem::Posix(), options_.storage_path());
    return options_.backup_dir + "/.levelkeep/databases/" + identity->id +
           "/reuse";
  }
  // A table that is reused. LevelDB, closed while it compacted, also leaves
  // tables that no version names.
  std::string ATable() const {
    const std::string record = test::ReadFile(RecordPath());
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.storage_path())) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".ldb") && record.find(name) != std::string::npos) {
        return entry.path();
      }
    }
    ADD_FAILURE() << "no table";
    return "";
  }

  TempDir dir_;
  BackupOptions options_;
};

TEST_F(ReusePlanTest, CopiesTheTablesThatAreStillThere) {
  EXPECT_EQ(Reusable(), 0);
  const BackupInfo first = Create();
  const int tables = Reusable();
  EXPECT_GE(tables, 1);
  AddEvents(6001, 1000);
  EXPECT_GE(Reusable(), 1);
  const BackupInfo second = Create();
  const BackupInfo third = Create();
  // Each backup is complete without the earlier ones.
  ASSERT_TRUE(std::filesystem::remove(first.path));
  ExpectGood(second, 7000);
  ASSERT_TRUE(std::filesystem::remove(second.path));
  ExpectGood(third, 7000);
}

TEST_F(ReusePlanTest, WhateverIsDoubtfulIsCompressed) {
  const BackupInfo first = Create();
  ASSERT_GE(Reusable(), 1);
  const int all = Reusable();
  options_.archive.reuse = false;
  EXPECT_EQ(Reusable(), 0);
  options_.archive.reuse = true;
  options_.archive.compression_level = 3;
  EXPECT_EQ(Reusable(), 0);
  options_.archive.compression_level = 1;
  options_.archive.compression = false;
  EXPECT_EQ(Reusable(), 0);
  options_.archive.compression = true;
  EXPECT_EQ(Reusable(), all);

  // The same bytes in a new file.
  const std::string table = ATable();
  std::filesystem::copy_file(table, table + ".new");
  std::filesystem::rename(table + ".new", table);
  EXPECT_EQ(Reusable(), all - 1);

  const std::string record = test::ReadFile(RecordPath());
  test::WriteFile(RecordPath(), record.substr(0, record.size() / 2));
  EXPECT_EQ(Reusable(), 0);
  ASSERT_TRUE(std::filesystem::remove(RecordPath()));
  EXPECT_EQ(Reusable(), 0);
  test::WriteFile(RecordPath(), record);
  EXPECT_EQ(Reusable(), all - 1);
  ASSERT_TRUE(std::filesystem::remove(first.path));
  EXPECT_EQ(Reusable(), 0);
  ExpectGood(Create(), 6000);
}

TEST_F(ReusePlanTest, RestoredDatabaseStartsAnew) {
  const BackupInfo first = Create();
  Engine engine(options_, {});
  ASSERT_TRUE(engine.Restore(*engine.Find(first.name), {}).ok());
  EXPECT_EQ(Reusable(), 0);
}

TEST_F(ReusePlanTest, DamagedArchivePoisonsNothingAndIsTold) {
  const BackupInfo first = Create();
  ASSERT_GE(Reusable(), 1);
  // Within the first table's member.
  ChangeUnseen(first.path, 3000);
  const BackupInfo second = Create();
  ExpectGood(second, 6000);
  Engine engine(options_, {});
  const auto damaged = engine.Find(first.name);
  ASSERT_TRUE(damaged.ok());
  EXPECT_EQ(damaged->status(), BackupStatus::kDamaged);
  EXPECT_NE(
      damaged->verification->message.find("changed after they were written"),
      std::string::npos);
  // The next backup has a good archive to copy from again.
  EXPECT_GE(Reusable(), 1);
}

TEST_F(ReusePlanTest, ReplacedArchiveIsNotCalledDamaged) {
  const BackupInfo first = Create();
  std::string other = test::ReadFile(first.path);
  other.at(3000) ^= 1;
  test::WriteFile(first.path + ".new", other);
  std::filesystem::rename(first.path + ".new", first.path);
  const BackupInfo second = Create();
  ExpectGood(second, 6000);
  Engine engine(options_, {});
  EXPECT_EQ(test::StatusOf(&engine, first.name), "unverified");
}

TEST_F(ReusePlanTest, TableThatChangedUnseenIsNoticed) {
  Create();
  const int tables = Reusable();
  ASSERT_GE(tables, 1);
  // Changes all tables, so that the compared one is among them.
  for (const auto& entry :
       std::filesystem::directory_iterator(options_.storage_path())) {
    if (entry.path().extension() == ".ldb") ChangeUnseen(entry.path(), 100);
  }
  EXPECT_EQ(Reusable(), 0);
}

}  // namespace
}  // namespace levelkeep
