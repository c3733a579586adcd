// The facts that the catalog remembers about a backup: verifications and pins.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "catalog/catalog_fixture.h"

namespace levelkeep {
namespace {

namespace fs = std::filesystem;

using test::At;
using test::kFirst;

class CatalogStateTest : public test::CatalogFixture {};

TEST_F(CatalogStateTest, VerificationIsRememberedForTheseBytesOnly) {
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kChecksums, true))
          .ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  Catalog restarted(&fs_, dir_.path());
  EXPECT_EQ(restarted.Find(kFirst)->status(), BackupStatus::kVerified);
  EXPECT_EQ(restarted.Find(kFirst)->verification->at,
            At("2024-12-28T00:00:00Z"));
  fs::last_write_time(Path(kFirst), fs::last_write_time(Path(kFirst)) +
                                        std::chrono::seconds(1));
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
}

TEST_F(CatalogStateTest, HowLongABackupCoversIsRememberedForTheseBytesOnly) {
  MakeBackup(kFirst, 10);
  const Time made = Find(kFirst).created(),
             until = made + std::chrono::hours(5),
             now = made + std::chrono::hours(9);
  EXPECT_EQ(Find(kFirst).CoveredUntil(now), made);
  ASSERT_TRUE(catalog_.RecordCovered(kFirst, until).ok());
  ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
  Catalog restarted(&fs_, dir_.path());
  EXPECT_EQ(restarted.Find(kFirst)->CoveredUntil(now), until);
  // A time that has not come yet is that of a wrong clock.
  EXPECT_EQ(Find(kFirst).CoveredUntil(made), made);
  fs::last_write_time(Path(kFirst), fs::last_write_time(Path(kFirst)) +
                                        std::chrono::seconds(1));
  EXPECT_EQ(Find(kFirst).CoveredUntil(now), made);
}

TEST_F(CatalogStateTest, VerificationIsForgottenWithAnotherDigest) {
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  ASSERT_TRUE(
      catalog_.WriteSidecar(kFirst, DigestKind::kSha256, std::string(64, '0'))
          .ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
}

TEST_F(CatalogStateTest, SidecarWrittenAfterVerificationKeepsIt) {
  MakeBackup(kFirst, 10);
  const std::string sha256 = Find(kFirst).sha256;
  fs::remove(Path(kFirst) + ".sha256");
  EXPECT_EQ(Find(kFirst).sha256, "");
  ASSERT_TRUE(
      catalog_
          .RecordVerification(kFirst, Record(VerifyDepth::kFull, true), sha256)
          .ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  ASSERT_TRUE(catalog_.WriteSidecar(kFirst, DigestKind::kSha256, sha256).ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
}

TEST_F(CatalogStateTest, ARecordWithoutADigestSpeaksOfNothing) {
  MakeBackup(kFirst, 10);
  fs::remove(Path(kFirst) + ".sha256");
  for (const bool passed : {true, false}) {
    ASSERT_TRUE(
        catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, passed))
            .ok());
    EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified) << passed;
  }
}

TEST_F(CatalogStateTest, OnlyOurOwnRecordsCount) {
  MakeBackup(kFirst, 10);
  const std::string state = Path(".levelkeep/") + kFirst + ".json";
  ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  ASSERT_TRUE(
      catalog_.RecordNotChecked(kFirst, "why", At("2024-12-28T00:00:00Z"))
          .ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  for (const mode_t mode : {0660, 0602, 0666}) {
    ASSERT_EQ(chmod(state.c_str(), mode), 0);
    EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified) << mode;
    EXPECT_FALSE(Find(kFirst).not_checked.has_value());
    EXPECT_TRUE(Find(kFirst).pinned) << "a pin only keeps more";
  }
  ASSERT_EQ(chmod(state.c_str(), 0644), 0);
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  fs_.set_given_away(state);
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
  EXPECT_TRUE(Find(kFirst).pinned);
  // A foreign record stays foreign after a change of our own.
  ASSERT_TRUE(catalog_.SetPinned(kFirst, false).ok());
  fs_.set_given_away("");
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
  EXPECT_FALSE(Find(kFirst).pinned);
}

// NTFS and FAT show one mode for all files, whatever was asked for.
TEST_F(CatalogStateTest, WhereNoModesAreKeptTheyAreNotJudged) {
  MakeBackup(kFirst, 10);
  const std::string state = Path(".levelkeep/") + kFirst + ".json";
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  ASSERT_EQ(chmod(state.c_str(), 0777), 0);
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
  ASSERT_EQ(chmod(Path(kFirst).c_str(), 0777), 0);
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  // After chmod -R go+w, other users may write.
  ASSERT_EQ(chmod(state.c_str(), 0622), 0);
  ASSERT_EQ(chmod(Path(kFirst).c_str(), 0622), 0);
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
}

