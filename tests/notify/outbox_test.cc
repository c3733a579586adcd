// The outbox: crashes, full disks, retry times, digests.

#include "notify/outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>

#include "notify/notice_fixture.h"
#include "support/fake_clock.h"
#include "support/fault_file_system.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::NoticeAt;

constexpr char kFolder[] = "/storage/.levelkeep/db/notify/webhook";

class OutboxTest : public ::testing::Test {
 protected:
  OutboxTest() {
    EXPECT_TRUE(fs()->CreateDirectory("/storage").ok());
    disk_.SyncAll();
  }

  FileSystem* fs() { return disk_.file_system(); }
  std::unique_ptr<Outbox> Open(OutboxLimits limits = {}) {
    auto outbox = std::make_unique<Outbox>(fs(), &clock_, kFolder, limits);
    EXPECT_TRUE(outbox->BecomeSender().ok());
    return outbox;
  }
  Notice New(NoticeKind kind = NoticeKind::kSuccess) {
    clock_.Advance(milliseconds(1));
    return NoticeAt(clock_.Now(), kind);
  }
  std::set<std::string> Files() {
    std::set<std::string> names;
    const auto listed = fs()->List(kFolder);
    if (!listed.ok()) return names;
    for (const std::string& name : *listed) {
      if (IsNoticeId(name)) names.insert(name);
    }
    return names;
  }

  test::SimulatedDisk disk_;
  test::FakeClock clock_;
};

TEST_F(OutboxTest, WhatWasAddedSurvivesThePower) {
  const Notice first = New(), second = New(NoticeKind::kFailure);
  {
    const auto outbox = Open();
    outbox->Add(first);
    outbox->Add(second);
    outbox->Save();
  }
  disk_.Reboot(1);
  const auto outbox = Open();
  ASSERT_EQ(outbox->size(), 2u);
  EXPECT_EQ(outbox->Next()->notice.id, first.id);
  EXPECT_EQ(outbox->Pause(), milliseconds(0));
  outbox->CountTry();
  outbox->Delivered();
  EXPECT_EQ(outbox->Next()->notice.message, "no space");
  EXPECT_EQ(Files(), std::set<std::string>{second.id});
}

// A notice that is delivered at once costs one write of a file.
TEST_F(OutboxTest, ADeliveryAtOnceIsWrittenOnce) {
  const auto outbox = Open();
  outbox->Add(New());
  outbox->CountTry();
  outbox->Delivered();
  disk_.set_trace(true);
  outbox->Add(New());
  outbox->CountTry();
  outbox->Save();
  outbox->Delivered();
  int syncs = 0;
  for (const std::string& operation : disk_.trace()) {
    if (operation.starts_with("sync")) ++syncs;
  }
  EXPECT_EQ(syncs, 2);  // of the file and of the folder
}

TEST_F(OutboxTest, TriesAreCountedBeforeTheyAreMade) {
  auto outbox = Open();
  outbox->Add(New());
  outbox->CountTry();
  // The process dies in the try. The next one waits as after a failure.
  outbox.reset();
  disk_.Reboot(2);
  outbox = Open();
  EXPECT_EQ(outbox->Next()->tries, 1u);
  EXPECT_EQ(outbox->Pause(), seconds(30));
}

// A stored retry time is obeyed, also by the next process.
TEST_F(OutboxTest, RetryTimesSurviveARestart) {
  auto outbox = Open();
  outbox->Add(New());
  std::vector<milliseconds> pauses;
  for (int i = 0; i < 9; ++i) {
    outbox->CountTry();
    outbox->Postpone(PauseAfterTry(outbox->Next()->tries));
    outbox.reset();
    disk_.Reboot(3);
    outbox = Open();
    pauses.push_back(outbox->Pause());
    clock_.Advance(pauses.back() - milliseconds(1));
    EXPECT_EQ(outbox->Pause(), milliseconds(1));
    clock_.Advance(milliseconds(1));
    EXPECT_EQ(outbox->Pause(), milliseconds(0));
  }
  EXPECT_EQ(pauses,
            (std::vector<milliseconds>{seconds(30), minutes(1), minutes(2),
                                       minutes(4), minutes(8), minutes(16),
                                       minutes(32), hours(1), hours(1)}));
  EXPECT_FALSE(outbox->IsTooOld());
  clock_.Advance(hours(24));
  EXPECT_TRUE(outbox->IsTooOld());
  // The clock is set back by a year: it waits an hour, not a year.
  outbox->Postpone(minutes(1));
  clock_.SetWallClock(clock_.Now() - hours(24 * 365));
  EXPECT_EQ(outbox->Pause(), hours(1));
}

