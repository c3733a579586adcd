// Helpers for tests of the restorer: small LevelDB databases, archives of them,
// folders, and a clock that never waits.

#ifndef LEVELKEEP_TESTS_RESTORE_RESTORE_FIXTURE_H_
#define LEVELKEEP_TESTS_RESTORE_RESTORE_FIXTURE_H_

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_writer.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/hash.h"
#include "dbfiles/database_files.h"
#include "dbfiles/identity.h"
#include "format/manifest.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "leveldb/write_batch.h"
#include "restore/restorer.h"
#include "restore/test_restorer.h"
#include "support/auto_clock.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

using Entries = std::map<std::string, std::string>;

// The usual content of the live database and of the restored one.
inline const Entries kOld = {{"a", "old"}};
inline const Entries kNew = {{"a", "new"}, {"b", "new"}};

// --- databases ---

inline std::unique_ptr<leveldb::DB> OpenDb(const std::string& dir) {
  leveldb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 10;
  leveldb::DB* db = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, dir, &db);
  EXPECT_TRUE(status.ok()) << dir << ": " << status.ToString();
  return std::unique_ptr<leveldb::DB>(db);
}

// Adds the entries, one write each; flushes them to tables if asked.
inline void FillDb(const std::string& dir, const Entries& entries,
                   bool flush = false) {
  const auto db = OpenDb(dir);
  ASSERT_NE(db, nullptr);
  for (const auto& [key, value] : entries) {
    ASSERT_TRUE(db->Put(leveldb::WriteOptions(), key, value).ok());
  }
  if (flush) db->CompactRange(nullptr, nullptr);
}

// Opens the database like an application. A missing one has no entries.
inline Entries ReadDb(const std::string& dir) {
  Entries entries;
  if (!PathExists(FileSystem::Posix(), dir + "/CURRENT")) return entries;
  const auto db = OpenDb(dir);
  if (db == nullptr) return entries;
  const std::unique_ptr<leveldb::Iterator> it(
      db->NewIterator(leveldb::ReadOptions()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries[it->key().ToString()] = it->value().ToString();
  }
  EXPECT_TRUE(it->status().ok()) << it->status().ToString();
  return entries;
}

// The host's check: opens the database exclusively and closes it.
inline Status OpenAndClose(const std::string& dir) {
  leveldb::Options options;
  leveldb::DB* db = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, dir, &db);
  delete db;
  if (status.ok()) return Status::Ok();
  return Status(StatusCode::kCorruption, status.ToString());
}

// --- archives ---

