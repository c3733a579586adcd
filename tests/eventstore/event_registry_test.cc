#include "eventstore/event_registry.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/write_batch.h"
#include "support/events.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

// A disk whose logs can't be synced from some moment on.
class FailingEnv : public leveldb::EnvWrapper {
 public:
  FailingEnv() : EnvWrapper(leveldb::Env::Default()) {}
  leveldb::Status NewWritableFile(const std::string& name,
                                  leveldb::WritableFile** file) override {
    const leveldb::Status status = target()->NewWritableFile(name, file);
    if (status.ok()) *file = new FailingFile(*file, this);
    return status;
  }
  void FailSyncs(const std::string& reason) { reason_ = reason; }

 private:
  class FailingFile : public leveldb::WritableFile {
   public:
    FailingFile(leveldb::WritableFile* file, const FailingEnv* env)
        : file_(file), env_(env) {}
    leveldb::Status Append(const leveldb::Slice& data) override {
      return file_->Append(data);
    }
    leveldb::Status Close() override { return file_->Close(); }
    leveldb::Status Flush() override { return file_->Flush(); }
    leveldb::Status Sync() override {
      if (!env_->reason_.empty()) {
        return leveldb::Status::IOError(env_->reason_);
      }
      return file_->Sync();
    }

   private:
    const std::unique_ptr<leveldb::WritableFile> file_;
    const FailingEnv* const env_;
  };

  std::string reason_;
};

class EventRegistryTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    registry_.reset();
    OpenDb();
    auto registry =
        EventRegistry::Open(db_.get(), Clock::System(), /*sync=*/true);
    ASSERT_TRUE(registry.ok()) << registry.status().ToString();
    registry_ = std::move(*registry);
  }

  void OpenDb() {
    db_.reset();
    leveldb::Options options;
    options.create_if_missing = true;
    options.env = &env_;
    leveldb::DB* db = nullptr;
    ASSERT_TRUE(leveldb::DB::Open(options, dir_.Sub("db"), &db).ok());
    db_.reset(db);
  }

  void Put(const std::string& key, const std::string& value) {
    ASSERT_TRUE(db_->Put(leveldb::WriteOptions(), key, value).ok());
  }
  std::string Get(const std::string& key) {
    std::string value;
    const leveldb::Status status =
        db_->Get(leveldb::ReadOptions(), key, &value);
    return status.ok() ? value : status.ToString();
  }

  // `count` events whose data is their number in this call.
  uint64_t Append(int count) {
    std::vector<NewEvent> events;
    for (int i = 0; i < count; ++i) events.push_back({"t", "s", i});
    const auto receipt = test::AppendEvents(registry_.get(), events);
    EXPECT_TRUE(receipt.ok()) << receipt.status().ToString();
    return receipt.ok() ? receipt->last : 0;
  }

  Status OpenError() {
    registry_.reset();
    return EventRegistry::Open(db_.get(), Clock::System(), true).status();
  }

  test::TempDir dir_;
  FailingEnv env_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<EventRegistry> registry_;
};

TEST_F(EventRegistryTest, AnEmptyStoreHasNoEvents) {
  const EventCount count = registry_->Count();
  EXPECT_EQ(count.count, 0u);
  EXPECT_EQ(count.first, 0u);
  EXPECT_EQ(count.last, 0u);
  EXPECT_EQ(count.first_time, "");
  const auto page = test::ReadEvents(registry_.get(), 0, 10, 1000);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->events.empty());
  EXPECT_EQ(page->head, 0u);
}

TEST_F(EventRegistryTest, NumbersFromOneWithoutGapsAcrossReopening) {
  EXPECT_EQ(Append(1), 1u);
  EXPECT_EQ(Append(3), 4u);
  Reopen();
  EXPECT_EQ(Append(2), 6u);
  const auto page = test::ReadEvents(registry_.get(), 0, 100, 1 << 20);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  ASSERT_EQ(page->events.size(), 6u);
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(page->events[i].sequence, i + 1);
  EXPECT_EQ(Get("meta:head"), "{\"format\":1,\"last\":6}");
}

