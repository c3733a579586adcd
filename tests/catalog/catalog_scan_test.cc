// When Catalog::ListRecent looks at files again, and which changes it may miss.

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "catalog/catalog.h"
#include "support/fake_clock.h"
#include "support/fault_file_system.h"
#include "support/no_threads.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kNoon[] = "backup_2024-12-27_120000.tar.gz";
constexpr char kOneOClock[] = "backup_2024-12-27_130000.tar.gz";
constexpr char kTwoOClock[] = "backup_2024-12-27_140000.tar.gz";

// Counts calls of Stat, and can stop the disk's own clock.
class WatchedFileSystem : public test::FaultFileSystem {
 public:
  WatchedFileSystem() : FaultFileSystem(FileSystem::Posix()) {}

  Result<FileInfo> Stat(const std::string& path) override {
    ++stats_;
    return FaultFileSystem::Stat(path);
  }
  Result<FileInfo> StatFollowing(const std::string& path) override {
    auto info = FaultFileSystem::StatFollowing(path);
    if (info.ok() && frozen_at_) {
      info->mtime_ns = info->ctime_ns = *frozen_at_;
    }
    return info;
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    MutexLock lock(&mutex_);
    if (path == unlistable_) {
      return Status(StatusCode::kIoError, path + ": I/O error");
    }
    return FaultFileSystem::List(path);
  }

  int stats() const { return stats_; }
  // From now on, all changes of folders have this one time.
  void FreezeFolderTimes(int64_t ns) { frozen_at_ = ns; }
  void set_unlistable(const std::string& path) {
    MutexLock lock(&mutex_);
    unlistable_ = path;
  }

 private:
  std::atomic<int> stats_{0};
  std::optional<int64_t> frozen_at_;
  Mutex mutex_;
  std::string unlistable_ GUARDED_BY(mutex_);
};

// The files in the folder are no archives; for these tests they are enough.
class CatalogScanTest : public testing::Test {
 protected:
  using Sizes = std::map<std::string, uint64_t>;

  std::string Path(const std::string& name) const { return dir_.Sub(name); }
  void Write(const std::string& name, size_t size) {
    test::WriteFile(Path(name), std::string(size, 'x'));
  }
  Sizes Recent() {
    Sizes sizes;
    const auto listing = catalog_.ListRecent();
    EXPECT_TRUE(listing.ok()) << listing.status().ToString();
    if (!listing.ok()) return sizes;
    for (const auto& entry : (*listing)->entries()) {
      sizes[entry->name] = entry->size_bytes;
    }
    return sizes;
  }
  bool RecentlyPinned(const std::string& name) {
    const auto listing = catalog_.ListRecent();
    EXPECT_TRUE(listing.ok());
    for (const auto& entry : (*listing)->entries()) {
      if (entry->name == name) return entry->pinned;
    }
    ADD_FAILURE() << name << " is not listed";
    return false;
  }
  // Waits for a tick of the disk's clock: it is real, the catalog's is a fake.
  static void AwaitTickOfTheDisk() {
    const test::TempDir other;
    const auto touch = [&other] {
      test::WriteFile(other.Sub("x"), "x");
      return fs::last_write_time(other.Sub("x"));
    };
    const auto before = touch();
    EXPECT_TRUE(Eventually([&] { return touch() != before; }));
  }
  // Afterwards ListRecent needs to look only at the folders.
  void Settle() {
    Recent();
    AwaitTickOfTheDisk();
    clock_.Advance(seconds(3));
    Recent();
    const int before = fs_.stats();
    Recent();
    EXPECT_EQ(fs_.stats(), before);
  }
  // Waits for a result of a background thread; false after 20 s.
  static bool Eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  test::TempDir dir_;
  WatchedFileSystem fs_;
  test::FakeClock clock_;
  Catalog catalog_{&fs_, dir_.path(), &clock_};
};

TEST_F(CatalogScanTest, AQuietFolderKeepsItsListing) {
  Write(kNoon, 1);
  Settle();
  const auto once = catalog_.ListRecent();
  const auto again = catalog_.ListRecent();
  EXPECT_EQ(*once, *again);
  const auto exact = catalog_.List();
  EXPECT_EQ(*once, *exact) << "no change: the same object";
}

