// An application that holds a BackupManager, on a real disk.

#ifndef LEVELKEEP_TESTS_MANAGER_MANAGER_FIXTURE_H_
#define LEVELKEEP_TESTS_MANAGER_MANAGER_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "manager/backup_manager_access.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

inline RestoreRequest RestoreOf(const std::string& name) {
  RestoreRequest request;
  request.source = name;
  return request;
}

inline std::string Key(int i) {
  return "event:" + std::to_string(1'000'000 + i);
}

// The reasons of a health report, as sentences.
inline std::vector<std::string> Texts(const HealthReport& health) {
  std::vector<std::string> texts;
  for (const HealthReason& reason : health.reasons) {
    texts.push_back(reason.text);
  }
  return texts;
}

// True if the report has a reason of that kind.
inline bool Has(const HealthReport& health, HealthCode code) {
  return std::ranges::any_of(health.reasons, [&](const HealthReason& reason) {
    return reason.code == code;
  });
}

// An application as a stranger would write it.
class App {
 public:
  explicit App(const BackupOptions& options, Clock* clock = Clock::System(),
               bool own_env = true)
      : manager_(BackupManagerAccess::Make(options, {.clock = clock})),
        own_env_(own_env) {}
  App(const BackupOptions& options, const Platform& platform)
      : manager_(BackupManagerAccess::Make(options, platform)),
        own_env_(true) {}
  ~App() { EXPECT_TRUE(Close().ok()); }

  Status Start() {
    auto report = manager_.Initialize();
    if (!report.ok()) return report.status();
    report_ = *report;
    return Open();
  }
  Status Open() {
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = 64 << 10;
    if (own_env_) options.env = manager_.env();
    leveldb::DB* db = nullptr;
    const auto status =
        leveldb::DB::Open(options, manager_.options().storage_path(), &db);
    if (!status.ok()) return Status(StatusCode::kIoError, status.ToString());
    db_.reset(db);
    auto attachment = manager_.Attach(db);
    if (!attachment.ok()) return attachment.status();
    attachment_ = std::move(attachment).value();
    return Status::Ok();
  }
  Status Close() {
    attachment_.reset();
    db_.reset();
    return Status::Ok();
  }
  void EnableLiveRestore() {
    manager_.SetRestoreHooks(
        {[this] { return Close(); }, [this] { return Open(); }});
  }
  void Put(int from, int to, const std::string& value = "v") {
    for (int i = from; i < to; ++i) {
      ASSERT_TRUE(db_->Put(leveldb::WriteOptions(), Key(i),
                           value + std::string(200, 'x'))
                      .ok());
    }
  }
  int Count() {
    std::unique_ptr<leveldb::Iterator> it(
        db_->NewIterator(leveldb::ReadOptions()));
    int count = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
    EXPECT_TRUE(it->status().ok());
    return count;
  }
  BackupInfo Create(const std::string& label = "") {
    CreateRequest request;
    request.label = label;
    auto made = manager_.CreateBackup(request);
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? *made : BackupInfo();
  }

  BackupManager manager_;
  StartReport report_;
  const bool own_env_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<Attachment> attachment_;
};

// A fixture with folders of its own and nothing automatic.
class ManagerFixture : public ::testing::Test {
 protected:
  ManagerFixture() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.schedule.enabled = false;
    options_.verification.after_backup = false;
    options_.resources.reserve_bytes = 1 << 20;
    // Tests with a clock of their own let hours pass during a job.
    options_.retries.backup_timeout = 0;
    options_.retries.rotate_timeout = 0;
    options_.retries.verify_timeout = 0;
  }
  // Names in backups/ that are neither archives, sidecars nor state.
  std::set<std::string> LeftOvers() {
    std::set<std::string> result;
    for (const auto& name : *FileSystem::Posix()->List(options_.backup_dir)) {
      if (name != ".levelkeep" && !name.starts_with("backup_")) {
        result.insert(name);
      }
    }
    return result;
  }

  TempDir dir_;
  BackupOptions options_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_MANAGER_MANAGER_FIXTURE_H_
