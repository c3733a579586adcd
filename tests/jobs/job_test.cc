#include "jobs/job.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "jobs/schedule.h"

namespace levelkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr JobType kTypes[] = {
    JobType::kCreate, JobType::kRestore, JobType::kUndo, JobType::kVerify,
    JobType::kRotate, JobType::kDelete,  JobType::kDrill};

const Time kNow{std::chrono::sys_days(std::chrono::year(2024) / 12 / 27) +
                hours(12) + milliseconds(7)};

Job FullJob() {
  Job job;
  job.id = NewJobId(kNow);
  job.request = {.type = JobType::kRestore,
                 .backup = "backup_2024-12-27_120000.tar.gz",
                 .label = "a b%\n\xff",
                 .depth = VerifyDepth::kChecksums,
                 .mode = RestoreMode::kLive,
                 .other_database = true,
                 .force = true,
                 .all = true,
                 .if_needed = true,
                 .trigger = "api",
                 .created_by = "ann",
                 .priority = -3};
  job.status = JobStatus::kFailed;
  job.attempts = 3;
  job.created = kNow;
  job.started = kNow + minutes(1);
  job.ended = kNow + minutes(2);
  job.not_before = kNow + minutes(3);
  job.code = StatusCode::kNoSpace;
  job.message = "no space: 1 GiB";
  job.result = {{"backup", "x"}, {"sequence", "12"}};
  return job;
}

TEST(JobTest, IdsSortByTimeAndAreJudged) {
  const std::string id = NewJobId(kNow);
  EXPECT_TRUE(id.starts_with("20241227-120000-007-")) << id;
  EXPECT_TRUE(IsJobId(id));
  EXPECT_NE(id, NewJobId(kNow));
  EXPECT_LT(id, NewJobId(kNow + milliseconds(1)));
  for (const char* text : {"", "jobs.lock", "open", "../../../../etc/passwd",
                           "20241227-120000-007-1a2b3c4", "runners"}) {
    EXPECT_FALSE(IsJobId(text)) << text;
  }
}

TEST(JobTest, ARecordHoldsAllOfAJob) {
  const Job job = FullJob();
  const auto back = JobFromRecord(JobToRecord(job));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->id, job.id);
  EXPECT_EQ(back->request, job.request);
  EXPECT_EQ(back->status, job.status);
  EXPECT_EQ(back->attempts, job.attempts);
  EXPECT_EQ(back->created, job.created);
  EXPECT_EQ(back->started, job.started);
  EXPECT_EQ(back->ended, job.ended);
  EXPECT_EQ(back->not_before, job.not_before);
  EXPECT_EQ(back->code, job.code);
  EXPECT_EQ(back->message, job.message);
  EXPECT_EQ(back->result, job.result);
  for (const JobType type : kTypes) {
    Job one = job;
    one.request.type = type;
    EXPECT_EQ(JobFromRecord(JobToRecord(one))->request.type, type);
  }
}

TEST(JobTest, AWrongRecordIsCorruption) {
  for (const char* field : {"created", "id"}) {
    Record record = JobToRecord(FullJob());
    record.Set(field, "nonsense");
    EXPECT_EQ(JobFromRecord(record).status().code(), StatusCode::kCorruption)
        << field;
  }
}

TEST(JobTest, WordsOfALaterVersionAreNoDamage) {
  for (const char* field : {"type", "status"}) {
    Record record = JobToRecord(FullJob());
    record.Set(field, "later");
    EXPECT_EQ(JobFromRecord(record).status().code(), StatusCode::kUnsupported)
        << field;
  }
  Record record = JobToRecord(FullJob());
  record.Set("code", "later");
  EXPECT_EQ(JobFromRecord(record)->code, StatusCode::kInternal);
}

TEST(JobTest, WhatMayRunTogether) {
  using enum JobType;
  const std::vector<std::pair<JobType, JobType>> together = {
      {kVerify, kCreate}, {kVerify, kRotate}, {kVerify, kDelete},
      {kDrill, kCreate},  {kDrill, kRotate},  {kDrill, kDelete}};
  for (const JobType a : kTypes) {
    for (const JobType b : kTypes) {
      const bool expected =
          std::count(together.begin(), together.end(), std::pair(a, b)) +
              std::count(together.begin(), together.end(), std::pair(b, a)) >
          0;
      EXPECT_EQ(MayRunTogether(a, b), expected)
          << JobTypeName(a) << " " << JobTypeName(b);
      const bool displaces =
          (a == kRestore || a == kUndo) && (b == kVerify || b == kDrill);
      EXPECT_EQ(Displaces(a, b), displaces)
          << JobTypeName(a) << " " << JobTypeName(b);
    }
    EXPECT_EQ(SurvivesRestart(a),
              a == kCreate || a == kVerify || a == kRotate || a == kDrill);
  }
}

TEST(ScheduleTest, FirstRunAfterAStart) {
  const IntervalSchedule schedule(hours(1));
  const struct {
    const char* what;
    std::optional<Time> last;
    bool needed;
    milliseconds expected;
  } kRows[] = {
      {"empty database, no backup", {}, false, hours(1)},
      {"data without any backup", {}, true, milliseconds(0)},
      {"the rest of the interval", kNow - minutes(20), true, minutes(40)},
      {"overdue after downtime: one run at once", kNow - hours(50), true,
       milliseconds(0)},
      {"newest backup from the future", kNow + hours(5), true, hours(1)},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(row.expected, schedule.DelayAtStart(row.last, row.needed, kNow))
        << row.what;
  }
  EXPECT_EQ(schedule.DelayAfter(kNow), hours(1));
  EXPECT_EQ(schedule.NextAfter(kNow), kNow + hours(1));
}

// The clock leaps forward and back, once a minute. There is a run for each leap
// that goes beyond all earlier ones, and none for a leap back.
TEST(ScheduleTest, AClockThatLeapsMakesNoStorm) {
  const IntervalSchedule schedule(hours(1));
  const Moment start{std::chrono::steady_clock::time_point(hours(1000)), kNow};
  DueTime next(start, schedule.DelayAfter(start.wall));
  int runs = 0;
  for (int minute = 1; minute <= 600; ++minute) {
    Moment now{start.steady + minutes(minute), start.wall + minutes(minute)};
    if (minute % 2 == 1) now.wall += hours(24 * 365);
    if (!next.HasCome(now)) continue;
    ++runs;
    next = DueTime(now, schedule.DelayAfter(now.wall));
  }
  EXPECT_GE(runs, 10);
  EXPECT_LE(runs, 20);
}

}  // namespace
}  // namespace levelkeep
