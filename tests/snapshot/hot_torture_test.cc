// A writer at full speed and several snapshots at once. Every snapshot is
// compared with the complete model.
//
// LEVELKEEP_TORTURE_ROUNDS (default 30) is the number of snapshots that each
// thread verifies; LEVELKEEP_TORTURE_SEED replays a run's choices.

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"
#include "support/environment.h"
#include "support/leveldb_fixture.h"
#include "support/snapshot_verifier.h"
#include "support/temp_dir.h"
#include "support/workload.h"

namespace levelkeep::test {
namespace {

constexpr int kTakers = 2;
constexpr uint64_t kFirstSeed = 1;

struct HotVariant {
  const char* name;
  bool sync = false;
  bool reuse_logs = false;
  uint64_t batches_per_open = 700;   // then close and open again
  uint64_t batches_per_life = 2500;  // then DestroyDB and start anew
  int max_hold_ms = 20;              // between the cut and reading the files
  size_t write_buffer_bytes = 64 << 10;
};

void PrintTo(const HotVariant& variant, std::ostream* out) {
  *out << variant.name;
}

class HotTorture : public ::testing::TestWithParam<HotVariant> {
 protected:
  HotTorture() {
    const uint64_t drawn = std::random_device()();
    seed_ = NumberFromEnvironment("LEVELKEEP_TORTURE_SEED", drawn);
    rounds_ = NumberFromEnvironment("LEVELKEEP_TORTURE_ROUNDS", 30);
    std::printf("LEVELKEEP_TORTURE_SEED=%llu\n",
                static_cast<unsigned long long>(seed_));  // NOLINT
  }

  leveldb::Options DbOptions() {
    leveldb::Options options;
    options.env = &env_;
    options.create_if_missing = true;
    options.write_buffer_size = GetParam().write_buffer_bytes;
    options.max_file_size = 1 << 20;
    options.reuse_logs = GetParam().reuse_logs;
    return options;
  }

