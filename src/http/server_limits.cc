#include "http/server_limits.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace levelkeep::http {

namespace {

using Place = std::shared_ptr<std::atomic<int>>;

// Null if all places are taken.
Place TakePlace(std::atomic<int>* taken, int max) {
  if (taken->fetch_add(1) >= max) {
    taken->fetch_sub(1);
    return nullptr;
  }
  return {taken, [](std::atomic<int>* count) { count->fetch_sub(1); }};
}

class AdmittedStream : public BodyStream {
 public:
  AdmittedStream(std::shared_ptr<BodyStream> stream, Place place,
                 const std::atomic<bool>* end)
      : place_(std::move(place)), stream_(std::move(stream)), end_(end) {}

  // A stop also ends the stream regularly: clients then connect again.
  bool Next(std::string* chunk) override {
    return !*end_ && stream_->Next(chunk) && !*end_;
  }

 private:
  const Place place_;
  const std::shared_ptr<BodyStream> stream_;
  const std::atomic<bool>* const end_;
};

struct AdmittedFile {
  Place place;
  std::shared_ptr<const ByteSource> file;
};

Response NoPlace(const Response& response) {
  Response refusal =
      ErrorResponse(503, "too_many_transfers",
                    "as many downloads, event streams or large answers as "
                    "allowed are on their way already",
                    "try again in a few seconds");
  refusal.headers["Retry-After"] = "5";
  for (const char* kept :
       {"Cache-Control", "X-Content-Type-Options", "X-Request-Id"}) {
    const auto it = response.headers.find(kept);
    if (it != response.headers.end()) refusal.headers.insert(*it);
  }
  return refusal;
}

}  // namespace

WorkGate::WorkGate(int places)
    : max_(places), max_changes_(std::max(places * 3 / 4, 1)) {}

bool WorkGate::Enter(bool changes) {
  MutexLock lock(&mutex_);
  left_.wait(mutex_, [&]() REQUIRES_LOCK(mutex_) {
    return closed_ ||
           (running_ < max_ && (!changes || running_changes_ < max_changes_));
  });
  if (closed_) return false;
  running_++;
  if (changes) running_changes_++;
  return true;
}

void WorkGate::Leave(bool changes) {
  {
    MutexLock lock(&mutex_);
    running_--;
    if (changes) running_changes_--;
  }
  // Wakes all: a single woken thread might be one that can't continue.
  left_.notify_all();
}

void WorkGate::Close() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  left_.notify_all();
}

MemoryBudget::Share MemoryBudget::TryTake(size_t bytes) {
  const size_t share = std::min(bytes, max_);
  size_t taken = taken_;
  do {
    if (taken > max_ - share) return nullptr;
  } while (!taken_.compare_exchange_weak(taken, taken + share));
  return {&taken_, [share](std::atomic<size_t>* all) { *all -= share; }};
}

Response TransferLimits::Admit(Response response) {
  if (response.stream != nullptr) {
    Place place = TakePlace(&streams_, max_streams_);
    if (place == nullptr) return NoPlace(response);
    response.stream = std::make_shared<AdmittedStream>(
        std::move(response.stream), std::move(place), &streams_end_);
  } else if (response.file != nullptr) {
    Place place = TakePlace(&downloads_, max_downloads_);
    if (place == nullptr) return NoPlace(response);
    const auto admitted = std::make_shared<AdmittedFile>(
        AdmittedFile{std::move(place), std::move(response.file)});
    response.file = {admitted, admitted->file.get()};
  } else if (response.body.size() > MemoryBudget::kSmallBytes) {
    response.place = answers_.TryTake(response.body.size());
    if (response.place == nullptr) return NoPlace(response);
  }
  return response;
}

}  // namespace levelkeep::http
