// Lists, reads and removals in every destination.

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

class ConformanceReadTest : public test::ConformanceTest {};

TEST_P(ConformanceReadTest, AnObjectIsWhatWasPut) {
  const std::string bytes = RandomBytes(1, 20'000'001);
  const auto put = Put("a.tar.gz", bytes);
  ASSERT_TRUE(put.ok()) << put.status().ToString();
  EXPECT_EQ(put->name, "a.tar.gz");
  EXPECT_EQ(put->size_bytes, bytes.size());
  EXPECT_FALSE(put->version.empty());
  EXPECT_LE(put->version.size(), 255u);
  if (!put->sha256.empty()) {
    EXPECT_EQ(put->sha256, Sha256Hex(bytes));
  }
  const auto other = place_->Open()->Stat("a.tar.gz", Work());
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_EQ(*other, *put);
  const auto read = ReadObject(*put);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_TRUE(*read == bytes);
}

TEST_P(ConformanceReadTest, TwoHandlesAreOnePlace) {
  EXPECT_FALSE(destination_->Id().empty());
  EXPECT_EQ(destination_->Id(), place_->Open()->Id());
  EXPECT_NE(destination_->Id(), GetParam().make()->Open()->Id());
}

TEST_P(ConformanceReadTest, ListsAllObjectsByName) {
  EXPECT_EQ(ListedNames(), Names({}));
  for (const char* name : {"c", "a.tar.gz", "a.tar.gz.sha256", "b-1_2"}) {
    ASSERT_TRUE(Put(name, std::string("bytes of ") + name).ok());
  }
  EXPECT_EQ(ListedNames(),
            Names({"a.tar.gz", "a.tar.gz.sha256", "b-1_2", "c"}));
  const auto objects = destination_->List(Work());
  ASSERT_TRUE(objects.ok());
  for (const StoredObject& object : *objects) {
    const auto single = destination_->Stat(object.name, Work());
    ASSERT_TRUE(single.ok()) << object.name;
    EXPECT_EQ(*single, object);
  }
}

TEST_P(ConformanceReadTest, OnlyNamesThatAllStoresTake) {
  const Names bad = {"",
                     ".",
                     "..",
                     ".hidden",
                     "-rf",
                     "a/b",
                     "/a",
                     "../a",
                     "a b",
                     "a\n",
                     "a\\b",
                     "ä",
                     "a:b",
                     "a\x7f",
                     std::string("a\0b", 3),
                     std::string(201, 'a')};
  for (const std::string& name : bad) {
    EXPECT_EQ(Put(name, "bytes").status().code(), StatusCode::kInvalidArgument)
        << name;
    EXPECT_EQ(destination_->Stat(name, Work()).status().code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(destination_->Open(name, "1", Work()).status().code(),
              StatusCode::kInvalidArgument);
    EXPECT_EQ(destination_->Remove(name, Work()).code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ListedNames(), Names({}));
  EXPECT_TRUE(Put(std::string(200, 'a'), "bytes").ok());
}

TEST_P(ConformanceReadTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(destination_->Stat("a", Work()).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(destination_->Open("a", "1", Work()).status().code(),
            StatusCode::kNotFound);
  EXPECT_TRUE(destination_->Remove("a", Work()).ok());
}

TEST_P(ConformanceReadTest, ReadsRanges) {
  const std::string bytes = RandomBytes(6, 1'000'000);
  const auto put = Put("a", bytes);
  ASSERT_TRUE(put.ok());
  const auto source = destination_->Open("a", put->version, Work());
  ASSERT_TRUE(source.ok());
  const struct {
    uint64_t offset;
    size_t size;
  } kRanges[] = {{0, 1},         {0, 1'000'000}, {999'999, 1}, {999'990, 100},
                 {1'000'000, 5}, {2'000'000, 5}, {123, 45'678}};
  for (const auto& range : kRanges) {
    std::string buffer(range.size, 'x');
    const auto count =
        (*source)->ReadAt(range.offset, buffer.data(), range.size);
    ASSERT_TRUE(count.ok()) << range.offset;
    const std::string wanted = range.offset < bytes.size()
                                   ? bytes.substr(range.offset, range.size)
                                   : "";
    EXPECT_TRUE(buffer.substr(0, *count) == wanted) << range.offset;
  }
}

TEST_P(ConformanceReadTest, SeveralThreadsReadOneObject) {
  const std::string bytes = RandomBytes(7, 4'000'000);
  const auto put = Put("a", bytes);
  ASSERT_TRUE(put.ok());
  const auto source = destination_->Open("a", put->version, Work());
  ASSERT_TRUE(source.ok());
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (uint64_t part = 0; part < 4; ++part) {
    threads.emplace_back([&, part] {
      std::string buffer(1'000'000, 'x');
      const bool read =
          ReadExactly(**source, part * 1'000'000, buffer.data(), buffer.size())
              .ok();
      if (read && bytes.compare(part * 1'000'000, 1'000'000, buffer) == 0) {
        ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST_P(ConformanceReadTest, ARemovedObjectIsGoneAndItsNameIsFree) {
  const auto first = Put("a", "first");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(Put("b", "stays").ok());
  ASSERT_TRUE(destination_->Remove("a", Work()).ok());
  EXPECT_EQ(ListedNames(), Names({"b"}));
  EXPECT_EQ(destination_->Open("a", first->version, Work()).status().code(),
            StatusCode::kNotFound);
  const auto second = Put("a", "the second one");
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_NE(second->version, first->version);
  EXPECT_EQ(*ReadObject(*second), "the second one");
}

TEST_P(ConformanceReadTest, OpensExactlyOneVersion) {
  const auto first = Put("a", "first");
  ASSERT_TRUE(first.ok());
  const auto opened = destination_->Open("a", first->version, Work());
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(destination_->Remove("a", Work()).ok());
  ASSERT_TRUE(Put("a", "other").ok());
  EXPECT_EQ(destination_->Open("a", first->version, Work()).status().code(),
            StatusCode::kBusy);
  // An object that was opened before gives bytes of that version, or none.
  std::string buffer(5, 'x');
  const auto count = (*opened)->ReadAt(0, buffer.data(), buffer.size());
  if (count.ok()) {
    EXPECT_EQ(buffer, "first");
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConformanceReadTest,
                         ::testing::ValuesIn(test::Kinds()), test::NameOf);

}  // namespace
}  // namespace levelkeep
