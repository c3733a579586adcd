// What is told to whom, the lanes, and absence.

#include "notify/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "notify/notice_fixture.h"
#include "support/fake_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Eventually;
using test::FakeReceiver;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kNotify[] = "/storage/.levelkeep/db/notify";

class NotifierTest : public ::testing::Test {
 protected:
  NotifierTest() {
    EXPECT_TRUE(fs()->CreateDirectory("/storage").ok());
    disk_.SyncAll();
  }
  ~NotifierTest() override { notifier_.reset(); }

  FileSystem* fs() { return disk_.file_system(); }
  void Open() {
    notifier_.reset();
    Receivers receivers;
    receivers.notices = {web_.Named("webhook"), mail_.Named("mail")};
    receivers.heartbeats.emplace(JobType::kCreate,
                                 beat_.Named("beat", {.newest_counts = true}));
    receivers.heartbeats.emplace(
        JobType::kVerify, verify_.Named("verify", {.newest_counts = true}));
    notifier_ = std::make_unique<Notifier>(options_, fs(), &clock_, "db",
                                           std::move(receivers));
    notifier_->Open(kNotify);
  }
  void Flush() { notifier_->Flush(seconds(10)); }

  Job NewJob(JobType type = JobType::kCreate) {
    clock_.Advance(milliseconds(2));
    Job job;
    job.id = "job-" + std::to_string(++jobs_);
    job.request.type = type;
    job.created = clock_.Now();
    return job;
  }
  void Begin(Job* job) {
    job->status = JobStatus::kInProgress;
    ++job->attempts;
    job->started = clock_.Now();
    notifier_->Hear(*job);
  }
  void End(Job* job, const Status& status) {
    job->ended = clock_.Now() + seconds(1);
    job->status = status.ok() ? JobStatus::kCompleted
                  : status.code() == StatusCode::kCancelled
                      ? JobStatus::kCancelled
                      : JobStatus::kFailed;
    job->code = status.code();
    job->message = status.message();
    if (status.ok()) job->result = {{"backup", "backup_1.tar.gz"}};
    notifier_->Hear(*job);
  }
  void RunJob(const Status& status, JobType type = JobType::kCreate) {
    Job job = NewJob(type);
    Begin(&job);
    End(&job, status);
    Flush();
  }

  static Status Failed() { return Status(StatusCode::kIoError, "broken"); }

  test::SimulatedDisk disk_;
  test::FakeClock clock_;
  NotifyOptions options_;
  FakeReceiver web_, mail_, beat_, verify_;
  std::unique_ptr<Notifier> notifier_;
  int jobs_ = 0;
};

TEST_F(NotifierTest, TellsSuccessFailureAndRecovery) {
  Open();
  RunJob(Status::Ok());
  RunJob(Failed());
  RunJob(Failed());
  RunJob(Status::Ok());
  RunJob(Status::Ok());
  EXPECT_THAT(web_.kinds(), ElementsAre("success", "failure", "failure",
                                        "recovered", "success"));
  EXPECT_EQ(mail_.kinds(), web_.kinds());
  const Notice failure = web_.tried()[1];
  EXPECT_EQ(failure.message, "broken");
  EXPECT_EQ(failure.duration_ms, 1000u);
  EXPECT_TRUE(failure.last_success.has_value());
}

TEST_F(NotifierTest, TellsOnlyWhatIsWanted) {
  options_.on = {"failure"};
  Open();
  RunJob(Status::Ok());
  RunJob(Failed());
  RunJob(Status::Ok());
  EXPECT_THAT(web_.kinds(), ElementsAre("failure"));
}

TEST_F(NotifierTest, TheFailureBeforeARestartIsNotForgotten) {
  Open();
  RunJob(Failed());
  notifier_.reset();
  disk_.Reboot(1);
  Open();
  RunJob(Status::Ok());
  EXPECT_THAT(web_.kinds(), ElementsAre("failure", "recovered"));
}

