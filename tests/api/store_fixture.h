// A small application: a LevelDB store under a backup manager, with a clock
// that the test sets.

#ifndef LEVELKEEP_TESTS_API_STORE_FIXTURE_H_
#define LEVELKEEP_TESTS_API_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "base/file_system.h"
#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "manager/backup_manager_access.h"
#include "support/fake_clock.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

class StoreFixture : public testing::Test {
 protected:
  StoreFixture() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.schedule.enabled = false;
    options_.verification.after_backup = false;
    options_.retention.max_backups = 2;
    options_.resources.reserve_bytes = 0;
    // The default of `levelkeep serve`.
    options_.restore.restart_command = "docker-compose restart app worker";
  }
  ~StoreFixture() override { EXPECT_TRUE(CloseStore().ok()); }

  void StartManager() {
    manager_.reset(new BackupManager(
        BackupManagerAccess::Make(options_, {.clock = &clock_})));
    const auto report = manager_->Initialize();
    // Ends the whole test, not only this function.
    if (!report.ok()) throw std::runtime_error(report.status().ToString());
    manager_->SetEventCounter([this] {
      EventCount count;
      count.count = events_;
      count.first = events_ > 0 ? 1 : 0;
      count.last = events_;
      return count;
    });
    const Status opened = OpenStore();
    if (!opened.ok()) throw std::runtime_error(opened.ToString());
  }

  Status OpenStore() {
    leveldb::Options options;
    options.create_if_missing = true;
    options.env = manager_->env();
    leveldb::DB* db = nullptr;
    const auto opened =
        leveldb::DB::Open(options, options_.storage_path(), &db);
    if (!opened.ok()) return Status(StatusCode::kIoError, opened.ToString());
    db_.reset(db);
    auto attachment = manager_->Attach(db);
    if (!attachment.ok()) return attachment.status();
    attachment_ = std::move(*attachment);
    return Status::Ok();
  }

  Status CloseStore() {
    attachment_.reset();
    db_.reset();
    return Status::Ok();
  }

  void Append(int events, const std::string& value = "{}") {
    for (int i = 0; i < events; i++) {
      events_++;
      ASSERT_TRUE(db_->Put(leveldb::WriteOptions(),
                           "event:" + std::to_string(1000 + events_), value)
                      .ok());
    }
  }

  bool HasEvent(int number) {
    std::string value;
    return db_
        ->Get(leveldb::ReadOptions(), "event:" + std::to_string(1000 + number),
              &value)
        .ok();
  }

  TempDir dir_;
  FakeClock clock_;
  BackupOptions options_;
  uint64_t events_ = 0;
  std::unique_ptr<BackupManager> manager_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<Attachment> attachment_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_API_STORE_FIXTURE_H_
