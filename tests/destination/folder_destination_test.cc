// A folder as a destination: files that crashes leave, and files that people
// put there.

#include "destination/folder_destination.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "destination/kept_record.h"
#include "support/fault_file_system.h"
#include "support/made_up_bytes.h"
#include "support/simulated_disk.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using test::KeptRecord;
using test::SimulatedDisk;

using Names = std::vector<std::string>;

constexpr char kFolder[] = "/backups";

Result<StoredObject> PutBytes(Destination* destination, const std::string& name,
                              const std::string& bytes,
                              PutRecord* record = nullptr) {
  const auto source = NewStringSource(bytes);
  return destination->Put(
      name, {source.get(), bytes.size(), Sha256Hex(bytes), {}}, record, Work());
}

std::string ReadObject(Destination* destination, const std::string& name) {
  const auto object = destination->Stat(name, Work());
  if (!object.ok()) return object.status().ToString();
  const auto source = destination->Open(name, object->version, Work());
  if (!source.ok()) return source.status().ToString();
  std::string bytes(object->size_bytes, '\0');
  const Status read = ReadExactly(**source, 0, bytes.data(), bytes.size());
  return read.ok() ? bytes : read.ToString();
}

// --- on the simulated disk

class FolderCrashTest : public ::testing::TestWithParam<bool> {
 protected:
  FolderCrashTest() {
    disk_.set_plain_names(GetParam());
    EXPECT_TRUE(disk_.file_system()->CreateDirectory(kFolder).ok());
    FolderDestination folder(disk_.file_system(), kFolder);
    EXPECT_TRUE(PutBytes(&folder, "old", "of before").ok());
    disk_.SyncAll();
    first_ = disk_.Save();
  }

  // Expects the whole object and no other file of the Put, or nothing at all.
  void ExpectWholeOrAbsent(const std::string& where, bool acknowledged) {
    disk_.Restore(disk_.Save());  // without a fault
    FolderDestination folder(disk_.file_system(), kFolder);
    const auto listed = folder.List(Work());
    ASSERT_TRUE(listed.ok()) << where;
    const bool there = listed->size() == 2;
    EXPECT_TRUE(there || !acknowledged) << where;
    EXPECT_EQ(ReadObject(&folder, "old"), "of before") << where;
    if (there) {
      EXPECT_EQ(ReadObject(&folder, "new"), bytes_) << where;
    } else {
      EXPECT_EQ(folder.Stat("new", Work()).status().code(),
                StatusCode::kNotFound)
          << where;
    }
    {
      const auto lock = folder.LockState();
      ASSERT_TRUE(lock.ok()) << where;
      ASSERT_TRUE(folder.Sweep().ok()) << where;
    }
    Names wanted = {".levelkeep", "old"};
    if (there) wanted = {".levelkeep", "new", "old"};
    EXPECT_EQ(*disk_.file_system()->List(kFolder), wanted) << where;
    // Whatever was left, the name can be used.
    if (!there) {
      EXPECT_TRUE(PutBytes(&folder, "new", bytes_).ok()) << where;
    }
  }

  SimulatedDisk disk_;
  test::SimulatedState first_;
  const std::string bytes_ = test::RandomBytes(1, 300'000);
};

TEST_P(FolderCrashTest, AnyFailedCallLeavesTheObjectWholeOrAbsent) {
  for (const int error : {EIO, ENOSPC}) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(first_);
      disk_.FailAt(n, error);
      FolderDestination folder(disk_.file_system(), kFolder);
      const auto put = PutBytes(&folder, "new", bytes_);
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      EXPECT_TRUE(put.ok() || more) << put.status().ToString();
      ExpectWholeOrAbsent(where, put.ok());
    }
  }
}

TEST_P(FolderCrashTest, AnyCrashLeavesTheObjectWholeOrAbsent) {
  for (uint64_t seed = 0; seed < 4; ++seed) {
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(first_);
      disk_.CrashAt(n);
      FolderDestination folder(disk_.file_system(), kFolder);
      const auto put = PutBytes(&folder, "new", bytes_);
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Reboot(seed);
      ExpectWholeOrAbsent(where, put.ok());
    }
  }
}