TEST_F(EventRegistryTest, CountsWithTheTimesOfFirstAndLast) {
  Append(2);
  const EventCount before = registry_->Count();
  EXPECT_EQ(before.count, 2u);
  EXPECT_EQ(before.first, 1u);
  EXPECT_EQ(before.last, 2u);
  EXPECT_TRUE(ParseTime(before.first_time).ok());
  Append(1);
  const EventCount in_memory = registry_->Count();
  Reopen();
  const EventCount from_disk = registry_->Count();
  EXPECT_EQ(from_disk.count, 3u);
  EXPECT_EQ(from_disk.first_time, before.first_time);
  EXPECT_EQ(from_disk.last_time, in_memory.last_time);
}

TEST_F(EventRegistryTest, ReadsPagesOfAnyCut) {
  Append(7);
  struct Case {
    uint64_t after, limit;
    std::vector<uint64_t> expected;
  };
  const Case cases[] = {{0, 3, {1, 2, 3}},
                        {3, 3, {4, 5, 6}},
                        {6, 3, {7}},
                        {7, 3, {}},
                        {8, 3, {}},
                        {UINT64_MAX, 1000, {}},
                        {5, UINT64_MAX, {6, 7}},
                        {0, 0, {}}};
  for (const Case& c : cases) {
    const auto page =
        test::ReadEvents(registry_.get(), c.after, c.limit, 1 << 20);
    ASSERT_TRUE(page.ok());
    std::vector<uint64_t> sequences;
    for (const Event& event : page->events) sequences.push_back(event.sequence);
    EXPECT_EQ(sequences, c.expected) << c.after << " " << c.limit;
    EXPECT_EQ(page->head, 7u);
  }
}

TEST_F(EventRegistryTest, APageIsBoundedInBytesButNeverEmpty) {
  const std::string big(1000, 'x');
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(test::AppendEvents(registry_.get(), {{"t", "", big}}).ok());
  }
  const auto two = test::ReadEvents(registry_.get(), 0, 10, 2500);
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->events.size(), 2u);
  const auto one = test::ReadEvents(registry_.get(), 0, 10, 1);
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->events.size(), 1u);
}

TEST_F(EventRegistryTest, ABadEventKeepsTheWholeBatchOut) {
  Append(1);
  const auto receipt = test::AppendEvents(
      registry_.get(), {{"fine", "", 1}, {"", "", 2}, {"fine", "", 3}});
  EXPECT_EQ(receipt.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(receipt.status().message(),
            "event 1: \"type\" must be a string of 1 to 200 characters");
  EXPECT_EQ(test::AppendEvents(registry_.get(), {}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(registry_->last(), 1u);
}

TEST_F(EventRegistryTest, ManyWritersGetConsecutiveNumbersAndKeepTheirOrder) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 50;
  std::vector<std::vector<AppendReceipt>> receipts(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, t, &receipts] {
        for (int i = 0; i < kRounds; ++i) {
          std::vector<NewEvent> events;
          for (int k = 0; k <= i % 3; ++k) {
            events.push_back({"t", "writer-" + std::to_string(t), i});
          }
          const auto receipt = test::AppendEvents(registry_.get(), events);
          ASSERT_TRUE(receipt.ok());
          ASSERT_EQ(receipt->last - receipt->first + 1, events.size());
          receipts[static_cast<size_t>(t)].push_back(*receipt);
        }
      });
    }
  }
  std::set<uint64_t> seen;
  uint64_t total = 0;
  for (const auto& list : receipts) {
    uint64_t previous = 0;
    for (const AppendReceipt& receipt : list) {
      EXPECT_GT(receipt.first, previous);
      previous = receipt.last;
      for (uint64_t s = receipt.first; s <= receipt.last; ++s) {
        EXPECT_TRUE(seen.insert(s).second) << s;
        ++total;
      }
    }
  }
  EXPECT_EQ(*seen.begin(), 1u);
  EXPECT_EQ(*seen.rbegin(), total);
  EXPECT_EQ(registry_->last(), total);
  Reopen();
  const auto page = test::ReadEvents(registry_.get(), 0, total, UINT64_MAX);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->events.size(), total);
}

