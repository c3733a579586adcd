// Records of drills: what they keep, and what a crash leaves of them.

#include "catalog/drill_records.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include "base/clock.h"
#include "base/drill_fields.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

constexpr char kDrillFolder[] = "/id";
constexpr char kDrillFile[] = "/id/drills";

DrillReport DrillOf(const std::string& name) {
  DrillReport report;
  report.name = name;
  report.at = *ParseTime("2025-01-02T03:04:05.678Z");
  report.seconds = 12.345;
  report.bytes = 1'000'000'007;
  report.entries = 8;
  report.last_sequence = 9;
  report.events = 3;
  return report;
}

class DrillRecordsTest : public ::testing::Test {
 protected:
  DrillRecordsTest() {
    EXPECT_TRUE(fs()->CreateDirectory(kDrillFolder).ok());
    disk_.SyncAll();
  }
  FileSystem* fs() { return disk_.file_system(); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    const auto drills = DrillRecords(fs(), kDrillFolder).Load();
    EXPECT_TRUE(drills.ok()) << drills.status().ToString();
    for (const DrillReport& drill : *drills) names.push_back(drill.name);
    return names;
  }

  test::SimulatedDisk disk_;
};

TEST_F(DrillRecordsTest, KeepsEveryMember) {
  DrillReport bad = DrillOf("bad");
  bad.ok = false;
  bad.damaged = true;
  bad.limited = true;
  bad.problem = "100 % of it\nis wrong";
  bad.not_compared = {"the one", "the other"};
  DrillRecords records(fs(), kDrillFolder);
  EXPECT_TRUE(records.Load()->empty());
  ASSERT_TRUE(records.Add(DrillOf("good")).ok());
  ASSERT_TRUE(records.Add(bad).ok());
  const auto drills = DrillRecords(fs(), kDrillFolder).Load();
  ASSERT_EQ(drills->size(), 2u);
  EXPECT_EQ(DrillFields(drills->at(0)), DrillFields(bad)) << "the newest first";
  EXPECT_EQ(DrillFields(drills->at(1)), DrillFields(DrillOf("good")));
  const DrillReport& read = drills->front();
  EXPECT_EQ(read.problem, bad.problem);
  EXPECT_EQ(read.not_compared, bad.not_compared);
  EXPECT_EQ(read.at, bad.at);
  EXPECT_EQ(read.seconds, bad.seconds);
  EXPECT_TRUE(!read.ok && read.damaged && read.limited);
  EXPECT_EQ(read.bytes, bad.bytes);
}

TEST_F(DrillRecordsTest, IsBounded) {
  DrillRecords records(fs(), kDrillFolder);
  DrillReport report;
  report.ok = false;
  report.problem = std::string(100'000, '\n');  // the longest when escaped
  for (size_t i = 0; i < 3 * DrillRecords::kMost; ++i) {
    report.name = std::to_string(i);
    ASSERT_TRUE(records.Add(report).ok());
  }
  const std::vector<std::string> names = Names();
  ASSERT_EQ(names.size(), DrillRecords::kMost);
  EXPECT_EQ(names.front(), "59");
  EXPECT_EQ(names.back(), "40");
}

// A process that only looks sees the drills of other processes.
TEST_F(DrillRecordsTest, SeesWhatOthersAdd) {
  DrillRecords looking(fs(), kDrillFolder);
  DrillRecords other(fs(), kDrillFolder);
  ASSERT_TRUE(other.Add(DrillOf("first")).ok());
  EXPECT_EQ(looking.Load()->front().name, "first");
  ASSERT_TRUE(other.Add(DrillOf("second")).ok());
  EXPECT_EQ(looking.Load()->front().name, "second");
  ASSERT_TRUE(fs()->RemoveFile(kDrillFile).ok());
  EXPECT_TRUE(looking.Load()->empty());
}

TEST_F(DrillRecordsTest, ADamagedRecordBeginsAnew) {
  ASSERT_TRUE(DrillRecords(fs(), kDrillFolder).Add(DrillOf("lost")).ok());
  ASSERT_TRUE(WriteFileDurably(fs(), kDrillFile, "levelkeep drills 1\n").ok());
  EXPECT_TRUE(Names().empty());
  ASSERT_TRUE(DrillRecords(fs(), kDrillFolder).Add(DrillOf("kept")).ok());
  EXPECT_EQ(Names(), std::vector<std::string>{"kept"});
}

TEST_F(DrillRecordsTest, FieldsOfALaterVersionAreSkipped) {
  auto fields = DrillFields(DrillOf("a"));
  fields["colour"] = "blue";
  fields["bytes"] = "many";
  const DrillReport read = DrillReportOf(fields);
  EXPECT_EQ(read.name, "a");
  EXPECT_EQ(read.bytes, 0u);
  EXPECT_FALSE(DrillReportOf({}).damaged);
}

// After the power fails at any operation, the drills are those before or those
// after; without an error, those after.
TEST_F(DrillRecordsTest, ACrashLeavesTheOldOnesOrTheNewOnes) {
  ASSERT_TRUE(DrillRecords(fs(), kDrillFolder).Add(DrillOf("old")).ok());
  disk_.SyncAll();
  const test::SimulatedState first = disk_.Save();
  const std::vector<std::string> before = {"old"}, after = {"new", "old"};
  uint64_t n = 0;
  for (bool fired = true; fired;) {
    disk_.Restore(first);
    disk_.FailAt(++n, EIO);
    const Status added = DrillRecords(fs(), kDrillFolder).Add(DrillOf("new"));
    fired = disk_.fired();
    EXPECT_TRUE(fired || added.ok()) << added.ToString();
    disk_.Reboot(n);
    const std::vector<std::string> names = Names();
    EXPECT_TRUE(names == before || names == after) << disk_.last_operation();
    EXPECT_TRUE(!added.ok() || names == after) << disk_.last_operation();
  }
  EXPECT_GT(n, 4u);
}

}  // namespace
}  // namespace levelkeep