TEST_P(FolderCrashTest, AnInterruptedPutGoesOnAfterThePowerWasLost) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    uint64_t resumed = 0;
    bool more = true;
    for (uint64_t n = 1; more; ++n) {
      ASSERT_LT(n, 200u);
      disk_.Restore(first_);
      disk_.CrashAt(n);
      KeptRecord record;
      {
        FolderDestination folder(disk_.file_system(), kFolder);
        (void)PutBytes(&folder, "new", bytes_, &record);
      }
      more = disk_.fired();
      const std::string where = disk_.last_operation();
      disk_.Reboot(seed);
      FolderDestination folder(disk_.file_system(), kFolder);
      {
        // The part that the record names is not swept.
        const auto lock = folder.LockState();
        ASSERT_TRUE(lock.ok());
        ASSERT_TRUE(folder.Sweep({record.text}).ok());
      }
      resumed += folder.HasPart() ? 1 : 0;
      const auto put = PutBytes(&folder, "new", bytes_, &record);
      EXPECT_TRUE(put.ok() || put.status().code() == StatusCode::kAlreadyExists)
          << where << put.status().ToString();
      EXPECT_EQ(ReadObject(&folder, "new"), bytes_) << where;
      const Names whole = {".levelkeep", "new", "old"};
      if (put.ok()) {
        EXPECT_EQ(*disk_.file_system()->List(kFolder), whole) << where;
      }
    }
    EXPECT_GT(resumed, 0u);
  }
}

