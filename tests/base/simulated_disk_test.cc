// The disk of the crash tests is tested itself: a disk that forgets nothing
// would make all of them pass.

#include "support/simulated_disk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <set>

namespace levelkeep::test {
namespace {

constexpr uint64_t kSeeds = 200;

class SimulatedDiskTest : public ::testing::Test {
 protected:
  SimulatedDiskTest() {
    EXPECT_TRUE(fs_->CreateDirectory("/a").ok());
    EXPECT_TRUE(fs_->CreateDirectory("/b").ok());
    disk_.SyncAll();
  }
  std::unique_ptr<File> Create(const std::string& path,
                               const std::string& text) {
    auto file = fs_->Open(path, OpenMode::kCreateNew);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    EXPECT_TRUE((*file)->Append(text).ok());
    return std::move(*file);
  }
  std::string Text(const std::string& path) {
    auto text = ReadFile(fs_, path, 1 << 20);
    return text.ok() ? *text : "none";
  }
  // The results of `look` after a power loss, over many seeds.
  std::set<std::string> Outcomes(const std::function<std::string()>& look) {
    const SimulatedState before = disk_.Save();
    std::set<std::string> outcomes;
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      disk_.Restore(before);
      disk_.Reboot(seed);
      outcomes.insert(look());
    }
    return outcomes;
  }

  SimulatedDisk disk_;
  FileSystem* const fs_ = disk_.file_system();
};

using Set = std::set<std::string>;

TEST_F(SimulatedDiskTest, WhatIsSyncedIsThere) {
  ASSERT_TRUE(Create("/a/f", "text")->Sync().ok());
  ASSERT_TRUE(fs_->SyncDirectory("/a").ok());
  EXPECT_EQ(Outcomes([&] { return Text("/a/f"); }), Set{"text"});
}

TEST_F(SimulatedDiskTest, SyncOfAFileDoesNotSyncItsName) {
  ASSERT_TRUE(Create("/a/f", "text")->Sync().ok());
  EXPECT_EQ(Outcomes([&] { return Text("/a/f"); }), (Set{"none", "text"}));
}

TEST_F(SimulatedDiskTest, SyncOfAFolderDoesNotSyncItsFiles) {
  Create("/a/f", "text");
  ASSERT_TRUE(fs_->SyncDirectory("/a").ok());
  const Set found = Outcomes([&] { return Text("/a/f"); });
  EXPECT_TRUE(found.count(""));
  EXPECT_TRUE(found.count("text"));
  EXPECT_FALSE(found.count("none"));
}

TEST_F(SimulatedDiskTest, SectorsAreTornOneByOne) {
  auto file = Create("/a/f", std::string(2048, '1'));
  ASSERT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs_->SyncDirectory("/a").ok());
  ASSERT_TRUE(file->WriteAt(0, std::string(2048, '2')).ok());
  const Set found = Outcomes([&] {
    const std::string text = Text("/a/f");
    std::string sectors;
    for (size_t at = 0; at < text.size(); at += 512) {
      EXPECT_EQ(text.substr(at, 512), std::string(512, text[at]));
      sectors += text[at];
    }
    return sectors;
  });
  EXPECT_EQ(found.size(), 16u);  // each of four sectors: old or new
}

TEST_F(SimulatedDiskTest, NamesOfOneFolderAreLostFromTheEnd) {
  ASSERT_TRUE(Create("/a/1", "")->Sync().ok());
  ASSERT_TRUE(Create("/a/2", "")->Sync().ok());
  ASSERT_TRUE(Create("/b/3", "")->Sync().ok());
  const Set found = Outcomes([&] {
    std::string names;
    for (const char* folder : {"/a", "/b"}) {
      for (const std::string& name : *fs_->List(folder)) names += name;
    }
    return names;
  });
  EXPECT_EQ(found, (Set{"", "1", "12", "3", "13", "123"}));
}

