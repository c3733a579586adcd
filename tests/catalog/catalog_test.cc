#include "catalog/catalog.h"

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
using test::kSecond;
using test::kThird;

class CatalogTest : public test::CatalogFixture {};

using NameList = std::vector<std::string>;

TEST_F(CatalogTest, MissingFolderIsNoEmptyList) {
  Catalog catalog(&fs_, Path("nowhere"));
  const Status missing = catalog.List().status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.message(),
            "BACKUP_DIR (" + Path("nowhere") + ") does not exist");
  EXPECT_EQ(catalog.RequireDirectory().code(), StatusCode::kNotFound);
  EXPECT_TRUE(catalog_.RequireDirectory().ok());
  EXPECT_EQ(catalog.Find("latest").status().code(), StatusCode::kNotFound);
  EXPECT_TRUE(catalog.Sweep().ok());
}

TEST_F(CatalogTest, ListsOwnBackupsNewestFirstWithTheirManifest) {
  MakeBackup(kFirst, 10);
  MakeBackup(kThird, 30);
  MakeBackup(kSecond, 20);
  test::WriteFile(Path("notes.txt"), "x");
  test::WriteFile(Path("backup_to_restore.tar.gz"), "x");
  EXPECT_EQ(Listed(), (NameList{kThird, kSecond, kFirst}));
  const CatalogEntry entry = Find(kSecond);
  EXPECT_EQ(entry.path, Path(kSecond));
  EXPECT_EQ(entry.size_bytes, fs::file_size(Path(kSecond)));
  EXPECT_EQ(entry.status(), BackupStatus::kUnverified);
  EXPECT_EQ(entry.problem, "");
  EXPECT_EQ(entry.sha256, Sha256Hex(test::ReadFile(Path(kSecond))));
  ASSERT_TRUE(entry.manifest.has_value());
  EXPECT_EQ(entry.manifest->label, "label");
  EXPECT_EQ(entry.manifest->last_sequence, 20u);
  EXPECT_TRUE(entry.manifest->files.empty());
}

TEST_F(CatalogTest, OpensOnlyWhatChanged) {
  MakeBackup(kFirst, 10);
  MakeBackup(kSecond, 20);
  Listed();
  const int after_first = fs_.archives_opened();
  Listed();
  Find(kFirst);
  Find("latest");
  EXPECT_EQ(fs_.archives_opened(), after_first);
  fs::remove(Path(kFirst));
  MakeBackup(kFirst, 11);
  const int before = fs_.archives_opened();
  Listed();
  EXPECT_EQ(fs_.archives_opened(), before + 1);
  EXPECT_EQ(Find(kFirst).manifest->last_sequence, 11u);
}

TEST_F(CatalogTest, NoticesWhatOthersAddRemoveAndPin) {
  MakeBackup(kFirst, 10);
  EXPECT_EQ(Listed(), NameList{kFirst});
  MakeBackup(kSecond, 20);
  EXPECT_EQ(Listed(), (NameList{kSecond, kFirst}));
  Catalog other(&fs_, dir_.path());
  ASSERT_TRUE(other.SetPinned(kFirst, true).ok());
  EXPECT_TRUE(Find(kFirst).pinned);
  ASSERT_TRUE(other.Remove(kSecond).ok());
  EXPECT_EQ(Listed(), NameList{kFirst});
}

TEST_F(CatalogTest, FindExplainsWhatIsMissing) {
  const Status none = catalog_.Find("latest").status();
  EXPECT_EQ(none.code(), StatusCode::kNotFound);
  EXPECT_FALSE(none.hint().empty());
  const Status missing = catalog_.Find(kFirst).status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_NE(missing.message().find(kFirst), std::string::npos);
  for (const char* name : {"../x", "", "/etc/passwd", "backup.tar.gz"}) {
    EXPECT_EQ(catalog_.Find(name).status().code(), StatusCode::kInvalidArgument)
        << name;
  }
}

