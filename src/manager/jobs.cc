#include "manager/jobs.h"

#include <functional>
#include <utility>

namespace levelkeep {

namespace {

constexpr std::array<JobKind, kJobKinds> kAllKinds = {
    JobKind::kRestore, JobKind::kCreate, JobKind::kRotate, JobKind::kVerify};

size_t Index(JobKind kind) { return static_cast<size_t>(kind); }

std::string Sentence(JobKind kind, Time since) {
  switch (kind) {
    case JobKind::kCreate:
      return "a backup is being created since " + FormatTime(since);
    case JobKind::kRestore:
      return "a restore is running since " + FormatTime(since);
    case JobKind::kVerify:
      return "a backup is being verified since " + FormatTime(since);
    case JobKind::kRotate:
      return "backups are being rotated since " + FormatTime(since);
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

Result<std::unique_ptr<JobBoard::Ticket>> JobBoard::Begin(
    JobKind kind, std::stop_token caller_stop) {
  MutexLock lock(&mutex_);
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
  for (JobKind other : kAllKinds) {
    const Slot& slot = slots_[Index(other)];
    if (slot.ticket != nullptr && other != spared &&
        !MayRunTogether(kind, other)) {
      return Status(StatusCode::kBusy, Sentence(other, slot.since),
                    "try again when it has ended");
    }
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
}

std::string JobBoard::Running() const {
  MutexLock lock(&mutex_);
  for (JobKind kind : kAllKinds) {
    if (slots_[Index(kind)].ticket != nullptr) return JobKindName(kind);
  }
  return "";
}

}  // namespace levelkeep