TEST_F(EventRegistryTest, AFailedWriteIsFinalUntilReopened) {
  Append(2);
  for (const auto& [reason, code] :
       {std::pair{"No space left on device", StatusCode::kNoSpace},
        std::pair{"Input/output error", StatusCode::kIoError}}) {
    env_.FailSyncs(reason);
    EXPECT_EQ(
        test::AppendEvents(registry_.get(), {{"t", "", 1}}).status().code(),
        code);
    env_.FailSyncs("");
    const auto again = test::AppendEvents(registry_.get(), {{"t", "", 1}});
    EXPECT_EQ(again.status().code(), code);
    EXPECT_NE(again.status().hint(), "");
    const uint64_t acknowledged = registry_->last();
    Reopen();
    // The event of the failed call may or may not be there. In both cases there
    // is no gap, and acknowledged events are there.
    EXPECT_GE(registry_->last(), acknowledged);
    const uint64_t next = registry_->last() + 1;
    EXPECT_EQ(Append(1), next);
    EXPECT_TRUE(test::ReadEvents(registry_.get(), 0, 100, UINT64_MAX).ok());
  }
}

TEST_F(EventRegistryTest, KeysOfAnotherApplicationAreKeptAndNotShown) {
  EXPECT_FALSE(registry_->has_foreign_keys());
  // Before, between and after our keys, as an earlier program may have left
  // them.
  const std::string foreign[] = {"",
                                 "audit:1",
                                 "event:00000000000000000002x",
                                 "event:1703678400000",
                                 "zebra",
                                 std::string("\xff\x00", 2)};
  Append(1);
  for (const std::string& key : foreign) Put(key, "theirs");
  Append(4);
  Reopen();
  EXPECT_TRUE(registry_->has_foreign_keys());
  const auto page = test::ReadEvents(registry_.get(), 0, 100, UINT64_MAX);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page->events.size(), 5u);
  for (const std::string& key : foreign) EXPECT_EQ(Get(key), "theirs");
}

TEST_F(EventRegistryTest, ADamagedRecordIsReportedNotSkipped) {
  Append(5);
  Put(EventKey(3), "garbage");
  Reopen();  // the damage is in the middle: only reading finds it
  const auto page = test::ReadEvents(registry_.get(), 0, 100, UINT64_MAX);
  EXPECT_EQ(page.status().code(), StatusCode::kCorruption);
  EXPECT_NE(page.status().message().find("event 3 is damaged"),
            std::string::npos);
  EXPECT_TRUE(test::ReadEvents(registry_.get(), 0, 2, UINT64_MAX).ok());
  EXPECT_TRUE(test::ReadEvents(registry_.get(), 3, 2, UINT64_MAX).ok());
}

TEST_F(EventRegistryTest, AMissingRecordIsReportedNotSkipped) {
  Append(5);
  ASSERT_TRUE(db_->Delete(leveldb::WriteOptions(), EventKey(3)).ok());
  const auto page = test::ReadEvents(registry_.get(), 0, 100, UINT64_MAX);
  EXPECT_EQ(page.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(page.status().message(), "event 3 is missing (5 is the newest)");
}

TEST_F(EventRegistryTest, AHeadThatDisagreesIsRefusedAtOpen) {
  Append(5);
  struct Case {
    const char* what;
    std::string key, value, message;  // empty value: the key is deleted
  };
  const std::string head = "{\"format\":1,\"last\":5}";
  const Case cases[] = {
      {"head behind", "meta:head", "{\"format\":1,\"last\":4}",
       "event 5 lies beyond meta:head, which says that 4 is the newest"},
      {"head ahead", "meta:head", "{\"format\":1,\"last\":6}",
       "event 6 is missing (6 is the newest)"},
      {"no head", "meta:head", "",
       "event 1 lies beyond meta:head, which says that 0 is the newest"},
      {"bad head", "meta:head", "x", "the record meta:head is damaged: x"},
      {"head at the end of numbers", "meta:head",
       "{\"format\":1,\"last\":18446744073709551615}",
       "event 18446744073709551615 is missing (0 is the newest)"},
  };
  for (const Case& c : cases) {
    if (c.value.empty()) {
      ASSERT_TRUE(db_->Delete(leveldb::WriteOptions(), c.key).ok());
    } else {
      Put(c.key, c.value);
    }
    const Status status = OpenError();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << c.what;
    EXPECT_EQ(status.message(), c.message) << c.what;
    Put("meta:head", head);
  }
  Put("meta:head", "{\"format\":9,\"last\":5}");
  EXPECT_EQ(OpenError().code(), StatusCode::kUnsupported);
  Put("meta:head", head);
  ASSERT_TRUE(db_->Delete(leveldb::WriteOptions(), EventKey(1)).ok());
  EXPECT_EQ(OpenError().message(), "event 1 is missing (5 is the newest)");
}

}  // namespace
}  // namespace levelkeep