TEST_F(CatalogScanTest, NamesThatComeGoOrAreReplacedAreSeenAtOnce) {
  Write(kNoon, 1);
  Settle();
  Write(kOneOClock, 2);
  EXPECT_EQ(Recent(), (Sizes{{kNoon, 1}, {kOneOClock, 2}}));
  Settle();
  fs::remove(Path(kNoon));
  EXPECT_EQ(Recent(), (Sizes{{kOneOClock, 2}}));
  Settle();
  Write("new", 3);
  Settle();
  fs::rename(Path("new"), Path(kOneOClock));
  EXPECT_EQ(Recent(), (Sizes{{kOneOClock, 3}}));
}

TEST_F(CatalogScanTest, WhatAnotherProcessRecordsIsSeenAtOnce) {
  Write(kNoon, 1);
  Catalog other(FileSystem::Posix(), dir_.path());
  Settle();
  ASSERT_TRUE(other.SetPinned(kNoon, true).ok());
  EXPECT_TRUE(RecentlyPinned(kNoon));
  Settle();
  ASSERT_TRUE(other.SetPinned(kNoon, false).ok());
  EXPECT_FALSE(RecentlyPinned(kNoon));
  Settle();
  const std::string digest(64, 'a');
  ASSERT_TRUE(other.WriteSidecar(kNoon, DigestKind::kSha256, digest).ok());
  EXPECT_EQ((*catalog_.ListRecent())->entries().front()->sha256, digest);
  Settle();
  ASSERT_TRUE(other.Remove(kNoon).ok());
  EXPECT_TRUE(Recent().empty());
}

TEST_F(CatalogScanTest, ListAndFindSeeAChangeInPlaceAtOnce) {
  Write(kNoon, 1);
  Write(kOneOClock, 1);
  Settle();
  Write(kNoon, 5);
  EXPECT_EQ(Recent().at(kNoon), 1u) << "the folder did not change";
  EXPECT_EQ(catalog_.Find(kNoon)->size_bytes, 5u);
  EXPECT_EQ(Recent().at(kNoon), 5u) << "Find updated the list";
  Settle();
  Write(kOneOClock, 6);
  ASSERT_TRUE(catalog_.List().ok());
  EXPECT_EQ(Recent(), (Sizes{{kNoon, 5}, {kOneOClock, 6}}));
}

TEST_F(CatalogScanTest, AChangeInPlaceIsSeenBehindTheCallersBack) {
  Write(kNoon, 1);
  Settle();
  Write(kNoon, 5);
  clock_.Advance(Catalog::kRefreshAge - milliseconds(1));
  const int before = fs_.stats();
  EXPECT_EQ(Recent().at(kNoon), 1u);
  EXPECT_EQ(fs_.stats(), before);
  clock_.Advance(milliseconds(1));
  EXPECT_TRUE(Eventually([&] { return Recent().at(kNoon) == 5u; }));
}

TEST_F(CatalogScanTest, TheCallerItselfLooksAfterALongTime) {
  Write(kNoon, 1);
  Settle();
  Write(kNoon, 5);
  clock_.Advance(Catalog::kMaxAge);
  EXPECT_EQ(Recent().at(kNoon), 5u);
}

TEST_F(CatalogScanTest, FolderTimesInWholeSecondsAreNotTrustedForTwo) {
  fs_.FreezeFolderTimes(1'735'300'800'000'000'000);
  Write(kNoon, 1);
  EXPECT_EQ(Recent().size(), 1u);
  Write(kOneOClock, 1);
  EXPECT_EQ(Recent().size(), 2u);
  clock_.Advance(seconds(2));
  Write(kTwoOClock, 1);
  EXPECT_EQ(Recent().size(), 3u);
  clock_.Advance(milliseconds(100));
  Settle();
}

TEST_F(CatalogScanTest, FolderTimesInTicksAreNotTrustedForSome) {
  ASSERT_EQ(mkdir(Path(".levelkeep").c_str(), 0700), 0);
  fs_.FreezeFolderTimes(1'735'300'800'004'000'001);
  EXPECT_TRUE(Recent().empty());
  clock_.Advance(milliseconds(49));
  Write(kNoon, 1);
  EXPECT_EQ(Recent().size(), 1u);
  clock_.Advance(milliseconds(1));
  Write(kOneOClock, 1);
  EXPECT_EQ(Recent().size(), 2u) << "first scan after the step";
  const int before = fs_.stats();
  EXPECT_EQ(Recent().size(), 2u);
  EXPECT_EQ(fs_.stats(), before);
}

