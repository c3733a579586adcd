// One installation with a real database, worked on from outside.

#ifndef LEVELKEEP_TESTS_ENGINE_SITE_H_
#define LEVELKEEP_TESTS_ENGINE_SITE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "restore/restore_fixture.h"
#include "support/leveldb_fixture.h"

namespace levelkeep::test {

class Site {
 public:
  // REQUIRES: `clock` outlives the site.
  Site(const std::string& root, const std::string& name,
       Clock* clock = Clock::System())
      : clock_(clock) {
    options_.storage_dir = root + "/" + name;
    options_.backup_dir = root + "/backups";
    options_.restore_dir = root + "/restore-" + name;
    options_.resources.reserve_bytes = 0;
    options_.resources.threads = 1;
    options_.retention.max_backups = 2;
    options_.verification.after_backup = false;
    Reset();
  }

  // Begins like a new process.
  void Reset() {
    engine_.reset();
    Platform platform;
    platform.clock = clock_;
    platform.store_checker = CheapCheck;
    engine_ = std::make_unique<Engine>(options_, platform);
  }
  void Put(int from, int to) {
    std::filesystem::create_directories(options_.storage_dir);
    BuildOptions build;
    build.first_event = static_cast<uint64_t>(from) + 1;
    BuildDatabase(db_dir(), static_cast<uint64_t>(to - from), build);
  }
  std::string Create() {
    auto made = engine_->Create({});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return made.ok() ? made->name : "";
  }
  DatabaseIdentity Identity() const {
    return ReadIdentity(FileSystem::Posix(), db_dir()).value();
  }
  std::string Latest() {
    const auto found = engine_->Find("latest");
    return found.ok() ? found->name : found.status().ToString();
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.backup_dir)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".tar.gz")) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  bool Has(const std::string& name) const {
    return std::filesystem::exists(options_.backup_dir + "/" + name);
  }
  Status Restore(const std::string& name, bool other = false) {
    const auto found = engine_->Find(name);
    if (!found.ok()) return found.status();
    return engine_->Restore(*found, {}, other).status();
  }
  void Verify(const std::string& name) {
    const auto found = engine_->Find(name);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    const auto report = engine_->Verify(*found, VerifyDepth::kFull, {});
    ASSERT_TRUE(report.ok()) << report.status().ToString();
  }
  std::shared_ptr<const Manifest> ManifestOf(const std::string& name) const {
    auto reader = ArchiveReader::Open(FileSystem::Posix(),
                                      options_.backup_dir + "/" + name);
    return reader.ok() ? (*reader)->outline().manifest : nullptr;
  }

  std::string db_dir() const { return options_.storage_path(); }
  Engine& engine() { return *engine_; }

  BackupOptions options_;

 private:
  Clock* const clock_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_ENGINE_SITE_H_