TEST_F(CatalogTest, LatestIsTheNewestThatCanBeUsed) {
  MakeBackup(kFirst, 10);
  MakeBackup(kSecond, 20);
  test::WriteFile(Path(kThird), "no archive");
  EXPECT_EQ(Find("latest").name, kSecond);
  ASSERT_TRUE(
      catalog_
          .RecordVerification(kSecond, Record(VerifyDepth::kFull, false, "bad"))
          .ok());
  EXPECT_EQ(Find("latest").name, kFirst);
}

TEST_F(CatalogTest, ForeignArchiveIsShownAsUnverified) {
  test::WriteFile(Path("CURRENT"), "MANIFEST-000001\n");
  ASSERT_EQ(
      test::Shell("cd " + dir_.path() + " && tar czf " + kFirst + " CURRENT"),
      0);
  const CatalogEntry entry = Find(kFirst);
  EXPECT_TRUE(entry.foreign);
  EXPECT_FALSE(entry.manifest.has_value());
  EXPECT_EQ(entry.status(), BackupStatus::kUnverified);
  EXPECT_NE(entry.problem, "");
  EXPECT_EQ(entry.created(), At("2024-12-27T12:00:00Z"));
}

TEST_F(CatalogTest, UnreadableFilesAppearWithTheirProblem) {
  test::WriteFile(Path(kFirst), "");
  test::WriteFile(Path(kSecond), std::string(1000, 'x'));
  for (const char* name : {kFirst, kSecond}) {
    const CatalogEntry entry = Find(name);
    EXPECT_EQ(entry.status(), BackupStatus::kUnreadable) << name;
    EXPECT_NE(entry.problem, "") << name;
  }
}

TEST_F(CatalogTest, WhatIsNoRegularFileIsNeverFollowedOrRemoved) {
  const std::string outside = Path("outside");
  test::WriteFile(outside, "precious");
  ASSERT_EQ(symlink(outside.c_str(), Path(kFirst).c_str()), 0);
  ASSERT_EQ(mkdir(Path(kSecond).c_str(), 0700), 0);
  ASSERT_EQ(mkfifo(Path(kThird).c_str(), 0600), 0);
  EXPECT_EQ(Listed(), (NameList{kThird, kSecond, kFirst}));
  for (const char* name : {kFirst, kSecond, kThird}) {
    EXPECT_EQ(Find(name).status(), BackupStatus::kUnreadable) << name;
    EXPECT_EQ(catalog_.Remove(name).code(), StatusCode::kRefused) << name;
    EXPECT_EQ(catalog_.SetPinned(name, true).code(), StatusCode::kRefused);
  }
  EXPECT_EQ(fs_.archives_opened(), 0);
  EXPECT_EQ(test::ReadFile(outside), "precious");
}

TEST_F(CatalogTest, AFailingDiskIsAskedAgain) {
  MakeBackup(kFirst, 10);
  fs_.set_unreadable(Path(kFirst));
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnreadable);
  EXPECT_EQ(Listed(), NameList{kFirst});
  fs_.set_unreadable("");
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
}

TEST_F(CatalogTest, SidecarsAreFoundWhateverTheLabels) {
  const std::string stem = "backup_2024-12-27_120000_a.tar.gz";
  const NameList names = {stem, stem + "-a.tar.gz", stem + "-b.tar.gz",
                          stem + ".c.tar.gz"};
  for (const std::string& name : names) {
    MakeBackup(name, 10);
    ASSERT_TRUE(catalog_.SetPinned(name, name.ends_with("b.tar.gz")).ok());
  }
  Catalog other(&fs_, dir_.path());
  const auto listing = other.List();
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ((*listing)->size(), names.size());
  for (const auto& entry : (*listing)->entries()) {
    EXPECT_EQ(entry->sha256, Sha256Hex(test::ReadFile(entry->path)))
        << entry->name;
    EXPECT_EQ(entry->pinned, entry->name.ends_with("b.tar.gz")) << entry->name;
  }
}

