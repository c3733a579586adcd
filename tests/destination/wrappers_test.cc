// Retries and limits. The conformance suite proves that they keep the promises
// of a destination.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/hash.h"
#include "destination/faulty_destination.h"
#include "destination/folder_destination.h"
#include "destination/kept_record.h"
#include "destination/wrapped_destination.h"
#include "support/auto_clock.h"
#include "support/made_up_bytes.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using test::AutoClock;
using test::FaultyDestination;
using When = FaultyDestination::When;

class RetryingTest : public ::testing::Test {
 protected:
  RetryingTest() {
    Use({milliseconds(100), milliseconds(1000), milliseconds(5000)});
  }

  void Use(const RetryPolicy& policy) {
    auto faulty = std::make_unique<FaultyDestination>(
        std::make_unique<FolderDestination>(FileSystem::Posix(), dir_.path()));
    faulty_ = faulty.get();
    retrying_ = std::make_unique<RetryingDestination>(std::move(faulty),
                                                      &clock_, policy);
  }

  Result<StoredObject> Put(const std::string& bytes,
                           PutRecord* record = nullptr,
                           const Work& work = Work(), bool digest = true) {
    const auto source = NewStringSource(bytes);
    return retrying_->Put(
        "a", {source.get(), bytes.size(), digest ? Sha256Hex(bytes) : "", {}},
        record, work);
  }

  test::TempDir dir_;
  AutoClock clock_;
  FaultyDestination* faulty_ = nullptr;
  std::unique_ptr<RetryingDestination> retrying_;
};

TEST_F(RetryingTest, WhatPassesIsTriedAgain) {
  ASSERT_TRUE(Put("bytes").ok());
  const std::string version = retrying_->Stat("a", Work())->version;
  for (const char* call : {"List", "Stat", "Open", "Remove"}) {
    faulty_->Fail(call, 4);
  }
  EXPECT_EQ(retrying_->List(Work())->size(), 1u);
  EXPECT_TRUE(retrying_->Stat("a", Work()).ok());
  EXPECT_TRUE(retrying_->Open("a", version, Work()).ok());
  EXPECT_TRUE(retrying_->Remove("a", Work()).ok());
  EXPECT_EQ(clock_.sleeps(), 16);
}

TEST_F(RetryingTest, WhatDoesNotPassIsNotTriedAgain) {
  for (const StatusCode code :
       {StatusCode::kPermissionDenied, StatusCode::kNoSpace, StatusCode::kBusy,
        StatusCode::kNotFound, StatusCode::kUnsupported}) {
    faulty_->Fail("Stat", 1, code);
    EXPECT_EQ(retrying_->Stat("a", Work()).status().code(), code);
    faulty_->Fail("Put", 1, code);
    EXPECT_EQ(Put("bytes").status().code(), code);
  }
  EXPECT_EQ(clock_.sleeps(), 0);
}

TEST_F(RetryingTest, PatienceEnds) {
  faulty_->Fail("List", UINT64_MAX);
  const auto begun = clock_.SteadyNow();
  EXPECT_EQ(retrying_->List(Work()).status().code(), StatusCode::kIoError);
  const auto took = clock_.SteadyNow() - begun;
  EXPECT_GE(took, milliseconds(5000));
  EXPECT_LE(took, milliseconds(6000))
      << "at most the longest pause beyond the patience";
  faulty_->Fail("Put", UINT64_MAX);
  EXPECT_EQ(Put("bytes").status().code(), StatusCode::kIoError);
}

TEST_F(RetryingTest, PausesGrowUpToTheLongest) {
  faulty_->Fail("List", UINT64_MAX);
  milliseconds longest{0};
  auto last = clock_.SteadyNow();
  clock_.on_sleep = [&](int count) {
    const auto now = clock_.SteadyNow();
    const auto pause = std::chrono::duration_cast<milliseconds>(now - last);
    last = now;
    const milliseconds most =
        std::min(milliseconds(1000), milliseconds(100 << std::min(count, 5)));
    EXPECT_LE(pause, most) << count;
    longest = std::max(longest, pause);
  };
  EXPECT_FALSE(retrying_->List(Work()).ok());
  EXPECT_GT(longest, milliseconds(200)) << "the pauses never grew";
}