TEST_F(CatalogStateTest, WhatCouldNotBeCheckedKeepsWhatWasFoundBefore) {
  MakeBackup(kFirst, 10);
  const Time at = At("2024-12-28T01:00:00Z");
  ASSERT_TRUE(catalog_.RecordNotChecked(kFirst, "no memory", at).ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
  EXPECT_TRUE(Find(kFirst).waits_for_check());
  ASSERT_TRUE(catalog_.RecordNotChecked(kFirst, "killed", at).ok());
  EXPECT_EQ(Find(kFirst).not_checked->times, 2u);
  EXPECT_EQ(Find(kFirst).not_checked->reason, "killed");
  EXPECT_EQ(Find(kFirst).not_checked->at, at);
  EXPECT_EQ((*catalog_.List())->waiting().size(), 1u);
  EXPECT_NE((*catalog_.List())->newest_usable(), nullptr);

  // A shallow check that passes answers only a part of the question, a full one
  // all of it.
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kChecksums, true))
          .ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  EXPECT_TRUE(Find(kFirst).not_checked.has_value());
  EXPECT_FALSE(Find(kFirst).waits_for_check());
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  EXPECT_FALSE(Find(kFirst).not_checked.has_value());

  ASSERT_TRUE(catalog_.RecordNotChecked(kFirst, "no memory", at).ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kVerified);
  EXPECT_EQ(Find(kFirst).verification->depth, VerifyDepth::kFull);
  EXPECT_TRUE((*catalog_.List())->waiting().empty());
  // The record says nothing about other bytes.
  fs::last_write_time(Path(kFirst), fs::last_write_time(Path(kFirst)) +
                                        std::chrono::seconds(1));
  EXPECT_FALSE(Find(kFirst).not_checked.has_value());
  ASSERT_TRUE(catalog_.RecordNotChecked(kFirst, "no memory", at).ok());
  EXPECT_EQ(Find(kFirst).not_checked->times, 1u);
}

TEST_F(CatalogStateTest, StructureCheckIsNoVerificationAndReplacesNone) {
  MakeBackup(kFirst, 10);
  const auto structure = Record(VerifyDepth::kStructure, true);
  ASSERT_TRUE(catalog_.RecordVerification(kFirst, structure).ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
  ASSERT_TRUE(catalog_
                  .RecordVerification(
                      kFirst, Record(VerifyDepth::kFull, false, "broken table"))
                  .ok());
  ASSERT_TRUE(catalog_.RecordVerification(kFirst, structure).ok());
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kDamaged);
  EXPECT_EQ(Find(kFirst).verification->message, "broken table");
}

TEST_F(CatalogStateTest, PinAndVerificationDoNotDisturbEachOther) {
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  EXPECT_TRUE(Find(kFirst).pinned);
  ASSERT_TRUE(catalog_.SetPinned(kFirst, false).ok());
  EXPECT_FALSE(Find(kFirst).pinned);
  EXPECT_TRUE(Find(kFirst).verified());
}

TEST_F(CatalogStateTest, AStateFileThatIsNoneCountsAsPinned) {
  MakeBackup(kFirst, 10);
  const std::string state = Path(".levelkeep/") + kFirst + ".json";
  for (const char* text : {"", "{", "[]", "{\"pinned\":\"no\"}"}) {
    test::WriteFile(state, text);
    EXPECT_TRUE(Find(kFirst).pinned) << text;
  }
  ASSERT_TRUE(catalog_.SetPinned(kFirst, false).ok());
  EXPECT_FALSE(Find(kFirst).pinned);
}

TEST_F(CatalogStateTest, AStateFileThatCanNotBeReadIsNotReplaced) {
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .ok());
  const std::string state = Path(".levelkeep/") + kFirst + ".json";
  const std::string before = test::ReadFile(state);
  fs_.set_unreadable(state);
  EXPECT_EQ(catalog_.SetPinned(kFirst, true).code(), StatusCode::kIoError);
  EXPECT_EQ(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, false))
          .code(),
      StatusCode::kIoError);
  EXPECT_EQ(test::ReadFile(state), before);
  Catalog other(&fs_, dir_.path());
  EXPECT_TRUE(other.Find(kFirst)->pinned) << "unreadable: it may be pinned";
  EXPECT_TRUE(Find(kFirst).pinned);
  fs_.set_unreadable("");
  EXPECT_FALSE(Find(kFirst).pinned) << "a past read error is no pin";
  EXPECT_TRUE(Find(kFirst).verified());
  EXPECT_FALSE(Find(kFirst).pinned);
}

}  // namespace
}  // namespace levelkeep