TEST_F(OutboxTest, AFloodBecomesADigest) {
  auto outbox = Open();
  for (int i = 0; i < 40; ++i) outbox->Add(New(NoticeKind::kFailure));
  outbox->Add(New(NoticeKind::kRecovered));
  outbox->Save();
  outbox->Tidy();
  ASSERT_EQ(outbox->size(), 1u);
  const Notice digest = outbox->Next()->notice;
  EXPECT_EQ(digest.count(), 41u);
  EXPECT_EQ(digest.state(), NoticeKind::kRecovered);
  EXPECT_EQ(Files(), std::set<std::string>{digest.id});
  outbox.reset();
  disk_.Reboot(4);
  EXPECT_EQ(Open()->Next()->notice.count(), 41u);
}

// Whatever step a crash comes at: each notice is there once, by itself or in
// the digest.
TEST_F(OutboxTest, ACrashInAFoldLosesAndDoublesNothing) {
  {
    const auto outbox = Open();
    for (int i = 0; i < 8; ++i) outbox->Add(New());
    outbox->Save();
  }
  disk_.SyncAll();
  const auto before = disk_.Save();
  int crashes = 0;
  for (uint64_t n = 1;; ++n) {
    disk_.Restore(before);
    {
      Outbox outbox(fs(), &clock_, kFolder, {});
      (void)outbox.BecomeSender();
      disk_.CrashAt(disk_.operations() + n);
      outbox.Tidy();
    }
    const bool fired = disk_.fired();
    disk_.Reboot(n);
    const auto outbox = Open();
    uint64_t count = 0;
    outbox->Tidy();
    while (outbox->Next() != nullptr) {
      count += outbox->Next()->notice.count();
      outbox->Delivered();
    }
    EXPECT_EQ(count, 8u) << n << " " << disk_.last_operation();
    if (!fired) break;
    ++crashes;
  }
  EXPECT_GT(crashes, 8);
}

TEST_F(OutboxTest, SoManyAnHourAndTheRestInOne) {
  const OutboxLimits limits{.most_per_hour = 3};
  auto outbox = Open(limits);
  const auto deliver = [&] {
    outbox->Tidy();
    EXPECT_EQ(outbox->Pause(), milliseconds(0));
    const uint64_t count = outbox->Next()->notice.count();
    outbox->CountTry();
    outbox->Delivered();
    return count;
  };
  for (int i = 0; i < 3; ++i) {
    outbox->Add(New());
    EXPECT_EQ(deliver(), 1u);
  }
  // The next process keeps to the limit, too.
  outbox.reset();
  outbox = Open(limits);
  for (int i = 0; i < 2; ++i) outbox->Add(New());
  outbox->Tidy();
  EXPECT_EQ(outbox->size(), 2u);
  EXPECT_GT(outbox->Pause(), minutes(59));
  clock_.Advance(outbox->Pause());
  EXPECT_EQ(deliver(), 2u);
  EXPECT_EQ(outbox->Next(), nullptr);
}

TEST_F(OutboxTest, OfHeartbeatsTheNewestCounts) {
  auto outbox = Open({.newest_counts = true});
  outbox->Add(New(NoticeKind::kStarted));
  outbox->Add(New(NoticeKind::kSuccess));
  outbox->Tidy();
  EXPECT_EQ(outbox->size(), 2u);  // none has failed: both are sent
  outbox->CountTry();
  outbox->Postpone(seconds(30));
  outbox->Tidy();
  ASSERT_EQ(outbox->size(), 1u);
  EXPECT_EQ(outbox->Next()->notice.kind, NoticeKind::kSuccess);
  EXPECT_EQ(outbox->Pause(), milliseconds(0));
}

