// Puts of objects into every destination.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/hash.h"
#include "destination/conformance.h"
#include "destination/kept_record.h"
#include "support/made_up_bytes.h"

namespace levelkeep {
namespace {

using test::EndingSource;
using test::KeptRecord;
using test::Names;
using test::RandomBytes;

class ConformancePutTest : public test::ConformanceTest {};

TEST_P(ConformancePutTest, NothingIsEverReplaced) {
  ASSERT_TRUE(Put("a", "first").ok());
  EXPECT_EQ(Put("a", "other").status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Put("a", "a longer one").status().code(),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(*ReadNow("a"), "first");
  EXPECT_EQ(ListedNames(), Names({"a"}));
}

TEST_P(ConformancePutTest, OfPutsAtOnceOneWins) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 5; ++round) {
    const std::string name = "object-" + std::to_string(round);
    std::vector<std::string> bytes;
    for (int i = 0; i < kThreads; ++i) {
      bytes.push_back(RandomBytes(100 + i, 300'000));
    }
    std::vector<Status> ends(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        const auto source = NewStringSource(bytes[i]);
        ends[i] = place_->Open()
                      ->Put(name, {source.get(), bytes[i].size(), "", {}},
                            nullptr, Work())
                      .status();
      });
    }
    for (std::thread& thread : threads) thread.join();
    const auto there = ReadNow(name);
    ASSERT_TRUE(there.ok()) << there.status().ToString();
    int winners = 0;
    for (int i = 0; i < kThreads; ++i) {
      if (ends[i].ok()) {
        ++winners;
        if (abilities_.exclusive_put) {
          EXPECT_TRUE(*there == bytes[i]);
        }
      } else {
        EXPECT_EQ(ends[i].code(), StatusCode::kAlreadyExists);
      }
    }
    EXPECT_GE(winners, 1);
    if (abilities_.exclusive_put) {
      EXPECT_EQ(winners, 1);
    }
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), *there), 1);
  }
}