TEST_F(CatalogTest, ChangesOfMissingBackupsFail) {
  EXPECT_EQ(catalog_.SetPinned(kFirst, true).code(), StatusCode::kNotFound);
  EXPECT_EQ(catalog_.Remove(kFirst).code(), StatusCode::kNotFound);
  EXPECT_EQ(
      catalog_.RecordVerification(kFirst, Record(VerifyDepth::kFull, true))
          .code(),
      StatusCode::kNotFound);
  for (const char* name : {"../x", "x.tar.gz"}) {
    EXPECT_EQ(catalog_.SetPinned(name, true).code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(catalog_.Remove(name).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(catalog_.WriteSidecar(name, DigestKind::kSha256, "00").code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(CatalogTest, SidecarsAreReadableByTheUsualTools) {
  MakeBackup(kFirst, 10);
  std::string output;
  const std::string cd = "cd " + dir_.path() + " && ";
  EXPECT_EQ(test::Shell(cd + "sha256sum -c " + kFirst + ".sha256", &output), 0)
      << output;
  Digest md5(DigestKind::kMd5);
  md5.Update(test::ReadFile(Path(kFirst)));
  ASSERT_TRUE(
      catalog_.WriteSidecar(kFirst, DigestKind::kMd5, md5.FinishHex()).ok());
  EXPECT_EQ(test::Shell(cd + "md5sum -c " + kFirst + ".md5", &output), 0)
      << output;
}

TEST_F(CatalogTest, RemovesTheArchiveFirstAndThenWhatBelongsToIt) {
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(catalog_.WriteSidecar(kFirst, DigestKind::kMd5, "00").ok());
  ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
  ASSERT_TRUE(catalog_.Remove(kFirst).ok());
  const std::string name = kFirst;
  EXPECT_EQ(fs_.removed(),
            (NameList{name, name + ".sha256", name + ".md5", name + ".json"}));
  EXPECT_TRUE(Listed().empty());
  EXPECT_TRUE(Remembered().empty());
}

TEST_F(CatalogTest, ARemovalThatWasCutShortLeavesOnlyWhatIsSwept) {
  const std::string name = kFirst;
  for (size_t step = 1; step <= 4; step++) {
    MakeBackup(kFirst, 10);
    ASSERT_TRUE(catalog_.WriteSidecar(kFirst, DigestKind::kMd5, "00").ok());
    ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
    fs_.set_fail_removal(fs_.removed().size() + step);
    EXPECT_EQ(catalog_.Remove(kFirst).code(), StatusCode::kIoError);
    fs_.set_fail_removal(0);
    if (step == 1) {
      EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnverified);
      EXPECT_NE(Find(kFirst).sha256, "");
      ASSERT_TRUE(catalog_.Remove(kFirst).ok());
      continue;
    }
    EXPECT_TRUE(Listed().empty()) << step;
    const auto swept = catalog_.Sweep();
    ASSERT_TRUE(swept.ok());
    EXPECT_EQ(swept->size(), 5 - step);
    EXPECT_FALSE(fs::exists(Path(name + ".sha256")));
    EXPECT_FALSE(fs::exists(Path(name + ".md5")));
    EXPECT_TRUE(Remembered().empty());
  }
}

TEST_F(CatalogTest, SweepRemovesLeftOversAndNothingElse) {
  const std::string id = std::string(31, 'a') + "0";
  MakeBackup(kFirst, 10);
  ASSERT_TRUE(catalog_.SetPinned(kFirst, true).ok());
  const std::string kept[] = {
      "notes.txt",
      ".levelkeep-short.part",
      ".levelkeep-" + id + ".txt",
      ".levelkeep-" + std::string(32, 'G') + ".part",
      "x.tar.gz.sha256",
      ".levelkeep/instance.lock",
      ".levelkeep/x.json",
  };
  const std::string swept[] = {
      ".levelkeep-" + id + ".part",
      ".levelkeep-" + id + ".tmp",
      std::string(kSecond) + ".sha256",
      std::string(kSecond) + ".md5",
      ".levelkeep/.levelkeep-" + id + ".tmp",
      ".levelkeep/" + std::string(kSecond) + ".json",
  };
  for (const std::string& name : kept) test::WriteFile(Path(name), "x");
  for (const std::string& name : swept) test::WriteFile(Path(name), "x");
  const std::string folder = ".levelkeep-" + std::string(32, 'b') + ".part";
  ASSERT_EQ(mkdir(Path(folder).c_str(), 0700), 0);
  const auto removed = catalog_.Sweep();
  ASSERT_TRUE(removed.ok()) << removed.status().ToString();
  EXPECT_EQ(removed->size(), std::size(swept));
  for (const std::string& name : kept) EXPECT_TRUE(fs::exists(Path(name)));
  for (const std::string& name : swept) EXPECT_FALSE(fs::exists(Path(name)));
  EXPECT_TRUE(fs::exists(Path(folder)));
  EXPECT_TRUE(Find(kFirst).pinned);
  EXPECT_NE(Find(kFirst).sha256, "");
  EXPECT_TRUE(catalog_.Sweep()->empty());
}

// The files after a crash where a name can only be claimed
// (base/file_system.h).
TEST_F(CatalogTest, ClaimedNameIsNoBackupUntilItIsGiven) {
  const std::string part = ".levelkeep-" + std::string(32, 'a') + ".part";
  MakeBackup(kFirst, 10);
  test::WriteFile(Path(kSecond), "");
  test::WriteFile(Path(part), "an archive");
  EXPECT_EQ(Listed(), (NameList{kFirst}));
  EXPECT_EQ(catalog_.Find(kSecond).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(catalog_.Find("latest")->name, kFirst);
  {
    // The publisher lives: nothing is swept.
    const auto living = FileSystem::Posix()->Lock(Path(part));
    ASSERT_TRUE(living.ok());
    EXPECT_TRUE(catalog_.Sweep()->empty());
    EXPECT_TRUE(fs::exists(Path(kSecond)));
  }
  EXPECT_EQ(*catalog_.Sweep(), (NameList{kSecond, part}));
  EXPECT_FALSE(fs::exists(Path(kSecond)));
  MakeBackup(kSecond, 20);
  EXPECT_EQ(Listed(), (NameList{kSecond, kFirst}));
}

TEST_F(CatalogTest, EmptyFileThatIsNoClaimIsShownAndStays) {
  const std::string part = ".levelkeep-" + std::string(32, 'a') + ".part";
  MakeBackup(kFirst, 10);
  test::WriteFile(Path(kFirst), "");  // it has a sidecar: it was published
  test::WriteFile(Path(part), "an archive");
  EXPECT_EQ(Find(kFirst).status(), BackupStatus::kUnreadable);
  EXPECT_FALSE(catalog_.folder()->IsOnlyClaimed(kFirst));
  EXPECT_EQ(*catalog_.Sweep(), (NameList{part}));
  test::WriteFile(Path(kSecond), "");  // there is no part
  EXPECT_EQ(Find(kSecond).status(), BackupStatus::kUnreadable);
  EXPECT_TRUE(catalog_.Sweep()->empty());
  EXPECT_TRUE(fs::exists(Path(kSecond)));
}

TEST_F(CatalogTest, ManyThreadsAtOnce) {
  MakeBackup(kFirst, 10);
  MakeBackup(kSecond, 20);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; i++) {
        const bool ok =
            t % 2 == 0 ? catalog_.List().ok() && catalog_.Find(kFirst).ok()
                       : catalog_.SetPinned(kSecond, i % 2 == 0).ok() &&
                             catalog_
                                 .RecordVerification(
                                     kSecond, Record(VerifyDepth::kFull, true))
                                 .ok();
        if (!ok) failures++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_TRUE(Find(kSecond).pinned);  // as each thread wrote last
  EXPECT_TRUE(Find(kSecond).verified());
}

}  // namespace
}  // namespace levelkeep