TEST_F(RetryingTest, AStopEndsTheWait) {
  faulty_->Fail("Stat", UINT64_MAX);
  faulty_->Fail("Put", UINT64_MAX);
  std::stop_source stop;
  clock_.on_sleep = [&](int) { stop.request_stop(); };
  const Work work = {stop.get_token(), nullptr};
  EXPECT_EQ(retrying_->Stat("a", work).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(Put("bytes", nullptr, work).status().code(),
            StatusCode::kCancelled);
  EXPECT_EQ(clock_.sleeps(), 1);
}

TEST_F(RetryingTest, APutWhoseAnswerWasLostIsRecognised) {
  for (const bool digest : {false, true}) {
    faulty_->Fail("Put", 1, StatusCode::kIoError, When::kAfter);
    const auto put = Put("bytes", nullptr, Work(), digest);
    ASSERT_TRUE(put.ok()) << put.status().ToString();
    EXPECT_EQ(*put, *retrying_->Stat("a", Work()));
    ASSERT_TRUE(retrying_->Remove("a", Work()).ok());
  }
}

// Another program put the object while our first try failed.
TEST_F(RetryingTest, AnObjectOfSomebodyElseIsNotTakenForOurs) {
  for (const char* bytes : {"other", "not even as long"}) {
    test::WriteFile(dir_.Sub("a"), bytes);
    faulty_->Fail("Put", 1);
    EXPECT_EQ(Put("bytes").status().code(), StatusCode::kAlreadyExists);
    EXPECT_EQ(test::ReadFile(dir_.Sub("a")), bytes);
  }
}

TEST_F(RetryingTest, AFirstPutOfATakenNameIsRefusedAlsoIfTheBytesAreTheSame) {
  ASSERT_TRUE(Put("bytes").ok());
  EXPECT_EQ(Put("bytes").status().code(), StatusCode::kAlreadyExists);
}

TEST_F(RetryingTest, AReadThatFailsIsTriedAgain) {
  ASSERT_TRUE(Put("bytes").ok());
  const auto source =
      retrying_->Open("a", retrying_->Stat("a", Work())->version, Work());
  ASSERT_TRUE(source.ok());
  faulty_->Fail("Read", 3);
  std::string buffer(5, 'x');
  EXPECT_EQ(*(*source)->ReadAt(0, buffer.data(), buffer.size()), 5u);
  EXPECT_EQ(buffer, "bytes");
  faulty_->Fail("Read", UINT64_MAX);
  EXPECT_EQ((*source)->ReadAt(0, buffer.data(), 5).status().code(),
            StatusCode::kIoError);
}

TEST_F(RetryingTest, APutWithARecordGoesOnAndItsProgressNeverGoesBack) {
  const std::string bytes = test::RandomBytes(1, 60'000'000);
  faulty_->CutPuts(30'000'000, 3);
  test::KeptRecord record;
  std::vector<double> seen;
  const auto put =
      Put(bytes, &record, {{}, [&](double done) { seen.push_back(done); }});
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 1.0);
  EXPECT_EQ(faulty_->calls("Put"), 4u);
  EXPECT_TRUE(test::ReadFile(dir_.Sub("a")) == bytes);
}

// As long as bytes get through, a bad line may last longer than the patience.
TEST_F(RetryingTest, ATaskThatGoesOnIsNotGivenUp) {
  Use({milliseconds(100), milliseconds(1000), milliseconds(150)});
  const std::string bytes = test::RandomBytes(2, 90'000'000);
  const auto source = NewStringSource(bytes);
  const auto begun = clock_.SteadyNow();
  test::KeptRecord record;
  uint64_t sleeps = 0;
  clock_.on_sleep = [&](int) {
    // 8 MiB more get through each time.
    ++sleeps;
    faulty_->CutPuts((sleeps + 1) * (8u << 20), 1);
  };
  faulty_->CutPuts(8u << 20, 1);
  const auto put = retrying_->Put(
      "a", {source.get(), bytes.size(), Sha256Hex(bytes), {}}, &record, Work());
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_GE(sleeps, 9u);
  EXPECT_GT(clock_.SteadyNow() - begun, milliseconds(150));
}

TEST(LimitedTest, SendsAndReadsAtItsRate) {
  test::TempDir dir;
  AutoClock clock;
  LimitedDestination limited(
      std::make_unique<FolderDestination>(FileSystem::Posix(), dir.path()),
      &clock, 1'000'000);
  const std::string bytes = test::RandomBytes(3, 20u << 20);
  const auto source = NewStringSource(bytes);
  const auto seconds = [&](const auto& task) {
    const auto begun = clock.SteadyNow();
    task();
    return std::chrono::duration<double>(clock.SteadyNow() - begun).count();
  };
  const auto put = [&](const std::string& name,
                       std::vector<SharedRange> shared) {
    EXPECT_TRUE(limited
                    .Put(name,
                         {source.get(), bytes.size(), "", std::move(shared)},
                         nullptr, Work())
                    .ok());
  };
  EXPECT_NEAR(seconds([&] { put("a", {}); }), 20.97, 1.1);
  const StoredObject object = *limited.Stat("a", Work());
  EXPECT_NEAR(
      seconds([&] {
        const auto opened = limited.Open("a", object.version, Work());
        std::string buffer(1u << 20, 'x');
        for (uint64_t at = 0; at < bytes.size(); at += buffer.size()) {
          EXPECT_TRUE((*opened)->ReadAt(at, buffer.data(), buffer.size()).ok());
        }
      }),
      20.97, 1.1);
  // Shared ranges are not sent.
  EXPECT_LE(seconds([&] {
              put("b", {{0, bytes.size(), "a", object.version, 0}});
            }),
            1.1);
  EXPECT_TRUE(test::ReadFile(dir.Sub("b")) == bytes);
}

TEST(LimitedTest, AStopEndsTheWait) {
  test::TempDir dir;
  AutoClock clock;
  LimitedDestination limited(
      std::make_unique<FolderDestination>(FileSystem::Posix(), dir.path()),
      &clock, 1'000);
  std::stop_source stop;
  clock.on_sleep = [&](int) { stop.request_stop(); };
  const std::string bytes = test::RandomBytes(4, 4u << 20);
  const auto source = NewStringSource(bytes);
  EXPECT_EQ(limited
                .Put("a", {source.get(), bytes.size(), "", {}}, nullptr,
                     {stop.get_token(), nullptr})
                .status()
                .code(),
            StatusCode::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(dir.Sub("a")));
}

}  // namespace
}  // namespace levelkeep
