// SnapshotEnv looks before LevelDB opens: a database that lacks files is left
// as it is.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "dbfiles/database_files.h"
#include "leveldb/db.h"
#include "snapshot/snapshot_env.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class EnvLookTest : public ::testing::TestWithParam<const char*> {
 protected:
  EnvLookTest() { BuildDatabase(dir_, 2000); }

  // Like many applications: creates a missing database.
  leveldb::Status Open() {
    leveldb::Options options;
    options.env = &env_;
    options.create_if_missing = true;
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, dir_, &db);
    delete db;
    return status;
  }
  // "CURRENT", or a file of this kind that the database names.
  std::string NameOf(const std::string& kind) {
    const std::string manifest = ReadCurrent(FileSystem::Posix(), dir_).value();
    if (kind == "CURRENT") return kind;
    if (kind == "MANIFEST") return manifest;
    const Version version =
        ReadVersion(FileSystem::Posix(), dir_, manifest).value();
    return kind == "log" ? LogFileName(version.log_number())
                         : TableFileName(version.tables().begin()->first);
  }
  // LevelDB starts its own log again before anything is checked.
  std::map<std::string, std::string> Contents() {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      const std::string name = entry.path().filename();
      if (name.rfind("LO", 0) == 0) continue;  // LOG, LOG.old, LOCK
      contents[name] = ReadFile(entry.path());
    }
    return contents;
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  SnapshotEnv env_;
};

TEST_P(EnvLookTest, AMissingFileMakesTheOpenFailAndChangesNothing) {
  const std::string name = NameOf(GetParam());
  std::filesystem::rename(dir_ + "/" + name, temp_.Sub("aside"));
  const auto before = Contents();
  for (int time = 0; time < 2; ++time) {
    const leveldb::Status status = Open();
    EXPECT_TRUE(status.IsCorruption()) << status.ToString();
    EXPECT_NE(status.ToString().find(name), std::string::npos)
        << status.ToString();
    EXPECT_NE(status.ToString().find("accept-loss"), std::string::npos);
    EXPECT_EQ(Contents(), before);
  }
  std::filesystem::rename(temp_.Sub("aside"), dir_ + "/" + name);
  EXPECT_TRUE(Open().ok());
  EXPECT_EQ(CheckDatabase(dir_, 2000), "");
}

TEST_P(EnvLookTest, WhatLacksFilesCanBeDestroyed) {
  std::filesystem::remove(dir_ + "/" + NameOf(GetParam()));
  leveldb::Options options;
  options.env = &env_;
  EXPECT_TRUE(leveldb::DestroyDB(dir_, options).ok());
  EXPECT_TRUE(Open().ok());
  EXPECT_EQ(CheckDatabase(dir_, 0), "");
}

INSTANTIATE_TEST_SUITE_P(Snapshot, EnvLookTest,
                         ::testing::Values("CURRENT", "MANIFEST", "table",
                                           "log"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace levelkeep::test