TEST_F(OutboxTest, OnlyOneProcessSends) {
  const auto server = Open();
  server->Add(New());
  server->Save();
  EXPECT_TRUE(server->BecomeSender().ok());
  Outbox tool(fs(), &clock_, kFolder, {});
  EXPECT_EQ(tool.BecomeSender().code(), StatusCode::kBusy);
  tool.Add(New(NoticeKind::kFailure));
  tool.Save();
  EXPECT_TRUE(server->BecomeSender().ok());
  EXPECT_EQ(server->size(), 2u);
  server->ResignSender();
  EXPECT_TRUE(tool.BecomeSender().ok());
}

// Whatever fails: nothing is lost while the process lives.
TEST_F(OutboxTest, ADiskThatFailsCostsNothingButTheMemory) {
  test::FaultFileSystem broken(fs());
  for (const StatusCode code :
       {StatusCode::kNoSpace, StatusCode::kPermissionDenied,
        StatusCode::kIoError}) {
    broken.Reset();
    broken.FailOn("", code, 1, test::FaultFileSystem::kAlways);
    Outbox outbox(&broken, &clock_, kFolder, {});
    EXPECT_TRUE(outbox.BecomeSender().ok());
    for (int i = 0; i < 9; ++i) outbox.Add(New());
    outbox.Save();
    EXPECT_TRUE(outbox.BecomeSender().ok());
    outbox.Tidy();
    ASSERT_EQ(outbox.size(), 1u);
    EXPECT_EQ(outbox.Next()->notice.count(), 9u);
    outbox.CountTry();
    outbox.Postpone(seconds(1));
    EXPECT_EQ(outbox.Pause(), seconds(1));
    outbox.Delivered();
    EXPECT_EQ(outbox.Next(), nullptr);
  }
  EXPECT_TRUE(Files().empty());
  // A volume that is not mounted is not created.
  Outbox outbox(fs(), &clock_, "/gone/.levelkeep/db/notify/webhook", {});
  outbox.Add(New());
  outbox.Save();
  EXPECT_FALSE(outbox.Next()->durable);
  EXPECT_FALSE(PathExists(fs(), "/gone"));
}

// The disk was remounted read only: what was delivered is not sent again.
TEST_F(OutboxTest, ANoticeThatCanNotBeRemovedIsDoneAllTheSame) {
  test::FaultFileSystem broken(fs());
  Outbox outbox(&broken, &clock_, kFolder, {});
  outbox.Add(New());
  outbox.CountTry();
  broken.FailOn("RemoveFile", StatusCode::kPermissionDenied, 1,
                test::FaultFileSystem::kAlways);
  outbox.Delivered();
  EXPECT_TRUE(broken.fired());
  EXPECT_TRUE(outbox.BecomeSender().ok());
  EXPECT_EQ(outbox.Next(), nullptr);
  EXPECT_EQ(Files().size(), 1u);
  broken.Reset();
  EXPECT_TRUE(outbox.BecomeSender().ok());
  EXPECT_EQ(outbox.Next(), nullptr);
  EXPECT_TRUE(Files().empty());
}

TEST_F(OutboxTest, ADamagedNoticeIsDropped) {
  const Notice good = New(), bad = New();
  {
    const auto outbox = Open();
    outbox->Add(good);
    outbox->Add(bad);
    outbox->Save();
  }
  ASSERT_TRUE(WriteFileDurably(fs(), JoinPath(kFolder, bad.id), "junk").ok());
  ASSERT_TRUE(WriteFileDurably(fs(), JoinPath(kFolder, "note.txt"), "x").ok());
  const auto outbox = Open();
  ASSERT_EQ(outbox->size(), 1u);
  EXPECT_EQ(outbox->Next()->notice.id, good.id);
  EXPECT_EQ(Files(), std::set<std::string>{good.id});
  EXPECT_TRUE(PathExists(fs(), JoinPath(kFolder, "note.txt")));
}

TEST_F(OutboxTest, GivenUpIsCountedAndNamed) {
  {
    const auto outbox = Open();
    outbox->Add(New());
    outbox->CountTry();
    outbox->GiveUp("gone");
    EXPECT_EQ(outbox->Next(), nullptr);
  }
  disk_.Reboot(5);
  const auto outbox = Open();
  EXPECT_EQ(outbox->given_up(), 1u);
  EXPECT_EQ(outbox->problem(), "gone");
  outbox->Add(New());
  outbox->Delivered();
  EXPECT_EQ(outbox->problem(), "");
}

}  // namespace
}  // namespace levelkeep
