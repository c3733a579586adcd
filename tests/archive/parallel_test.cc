// Workers of the archive module, also when the system refuses more threads.

#include "archive/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "archive/readers.h"
#include "support/no_threads.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

TEST(ParallelTest, WhateverABodyThrowsBecomesAStatus) {
  const Status known = RunGuarded(
      []() -> Status { throw std::runtime_error("the host's own"); });
  EXPECT_EQ(known.code(), StatusCode::kInternal);
  EXPECT_EQ(known.message(), "a worker thread threw: the host's own");
  const Status unknown = RunGuarded([]() -> Status { throw 7; });
  EXPECT_EQ(unknown.code(), StatusCode::kInternal);
  EXPECT_EQ(unknown.message(), "a worker thread threw");
}

TEST(ParallelTest, WithoutThreadsNothingIsBegun) {
  const test::NoThreads none;
  Verdict verdict({});
  std::atomic<int> ran = 0;
  const auto body = [&] {
    ++ran;
    return Status::Ok();
  };
  const Status status =
      RunWorkers(3, ThreadPriority::kLow, &verdict, body, nullptr);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_EQ(status.message().find("can't start a thread"), 0u)
      << status.message();
  EXPECT_EQ(ran, 0);
  // The calling thread can run the body.
  EXPECT_TRUE(
      RunWorkers(0, ThreadPriority::kLow, &verdict, body, nullptr).ok());
  EXPECT_EQ(ran, 1);
}

TEST(ParallelTest, FewerThreadsDoTheSameWork) {
  Verdict verdict({});
  std::once_flag first;
  std::unique_ptr<test::NoThreads> none;
  std::atomic<int> items = 10'000;
  std::atomic<int> workers = 0;
  const Status status = RunWorkers(
      2000, ThreadPriority::kLow, &verdict,
      [&] {
        // The system refuses threads from the first item on, long before the
        // last.
        std::call_once(first,
                       [&] { none = std::make_unique<test::NoThreads>(); });
        ++workers;
        while (items.fetch_sub(1) > 0) {
        }
        return Status::Ok();
      },
      nullptr);
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_LE(items, 0);
  EXPECT_GE(workers, 1);
}

TEST(DatabaseCheckTest, ContentOfMoreThanALimitIsNotExpected) {
  DatabaseCheck check;
  EXPECT_EQ(*check.Expect("000005.ldb", uint64_t{1} << 40), nullptr);
  ASSERT_TRUE(check.Expect("CURRENT", 16).ok());
  ASSERT_TRUE(check.Expect("MANIFEST-000001", (64u << 20) - 16).ok());
  const Status refused = check.Expect("MANIFEST-000002", 1).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported);
  EXPECT_EQ(refused.message(), "MANIFEST-000002 is larger than 64.0 MiB");
  EXPECT_FALSE(refused.hint().empty());
}

TEST(TargetDirectoryTest, CreatesFilesOfDatabasesOnly) {
  const test::TempDir dir;
  TargetDirectory target(FileSystem::Posix(), dir.path());
  for (const char* name : {"../x.ldb", "/tmp/000005.ldb", "x", "", "LOCK"}) {
    EXPECT_EQ(target.Create(name).status().code(), StatusCode::kInternal)
        << name;
  }
  EXPECT_TRUE(FileSystem::Posix()->List(dir.path())->empty());
  ASSERT_TRUE(target.Create("000005.ldb").ok());
  EXPECT_EQ(target.Create("000005.ldb").status().code(),
            StatusCode::kAlreadyExists);
}

}  // namespace
}  // namespace levelkeep