TEST_P(FolderCrashTest, ARemovedObjectDoesNotComeBack) {
  FolderDestination folder(disk_.file_system(), kFolder);
  ASSERT_TRUE(folder.Remove("old", Work()).ok());
  disk_.Reboot(1);
  EXPECT_EQ(folder.Stat("old", Work()).status().code(), StatusCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FolderCrashTest, ::testing::Bool(),
                         [](const auto& plain) {
                           return plain.param ? "Plain" : "Posix";
                         });

// --- in a real folder

class FolderTest : public ::testing::Test {
 protected:
  Names AllFiles() { return *FileSystem::Posix()->List(dir_.path()); }
  Names Objects() {
    Names names;
    for (const auto& object : *folder_.List(Work())) {
      names.push_back(object.name);
    }
    return names;
  }
  Names Sweep(const Names& records = {}) {
    const auto lock = folder_.LockState();
    EXPECT_TRUE(lock.ok());
    const auto swept = folder_.Sweep(records);
    EXPECT_TRUE(swept.ok()) << swept.status().ToString();
    return swept.ok() ? *swept : Names();
  }

  test::TempDir dir_;
  FolderDestination folder_{FileSystem::Posix(), dir_.path()};
};

TEST_F(FolderTest, WhatIsNoFileIsNoObject) {
  ASSERT_TRUE(PutBytes(&folder_, "a", "bytes").ok());
  std::filesystem::create_directory(dir_.Sub("folder"));
  std::filesystem::create_symlink(dir_.Sub("a"), dir_.Sub("link"));
  test::WriteFile(dir_.Sub(".hidden"), "x");
  test::WriteFile(dir_.Sub("two words"), "x");
  EXPECT_EQ(Objects(), Names({"a"}));
  for (const char* name : {"folder", "link"}) {
    EXPECT_EQ(folder_.Stat(name, Work()).status().code(), StatusCode::kRefused);
    EXPECT_EQ(folder_.Open(name, "1", Work()).status().code(),
              StatusCode::kRefused);
    EXPECT_EQ(folder_.Remove(name, Work()).code(), StatusCode::kRefused);
    EXPECT_EQ(PutBytes(&folder_, name, "x").status().code(),
              StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(test::ReadFile(dir_.Sub("a")), "bytes");
}

TEST_F(FolderTest, WhoeverCopiesItWithItsTimesCopiesTheVersions) {
  const auto put = PutBytes(&folder_, "a", "bytes");
  ASSERT_TRUE(put.ok());
  test::TempDir other;
  ASSERT_EQ(test::Shell("cp -p " + dir_.Sub("a") + " " + other.path()), 0);
  FolderDestination copy(FileSystem::Posix(), other.path());
  EXPECT_EQ(*copy.Stat("a", Work()), *put);
}

TEST_F(FolderTest, AFolderThatIsNotThereIsNotEmptyAndIsNotMade) {
  FolderDestination missing(FileSystem::Posix(), dir_.Sub("not/mounted"));
  EXPECT_EQ(missing.List(Work()).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(PutBytes(&missing, "a", "bytes").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(AllFiles(), Names({}));
}

TEST_F(FolderTest, SweepsSpareWhatSomebodyIsAt) {
  auto part = folder_.NewPart();
  ASSERT_TRUE(part.ok()) << part.status().ToString();
  EXPECT_TRUE(folder_.HasPart());
  EXPECT_EQ(Sweep(), Names({}));
  ASSERT_TRUE(part->file->Append("bytes").ok());
  ASSERT_TRUE(part->file->Sync().ok());
  ASSERT_TRUE(folder_.Publish(*part, "a").ok());
  EXPECT_EQ(ReadObject(&folder_, "a"), "bytes");
  EXPECT_FALSE(folder_.HasPart());
}

TEST_F(FolderTest, SweepsTakeWhatNobodyIsAt) {
  const std::string name = NewTemporaryName(kPartSuffix);
  test::WriteFile(dir_.Sub(name), "left by a kill");
  const std::string folder = NewTemporaryName(kPartSuffix);
  std::filesystem::create_directory(dir_.Sub(folder));
  EXPECT_EQ(Sweep({name + " digest 14"}), Names({}));
  EXPECT_EQ(Sweep(), Names({name}));
  EXPECT_EQ(AllFiles(), Names({".levelkeep", folder}));
}

TEST_F(FolderTest, ADiscardedPartIsGone) {
  auto part = folder_.NewPart();
  ASSERT_TRUE(part.ok());
  folder_.Discard(&*part);
  EXPECT_EQ(AllFiles(), Names({".levelkeep"}));
  folder_.Discard(&*part);  // a second call does nothing
}

TEST_F(FolderTest, APartMayBeGivenAnotherNameWhenTheFirstIsTaken) {
  ASSERT_TRUE(PutBytes(&folder_, "a", "first").ok());
  auto part = folder_.NewPart();
  ASSERT_TRUE(part.ok());
  ASSERT_TRUE(part->file->Append("second").ok());
  ASSERT_TRUE(part->file->Sync().ok());
  EXPECT_EQ(folder_.Publish(*part, "a").code(), StatusCode::kAlreadyExists);
  ASSERT_TRUE(folder_.Publish(*part, "b").ok());
  EXPECT_EQ(ReadObject(&folder_, "a"), "first");
  EXPECT_EQ(ReadObject(&folder_, "b"), "second");
}

// An empty file beside a part: a crash came after the claim of its name.
TEST_F(FolderTest, AClaimIsNoObject) {
  test::WriteFile(dir_.Sub("claimed"), "");
  EXPECT_EQ(Objects(), Names({"claimed"})) << "no part: a file of a user";
  const std::string part = NewTemporaryName(kPartSuffix);
  test::WriteFile(dir_.Sub(part), "left by a kill");
  EXPECT_EQ(Objects(), Names({}));
  EXPECT_EQ(folder_.Stat("claimed", Work()).status().code(),
            StatusCode::kNotFound);
  ASSERT_TRUE(PutBytes(&folder_, "claimed", "bytes").ok());
  test::WriteFile(dir_.Sub("other"), "");
  EXPECT_EQ(Sweep(), Names({"other", part}));
  EXPECT_EQ(Objects(), Names({"claimed"}));
}

TEST_F(FolderTest, AnEmptyFileThatIsRememberedIsADamagedObject) {
  FolderDestination remembering(
      FileSystem::Posix(), dir_.path(),
      [](const std::string& name) { return name == "known"; });
  test::WriteFile(dir_.Sub("known"), "");
  test::WriteFile(dir_.Sub("unknown"), "");
  test::WriteFile(dir_.Sub(NewTemporaryName(kPartSuffix)), "left");
  EXPECT_TRUE(remembering.Stat("known", Work()).ok());
  EXPECT_FALSE(remembering.Stat("unknown", Work()).ok());
  const auto lock = remembering.LockState();
  ASSERT_TRUE(lock.ok());
  ASSERT_TRUE(remembering.Sweep().ok());
  EXPECT_EQ(AllFiles(), Names({".levelkeep", "known"}));
}

TEST_F(FolderTest, APutThatSomebodyIsAtIsBusy) {
  auto part = folder_.NewPart();
  ASSERT_TRUE(part.ok());
  KeptRecord record;
  record.text = BaseName(part->path) + " " + Sha256Hex("bytes") + " " + "5";
  EXPECT_EQ(PutBytes(&folder_, "a", "bytes", &record).status().code(),
            StatusCode::kBusy);
  EXPECT_TRUE(std::filesystem::exists(part->path));
}

TEST_F(FolderTest, APartThatIsLongerThanItsObjectIsBegunAnew) {
  const std::string name = NewTemporaryName(kPartSuffix);
  test::WriteFile(dir_.Sub(name), "bytes and more");
  KeptRecord record;
  record.text = name + " " + Sha256Hex("bytes") + " 5";
  ASSERT_TRUE(PutBytes(&folder_, "a", "bytes", &record).ok());
  EXPECT_EQ(ReadObject(&folder_, "a"), "bytes");
  EXPECT_EQ(AllFiles(), Names({".levelkeep", "a"}));
}

TEST_F(FolderTest, WithoutSpaceNothingIsBegun) {
  test::FaultFileSystem fs(FileSystem::Posix());
  FolderDestination small(&fs, dir_.path());
  fs.set_free_space(1u << 20);
  const auto put = PutBytes(&small, "a", "bytes");
  EXPECT_EQ(put.status().code(), StatusCode::kNoSpace);
  EXPECT_NE(put.status().message().find(dir_.path()), std::string::npos);
  EXPECT_EQ(AllFiles(), Names({".levelkeep"}));
}

}  // namespace
}  // namespace levelkeep
