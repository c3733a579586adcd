#include "manager/jobs.h"

#include <functional>
#include <utility>

#include "base/status_macros.h"

namespace levelkeep {

namespace {

constexpr std::array<JobKind, kJobKinds> kAllKinds = {
    JobKind::kRestore, JobKind::kCreate, JobKind::kRotate, JobKind::kVerify};

size_t Index(JobKind kind) { return static_cast<size_t>(kind); }

std::string Sentence(JobKind kind, Time since) {
  switch (kind) {
    case JobKind::kCreate:
      return "a backup has been running since " + FormatTime(since);
    case JobKind::kRestore:
      return "a restore has been running since " + FormatTime(since);
    case JobKind::kVerify:
      return "a verification has been running since " + FormatTime(since);
    case JobKind::kRotate:
      return "a rotation has been running since " + FormatTime(since);
  }
  return "a job is running";
}

}  // namespace

std::string JobKindName(JobKind kind) {
  switch (kind) {
    case JobKind::kCreate:
      return "create";
    case JobKind::kRestore:
      return "restore";
    case JobKind::kVerify:
      return "verify";
    case JobKind::kRotate:
      return "rotate";
  }
  return "unknown";
}

bool MayRunTogether(JobKind a, JobKind b) {
  if (a == b || a == JobKind::kRestore || b == JobKind::kRestore) return false;
  // Only verification reads without changing what the others work on.
  return a == JobKind::kVerify || b == JobKind::kVerify;
}

JobBoard::Ticket::Ticket(JobBoard* board, JobKind kind,
                         std::stop_token caller_stop)
    : board_(board),
      kind_(kind),
      forward_(std::move(caller_stop), [this] { source_.request_stop(); }) {}

JobBoard::Ticket::~Ticket() {
  MutexLock lock(&board_->mutex_);
  board_->slots_[Index(kind_)].ticket = nullptr;
  board_->ended_.notify_all();
}

const JobBoard::Slot* JobBoard::InTheWay(JobKind kind, JobKind* other,
                                         std::optional<JobKind> spared) const {
  for (const JobKind one : kAllKinds) {
    const Slot& slot = slots_[Index(one)];
    if (slot.ticket == nullptr || one == spared || MayRunTogether(kind, one)) {
      continue;
    }
    *other = one;
    return &slot;
  }
  return nullptr;
}

// Until nothing is in the way, or the time is over.
Status JobBoard::Wait(JobKind kind, const std::stop_token& stop,
                      const Patience& patience) {
  JobKind other = kind;
  const bool full = patience.places > 0 && waiting_ >= patience.places;
  if (patience.time.count() <= 0 || full || InTheWay(kind, &other) == nullptr) {
    return Status::Ok();
  }
  const uint64_t& ended_waits = ended_waits_[Index(kind)];
  const uint64_t before = ended_waits;
  ++waiting_;
  ended_.wait_until(mutex_, stop,
                    std::chrono::steady_clock::now() + patience.time,
                    [&]() REQUIRES_LOCK(mutex_) {
                      return closed_ || ended_waits != before ||
                             InTheWay(kind, &other) == nullptr;
                    });
  --waiting_;
  ended_.notify_all();  // Close waits for it
  if (!stop.stop_requested() && ended_waits == before) return Status::Ok();
  return Status(
      StatusCode::kCancelled,
      "stopped while it waited for another job (" + JobKindName(other) + ")");
}

Result<std::unique_ptr<JobBoard::Ticket>> JobBoard::Begin(
    JobKind kind, std::stop_token caller_stop, const Patience& patience) {
  MutexLock lock(&mutex_);
  LEVELKEEP_RETURN_IF_ERROR(Wait(kind, caller_stop, patience));
  return BeginLocked(kind, std::move(caller_stop));
}

Result<std::unique_ptr<JobBoard::Ticket>> JobBoard::BeginInsteadOf(
    JobKind other, JobKind kind, std::stop_token caller_stop) {
  MutexLock lock(&mutex_);
  // Its owner may begin the next one before we wake up.
  while (Ticket* const running = slots_[Index(other)].ticket) {
    running->source_.request_stop();
    ended_.wait(mutex_);
  }
  return BeginLocked(kind, std::move(caller_stop));
}

Status JobBoard::JudgeInsteadOf(JobKind other, JobKind kind) const {
  MutexLock lock(&mutex_);
  return JudgeLocked(kind, other);
}

Status JobBoard::JudgeLocked(JobKind kind,
                             std::optional<JobKind> spared) const {
  if (closed_) {
    return Status(StatusCode::kCancelled,
                  "the backup manager is shutting down");
  }
  JobKind other = kind;
  if (const Slot* const running = InTheWay(kind, &other, spared)) {
    return Status(StatusCode::kBusy, Sentence(other, running->since),
                  "try again when it has ended");
  }
  return Status::Ok();
}

Result<std::unique_ptr<JobBoard::Ticket>> JobBoard::BeginLocked(
    JobKind kind, std::stop_token caller_stop) {
  const Status free = JudgeLocked(kind, std::nullopt);
  if (!free.ok()) return free;
  std::unique_ptr<Ticket> ticket(
      new Ticket(this, kind, std::move(caller_stop)));
  slots_[Index(kind)] = Slot{ticket.get(), clock_->Now()};
  return ticket;
}

void JobBoard::CancelAndWait(JobKind kind) {
  MutexLock lock(&mutex_);
  // It is a live restore that stops what uses the database, and opens it again:
  // who waits for its end goes on.
  if (slots_[Index(JobKind::kRestore)].ticket == nullptr) {
    ++ended_waits_[Index(kind)];
    ended_.notify_all();
  }
  const Slot& slot = slots_[Index(kind)];
  const Ticket* const ticket = slot.ticket;
  if (ticket == nullptr) return;
  slot.ticket->source_.request_stop();
  while (slot.ticket == ticket) ended_.wait(mutex_);
}

void JobBoard::Close() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  for (JobKind kind : kAllKinds) CancelAndWait(kind);
  MutexLock lock(&mutex_);
  while (waiting_ > 0) ended_.wait(mutex_);
}

int JobBoard::Waiting() const {
  MutexLock lock(&mutex_);
  return waiting_;
}

std::string JobBoard::Running() const {
  MutexLock lock(&mutex_);
  for (JobKind kind : kAllKinds) {
    if (slots_[Index(kind)].ticket != nullptr) return JobKindName(kind);
  }
  return "";
}

}  // namespace levelkeep
