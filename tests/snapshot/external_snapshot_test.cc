// Snapshots of a database that a stock LevelDB in another process writes to at
// full speed. LEVELKEEP_TORTURE_ROUNDS and LEVELKEEP_TORTURE_SEED work as in
// hot_torture_test.cc.

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"
#include "gtest/gtest.h"
#include "snapshot/file_set.h"
#include "snapshot/snapshot.h"
#include "support/environment.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/snapshot_verifier.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

void Sleep(uint64_t milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

// A disk that can't link files, as between two file systems.
class NoLinkFileSystem : public FaultFileSystem {
 public:
  NoLinkFileSystem() : FaultFileSystem(FileSystem::Posix()) {}
  Status Link(const std::string&, const std::string& target) override {
    links++;
    return Status(StatusCode::kUnsupported, "cannot link " + target);
  }
  int links = 0;
};

struct ExternalVariant {
  const char* name;
  uint64_t max_step_ms = 0;  // random wait before each step
  bool sync = false;
  bool reuse_logs = false;
  uint64_t batches_per_open = 1u << 20;
  uint64_t batches_per_life = 5000;
  bool links = true;
};

void PrintTo(const ExternalVariant& variant, std::ostream* out) {
  *out << variant.name;
}

class ExternalTorture : public ::testing::TestWithParam<ExternalVariant> {};

TEST_P(ExternalTorture, EverySnapshotIsAnExactState) {
  const ExternalVariant& variant = GetParam();
  const uint64_t seed =
      NumberFromEnvironment("LEVELKEEP_TORTURE_SEED", std::random_device()());
  const uint64_t rounds = NumberFromEnvironment("LEVELKEEP_TORTURE_ROUNDS", 30);
  std::printf("LEVELKEEP_TORTURE_SEED=%llu\n",
              static_cast<unsigned long long>(seed));  // NOLINT
  std::mt19937_64 random(seed);
  TempDir temp;
  const std::string dir = temp.Sub("db");
  SharedHead head(temp.Sub("head"));
  OtherProcess writer({"write", dir, temp.Sub("head"), variant.sync ? "1" : "0",
                       variant.reuse_logs ? "1" : "0",
                       std::to_string(variant.batches_per_open),
                       std::to_string(variant.batches_per_life)});
  ASSERT_EQ(writer.ReadLine(), "ready");
  NoLinkFileSystem no_links;
  FileSystem* const fs = variant.links ? FileSystem::Posix() : &no_links;
  SnapshotVerifier verifier;
  uint64_t vanished = 0;
  int steps = 0;
  for (uint64_t round = 0; round < rounds;) {
    Sleep(random() % 5);
    ExternalSnapshotOptions options;
    options.scratch_dir = temp.Sub("scratch");
    options.before_step = [&](int) {
      steps++;
      if (variant.max_step_ms > 0) Sleep(random() % (variant.max_step_ms + 1));
    };
    const Head acknowledged = head.Load();
    const auto snapshot = TakeExternalSnapshot(fs, dir, options);
    if (!snapshot.ok()) {
      // Right only while the writer destroys the database and begins anew.
      const Head now = head.Load();
      ASSERT_TRUE(now.seed != acknowledged.seed ||
                  now.number == variant.batches_per_life)
          << snapshot.status().ToString();
      vanished++;
      continue;
    }
    const std::string copy = temp.Sub("copy" + std::to_string(round));
    const Status copied = Materialise(**snapshot, copy);
    ASSERT_TRUE(copied.ok()) << copied.ToString();
    EXPECT_EQ(
        verifier.Verify(copy, (*snapshot)->info().last_sequence, acknowledged),
        "")
        << "round " << round;
    std::filesystem::remove_all(copy);
    round++;
  }
  writer.Kill();
  EXPECT_FALSE(std::filesystem::exists(temp.Sub("scratch")));
  EXPECT_EQ(no_links.links > 0, !variant.links);
  std::printf("%llu snapshots in %d steps, %llu between two lives\n",
              static_cast<unsigned long long>(rounds), steps,  // NOLINT
              static_cast<unsigned long long>(vanished));      // NOLINT
}

INSTANTIATE_TEST_SUITE_P(
    Snapshot, ExternalTorture,
    ::testing::Values(
        ExternalVariant{.name = "FullSpeed"},
        ExternalVariant{.name = "WideWindows", .max_step_ms = 10},
        ExternalVariant{.name = "Sync", .max_step_ms = 5, .sync = true},
        ExternalVariant{
            .name = "Reopen", .max_step_ms = 3, .batches_per_open = 40},
        ExternalVariant{.name = "ReopenReuseLogs",
                        .max_step_ms = 3,
                        .reuse_logs = true,
                        .batches_per_open = 40},
        ExternalVariant{
            .name = "DestroyStorm", .max_step_ms = 3, .batches_per_life = 150},
        ExternalVariant{
            .name = "Descriptors", .max_step_ms = 5, .links = false}),
    [](const auto& variant) { return std::string(variant.param.name); });

class ExternalSnapshotTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Snapshot>> Take(
      std::function<void(int)> before_step = nullptr,
      ExternalSnapshotOptions options = {}) {
    options.scratch_dir = temp_.Sub("scratch/of-this-snapshot");
    options.before_step = std::move(before_step);
    return TakeExternalSnapshot(FileSystem::Posix(), dir_, options);
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
};

TEST_F(ExternalSnapshotTest, LinksTablesAndGeneratesTheManifest) {
  BuildDatabase(dir_, 3000);
  std::string link;
  {
    const auto snapshot = Take();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
    const SnapshotInfo& info = (*snapshot)->info();
    EXPECT_EQ(info.method, SnapshotMethod::kExternal);
    EXPECT_EQ(info.last_sequence, 3000u);
    EXPECT_EQ(info.comparator, "leveldb.BytewiseComparator");
    ASSERT_EQ(info.files[0].kind, DbFileKind::kTable);
    EXPECT_NE(info.files[0].inode, 0u);
    link = temp_.Sub("scratch/of-this-snapshot/") + info.files[0].name;
    EXPECT_EQ(std::filesystem::hard_link_count(link), 2u);
    ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(link));
  EXPECT_EQ(CheckDatabase(temp_.Sub("copy"), 3000), "");
}

TEST_F(ExternalSnapshotTest, IsReadableAfterTheDatabaseIsGone) {
  BuildDatabase(dir_, 3000);
  const auto snapshot = Take();
  ASSERT_TRUE(snapshot.ok());
  std::filesystem::remove_all(dir_);
  ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  EXPECT_EQ(CheckDatabase(temp_.Sub("copy"), 3000), "");
}

TEST_F(ExternalSnapshotTest, IsNotFoundWithoutADatabase) {
  EXPECT_EQ(Take().status().code(), StatusCode::kNotFound);
  std::filesystem::create_directory(dir_);
  EXPECT_EQ(Take().status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch")));
}

TEST_F(ExternalSnapshotTest, LeavesAnExistingScratchDirectoryAlone) {
  BuildDatabase(dir_, 10);
  std::filesystem::create_directories(temp_.Sub("scratch/of-this-snapshot"));
  WriteFile(temp_.Sub("scratch/of-this-snapshot/precious"), "x");
  EXPECT_EQ(Take().status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFile(temp_.Sub("scratch/of-this-snapshot/precious")), "x");
}

TEST_F(ExternalSnapshotTest, ReadsTheManifestAgainWhenATableVanishes) {
  BuildDatabase(dir_, 3000);
  bool first = true;
  int steps = 0;
  const auto snapshot = Take([&](int step) {
    steps++;
    if (step != 3 || !first) return;
    first = false;
    // The "other process" compacts everything and adds to it.
    BuildOptions more;
    more.first_event = 3001;
    BuildDatabase(dir_, 3000, more);
  });
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_GT(steps, 5);
  ASSERT_TRUE(Materialise(**snapshot, temp_.Sub("copy")).ok());
  const uint64_t events = (*snapshot)->info().last_sequence;
  EXPECT_GE(events, 3000u);
  EXPECT_EQ(CheckDatabase(temp_.Sub("copy"), events), "");
}

TEST_F(ExternalSnapshotTest, StartsOverWhenTheDatabaseIsOpenedAnew) {
  BuildDatabase(dir_, 500);
  uint64_t written = 500;
  int times = 3;
  const auto snapshot = Take([&](int step) {
    if (step != 4 || times-- <= 0) return;
    BuildOptions more;
    more.first_event = written + 1;
    BuildDatabase(dir_, 10, more);
    written += 10;
  });
  ASSERT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_EQ((*snapshot)->info().last_sequence, 530u);
}

TEST_F(ExternalSnapshotTest, GivesUpWhenItNeverHoldsStill) {
  BuildDatabase(dir_, 500);
  ExternalSnapshotOptions impatient;
  impatient.patience = std::chrono::milliseconds(0);
  const auto snapshot = Take(
      [&](int step) {
        if (step == 4) BuildDatabase(dir_, 1);
      },
      impatient);
  ASSERT_FALSE(snapshot.ok());
  EXPECT_EQ(snapshot.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(snapshot.status().message().find("for 0 s (1 tries)"),
            std::string::npos)
      << snapshot.status().message();
  EXPECT_FALSE(snapshot.status().hint().empty());
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch/of-this-snapshot")));
}

// The sixty tries take far less time than the limit.
TEST_F(ExternalSnapshotTest, IsPatientWithADatabaseThatIsOpenedOften) {
  BuildDatabase(dir_, 500);
  int times = 60;
  const auto snapshot = Take([&](int step) {
    if (step == 4 && times-- > 0) BuildDatabase(dir_, 0);
  });
  EXPECT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  EXPECT_LT(times, 0);
}

TEST_F(ExternalSnapshotTest, AStopEndsItsPatience) {
  BuildDatabase(dir_, 500);
  std::stop_source source;
  ExternalSnapshotOptions options;
  options.stop = source.get_token();
  const auto snapshot = Take(
      [&](int step) {
        if (step != 4) return;
        BuildDatabase(dir_, 0);
        source.request_stop();
      },
      options);
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(temp_.Sub("scratch/of-this-snapshot")));
}

TEST_F(ExternalSnapshotTest, NoticesAMissingLogThatLevelDbWouldNot) {
  BuildDatabase(dir_, 100);
  BuildDatabase(dir_, 0);  // everything is in tables now, the log is empty
  // Sequence 101 was in a log that is gone; the new log begins with 102.
  std::string batch;
  PutFixed<uint64_t>(&batch, 102);
  PutFixed<uint32_t>(&batch, 1);
  batch += '\x01';
  PutLengthPrefixed(&batch, EventKey(102));
  PutLengthPrefixed(&batch, EventValue(102));
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().extension() == ".log") {
      WriteFile(entry.path(), FrameAsLog(batch));
    }
  }
  const auto snapshot = Take();
  ASSERT_FALSE(snapshot.ok());
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCorruption);
  EXPECT_NE(snapshot.status().message().find("write numbers are missing"),
            std::string::npos)
      << snapshot.status().ToString();
  std::string problem;
  EXPECT_EQ(ReadDatabase(dir_, &problem).size(), 101u);
  EXPECT_EQ(problem, "");
}

TEST_F(ExternalSnapshotTest, ADamagedManifestIsCorruption) {
  BuildDatabase(dir_, 500);
  for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) {
      std::string contents = ReadFile(entry.path());
      contents[20] = static_cast<char>(contents[20] ^ 1);
      WriteFile(entry.path(), contents);
    }
  }
  const auto snapshot = Take();
  EXPECT_EQ(snapshot.status().code(), StatusCode::kCorruption);
  EXPECT_NE(snapshot.status().message().find("MANIFEST-"), std::string::npos);
}

TEST_F(ExternalSnapshotTest, SaysWhatTheLimitOfOpenFilesIs) {
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const Status refused = RequireDescriptors(100);
  // The library does not change the limit of its host.
  rlimit after = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(after.rlim_cur, 64u);
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_NE(refused.message().find("the limit is 64"), std::string::npos);
  EXPECT_NE(refused.hint().find("ulimit"), std::string::npos);
  EXPECT_TRUE(RequireDescriptors(1).ok());
}

}  // namespace
}  // namespace levelkeep::test