TEST_F(SimulatedDiskTest, MoveBetweenFoldersNeedsBothSynced) {
  ASSERT_TRUE(Create("/a/f", "text")->Sync().ok());
  disk_.SyncAll();
  const auto where = [&] {
    return Text("/a/f") == "text" ? std::string("a") + Text("/b/f")
                                  : std::string("b") + Text("/b/f");
  };
  const SimulatedState before = disk_.Save();
  for (const char* synced : {"", "/a", "/b"}) {
    disk_.Restore(before);
    ASSERT_TRUE(fs_->Rename("/a/f", "/b/f").ok());
    if (*synced != '\0') {
      ASSERT_TRUE(fs_->SyncDirectory(synced).ok());
    }
    EXPECT_EQ(Outcomes(where), (Set{"anone", "btext"})) << synced;
  }
  disk_.Restore(before);
  ASSERT_TRUE(fs_->Rename("/a/f", "/b/f").ok());
  ASSERT_TRUE(fs_->SyncDirectory("/b").ok());
  ASSERT_TRUE(fs_->SyncDirectory("/a").ok());
  EXPECT_EQ(Outcomes(where), Set{"btext"});
}

TEST_F(SimulatedDiskTest, ExchangeIsAtomicAndComesBack) {
  Create("/a/x", "1");
  Create("/b/y", "2");
  disk_.SyncAll();
  ASSERT_TRUE(fs_->Exchange("/a/x", "/b/y").ok());
  EXPECT_EQ(Text("/a/x"), "2");
  EXPECT_EQ(Outcomes([&] { return Text("/a/x") + Text("/b/y"); }),
            (Set{"12", "21"}));
  disk_.set_exchange_supported(false);
  EXPECT_EQ(fs_->Exchange("/a/x", "/b/y").code(), StatusCode::kUnsupported);
}

TEST_F(SimulatedDiskTest, RemovedFileMayComeBackWhole) {
  ASSERT_TRUE(Create("/a/f", "text")->Sync().ok());
  disk_.SyncAll();
  ASSERT_TRUE(fs_->RemoveFile("/a/f").ok());
  EXPECT_EQ(Outcomes([&] { return Text("/a/f"); }), (Set{"none", "text"}));
}