// Each backup has one start and one result at its own URL, however often it
// reports progress and is tried again; other jobs ping there never.
TEST_F(NotifierTest, OneStartAndOneResultForEachBackup) {
  Open();
  Job job = NewJob();
  for (int i = 0; i < 100; ++i) {
    job.progress = i / 100.0;
    if (i == 0) Begin(&job);
    notifier_->Hear(job);
  }
  job.status = JobStatus::kPending;  // it failed and is tried again
  notifier_->Hear(job);
  Begin(&job);
  job.result = {{"warning", "the pre hook ended with code 1"}};
  End(&job, Status::Ok());  // a success with a warning is a success
  Flush();
  EXPECT_THAT(beat_.kinds(), ElementsAre("started", "success"));
  RunJob(Status::Ok(), JobType::kVerify);
  RunJob(Failed(), JobType::kVerify);
  RunJob(Failed(), JobType::kRotate);
  RunJob(Status(StatusCode::kCorruption, "bad"), JobType::kVerify);
  EXPECT_THAT(beat_.kinds(), SizeIs(2));
  EXPECT_THAT(verify_.kinds(), ElementsAre("started", "success", "started",
                                           "failure", "started", "failure"));
  // Of these, only the damage is worth a mail.
  EXPECT_THAT(mail_.kinds(), ElementsAre("success", "failure"));
}

TEST_F(NotifierTest, AFailedDrillIsToldUnlessItWasBusy) {
  Open();
  RunJob(Status::Ok(), JobType::kDrill);
  RunJob(Status(StatusCode::kBusy, "busy"), JobType::kDrill);
  RunJob(Status(StatusCode::kCancelled, "stopped"), JobType::kDrill);
  EXPECT_THAT(mail_.kinds(), ElementsAre());
  RunJob(Status(StatusCode::kNoSpace, "full"), JobType::kDrill);
  RunJob(Status(StatusCode::kCorruption, "bad"), JobType::kDrill);
  EXPECT_THAT(mail_.kinds(), ElementsAre("failure", "failure"));
}

TEST_F(NotifierTest, ASkippedBackupIsASuccess) {
  Open();
  Job job = NewJob();
  End(&job, Status::Ok());
  Flush();
  EXPECT_THAT(beat_.kinds(), ElementsAre("success"));
  EXPECT_THAT(mail_.kinds(), ElementsAre());
}

TEST_F(NotifierTest, ACancelledBackupIsOneForTheHeartbeatOnly) {
  Open();
  RunJob(Status(StatusCode::kCancelled, "by a person"));
  Job never = NewJob();
  End(&never, Status(StatusCode::kCancelled, "before it began"));
  Flush();
  EXPECT_THAT(beat_.kinds(), ElementsAre("started", "failure"));
  EXPECT_THAT(mail_.kinds(), ElementsAre());
}

// The start was told by a process that was killed.
TEST_F(NotifierTest, AnInterruptedBackupHasItsResult) {
  Open();
  Job job = NewJob();
  job.attempts = 1;
  job.status = JobStatus::kFailed;
  job.code = StatusCode::kCancelled;
  job.message = "interrupted";
  notifier_->Hear(job);
  Flush();
  EXPECT_THAT(beat_.kinds(), ElementsAre("failure"));
  EXPECT_THAT(mail_.kinds(), ElementsAre("failure"));
}

TEST_F(NotifierTest, AReceiverThatHangsDelaysNoOtherAndNoStop) {
  web_.Meanwhile([](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  web_.Answer(FakeReceiver::Down());
  Open();
  Job job = NewJob();
  Begin(&job);
  End(&job, Status::Ok());
  EXPECT_TRUE(mail_.Await(1));
  EXPECT_TRUE(beat_.Await(2));
  ASSERT_TRUE(web_.Await(1));
  const auto begin = steady_clock::now();
  notifier_.reset();
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
  // What it did not take comes at the next start, at once, with the same id.
  const std::string id = web_.tried()[0].id;
  web_.Meanwhile(nullptr);
  web_.Answer({});
  disk_.Reboot(1);
  Open();
  ASSERT_TRUE(web_.Await(2));
  EXPECT_EQ(web_.tried()[1].id, id);
}

TEST_F(NotifierTest, RetriesComeAtTheirTimeAndEnd) {
  web_.Answer(FakeReceiver::Down());
  Open();
  RunJob(Status::Ok());
  EXPECT_THAT(web_.tried(), SizeIs(1));
  ASSERT_TRUE(Eventually([&] { return !notifier_->Problems().empty(); }));
  EXPECT_THAT(notifier_->Problems()[0],
              HasSubstr("the webhook takes no notification at present"));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(30));
  ASSERT_TRUE(web_.Await(2));
  web_.Answer({});
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(minutes(1));
  ASSERT_TRUE(web_.Await(3));
  ASSERT_TRUE(Eventually([&] { return notifier_->Problems().empty(); }));
}

TEST_F(NotifierTest, TheReceiversWishIsObeyed) {
  Delivery busy = FakeReceiver::Down();
  busy.retry_after = seconds(7);
  web_.Answer(busy);
  Open();
  RunJob(Status::Ok());
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(6));
  EXPECT_THAT(web_.tried(), SizeIs(1));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(1));
  EXPECT_TRUE(web_.Await(2));
}