TEST_F(CatalogScanTest, TimesSetBackHideNothing) {
  Write(kNoon, 1);
  const auto folder_time = fs::last_write_time(dir_.path());
  Settle();
  // rsync --times leaves a folder in this way.
  Write(kOneOClock, 2);
  fs::last_write_time(dir_.path(), folder_time);
  EXPECT_EQ(Recent().size(), 2u);
  Settle();
  clock_.SetWallClock(clock_.Now() - std::chrono::hours(24));
  Write(kTwoOClock, 3);
  EXPECT_EQ(Recent().size(), 3u);
  Settle();
  Write(kTwoOClock, 4);
  clock_.Advance(Catalog::kMaxAge);
  EXPECT_EQ(Recent().at(kTwoOClock), 4u);
}

TEST_F(CatalogScanTest, AFolderThatCannotBeListedIsAnErrorNotAnOldList) {
  Write(kNoon, 1);
  ASSERT_TRUE(catalog_.SetPinned(kNoon, true).ok());
  Settle();
  for (const std::string& folder : {dir_.path(), Path(".levelkeep")}) {
    fs_.set_unlistable(folder);
    EXPECT_EQ(catalog_.List().status().code(), StatusCode::kIoError);
    Write(kOneOClock, 1);
    EXPECT_EQ(catalog_.ListRecent().status().code(), StatusCode::kIoError);
    fs_.set_unlistable("");
    EXPECT_EQ(Recent().size(), 2u);
    EXPECT_TRUE(RecentlyPinned(kNoon));
    fs::remove(Path(kOneOClock));
    Settle();
  }
}

TEST_F(CatalogScanTest, AFailureInTheBackgroundIsTold) {
  Write(kNoon, 1);
  Settle();
  fs_.set_unlistable(dir_.path());
  EXPECT_EQ(Recent().size(), 1u);
  clock_.Advance(Catalog::kRefreshAge);
  EXPECT_TRUE(Eventually([&] { return !catalog_.ListRecent().ok(); }));
  fs_.set_unlistable("");
  EXPECT_EQ(Recent().size(), 1u);
}

TEST_F(CatalogScanTest, FoldersThatCanNotBeLookedAtAreNotTrusted) {
  Write(kNoon, 1);
  test::FaultFileSystem disk(FileSystem::Posix(),
                             test::FaultFileSystem::Count::kAll);
  Catalog catalog(&disk, dir_.path(), &clock_);
  ASSERT_TRUE(catalog.ListRecent().ok());
  clock_.Advance(seconds(3));
  ASSERT_TRUE(catalog.ListRecent().ok());
  disk.FailOn("StatFollowing " + dir_.path(), StatusCode::kIoError, 1,
              test::FaultFileSystem::kAlways);
  Write(kNoon, 2);  // does not change the time of a folder
  EXPECT_EQ((*catalog.ListRecent())->entries().front()->size_bytes, 2u);
}

// A rotation with a listing that missed pins once removed a pinned backup.
TEST_F(CatalogScanTest, StatesThatMayNotBeListedAreLookedForOneByOne) {
  Write(kNoon, 1);
  Write(kOneOClock, 1);
  ASSERT_TRUE(catalog_.SetPinned(kNoon, true).ok());
  test::FaultFileSystem disk(FileSystem::Posix(),
                             test::FaultFileSystem::Count::kAll);
  const std::string states = "List " + Path(".levelkeep");
  disk.FailOn(states, StatusCode::kPermissionDenied);
  const auto pinned = [&] {
    std::map<std::string, bool> found;
    const auto listing = Catalog(&disk, dir_.path(), &clock_).List();
    EXPECT_TRUE(listing.ok()) << listing.status().ToString();
    if (!listing.ok()) return found;
    for (const auto& entry : (*listing)->entries()) {
      found[entry->name] = entry->pinned;
    }
    return found;
  };
  EXPECT_EQ(pinned(),
            (std::map<std::string, bool>{{kNoon, true}, {kOneOClock, false}}));
  // If the states can't be looked at either, each backup may be pinned.
  disk.FailOn("/.levelkeep", StatusCode::kPermissionDenied, 1,
              test::FaultFileSystem::kAlways);
  EXPECT_EQ(pinned(),
            (std::map<std::string, bool>{{kNoon, true}, {kOneOClock, true}}));
  disk.FailOn(states, StatusCode::kIoError);
  EXPECT_EQ(Catalog(&disk, dir_.path(), &clock_).List().status().code(),
            StatusCode::kIoError);
}

