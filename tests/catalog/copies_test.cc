// The catalog's knowledge of a backup without its archive: the facts of its
// publication, and copies in other destinations.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/hash.h"
#include "catalog/catalog_fixture.h"
#include "catalog/entries.h"
#include "catalog/retention.h"

namespace levelkeep {
namespace {

using test::TempDir;

constexpr char kOne[] = "backup_2024-12-27_120000.tar.gz";
constexpr char kTwo[] = "backup_2024-12-28_120000.tar.gz";

class CopiesTest : public test::CatalogFixture {
 protected:
  // Publishes a backup in the same way as a create.
  std::string Publish(const std::string& made_as, uint64_t sequence) {
    MakeBackup(made_as, sequence);
    const std::string bytes = test::ReadFile(Path(made_as));
    const Manifest manifest =
        *ArchiveReader::Open(&fs_, Path(made_as)).value()->outline().manifest;
    EXPECT_TRUE(catalog_.Remove(made_as).ok());
    auto part = catalog_.folder()->NewPart();
    EXPECT_TRUE(part.ok()) << part.status().ToString();
    EXPECT_TRUE(part->file->Append(bytes).ok());
    EXPECT_TRUE(part->file->Sync().ok());
    const auto name = catalog_.Publish(
        *part, {manifest.created, "", Sha256Hex(bytes), "", manifest},
        Listing());
    EXPECT_TRUE(name.ok()) << name.status().ToString();
    return name.ok() ? *name : "";
  }

  // Puts the archive into the other folder, too.
  void Copy(const std::string& name) {
    const std::string bytes = test::ReadFile(Path(name));
    const auto source = NewStringSource(bytes);
    const auto put =
        other_.Put(name, {source.get(), bytes.size(), Sha256Hex(bytes), {}},
                   nullptr, Work());
    ASSERT_TRUE(put.ok()) << put.status().ToString();
    const Status added = catalog_.AddCopy(
        name, {other_.Id(), name, put->version, put->size_bytes,
               Sha256Hex(bytes), test::At("2024-12-29T00:00:00Z")});
    ASSERT_TRUE(added.ok()) << added.ToString();
  }