TEST_F(SimulatedDiskTest, FailedSyncLosesThePagesAndTheNextOneLies) {
  auto file = Create("/a/f", "");
  disk_.SyncAll();
  ASSERT_TRUE(file->Append("lost").ok());
  const uint64_t here = disk_.operations();
  disk_.FailAt(here + 1, EIO);
  EXPECT_EQ(file->Sync().code(), StatusCode::kIoError);
  ASSERT_TRUE(file->Append("kept").ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(Text("/a/f"), "lostkept") << "the page cache still has the bytes";
  char device[4096];
  EXPECT_EQ(file->ReadFromDevice(0, device, sizeof(device)).value(), 8u);
  EXPECT_EQ(std::string(device, 8), std::string(4, '\0') + "kept");
  EXPECT_EQ(Outcomes([&] { return Text("/a/f"); }),
            Set{std::string(4, '\0') + "kept"});
}

TEST_F(SimulatedDiskTest, InterruptedSyncLosesNothing) {
  auto file = Create("/a/f", "text");
  disk_.FailAt(disk_.operations() + 1, EINTR);
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_TRUE(file->Sync().ok());
  ASSERT_TRUE(fs_->SyncDirectory("/a").ok());
  EXPECT_EQ(Outcomes([&] { return Text("/a/f"); }), Set{"text"});
}

TEST_F(SimulatedDiskTest, FailsOnceWithTheChosenError) {
  const std::pair<int, StatusCode> kErrors[] = {
      {EIO, StatusCode::kIoError},
      {ENOSPC, StatusCode::kNoSpace},
      {EMFILE, StatusCode::kIoError},
      {EACCES, StatusCode::kPermissionDenied}};
  for (const auto& [error, code] : kErrors) {
    disk_.Restore(disk_.Save());
    disk_.FailAt(2, error);
    EXPECT_TRUE(fs_->Stat("/a").ok());
    EXPECT_FALSE(disk_.fired());
    EXPECT_EQ(fs_->CreateDirectory("/c").code(), code);
    EXPECT_TRUE(disk_.fired());
    EXPECT_EQ(disk_.last_operation(), "make folder /c");
    EXPECT_EQ(fs_->Stat("/c").status().code(), StatusCode::kNotFound);
  }
  // The caller never sees EINTR.
  disk_.Restore(disk_.Save());
  disk_.FailAt(1, EINTR);
  EXPECT_TRUE(fs_->List("/a").ok());
  EXPECT_TRUE(disk_.fired());
}

TEST_F(SimulatedDiskTest, ShortWriteLeavesHalf) {
  auto file = Create("/a/f", "");
  disk_.ShortWriteAt(disk_.operations() + 1);
  EXPECT_EQ(file->Append("12345678").code(), StatusCode::kNoSpace);
  EXPECT_EQ(Text("/a/f"), "1234");
}

TEST_F(SimulatedDiskTest, NothingWorksAfterACrash) {
  auto file = Create("/a/f", "");
  auto lock = fs_->Lock("/a/lock");
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(fs_->Lock("/a/lock").status().code(), StatusCode::kBusy);
  disk_.CrashAt(disk_.operations() + 1);
  EXPECT_FALSE(file->Append("x").ok());
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_FALSE(fs_->Stat("/a").ok());
  disk_.Reboot(1);
  EXPECT_TRUE(fs_->Stat("/a").ok());
  EXPECT_FALSE(file->Append("x").ok()) << "the process of the file is gone";
  auto again = fs_->Lock("/a/lock");
  EXPECT_TRUE(again.ok()) << "its lock is gone, too";
  lock->reset();
  EXPECT_EQ(fs_->Lock("/a/lock").status().code(), StatusCode::kBusy);
}

TEST_F(SimulatedDiskTest, KeepsEachMomentAsItWas) {
  disk_.Record();
  auto file = Create("/a/f", "1");
  ASSERT_TRUE(file->Append("2").ok());
  ASSERT_TRUE(fs_->Rename("/a/f", "/a/g").ok());
  const auto moments = disk_.TakeMoments();
  std::string seen;
  for (const auto& moment : moments) {
    disk_.Restore(moment.state);
    seen += Text("/a/f") + "," + Text("/a/g") + ";";
  }
  EXPECT_EQ(seen, "none,none;,none;1,none;12,none;none,12;");
  EXPECT_EQ(moments.back().name, "rename /a/f to /a/g");
}

// A hostile name must have the same effect as on a real disk.
TEST_F(SimulatedDiskTest, TwoDotsLeadUp) {
  Create("/a/../b/./f", "text");
  EXPECT_EQ(Text("/b/f"), "text");
  EXPECT_EQ(Text("/../b/f"), "text");
  EXPECT_EQ(Text("/none/../b/f"), "none");
  EXPECT_EQ(Text("/b/f/../f"), "none");
  EXPECT_TRUE(fs_->RenameNoReplace("/b/f", "/a/../a/f").ok());
  EXPECT_EQ(Text("/a/f"), "text");
}

TEST_F(SimulatedDiskTest, NamesAndKindsAreTheRealOnes) {
  Create("/a/f", "text");
  EXPECT_EQ(fs_->CreateDirectory("/a").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->RemoveDirectory("/a").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->Rename("/b", "/a").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->RenameNoReplace("/b", "/a").code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->Open("/a", OpenMode::kRead).status().code(),
            StatusCode::kRefused);
  EXPECT_EQ(fs_->Stat("/a/f/x").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(fs_->List("/c").status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(fs_->Link("/a/f", "/b/g").ok());
  EXPECT_EQ(fs_->Stat("/b/g")->links, 2u);
  EXPECT_EQ(fs_->Stat("/b/g")->inode, fs_->Stat("/a//f")->inode);
  ASSERT_TRUE(fs_->SetMode("/a", 0500).ok());
  EXPECT_EQ(fs_->RemoveFile("/a/f").code(), StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace levelkeep::test
