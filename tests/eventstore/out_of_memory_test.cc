// One allocation after the other fails, in the thread of the test alone. This
// program's `operator new` is replaced for it.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <new>

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

// Inlined, GCC takes it for the wrong end of an `operator new` (TSan build).
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

}  // namespace
}  // namespace levelkeep