  std::unique_ptr<leveldb::DB> OpenPatiently() {
    while (true) {
      leveldb::DB* db = nullptr;
      const leveldb::Status status = leveldb::DB::Open(DbOptions(), dir_, &db);
      if (status.ok()) return std::unique_ptr<leveldb::DB>(db);
      // A taker may hold the lock for an offline snapshot.
      if (status.ToString().find("open in this process") == std::string::npos) {
        Fail("open: " + status.ToString());
        return nullptr;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // Runs one life of the database after the other.
  void Write(std::stop_token stop) {
    for (uint64_t life = kFirstSeed; !stop.stop_requested(); life++) {
      WriteLife(life, stop);
      if (stop.stop_requested()) return;
      while (!leveldb::DestroyDB(dir_, DbOptions()).ok() &&
             !stop.stop_requested()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }

  void WriteLife(uint64_t life, std::stop_token stop) {
    leveldb::WriteOptions options;
    options.sync = GetParam().sync;
    std::unique_ptr<leveldb::DB> db;
    for (uint64_t number = 1; number <= GetParam().batches_per_life; number++) {
      if (stop.stop_requested()) return;
      if (number % GetParam().batches_per_open == 1) db.reset();
      if (db == nullptr) db = OpenPatiently();
      if (db == nullptr) return;
      leveldb::WriteBatch batch = ToWriteBatch(MakeBatch(life, number));
      const leveldb::Status status = db->Write(options, &batch);
      if (!status.ok()) {
        Fail("write: " + status.ToString());
        return;
      }
      acknowledged_.store(life << 32 | number, std::memory_order_release);
    }
  }

  // Takes a hot snapshot if the database is open, else an offline one; else it
  // tries again.
  Result<std::unique_ptr<Snapshot>> Take() {
    Result<std::unique_ptr<Snapshot>> snapshot = env_.Take(dir_);
    if (snapshot.ok()) {
      hot_++;
      return snapshot;
    }
    if (snapshot.status().code() != StatusCode::kNotFound) return snapshot;
    snapshot = TakeOfflineSnapshot(FileSystem::Posix(), dir_);
    if (snapshot.ok()) offline_++;
    return snapshot;
  }

  void TakeAndVerify(int taker, std::stop_token stop) {
    std::mt19937_64 random(seed_ + static_cast<uint64_t>(taker));
    SnapshotVerifier verifier;
    for (uint64_t round = 0; round < rounds_ && !stop.stop_requested();) {
      Pause(random() % 5);
      const uint64_t before = acknowledged_.load(std::memory_order_acquire);
      const Head acknowledged{before >> 32, before & 0xffffffff};
      const Result<std::unique_ptr<Snapshot>> snapshot = Take();
      if (!snapshot.ok()) {
        const StatusCode code = snapshot.status().code();
        if (code != StatusCode::kNotFound && code != StatusCode::kBusy) {
          Fail("take: " + snapshot.status().ToString());
          return;
        }
        Pause(1);
        continue;
      }
      Pause(random() % static_cast<uint64_t>(GetParam().max_hold_ms + 1));
      Verify(taker, round, **snapshot, acknowledged, &verifier);
      round++;
    }
  }

  void Verify(int taker, uint64_t round, const Snapshot& snapshot,
              const Head& acknowledged, SnapshotVerifier* verifier) {
    const std::string copy = temp_.Sub("copy-" + std::to_string(taker) + "-" +
                                       std::to_string(round));
    const Status copied = Materialise(snapshot, copy);
    std::string problem = copied.ok() ? "" : copied.ToString();
    if (problem.empty()) {
      problem =
          verifier->Verify(copy, snapshot.info().last_sequence, acknowledged);
    }
    verified_++;
    if (!problem.empty()) Fail("snapshot " + copy + ": " + problem);
    std::filesystem::remove_all(copy);
  }

  void Pause(uint64_t milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }

  void Fail(const std::string& problem) {
    MutexLock lock(&mutex_);
    problems_.push_back(problem);
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  SnapshotEnv env_;
  uint64_t seed_ = 0;
  uint64_t rounds_ = 0;
  std::atomic<uint64_t> acknowledged_{kFirstSeed << 32};  // life, batch
  std::atomic<uint64_t> hot_{0};
  std::atomic<uint64_t> offline_{0};
  std::atomic<uint64_t> verified_{0};
  Mutex mutex_;
  std::vector<std::string> problems_ GUARDED_BY(mutex_);
};

TEST_P(HotTorture, EverySnapshotIsAnExactState) {
  {
    std::jthread writer([this](std::stop_token stop) { Write(stop); });
    {
      std::vector<std::jthread> takers;
      for (int i = 0; i < kTakers; i++) {
        takers.emplace_back(
            [this, i](std::stop_token stop) { TakeAndVerify(i, stop); });
      }
      for (std::jthread& taker : takers) taker.join();
    }
    writer.request_stop();
  }
  const uint64_t last = acknowledged_.load();
  std::printf("%llu hot, %llu offline, %llu verified; life %llu batch %llu\n",
              static_cast<unsigned long long>(hot_),       // NOLINT
              static_cast<unsigned long long>(offline_),   // NOLINT
              static_cast<unsigned long long>(verified_),  // NOLINT
              static_cast<unsigned long long>(last >> 32),
              static_cast<unsigned long long>(last & 0xffffffff));
  MutexLock lock(&mutex_);
  EXPECT_TRUE(problems_.empty())
      << problems_.size() << " problems, the first: " << problems_.front();
  EXPECT_EQ(verified_, kTakers * rounds_);
  EXPECT_GT(hot_, 0u);
  EXPECT_EQ(env_.GetStats(dir_).snapshots, 0u);
  EXPECT_EQ(env_.GetStats(dir_).pinned_files, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Snapshot, HotTorture,
    ::testing::Values(
        HotVariant{.name = "NoSync"},
        HotVariant{.name = "Sync", .sync = true, .batches_per_life = 1500},
        HotVariant{.name = "ReuseLogs", .reuse_logs = true},
        HotVariant{.name = "ReopenStorm", .batches_per_open = 3},
        HotVariant{.name = "ReopenStormReuseLogs",
                   .reuse_logs = true,
                   .batches_per_open = 3},
        HotVariant{.name = "DestroyStorm",
                   .batches_per_open = 200,
                   .batches_per_life = 200},
        HotVariant{.name = "LargerMemtable",
                   .batches_per_open = 5000,
                   .batches_per_life = 5000,
                   .write_buffer_bytes = 256 << 10},
        HotVariant{.name = "HeldLong", .max_hold_ms = 300}),
    [](const auto& variant) { return std::string(variant.param.name); });

}  // namespace
}  // namespace levelkeep::test
