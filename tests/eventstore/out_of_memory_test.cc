// One allocation after the other fails, in the thread of the test alone. This
// program's `operator new` is replaced for it.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <new>
#include <string>

#include "eventstore/event_bus.h"
#include "leveldb/env.h"
#include "support/temp_dir.h"

namespace {

// The allocation of this thread that is to fail, counted down; 0: none.
thread_local int failing_allocation = 0;

void* Allocate(std::size_t size) noexcept {
  if (failing_allocation > 0 && --failing_allocation == 0) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}

void* AllocateOrThrow(std::size_t size) {
  void* const memory = Allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Inlined, GCC takes it for the wrong end of an `operator new`.
[[gnu::noinline]] void Free(void* memory) noexcept { std::free(memory); }

}  // namespace

void* operator new(std::size_t size) { return AllocateOrThrow(size); }
void* operator new[](std::size_t size) { return AllocateOrThrow(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return Allocate(size);
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete[](void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t) noexcept { Free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { Free(memory); }

namespace levelkeep {
namespace {

// Calls `call` with its first allocation failing, then its second, until it
// needs no more. Returns how many it made.
template <typename Call>
int FailEachAllocation(const Call& call) {
  for (int number = 1;; ++number) {
    failing_allocation = number;
    try {
      call();
    } catch (const std::bad_alloc&) {
      continue;
    }
    const bool was_beyond = failing_allocation > 0;
    failing_allocation = 0;
    if (was_beyond) return number - 1;
  }
}

// A use of the store that ends for want of memory is over: a stop, or a live
// restore, must not wait for it.
TEST(EventBusWithoutMemoryTest, CloseDoesNotWaitForAUseThatFailed) {
  test::TempDir dir;
  EventBusOptions options;
  options.db_dir = dir.Sub("db");
  EventBus bus(options, leveldb::Env::Default());
  ASSERT_TRUE(bus.Open().ok());
  // Refused once it has the store, so that nothing fails inside of LevelDB.
  const std::vector<NewEvent> none;
  const int allocations =
      FailEachAllocation([&] { EXPECT_FALSE(bus.Append(none).ok()); });
  EXPECT_GE(allocations, 2);  // the use, and the words of the refusal
  EXPECT_GE(FailEachAllocation([&] { EXPECT_TRUE(bus.Read(0, 0, 1).ok()); }),
            1);

  auto closed = std::async(std::launch::async, [&bus] { bus.Close(); });
  if (closed.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
    std::fputs("Close() waits for a use that is over\n", stderr);
    std::abort();
  }
}

// How the child of a death test ends that takes longer.
constexpr unsigned kLongestSeconds = 20;

// LevelDB stays locked when an exception passes through it. Whatever reads or
// appends then has ended, not wait for ever; what does not fail inside of
// LevelDB gets on.
class LevelDbWithoutMemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.db_dir = dir_.Sub("db");
    EventBus bus(options_, leveldb::Env::Default());
    ASSERT_TRUE(bus.Open().ok());
    ASSERT_TRUE(bus.Append({{"t", "", "stored"}}).ok());
  }

  // Opens the store and calls `call` with its `number`-th allocation failing.
  // Ends the process: with 1 where it needed fewer, else with 0 after the store
  // was used and closed.
  template <typename Call>
  void CallAndEnd(int number, const Call& call) {
    alarm(kLongestSeconds);
    bool failed = true;
    {
      EventBus bus(options_, leveldb::Env::Default());
      if (!bus.Open().ok()) std::_Exit(2);
      failing_allocation = number;
      try {
        call(&bus);
      } catch (const std::bad_alloc&) {
      }
      failed = failing_allocation == 0;
      failing_allocation = 0;
      if (!bus.Read(0, 10, 1 << 20).ok()) std::_Exit(3);
    }
    std::_Exit(failed ? 0 : 1);
  }

  template <typename Call>
  void ExpectThatNothingHangs(const Call& call) {
    int aborts = 0;
    bool beyond = false;
    const auto ended = [&](int status) {
      beyond = WIFEXITED(status) && WEXITSTATUS(status) == 1;
      const bool aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
      aborts += aborted ? 1 : 0;
      return beyond || aborted ||
             (WIFEXITED(status) && WEXITSTATUS(status) == 0);
    };
    for (int number = 1; !beyond && !HasFailure(); ++number) {
      EXPECT_EXIT(CallAndEnd(number, call), ended, "") << number;
    }
    EXPECT_GT(aborts, 0) << "nothing failed inside of LevelDB";
    EventBus bus(options_, leveldb::Env::Default());
    ASSERT_TRUE(bus.Open().ok());
    EXPECT_GE(bus.Count().count, 1u);
  }

  test::TempDir dir_;
  EventBusOptions options_;
};

TEST_F(LevelDbWithoutMemoryTest, ReadsEndTheProcessOrGetOn) {
  ExpectThatNothingHangs(
      [](EventBus* bus) { (void)bus->ReadRecords(0, 10, 1 << 20); });
}

TEST_F(LevelDbWithoutMemoryTest, AppendsEndTheProcessOrGetOn) {
  ExpectThatNothingHangs([](EventBus* bus) {
    // More than the memtable's first block, which is there already.
    (void)bus->Append({{"t", "", std::string(5000, 'x')}});
  });
}

}  // namespace
}  // namespace levelkeep