  TempDir other_dir_;
  FolderDestination other_{FileSystem::Posix(), other_dir_.path()};
};

TEST_F(CopiesTest, WhatWasPublishedIsListedWithoutBeingOpened) {
  const std::string name = Publish(kOne, 10);
  EXPECT_EQ(name, kOne);
  const int opened = fs_.archives_opened();
  Catalog fresh(&fs_, dir_.path());
  const auto found = fresh.Find(name);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ((*fresh.List())->size(), 1u);
  EXPECT_EQ(fs_.archives_opened(), opened);
  ASSERT_TRUE(found->manifest.has_value());
  EXPECT_EQ(found->status(), BackupStatus::kUnverified);
  // The archive gives the same manifest.
  std::filesystem::remove(Path(".levelkeep/" + name + ".json"));
  Catalog asking(&fs_, dir_.path());
  const auto asked = asking.Find(name);
  EXPECT_GT(fs_.archives_opened(), opened);
  ASSERT_TRUE(asked.ok() && asked->manifest);
  EXPECT_EQ(EncodeManifest(*asked->manifest), EncodeManifest(*found->manifest));
  EXPECT_EQ(asked->manifest->manifest_number, found->manifest->manifest_number);
}

TEST_F(CopiesTest, AnotherArchiveUnderTheNameIsOpened) {
  const std::string name = Publish(kOne, 10);
  MakeBackup(kTwo, 20);
  std::filesystem::rename(Path(kTwo), Path(name));
  Catalog fresh(&fs_, dir_.path());
  EXPECT_EQ(fresh.Find(name)->manifest->last_sequence, 20u);
  test::WriteFile(Path(name), "not an archive");
  EXPECT_EQ(fresh.Find(name)->status(), BackupStatus::kUnreadable);
}

TEST_F(CopiesTest, FactsOfAnotherDigestDoNotCount) {
  const std::string name = Publish(kOne, 10);
  ASSERT_TRUE(
      catalog_.WriteSidecar(name, DigestKind::kSha256, std::string(64, '0'))
          .ok());
  const int opened = fs_.archives_opened();
  Catalog fresh(&fs_, dir_.path());
  EXPECT_EQ(fresh.Find(name)->manifest->last_sequence, 10u);
  EXPECT_GT(fs_.archives_opened(), opened);
}

TEST_F(CopiesTest, FactsOfSomebodyElseDoNotCount) {
  const std::string name = Publish(kOne, 10);
  fs_.set_given_away(Path(".levelkeep/" + name + ".json"));
  const int opened = fs_.archives_opened();
  Catalog fresh(&fs_, dir_.path());
  EXPECT_EQ(fresh.Find(name)->manifest->last_sequence, 10u);
  EXPECT_GT(fs_.archives_opened(), opened);
}

TEST_F(CopiesTest, ABackupWhoseArchiveIsElsewhereKeepsItsPlaceInTheList) {
  const std::string name = Publish(kOne, 10);
  ASSERT_TRUE(
      catalog_.RecordVerification(name, Record(VerifyDepth::kFull, true)).ok());
  ASSERT_TRUE(catalog_.SetPinned(name, true).ok());
  Copy(name);
  const CatalogEntry before = Find(name);
  MakeBackup(kTwo, 20);
  ASSERT_TRUE(catalog_.Remove(name).ok());
  EXPECT_FALSE(std::filesystem::exists(Path(name)));
  EXPECT_FALSE(std::filesystem::exists(Path(name + ".sha256")));
  Catalog fresh(&fs_, dir_.path());
  for (Catalog* const catalog : {&catalog_, &fresh}) {
    EXPECT_EQ(test::Names(**catalog->List()),
              (std::vector<std::string>{kTwo, name}));
    const auto after = catalog->Find(name);
    ASSERT_TRUE(after.ok()) << after.status().ToString();
    EXPECT_FALSE(after->is_local());
    EXPECT_EQ(after->size_bytes, before.size_bytes);
    EXPECT_EQ(after->sha256, before.sha256);
    EXPECT_EQ(after->created(), before.created());
    EXPECT_EQ(after->manifest->last_sequence, 10u);
    EXPECT_EQ(after->status(), BackupStatus::kVerified);
    EXPECT_TRUE(after->pinned);
    EXPECT_EQ(after->copies, before.copies);
    ASSERT_EQ(after->copies.size(), 1u);
    EXPECT_EQ(after->copies[0].destination, other_.Id());
  }
}

TEST_F(CopiesTest, WhatIsElsewhereCountsForNothingHere) {
  const std::string name = Publish(kOne, 10);
  Copy(name);
  ASSERT_TRUE(catalog_.Remove(name).ok());
  const auto listing = *catalog_.List();
  EXPECT_EQ(listing->size(), 1u);
  EXPECT_EQ(listing->count(), 0u);
  EXPECT_EQ(listing->total_bytes(), 0u);
  EXPECT_EQ(listing->newest_usable(), nullptr);
  EXPECT_EQ(catalog_.Find("latest").status().code(), StatusCode::kNotFound);
  const auto decisions = DecideRetention(RetentionItems(*listing), {},
                                         test::At("2024-12-30T00:00:00Z"));
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_TRUE(decisions[0].keep);
  EXPECT_EQ(catalog_.Remove(name).code(), StatusCode::kRefused);
  EXPECT_TRUE(catalog_.Find(name).ok());
}

// A user ran rm to make space.
TEST_F(CopiesTest, SweepsKeepWhatKnowsOfACopy) {
  const std::string name = Publish(kOne, 10);
  Copy(name);
  std::filesystem::remove(Path(name));
  EXPECT_EQ(*catalog_.Sweep(), std::vector<std::string>{name + ".sha256"});
  EXPECT_FALSE(Find(name).is_local());
  EXPECT_TRUE(catalog_.Sweep()->empty());
}

TEST_F(CopiesTest, TheBytesComeFromTheCopy) {
  const std::string name = Publish(kOne, 10);
  const std::string bytes = test::ReadFile(Path(name));
  Copy(name);
  const auto here = catalog_.Open(Find(name), Work());
  ASSERT_TRUE(here.ok()) << here.status().ToString();
  ASSERT_TRUE(catalog_.Remove(name).ok());
  const CatalogEntry entry = Find(name);
  const auto nowhere = catalog_.Open(entry, Work()).status();
  EXPECT_EQ(nowhere.code(), StatusCode::kUnsupported);
  EXPECT_NE(nowhere.message().find(other_.Id()), std::string::npos);
  catalog_.AddDestination(&other_);
  const auto opened = catalog_.Open(entry, Work());
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ(opened->object.size_bytes, bytes.size());
  std::string read(bytes.size(), '\0');
  ASSERT_TRUE(ReadExactly(*opened->bytes, 0, read.data(), read.size()).ok());
  EXPECT_TRUE(read == bytes);
  // Another object has the name of the copy.
  test::WriteFile(other_dir_.Sub(name), "something else");
  EXPECT_EQ(catalog_.Open(entry, Work()).status().code(), StatusCode::kBusy);
  std::filesystem::remove(other_dir_.Sub(name));
  EXPECT_EQ(catalog_.Open(entry, Work()).status().code(),
            StatusCode::kNotFound);
}

TEST_F(CopiesTest, VerdictsAreRememberedOfWhatIsElsewhere) {
  const std::string name = Publish(kOne, 10);
  Copy(name);
  ASSERT_TRUE(catalog_.Remove(name).ok());
  ASSERT_TRUE(
      catalog_
          .RecordVerification(name, Record(VerifyDepth::kFull, false, "bad"))
          .ok());
  EXPECT_EQ(Find(name).status(), BackupStatus::kDamaged);
  ASSERT_TRUE(catalog_.SetPinned(name, true).ok());
  EXPECT_TRUE(Find(name).pinned);
  EXPECT_EQ(catalog_.SetPinned(kTwo, true).code(), StatusCode::kNotFound);
}

// Such a backup is of version 0.1.0, or was copied here by hand.
TEST_F(CopiesTest, ACopyOfABackupWithoutFactsBringsThem) {
  MakeBackup(kOne, 10);
  Copy(kOne);
  ASSERT_TRUE(catalog_.Remove(kOne).ok());
  EXPECT_EQ(Find(kOne).manifest->last_sequence, 10u);
}

TEST_F(CopiesTest, TwoCopiesAndTheFirstThatCanBeHad) {
  const std::string name = Publish(kOne, 10);
  Copy(name);
  const BackupCopy lost = {
      "s3://gone/", name, "1", 5, "", test::At("2024-12-29T00:00:00Z")};
  ASSERT_TRUE(catalog_.AddCopy(name, lost).ok());
  ASSERT_TRUE(catalog_.AddCopy(name, lost).ok()) << "the copy replaces itself";
  ASSERT_TRUE(catalog_.Remove(name).ok());
  EXPECT_EQ(Find(name).copies.size(), 2u);
  catalog_.AddDestination(&other_);
  EXPECT_TRUE(catalog_.Open(Find(name), Work()).ok());
}

}  // namespace
}  // namespace levelkeep
