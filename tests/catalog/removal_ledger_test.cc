#include "catalog/removal_ledger.h"

#include <gtest/gtest.h>

#include <string>

#include "support/fault_file_system.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

Time LedgerTime(const std::string& text) { return ParseTime(text).value(); }

Removal RemovalOf(const std::string& day) {
  Removal one;
  one.at = LedgerTime("2025-02-01T00:00:00Z");
  one.act = "rotate";
  one.by = "process 12 on a host";
  one.reason = "beyond MAX_BACKUPS=2; not 100 %";
  one.name = "backup_" + day + "_120000.tar.gz";
  one.id = std::string(32, '1');
  one.epoch = std::string(32, '2');
  one.sha256 = std::string(64, '3');
  one.previous_name = "backup_2024-12-31_120000.tar.gz";
  one.previous_sha256 = std::string(64, '4');
  return one;
}

class RemovalLedgerTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.path() + "/ledger/removals"; }

  test::TempDir dir_;
  const RemovalLedger ledger_{FileSystem::Posix(), dir_.path() + "/ledger"};
};

TEST_F(RemovalLedgerTest, KeepsWhatItIsTold) {
  EXPECT_FALSE(ledger_.Load()->since);
  const Time begin = LedgerTime("2025-01-01T00:00:00Z");
  ASSERT_TRUE(ledger_.Begin(begin).ok());
  ASSERT_TRUE(ledger_.Begin(begin + std::chrono::hours(9)).ok());
  EXPECT_EQ(ledger_.Load()->since, begin) << "it begins once";
  Removal bare;
  bare.at = begin;
  bare.name = "backup_2025-01-02_120000.tar.gz";
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-01")).ok());
  ASSERT_TRUE(ledger_.Append(bare).ok());
  const auto removals = ledger_.Load();
  ASSERT_TRUE(removals.ok()) << removals.status().ToString();
  EXPECT_EQ(removals->entries,
            (std::vector<Removal>{RemovalOf("2025-01-01"), bare}));
  EXPECT_EQ(removals->damaged_lines, 0u);
}

TEST_F(RemovalLedgerTest, AnEntryBeginsIt) {
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-01")).ok());
  EXPECT_EQ(ledger_.Load()->since, LedgerTime("2025-02-01T00:00:00Z"));
}

// Whatever a crash leaves of the last line: the lines before it count, and so
// does the next one.
TEST_F(RemovalLedgerTest, AnyTornLineIsSkipped) {
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-01")).ok());
  const size_t whole = test::ReadFile(path()).size();
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-02")).ok());
  const std::string text = test::ReadFile(path());
  for (size_t size = whole; size < text.size(); size++) {
    SCOPED_TRACE(size);
    test::WriteFile(path(), text.substr(0, size));
    const bool complete = size == text.size() - 1;  // without its line feed
    ASSERT_EQ(ledger_.Load()->entries.size(), complete ? 2u : 1u);
    ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-03")).ok());
    const auto removals = ledger_.Load();
    ASSERT_EQ(removals->entries.size(), complete ? 3u : 2u);
    EXPECT_EQ(removals->entries.back(), RemovalOf("2025-01-03"));
    EXPECT_EQ(removals->damaged_lines, complete || size == whole ? 0u : 1u);
  }
}

TEST_F(RemovalLedgerTest, AChangedByteIsNoticed) {
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-01")).ok());
  const std::string text = test::ReadFile(path());
  const size_t head = text.find('\n') + 1;
  for (size_t i = 0; i + 1 < text.size(); i++) {
    if (i == head - 1) continue;
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    test::WriteFile(path(), changed);
    const auto removals = ledger_.Load();
    if (i < head) {
      EXPECT_EQ(removals.status().code(), StatusCode::kCorruption) << i;
    } else {
      EXPECT_EQ(removals->damaged_lines, 1u) << i;
      EXPECT_TRUE(removals->entries.empty()) << i;
    }
  }
}

TEST_F(RemovalLedgerTest, ALongOneForgetsItsOlderHalf) {
  const RemovalLedger small(FileSystem::Posix(), dir_.path() + "/ledger", 2000);
  ASSERT_TRUE(small.Begin(LedgerTime("2024-06-01T00:00:00Z")).ok());
  for (int day = 10; day < 30; day++) {
    ASSERT_TRUE(small.Append(RemovalOf("2025-01-" + std::to_string(day))).ok());
    EXPECT_LT(test::ReadFile(path()).size(), 3000u);
  }
  const auto removals = small.Load();
  ASSERT_FALSE(removals->entries.empty());
  EXPECT_EQ(removals->entries.back(), RemovalOf("2025-01-29"));
  // It knows all removals of backups that are later than those it forgot.
  const int first = std::stoi(removals->entries.front().name.substr(15, 2));
  EXPECT_EQ(FormatTime(*removals->since),
            "2025-01-" + std::to_string(first - 1) + "T12:00:00.000Z");
}

// A failing disk at each call: the entry is there or not, and older ones are.
TEST_F(RemovalLedgerTest, AnyFailedCallLosesNothing) {
  ASSERT_TRUE(ledger_.Append(RemovalOf("2025-01-01")).ok());
  size_t there = 1;
  test::FaultFileSystem disk(FileSystem::Posix());
  const RemovalLedger failing(&disk, dir_.path() + "/ledger", 1500);
  for (uint64_t n = 1;; ++n) {
    ASSERT_LT(n, 100u);
    const Time since = *ledger_.Load()->since;
    disk.Reset();
    disk.FailAt(n, StatusCode::kIoError);
    const Status appended = failing.Append(RemovalOf("2025-01-05"));
    const bool fired = disk.fired();
    disk.Reset();
    const auto removals = ledger_.Load();
    ASSERT_TRUE(removals.ok()) << removals.status().ToString();
    if (appended.ok()) {
      EXPECT_EQ(removals->entries.back(), RemovalOf("2025-01-05"));
    }
    EXPECT_TRUE(removals->entries.size() >= there || *removals->since > since);
    there = removals->entries.size();
    if (!fired) break;
  }
}

}  // namespace
}  // namespace levelkeep
