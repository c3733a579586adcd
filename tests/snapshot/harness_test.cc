// Tests of the torture tests: they copy a database in known wrong ways and
// expect the verifier to object.

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "gtest/gtest.h"
#include "leveldb/db.h"
#include "support/leveldb_fixture.h"
#include "support/other_process.h"
#include "support/snapshot_verifier.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr int kMostTries = 300;

class HarnessTest : public ::testing::Test {
 protected:
  HarnessTest()
      : head_(temp_.Sub("head")),
        writer_({"write", dir_, temp_.Sub("head"), "0", "0", "1000000",
                 "1000000"}) {
    EXPECT_EQ(writer_.ReadLine(), "ready");
  }

  void Pause(int milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }

  bool CopyIfThere(const std::string& name, const std::string& target) {
    std::error_code error;
    std::filesystem::copy_file(dir_ + "/" + name, target + "/" + name, error);
    return !error;
  }

  // Copies the present MANIFEST and CURRENT to `target`.
  Version CopyManifest(const std::string& target) {
    const std::string current = ReadFile(dir_ + "/CURRENT");
    const std::string name = current.substr(0, current.size() - 1);
    const std::string bytes = ReadFile(dir_ + "/" + name);
    const auto content = ReadManifest(*NewStringSource(bytes), bytes.size());
    EXPECT_TRUE(content.ok());
    WriteFile(target + "/" + name, bytes.substr(0, content->boundary));
    WriteFile(target + "/CURRENT", current);
    return content->version;
  }

  bool CopyTables(const Version& version, const std::string& target) {
    bool complete = true;
    for (const auto& [number, table] : version.tables()) {
      complete = CopyIfThere(TableFileName(number), target) && complete;
    }
    return complete;
  }

  // Copies the present logs, cut at their last whole record.
  void CopyLogs(const std::string& target) {
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      const std::string name = entry.path().filename();
      if (ParseDbFileName(name).kind != DbFileKind::kLog) continue;
      if (!CopyIfThere(name, target)) continue;
      const std::string log = ReadFile(target + "/" + name);
      const auto scan =
          ScanLog(*NewStringSource(log), log.size(), true, nullptr);
      ASSERT_TRUE(scan.ok());
      WriteFile(target + "/" + name, log.substr(0, scan->boundary));
    }
  }

  std::string NewTarget(int round) {
    const std::string target = temp_.Sub("copy" + std::to_string(round));
    std::filesystem::create_directory(target);
    return target;
  }

  TempDir temp_;
  const std::string dir_ = temp_.Sub("db");
  SharedHead head_;
  OtherProcess writer_;
  SnapshotVerifier verifier_;
};

// The copy opens without an error but lacks the logs that were flushed
// meanwhile.
TEST_F(HarnessTest, SeesTheSilentGapOfManifestFirstAndLogsLater) {
  int silent = 0, tries = 0;
  for (; tries < kMostTries && silent == 0; tries++) {
    const Head acknowledged = head_.Load();
    const std::string target = NewTarget(tries);
    const Version version = CopyManifest(target);
    if (!CopyTables(version, target)) continue;
    Pause(20);
    CopyLogs(target);
    const std::string problem =
        verifier_.Verify(target, std::nullopt, acknowledged);
    if (!problem.empty() && problem.find("does not open") != 0) {
      silent++;
      std::printf("try %d: %s\n", tries + 1, problem.c_str());
    }
    std::filesystem::remove_all(target);
  }
  EXPECT_GT(silent, 0) << "in " << tries << " tries";
}

TEST_F(HarnessTest, SeesTablesThatVanishedWithoutPins) {
  int bad = 0, tries = 0;
  for (; tries < kMostTries && bad == 0; tries++) {
    const Head acknowledged = head_.Load();
    const std::string target = NewTarget(tries);
    CopyLogs(target);
    const Version version = CopyManifest(target);
    Pause(20);
    CopyTables(version, target);
    const std::string problem =
        verifier_.Verify(target, std::nullopt, acknowledged);
    if (!problem.empty()) {
      bad++;
      std::printf("try %d: %s\n", tries + 1, problem.c_str());
    }
    std::filesystem::remove_all(target);
  }
  EXPECT_GT(bad, 0) << "in " << tries << " tries";
}

TEST(VerifierTest, SeesEveryKindOfDifference) {
  Model model(1);
  model.AdvanceTo(50);
  const auto good = model.entries();
  const auto problem = [](std::map<std::string, std::string> entries) {
    Model fresh(1);
    return Compare(entries, &fresh);
  };
  EXPECT_EQ(problem(good), "");
  auto bad = good;
  bad.erase(bad.begin());
  EXPECT_NE(problem(bad).find("missing evt:"), std::string::npos);
  bad = good;
  bad.erase(std::prev(bad.end()));
  EXPECT_NE(problem(bad).find("missing upd:"), std::string::npos);
  bad = good;
  bad["evt:x"] = "y";
  EXPECT_NE(problem(bad).find("unexpected evt:x"), std::string::npos);
  bad = good;
  bad["zzz"] = "y";
  EXPECT_NE(problem(bad).find("unexpected zzz"), std::string::npos);
  bad = good;
  bad.begin()->second += "!";
  EXPECT_NE(problem(bad).find("stale value"), std::string::npos);
  bad = good;
  bad["head"] = "1 49";
  EXPECT_NE(problem(bad), "");
  bad["head"] = "2 50";
  EXPECT_EQ(problem(bad), "other seed");
}

TEST(VerifierTest, SeesLostAcknowledgementsAndWrongClaims) {
  TempDir temp;
  const std::string dir = temp.Sub("db");
  Model model(1);
  {
    leveldb::Options options;
    options.create_if_missing = true;
    leveldb::DB* raw = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, dir, &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    for (uint64_t number = 1; number <= 30; number++) {
      leveldb::WriteBatch batch = ToWriteBatch(MakeBatch(1, number));
      ASSERT_TRUE(db->Write(leveldb::WriteOptions(), &batch).ok());
    }
  }
  model.AdvanceTo(30);
  const uint64_t last = model.last_sequence();
  const auto verify = [&dir](uint64_t claimed, const Head& acknowledged) {
    return SnapshotVerifier().Verify(dir, claimed, acknowledged);
  };
  EXPECT_EQ(verify(last, {1, 30}), "");
  EXPECT_NE(verify(last, {1, 31}).find("lost acknowledged"), std::string::npos);
  EXPECT_NE(verify(last, {2, 1}).find("lost acknowledged"), std::string::npos);
  EXPECT_NE(verify(last + 1, {1, 30}).find("claims sequence"),
            std::string::npos);
}

}  // namespace
}  // namespace levelkeep::test