TEST_F(NotifierTest, WhatIsRefusedIsNotTriedForEver) {
  Delivery gone = FakeReceiver::Down();
  gone.hope = Delivery::Hope::kGone;
  web_.Answer(gone);
  Delivery refused = FakeReceiver::Down();
  refused.hope = Delivery::Hope::kRefused;
  mail_.Answer(refused);
  Open();
  RunJob(Status::Ok());
  EXPECT_THAT(web_.tried(), SizeIs(1));
  for (size_t tries = 1; tries < 5; ++tries) {
    ASSERT_TRUE(mail_.Await(tries));
    ASSERT_TRUE(clock_.WaitForSleepers(1)) << tries;
    clock_.Advance(hours(1));
  }
  ASSERT_TRUE(mail_.Await(5));
  ASSERT_TRUE(Eventually([&] {
    const auto problems = notifier_->Problems();
    return problems.size() == 2 &&
           problems[1].find("1 were given up") != std::string::npos;
  }));
  EXPECT_THAT(mail_.tried(), SizeIs(5));
}

TEST_F(NotifierTest, AbsenceIsToldOnceADayUntilItEnds) {
  Open();
  RunJob(Status::Ok());
  notifier_->Watch(hours(3), std::nullopt);
  const auto absences = [&] {
    return std::ranges::count(mail_.kinds(), std::string("absence"));
  };
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(hours(1));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_EQ(absences(), 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    clock_.Advance(hours(1));
  }
  ASSERT_TRUE(Eventually([&] { return absences() == 1; }));
  EXPECT_THAT(mail_.tried().back().message,
              HasSubstr("no backup has succeeded for "));
  // A restart does not tell it again, until a day has passed.
  notifier_.reset();
  disk_.Reboot(1);
  Open();
  notifier_->Watch(hours(3), std::nullopt);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    clock_.Advance(hours(1));
  }
  EXPECT_EQ(absences(), 1);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    clock_.Advance(hours(1));
  }
  ASSERT_TRUE(Eventually([&] { return absences() == 2; }));
  RunJob(Status::Ok());
  EXPECT_EQ(mail_.kinds().back(), "recovered");
}

// A server that comes up after a long time makes a backup first.
TEST_F(NotifierTest, AStartHasTimeForItsFirstBackup) {
  Open();
  notifier_->Watch(hours(1), clock_.Now() - hours(48));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(minutes(1));
  RunJob(Status::Ok());
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(minutes(2));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_THAT(mail_.kinds(), ElementsAre("success"));
  notifier_->EndWatch();
}

TEST_F(NotifierTest, WithoutReceiversNothingHappens) {
  notifier_ = std::make_unique<Notifier>(options_, fs(), &clock_, "db");
  notifier_->Open(kNotify);
  notifier_->Watch(hours(1), std::nullopt);
  RunJob(Failed());
  EXPECT_FALSE(PathExists(fs(), "/storage/.levelkeep"));
}

// Whatever the disk does, the receivers are told.
TEST_F(NotifierTest, AFullDiskKeepsNobodyFromBeingTold) {
  Open();
  for (uint64_t n = 1; n < 60; ++n) {
    disk_.FailAt(disk_.operations() + n, ENOSPC);
    const size_t before = mail_.tried().size();
    RunJob(n % 2 == 0 ? Status::Ok() : Failed());
    EXPECT_TRUE(mail_.Await(before + 1)) << n;
  }
}

}  // namespace
}  // namespace levelkeep