TEST_P(ConformancePutTest, APutThatFailsLeavesNothing) {
  const std::string bytes = RandomBytes(3, 12'000'000);
  const EndingSource source(bytes, 9'000'000);
  EXPECT_EQ(destination_
                ->Put("a", {&source, bytes.size(), Sha256Hex(bytes), {}},
                      nullptr, Work())
                .status()
                .code(),
            StatusCode::kNoSpace);
  EXPECT_EQ(ListedNames(), Names({}));
  EXPECT_EQ(destination_->Stat("a", Work()).status().code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(Put("a", bytes).ok());
}

TEST_P(ConformancePutTest, APutThatIsStoppedLeavesNothing) {
  const std::string bytes = RandomBytes(4, 30'000'000);
  std::stop_source stop;
  const EndingSource source(bytes, 9'000'000, [&] { stop.request_stop(); });
  EXPECT_EQ(destination_
                ->Put("a", {&source, bytes.size(), "", {}}, nullptr,
                      {stop.get_token(), nullptr})
                .status()
                .code(),
            StatusCode::kCancelled);
  EXPECT_EQ(ListedNames(), Names({}));
}

TEST_P(ConformancePutTest, ProgressGoesFromNothingToAll) {
  const std::string bytes = RandomBytes(5, 20'000'000);
  const auto source = NewStringSource(bytes);
  std::vector<double> seen;
  ASSERT_TRUE(destination_
                  ->Put("a", {source.get(), bytes.size(), "", {}}, nullptr,
                        {{}, [&](double done) { seen.push_back(done); }})
                  .ok());
  ASSERT_GE(seen.size(), 2u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 1.0);
}

TEST_P(ConformancePutTest, AnObjectHasBytes) {
  EXPECT_EQ(Put("a", "").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(
      destination_->Put("a", PutSource(), nullptr, Work()).status().code(),
      StatusCode::kInvalidArgument);
  EXPECT_EQ(ListedNames(), Names({}));
}

TEST_P(ConformancePutTest, SharedRangesGiveTheSameObject) {
  const std::string old = RandomBytes(8, 20'000'000);
  const auto base = Put("old", old);
  ASSERT_TRUE(base.ok());
  // 1 MB of its own, 10 MB of the old object, 2 MB of its own, and the end of
  // the old object.
  const std::string own = RandomBytes(9, 3'000'000);
  const std::string bytes = own.substr(0, 1'000'000) +
                            old.substr(5'000'000, 10'000'000) +
                            own.substr(1'000'000) + old.substr(19'999'000);
  const auto shared = [&](const std::string& version) {
    return std::vector<SharedRange>{
        {1'000'000, 10'000'000, "old", version, 5'000'000},
        {13'000'000, 1'000, "old", version, 19'999'000}};
  };
  const auto put = Put("new", bytes, shared(base->version));
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_TRUE(*ReadObject(*put) == bytes);
  // Ranges of an object that is now another one are sent like other bytes.
  const auto again = Put("newer", bytes, shared("of another one"));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_TRUE(*ReadObject(*again) == bytes);
  ASSERT_TRUE(destination_->Remove("old", Work()).ok());
  const auto last = Put("newest", bytes, shared(base->version));
  ASSERT_TRUE(last.ok()) << last.status().ToString();
  EXPECT_TRUE(*ReadObject(*last) == bytes);
}

TEST_P(ConformancePutTest, SharedRangesAreInOrderAndInside) {
  ASSERT_TRUE(Put("old", std::string(1000, 'o')).ok());
  const std::string version = destination_->Stat("old", Work())->version;
  const std::vector<SharedRange> kBad[] = {
      {{900, 101, "old", version, 0}},
      {{1000, 1, "old", version, 0}},
      {{0, 0, "old", version, 0}},
      {{10, UINT64_MAX, "old", version, 0}},
      {{100, 100, "old", version, 0}, {150, 10, "old", version, 0}},
      {{100, 100, "old", version, 0}, {50, 10, "old", version, 0}},
  };
  for (const auto& ranges : kBad) {
    EXPECT_EQ(Put("new", std::string(1000, 'o'), ranges).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ListedNames(), Names({"old"}));
}

TEST_P(ConformancePutTest, AnInterruptedPutGoesOn) {
  const std::string bytes = RandomBytes(10, 40'000'000);
  const std::string sha256 = Sha256Hex(bytes);
  KeptRecord record;
  std::stop_source stop;
  const EndingSource ending(bytes, 20'000'000, [&] { stop.request_stop(); });
  EXPECT_EQ(destination_
                ->Put("a", {&ending, bytes.size(), sha256, {}}, &record,
                      {stop.get_token(), nullptr})
                .status()
                .code(),
            StatusCode::kCancelled);
  EXPECT_EQ(ListedNames(), Names({}));
  EXPECT_EQ(record.text.empty(), !abilities_.resumes_put);
  // Another process resumes the Put.
  const auto source = NewStringSource(bytes);
  double first = -1;
  const auto note = [&](double done) {
    if (first < 0) first = done;
  };
  const auto put = place_->Open()->Put(
      "a", {source.get(), bytes.size(), sha256, {}}, &record, {{}, note});
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  if (abilities_.resumes_put) {
    EXPECT_GT(first, 0.5);
  }
  EXPECT_TRUE(*ReadObject(*put) == bytes);
  EXPECT_EQ(record.text, "");
  EXPECT_EQ(ListedNames(), Names({"a"}));
}

TEST_P(ConformancePutTest, ARecordOfOtherBytesIsNotGoneOnWith) {
  const std::string bytes = RandomBytes(11, 20'000'000);
  KeptRecord record;
  std::stop_source stop;
  const EndingSource ending(bytes, 10'000'000, [&] { stop.request_stop(); });
  EXPECT_FALSE(destination_
                   ->Put("a", {&ending, bytes.size(), Sha256Hex(bytes), {}},
                         &record, {stop.get_token(), nullptr})
                   .ok());
  const std::string others = RandomBytes(12, 20'000'000);
  const auto source = NewStringSource(others);
  const auto put = destination_->Put(
      "a", {source.get(), others.size(), Sha256Hex(others), {}}, &record,
      Work());
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_TRUE(*ReadObject(*put) == others);
  for (const char* text : {"nonsense", "../../etc/passwd x 1", " "}) {
    record.text = text;
    const std::string name = "b" + std::to_string(record.text.size());
    const auto next = destination_->Put(
        name, {source.get(), others.size(), Sha256Hex(others), {}}, &record,
        Work());
    ASSERT_TRUE(next.ok()) << next.status().ToString();
    EXPECT_TRUE(*ReadObject(*next) == others);
  }
}

TEST_P(ConformancePutTest, ARecordThatCanNotBeKeptEndsThePut) {
  const std::string bytes = RandomBytes(13, 100'000);
  const auto source = NewStringSource(bytes);
  if (!abilities_.resumes_put) return;
  for (const bool loading : {false, true}) {
    KeptRecord record;
    (loading ? record.load : record.save) =
        Status(StatusCode::kNoSpace, "the record's disk is full");
    EXPECT_EQ(destination_
                  ->Put("a", {source.get(), bytes.size(), Sha256Hex(bytes), {}},
                        &record, Work())
                  .status()
                  .code(),
              StatusCode::kNoSpace);
    EXPECT_EQ(ListedNames(), Names({}));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConformancePutTest,
                         ::testing::ValuesIn(test::Kinds()), test::NameOf);

}  // namespace
}  // namespace levelkeep
