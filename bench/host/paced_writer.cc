#include "paced_writer.h"

#include <sys/prctl.h>

#include <chrono>
#include <utility>

#include "support/database.h"
#include "support/event_data.h"
#include "support/measure.h"

namespace levelkeep::bench {

namespace {

// Makes the kernel wake this thread in time, not up to 50 us later.
void AskForPreciseTimers() { ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

void SleepUntil(double wall_seconds) {
  const double left = wall_seconds - WallSeconds();
  if (left > 0)
    std::this_thread::sleep_for(std::chrono::duration<double>(left));
}

}  // namespace

PacedWriter::PacedWriter(leveldb::DB* db, const WriterSettings& settings)
    : db_(db), settings_(settings), thread_([this] { Run(); }) {}

PacedWriter::~PacedWriter() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void PacedWriter::Record(size_t expected) {
  std::vector<WriteSample> empty;
  empty.reserve(expected + expected / 4);
  const std::lock_guard<std::mutex> lock(mutex_);
  samples_.swap(empty);
  recording_ = true;
}

std::vector<WriteSample> PacedWriter::TakeSamples() {
  const std::lock_guard<std::mutex> lock(mutex_);
  recording_ = false;
  return std::exchange(samples_, {});
}

Status PacedWriter::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

void PacedWriter::Run() {
  AskForPreciseTimers();
  EventGenerator events(settings_.first_number + 1);
  leveldb::WriteOptions options;
  options.sync = settings_.sync;
  const double begin = WallSeconds();
  double previous_end = begin;
  for (uint64_t i = 0; !stop_; i++) {
    const std::string key = EventKey(settings_.first_number + i);
    const std::string value = events.Next(settings_.value_size);
    WriteSample sample;
    sample.scheduled = begin + static_cast<double>(i) / settings_.rate;
    SleepUntil(sample.scheduled);
    const double start = WallSeconds();
    const leveldb::Status status = db_->Put(options, key, value);
    const double end = WallSeconds();
    if (previous_end < sample.scheduled) {
      sample.wake_up = start - sample.scheduled;
    }
    sample.service = end - start;
    sample.latency = end - sample.scheduled;
    previous_end = end;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (recording_) samples_.push_back(sample);
    if (!status.ok()) {
      status_ = FromLevelDb(status);
      return;
    }
  }
}

}  // namespace levelkeep::bench