struct ArchiveSpec {
  std::string db_name = "event_registry_db";
  Time created = Time(std::chrono::hours(480'000));
  std::optional<Time> order_time;
  std::string epoch;  // empty: one of its own
  std::string comparator = "leveldb.BytewiseComparator";
  // Values for the manifest; nullopt: the true values.
  std::optional<uint64_t> last_sequence;
};

// A LevelKeep archive of a closed database.
inline void WriteOwnArchive(const std::string& db_dir, const std::string& path,
                            const ArchiveSpec& spec = {}) {
  FileSystem* const fs = FileSystem::Posix();
  const auto names = fs->List(db_dir);
  ASSERT_TRUE(names.ok());
  std::vector<ArchiveInput> inputs;
  for (const std::string& name : *names) {
    if (!IsBackedUp(ParseDbFileName(name).kind)) continue;
    ArchiveInput input;
    input.name = spec.db_name + "/" + name;
    const std::string file_path = db_dir + "/" + name;
    input.size_bytes = fs->Stat(file_path)->size_bytes;
    input.open = [fs, file_path]() -> Result<std::unique_ptr<ByteSource>> {
      auto file = fs->Open(file_path, OpenMode::kRead);
      if (!file.ok()) return file.status();
      return std::unique_ptr<ByteSource>(std::move(*file));
    };
    inputs.push_back(std::move(input));
  }
  Manifest manifest;
  manifest.id = RandomId();
  manifest.created = spec.created;
  manifest.order_time = spec.order_time;
  manifest.trigger = "manual";
  manifest.hostname = "test";
  manifest.levelkeep_version = "0.1.0";
  manifest.snapshot_method = "offline";
  manifest.db_name = spec.db_name;
  manifest.db_epoch = spec.epoch.empty() ? RandomId() : spec.epoch;
  manifest.comparator = spec.comparator;
  manifest.last_sequence =
      spec.last_sequence.value_or(ReadLastSequence(fs, db_dir));
  ArchiveWriteOptions options;
  options.threads = 1;
  auto file = fs->Open(path, OpenMode::kCreateNew);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  const auto summary = WriteArchive(
      inputs,
      [&](const std::vector<TocFile>& files) -> Result<std::string> {
        for (const TocFile& f : files) {
          manifest.files.push_back({BaseName(f.name), f.size_bytes, f.sha256});
          manifest.source_bytes += f.size_bytes;
        }
        return EncodeManifest(manifest);
      },
      options, file->get());
  ASSERT_TRUE(summary.ok()) << summary.status().ToString();
  ASSERT_TRUE((*file)->Close().ok());
}

// An archive as people make it: tar czf.
inline void WriteForeignArchive(const std::string& db_dir,
                                const std::string& path) {
  std::string output;
  ASSERT_EQ(Shell("tar czf '" + path + "' -C '" + ParentPath(db_dir) + "' '" +
                      BaseName(db_dir) + "'",
                  &output),
            0)
      << output;
}

// --- the restorer ---

// Does the work of levelkeep-check without a child process.
inline Result<StoreCheck> CheapCheck(const std::string& db_dir,
                                     const std::string& /*scratch_dir*/,
                                     std::stop_token /*stop*/) {
  StoreCheck check;
  check.last_sequence = ReadLastSequence(FileSystem::Posix(), db_dir);
  if (check.last_sequence == 0) {
    return Status(StatusCode::kCorruption, "the cheap check finds nothing");
  }
  return check;
}

class RestoreFixture : public ::testing::Test {
 protected:
  RestoreFixture() {
    options_.storage_dir = temp_.Sub("storage");
    options_.db_name = "event_registry_db";
    options_.restore_dir = temp_.Sub("restore");
    options_.reserve_bytes = 1 << 20;
    options_.threads = 1;
    options_.store_checker = CheapCheck;
  }

  std::unique_ptr<TestRestorer> NewRestorer(
      FileSystem* fs = FileSystem::Posix()) {
    return std::make_unique<TestRestorer>(fs, &clock_, options_);
  }
  // Starts like an application, up to the drop folder.
  std::unique_ptr<TestRestorer> Started(FileSystem* fs = FileSystem::Posix()) {
    auto restorer = NewRestorer(fs);
    const Status prepared = restorer->Prepare();
    EXPECT_TRUE(prepared.ok()) << prepared.ToString();
    const auto recovered = restorer->Recover();
    EXPECT_TRUE(recovered.ok()) << recovered.status().ToString();
    return restorer;
  }

  std::string Live() const {
    return options_.storage_dir + "/" + options_.db_name;
  }
  std::string Work() const {
    return WorkDirOf(options_.storage_dir, options_.db_name);
  }
  std::string Drop(const std::string& name) const {
    return options_.restore_dir + "/" + name;
  }
  bool Exists(const std::string& path) const {
    return PathExists(FileSystem::Posix(), path);
  }
  // Names in the work directory with this prefix.
  std::vector<std::string> InWork(const std::string& prefix) const {
    std::vector<std::string> found;
    const auto names = FileSystem::Posix()->List(Work());
    if (!names.ok()) return found;
    for (const std::string& name : *names) {
      if (name.starts_with(prefix)) found.push_back(name);
    }
    return found;
  }
  void MakeFolders() {
    ASSERT_TRUE(
        CreateDirectories(FileSystem::Posix(), options_.storage_dir).ok());
    ASSERT_TRUE(
        CreateDirectories(FileSystem::Posix(), options_.restore_dir).ok());
  }
  // The live database, and another database as an archive.
  void MakeLive(const Entries& entries) {
    MakeFolders();
    FillDb(Live(), entries);
  }
  std::string MakeArchive(const std::string& path, const Entries& entries,
                          const ArchiveSpec& spec = {}) {
    const std::string db = temp_.Sub("source-" + RandomId());
    FillDb(db, entries);
    WriteOwnArchive(db, path, spec);
    return path;
  }

  TempDir temp_;
  AutoClock clock_;
  RestorerOptions options_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_RESTORE_RESTORE_FIXTURE_H_