TEST_F(CatalogScanTest, WithoutThreadsTheCallerLooksItself) {
  Write(kNoon, 1);
  Settle();
  Write(kNoon, 2);
  {
    const test::NoThreads none;
    clock_.Advance(Catalog::kRefreshAge);
    EXPECT_EQ(Recent(), (Sizes{{kNoon, 1}})) << "known and not too old";
    clock_.Advance(Catalog::kMaxAge);
    EXPECT_EQ(Recent(), (Sizes{{kNoon, 2}}));
    Write(kNoon, 3);
    clock_.Advance(Catalog::kRefreshAge);
    EXPECT_EQ(Recent(), (Sizes{{kNoon, 2}}));
  }
  // The next call tries again to look in the background.
  EXPECT_TRUE(Eventually([&] { return Recent() == Sizes{{kNoon, 3}}; }));
}

TEST_F(CatalogScanTest, ABackupThatWasFoundAndIsGoneIsForgotten) {
  Write(kNoon, 1);
  Settle();
  Write(kOneOClock, 2);
  EXPECT_TRUE(catalog_.Find(kOneOClock).ok()) << "before any list has it";
  fs::remove(Path(kOneOClock));
  EXPECT_EQ(catalog_.Find(kOneOClock).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Recent(), (Sizes{{kNoon, 1}}));
}

TEST_F(CatalogScanTest, WhatIsNoArchiveDoesNotCostAScanEachTime) {
  ASSERT_EQ(symlink("elsewhere", Path(kNoon).c_str()), 0);
  Settle();
  EXPECT_EQ(catalog_.Find(kNoon)->status(), BackupStatus::kUnreadable);
  const int before = fs_.stats();
  Recent();
  EXPECT_EQ(fs_.stats(), before);
}

TEST_F(CatalogScanTest, AFolderThatComesLaterIsSeen) {
  Catalog catalog(&fs_, Path("later"), &clock_);
  const auto code = [&] { return catalog.ListRecent().status().code(); };
  EXPECT_EQ(code(), StatusCode::kNotFound);
  clock_.Advance(seconds(3));
  EXPECT_EQ(code(), StatusCode::kNotFound);
  fs::create_directory(Path("later"));
  Write(std::string("later/") + kNoon, 1);
  EXPECT_EQ((*catalog.ListRecent())->size(), 1u);
  // A folder that goes away, as a volume does, does not look empty or unchanged
  // either.
  clock_.Advance(seconds(3));
  EXPECT_EQ((*catalog.ListRecent())->size(), 1u);
  fs::rename(Path("later"), Path("elsewhere"));
  EXPECT_EQ(code(), StatusCode::kNotFound);
  fs::rename(Path("elsewhere"), Path("later"));
  EXPECT_EQ((*catalog.ListRecent())->size(), 1u);
}

TEST_F(CatalogScanTest, ManyThreadsWhileTimePasses) {
  Write(kNoon, 1);
  std::atomic<int> failures{0};
  {
    Catalog catalog(&fs_, dir_.path(), &clock_);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          clock_.Advance(milliseconds(400));
          bool ok = catalog.ListRecent().ok();
          if (t == 0) Write(kOneOClock, static_cast<size_t>(i % 7));
          if (t == 1) ok = ok && catalog.List().ok();
          if (t == 2) ok = ok && catalog.Find(kNoon).ok();
          if (t == 3 && i % 20 == 0) {
            ok = ok && catalog.SetPinned(kNoon, i % 40 == 0).ok();
          }
          if (!ok) ++failures;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    clock_.Advance(Catalog::kMaxAge);
    const auto listing = catalog.ListRecent();
    ASSERT_TRUE(listing.ok());
    ASSERT_EQ((*listing)->size(), 2u);
    EXPECT_EQ((*listing)->entries()[0]->size_bytes, 199u % 7);
    EXPECT_FALSE((*listing)->entries()[1]->pinned);
    // The catalog is destroyed while a look in the background is under way.
    clock_.Advance(seconds(3));
    EXPECT_TRUE(catalog.ListRecent().ok());
    clock_.Advance(Catalog::kRefreshAge);
    EXPECT_TRUE(catalog.ListRecent().ok());
  }
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace levelkeep
