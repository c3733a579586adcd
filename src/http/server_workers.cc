#include "http/server_workers.h"

#include <algorithm>

#include "base/file_system.h"

namespace levelkeep::http {

namespace {

// Files up to this size are sent like any other body.
constexpr uint64_t kSmallFileBytes = 64 << 10;

bool Changes(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

void InlineSmallFile(Response* response) {
  if (response->file == nullptr || response->file_size > kSmallFileBytes) {
    return;
  }
  std::string content(static_cast<size_t>(response->file_size), '\0');
  const Status status = ReadExactly(*response->file, response->file_offset,
                                    content.data(), content.size());
  if (!status.ok()) {
    *response = ErrorResponse(status);
    return;
  }
  response->body = std::move(content);
  response->file.reset();
}

}  // namespace

WorkerPool::WorkerPool(Api* api, int threads, Done done)
    : api_(api),
      done_(std::move(done)),
      max_changes_(std::max(threads * 3 / 4, 1)) {
  for (int i = 0; i < threads; i++) {
    threads_.emplace_back([this](std::stop_token stop) { Run(stop); });
  }
}

WorkerPool::~WorkerPool() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void WorkerPool::Submit(uint64_t connection, Request request) {
  {
    MutexLock lock(&mutex_);
    auto& queue = Changes(request) ? changes_ : reads_;
    queue.push_back({connection, std::move(request)});
  }
  work_.notify_one();
}

bool WorkerPool::TakeJob(std::stop_token stop, Job* job, bool* changes) {
  MutexLock lock(&mutex_);
  const auto ready = [this]() REQUIRES_LOCK(mutex_) {
    return !reads_.empty() ||
           (!changes_.empty() && running_changes_ < max_changes_);
  };
  if (!work_.wait(mutex_, stop, ready)) return false;
  *changes = reads_.empty();
  auto& queue = *changes ? changes_ : reads_;
  *job = std::move(queue.front());
  queue.pop_front();
  if (*changes) running_changes_++;
  return true;
}

void WorkerPool::Execute(const Job& job) {
  Response response = api_->Handle(job.request);
  if (job.request.method != "HEAD") InlineSmallFile(&response);
  done_(job.connection, std::move(response));
}

void WorkerPool::Run(std::stop_token stop) {
  Job job;
  bool changes = false;
  while (TakeJob(stop, &job, &changes)) {
    Execute(job);
    job = Job();
    if (!changes) continue;
    {
      MutexLock lock(&mutex_);
      running_changes_--;
    }
    // Somebody may wait for this place rather than for work.
    work_.notify_one();
  }
}

}  // namespace levelkeep::http
