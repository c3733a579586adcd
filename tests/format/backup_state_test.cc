#include "format/backup_state.h"

#include <gtest/gtest.h>

#include "format/backup_name.h"

namespace levelkeep {
namespace {

TEST(BackupStateTest, ComesBackAsWritten) {
  BackupState state;
  state.pinned = true;
  state.warning = "the \"pre\" hook";
  state.size_bytes = 12345;
  state.mtime_ns = -5;
  state.sha256 = std::string(64, 'a');
  VerifyRecord record;
  record.depth = VerifyDepth::kFull;
  record.passed = false;
  record.at = ParseTime("2024-12-27T12:00:00.123Z").value();
  record.message = "000012.ldb: \"digest\" differs\xff";
  state.verification = record;
  const auto decoded = DecodeBackupState(EncodeBackupState(state));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_TRUE(decoded->pinned);
  EXPECT_EQ(decoded->warning, state.warning);
  EXPECT_EQ(decoded->size_bytes, state.size_bytes);
  EXPECT_EQ(decoded->mtime_ns, state.mtime_ns);
  EXPECT_EQ(decoded->sha256, state.sha256);
  ASSERT_TRUE(decoded->verification.has_value());
  EXPECT_EQ(decoded->verification->depth, VerifyDepth::kFull);
  EXPECT_FALSE(decoded->verification->passed);
  EXPECT_EQ(decoded->verification->at, record.at);
  EXPECT_EQ(decoded->verification->message,
            "000012.ldb: \"digest\" differs\xef\xbf\xbd");
}

TEST(BackupStateTest, WithoutVerification) {
  const auto decoded = DecodeBackupState(EncodeBackupState(BackupState()));
  ASSERT_TRUE(decoded.ok());
  EXPECT_FALSE(decoded->pinned);
  EXPECT_FALSE(decoded->verification.has_value());
}

TEST(BackupStateTest, WhatCouldNotBeCheckedComesBack) {
  BackupState state;
  state.not_checked = NotChecked{ParseTime("2024-12-27T12:00:00Z").value(),
                                 "no \"memory\"", 3, 12345, -5};
  const auto decoded = DecodeBackupState(EncodeBackupState(state));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_FALSE(decoded->verification.has_value());
  ASSERT_TRUE(decoded->not_checked.has_value());
  EXPECT_EQ(decoded->not_checked->at, state.not_checked->at);
  EXPECT_EQ(decoded->not_checked->reason, "no \"memory\"");
  EXPECT_EQ(decoded->not_checked->times, 3u);
  EXPECT_EQ(decoded->not_checked->size_bytes, 12345u);
  EXPECT_EQ(decoded->not_checked->mtime_ns, -5);
  EXPECT_FALSE(
      DecodeBackupState(R"({"pinned":true,"not_checked":{"at":"x"}})").ok());
  EXPECT_FALSE(DecodeBackupState(R"({"pinned":true,"not_checked":1})").ok());
}

TEST(BackupStateTest, HowLongABackupCoversComesBack) {
  BackupState state;
  state.covered = Covered{ParseTime("2024-12-27T12:00:00Z").value(), 12345, -5};
  const auto decoded = DecodeBackupState(EncodeBackupState(state));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ASSERT_TRUE(decoded->covered.has_value());
  EXPECT_EQ(decoded->covered->until, state.covered->until);
  EXPECT_EQ(decoded->covered->size_bytes, 12345u);
  EXPECT_EQ(decoded->covered->mtime_ns, -5);
  EXPECT_FALSE(
      DecodeBackupState(R"({"pinned":true,"covered":{"until":"x"}})").ok());
  EXPECT_FALSE(DecodeBackupState(R"({"pinned":true,"covered":1})").ok());
}

TEST(BackupStateTest, FactsAndCopiesComeBack) {
  BackupState state;
  ManifestFacts facts;
  facts.size_bytes = 12345;
  facts.mtime_ns = -5;
  facts.sha256 = std::string(64, 'a');
  facts.manifest.id = std::string(32, '1');
  facts.manifest.created = ParseTime("2024-12-27T12:00:00.123Z").value();
  facts.manifest.label = "a \"label\"";
  facts.manifest.trigger = "manual";
  facts.manifest.snapshot_method = "hot";
  facts.manifest.db_name = "db";
  facts.manifest.db_id = std::string(32, '2');
  facts.manifest.db_epoch = std::string(32, '3');
  facts.manifest.comparator = "leveldb.BytewiseComparator";
  facts.manifest.last_sequence = 42;
  facts.manifest.manifest_number = 7;
  state.facts = facts;
  state.copies = {
      {"folder:/mnt", "a.tar.gz", "v1", 12345, facts.sha256,
       facts.manifest.created},
      {"s3://bucket/x", "b.tar.gz", "\"etag\"", 1, "", facts.manifest.created}};
  const auto decoded = DecodeBackupState(EncodeBackupState(state));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  ASSERT_TRUE(decoded->facts.has_value());
  EXPECT_EQ(decoded->facts->size_bytes, 12345u);
  EXPECT_EQ(decoded->facts->mtime_ns, -5);
  EXPECT_EQ(decoded->facts->sha256, facts.sha256);
  EXPECT_EQ(decoded->facts->manifest.manifest_number, 7u);
  EXPECT_EQ(EncodeManifest(decoded->facts->manifest),
            EncodeManifest(facts.manifest));
  EXPECT_EQ(decoded->copies, state.copies);
  for (const char* bad :
       {R"({"pinned":true,"facts":1})", R"({"pinned":true,"facts":{}})",
        R"({"pinned":true,"facts":{"size":1,"mtime_ns":1,"sha256":"",)"
        R"("manifest_number":1,"manifest":{}}})",
        R"({"pinned":true,"copies":{}})", R"({"pinned":true,"copies":[1]})",
        R"({"pinned":true,"copies":[{"destination":"x"}]})"}) {
    EXPECT_EQ(DecodeBackupState(bad).status().code(), StatusCode::kCorruption)
        << bad;
  }
}

TEST(BackupStateTest, FactsOfANewerVersionAreNoFacts) {
  const auto decoded = DecodeBackupState(
      R"({"pinned":false,"facts":{"size":1,"mtime_ns":1,"sha256":"",)"
      R"("manifest_number":1,"manifest":{"format_version":2}}})");
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_FALSE(decoded->facts.has_value());
}

TEST(BackupStateTest, BelongsToABackup) {
  EXPECT_EQ(BackupOfState("backup_2024-12-27_120000.tar.gz.json"),
            "backup_2024-12-27_120000.tar.gz");
  for (const char* name : {"", ".json", "other.json", "state.lock",
                           "backup_2024-12-27_120000.tar.gz"}) {
    EXPECT_EQ(BackupOfState(name), "") << name;
  }
}

TEST(BackupStateTest, PausesGrowUpToSixHours) {
  using std::chrono::hours;
  using std::chrono::minutes;
  EXPECT_EQ(PauseBeforeRecheck(0), minutes(1));
  EXPECT_EQ(PauseBeforeRecheck(1), minutes(1));
  EXPECT_EQ(PauseBeforeRecheck(2), minutes(2));
  EXPECT_EQ(PauseBeforeRecheck(9), minutes(256));
  EXPECT_EQ(PauseBeforeRecheck(10), hours(6));
  EXPECT_EQ(PauseBeforeRecheck(UINT64_MAX), hours(6));
}

TEST(BackupStateTest, RefusesWhatIsNoState) {
  const std::string good =
      R"("depth":"full","passed":true,"at":"2024-12-27T12:00:00Z")";
  const std::string of = R"("size":1,"mtime_ns":2,"sha256":"")";
  const std::string cases[] = {
      "",
      "{",
      "[]",
      "null",
      "{}",
      R"({"pinned":1})",
      R"({"pinned":true,"verification":3})",
      R"({"pinned":true,"verification":{}})",
      R"({"pinned":true,"verification":{)" + good + "}}",
      R"({"pinned":true,"verification":{)" + of + "}}",
      R"({"pinned":true,"verification":{"depth":"deep","passed":true,"at":"x"}})",
      R"({"pinned":true,"verification":{"depth":"full","passed":"yes"}})",
      R"({"pinned":true,"verification":{"depth":"full","passed":true,"at":"x"}})",
      R"({"pinned":true,"verification":{"size":-1,"mtime_ns":2,"sha256":"",)" +
          good + "}}",
  };
  for (const std::string& text : cases) {
    EXPECT_FALSE(DecodeBackupState(text).ok()) << text;
  }
  EXPECT_TRUE(DecodeBackupState(R"({"pinned":true,"verification":{)" + good +
                                "," + of + R"(},"later":[1]})")
                  .ok());
}

TEST(BackupStateTest, ShallowPassDoesNotReplaceDeeperResult) {
  VerifyRecord full, structure;
  full.depth = VerifyDepth::kFull;
  full.passed = true;
  structure.depth = VerifyDepth::kStructure;
  structure.passed = true;
  EXPECT_FALSE(SupersedesVerification(full, structure));
  EXPECT_TRUE(SupersedesVerification(structure, full));
  EXPECT_TRUE(SupersedesVerification(full, full));
  full.passed = false;
  EXPECT_FALSE(SupersedesVerification(full, structure));
  structure.passed = false;
  EXPECT_TRUE(SupersedesVerification(full, structure));
}

TEST(SidecarTest, ReadsWhatSha256sumWrites) {
  const std::string hex(64, 'A');
  const std::string name = "backup_2024-12-27_120000.tar.gz";
  const std::string lower(64, 'a');
  EXPECT_EQ(ParseSha256Sidecar(hex + "  " + name + "\n", name), lower);
  EXPECT_EQ(ParseSha256Sidecar(hex + " *" + name + "\r\n", name), lower);
  EXPECT_EQ(ParseSha256Sidecar(hex + "  " + name, name), lower);
  const std::string bad[] = {"",
                             hex,
                             hex + "  ",
                             hex + "  other",
                             hex + " " + name,
                             std::string(64, 'g') + "  " + name,
                             std::string(63, 'a') + "  " + name,
                             hex + "  " + name + "\n" + hex + "  second\n"};
  for (const std::string& text : bad) {
    EXPECT_EQ(ParseSha256Sidecar(text, name), "") << text;
  }
}

TEST(SidecarTest, KnowsItsBackup) {
  const std::string name = "backup_2024-12-27_120000.tar.gz";
  EXPECT_EQ(BackupOfSidecar(name + ".sha256"), name);
  EXPECT_EQ(BackupOfSidecar(name + ".md5"), name);
  for (const std::string& text :
       {name, name + ".sha512", std::string(".md5"), std::string("x.sha256")}) {
    EXPECT_EQ(BackupOfSidecar(text), "") << text;
  }
}

}  // namespace
}  // namespace levelkeep
