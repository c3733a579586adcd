#include "archive/parallel.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <system_error>
#include <vector>

#include "archive/byte_buffer.h"
#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"

namespace levelkeep {

namespace {

constexpr std::chrono::milliseconds kTickInterval{200};

Status RunThreads(int workers, ThreadPriority priority,
                  const std::function<void()>& work,
                  const std::function<void()>& tick) {
  const std::string job = CurrentLogJob();
  std::vector<std::future<void>> threads;
  for (int i = 0; i < workers; ++i) {
    try {
      threads.push_back(std::async(std::launch::async, [&] {
        const LogJobScope scope(job);
        LowerThreadPriority(priority);
        work();
      }));
    } catch (const std::system_error& error) {
      // Fewer threads can do the same work, but at least one is needed.
      if (!threads.empty()) break;
      return Status(StatusCode::kIoError,
                    std::string("can't start a thread: ") + error.what());
    }
  }
  for (const std::future<void>& thread : threads) {
    while (thread.wait_for(kTickInterval) != std::future_status::ready) {
      if (tick) tick();
    }
  }
  return Status::Ok();
}

}  // namespace

Status RunGuarded(const std::function<Status()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal,
                  std::string("a worker thread threw: ") + error.what());
  } catch (...) {
    return Status(StatusCode::kInternal, "a worker thread threw");
  }
}

std::jthread TryThread(ThreadPriority priority, std::function<void()> work) {
  try {
    return std::jthread(
        [priority, job = CurrentLogJob(), work = std::move(work)] {
          const LogJobScope scope(job);
          LowerThreadPriority(priority);
          work();
        });
  } catch (const std::system_error&) {
    return std::jthread();
  }
}

Status RunAside(ThreadPriority priority, const std::function<Status()>& body) {
  Status status;
  const auto run = [&] { status = RunGuarded(body); };
  std::jthread thread = TryThread(priority, run);
  if (thread.joinable()) {
    thread.join();
  } else {
    run();
  }
  return status;
}

int WorkerCount(int requested) {
  if (requested <= 0) {
    requested = static_cast<int>(std::thread::hardware_concurrency());
  }
  return std::clamp(requested, 1, kMaxWorkers);
}

void Verdict::Fail(const Status& status) {
  if (status.ok()) return;
  MutexLock lock(&mutex_);
  if (!first_.ok()) return;
  first_ = status;
  failed_.store(true, std::memory_order_release);
}

Status Verdict::Check() {
  if (stop_.stop_requested()) {
    return Status(StatusCode::kCancelled, "stopped on request");
  }
  return failed() ? status() : Status::Ok();
}

Status Verdict::status() {
  MutexLock lock(&mutex_);
  return first_;
}

Status RunWorkers(int workers, ThreadPriority priority, Verdict* verdict,
                  const std::function<Status()>& body,
                  const std::function<void()>& tick,
                  const std::function<void()>& wake) {
  const auto work = [&] {
    const Status status = RunGuarded(body);
    verdict->Fail(status);
    if (!status.ok() && wake) wake();
  };
  if (workers == 0) {
    work();
  } else {
    LEVELKEEP_RETURN_IF_ERROR(RunThreads(workers, priority, work, tick));
  }
  if (tick) tick();
  return verdict->status();
}

Status DigestRange(const ByteSource& source, uint64_t begin, uint64_t end,
                   Digest* digest, Verdict* verdict) {
  constexpr uint64_t kBlockBytes = 512u << 10;
  constexpr uint64_t kAheadBytes = 8u << 20;
  ByteBuffer block;
  for (uint64_t offset = begin; offset < end;) {
    LEVELKEEP_RETURN_IF_ERROR(verdict->Check());
    if ((offset - begin) % kAheadBytes == 0) {
      source.WillNeed(offset, 2 * kAheadBytes);
    }
    const size_t size = std::min(kBlockBytes, end - offset);
    LEVELKEEP_RETURN_IF_ERROR(block.Read(source, offset, size));
    digest->Update(block.view());
    offset += size;
  }
  return Status::Ok();
}

Result<std::string> DigestOfSource(DigestKind kind, const ByteSource& source,
                                   uint64_t size_bytes, std::stop_token stop) {
  Verdict verdict(std::move(stop));
  Digest digest(kind);
  LEVELKEEP_RETURN_IF_ERROR(
      DigestRange(source, 0, size_bytes, &digest, &verdict));
  return digest.FinishHex();
}

}  // namespace levelkeep
