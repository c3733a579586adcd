#include "eventstore/event_registry.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "base/posix_error.h"
#include "base/status_macros.h"
#include "leveldb/db.h"
#include "leveldb/iterator.h"
#include "leveldb/write_batch.h"

namespace levelkeep {

namespace {

// Well below LevelDB's write buffer (4 MiB), so that a single append does not
// wait for a whole memtable of other appends.
constexpr size_t kMaxGroupBytes = 1 << 20;
constexpr uint64_t kMaxSequence = std::numeric_limits<uint64_t>::max();

std::string_view View(const leveldb::Slice& slice) {
  return std::string_view(slice.data(), slice.size());
}

leveldb::ReadOptions CheckedReads() {
  leveldb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

leveldb::Status Get(leveldb::DB* db, const std::string& key,
                    std::string* value) {
  return db->Get(CheckedReads(), key, value);
}

std::unique_ptr<leveldb::Iterator> NewIterator(leveldb::DB* db) {
  return std::unique_ptr<leveldb::Iterator>(db->NewIterator(CheckedReads()));
}

Status MissingEvent(uint64_t sequence, uint64_t last) {
  return Status(StatusCode::kCorruption,
                "event " + std::to_string(sequence) + " is missing (" +
                    std::to_string(last) + " is the newest)",
                kRestoreVerified);
}

// Parses LevelDB's "IO error: PATH: TEXT OF strerror".
std::optional<std::string> PathThatFailed(const std::string& text, int error) {
  const std::string end = ": " + std::generic_category().message(error);
  constexpr std::string_view kBegin = "IO error: ";
  if (!text.starts_with(kBegin) || !text.ends_with(end)) return std::nullopt;
  return text.substr(kBegin.size(), text.size() - kBegin.size() - end.size());
}

}  // namespace

// A call of Append that waits for its turn. It lives on the caller's stack.
struct EventRegistry::Pending {
  std::vector<std::string> bodies;
  size_t bytes = 0;
  bool done = false;
  Status status;
  AppendReceipt receipt;
};

Result<std::unique_ptr<EventRegistry>> EventRegistry::Open(leveldb::DB* db,
                                                           Clock* clock,
                                                           bool sync) {
  std::unique_ptr<EventRegistry> registry(new EventRegistry(db, clock, sync));
  LEVELKEEP_RETURN_IF_ERROR(registry->Load());
  registry->has_foreign_keys_ = registry->FindForeignKeys();
  return registry;
}

Status EventRegistry::Load() {
  std::string head;
  const leveldb::Status status = Get(db_, kEventHeadKey, &head);
  EventCount count;
  if (status.ok()) {
    LEVELKEEP_ASSIGN_OR_RETURN(count.last, DecodeEventHead(head));
  } else if (!status.IsNotFound()) {
    return FromLevelDb(status, kEventHeadKey);
  }
  if (count.last == kMaxSequence) return MissingEvent(kMaxSequence, 0);
  // Head and events are written in one batch. If they disagree, LevelDB lost a
  // part of a batch.
  auto beyond = ReadOne(count.last + 1);
  if (beyond.status().code() != StatusCode::kNotFound) {
    if (!beyond.ok()) return beyond.status();
    return Status(StatusCode::kCorruption,
                  "event " + std::to_string(count.last + 1) +
                      " lies beyond meta:head, which says that " +
                      std::to_string(count.last) + " is the newest",
                  "restore a verified backup");
  }
  if (count.last > 0) {
    const auto require = [&](uint64_t sequence) {
      auto event = ReadOne(sequence);
      return event.status().code() != StatusCode::kNotFound
                 ? event
                 : MissingEvent(sequence, count.last);
    };
    LEVELKEEP_ASSIGN_OR_RETURN(const Event first, require(1));
    LEVELKEEP_ASSIGN_OR_RETURN(const Event last, require(count.last));
    count.count = count.last;
    count.first = 1;
    count.first_time = first.time;
    count.last_time = last.time;
  }
  MutexLock lock(&mutex_);
  count_ = count;
  return Status::Ok();
}

Result<Event> EventRegistry::ReadOne(uint64_t sequence) const {
  std::string record;
  LEVELKEEP_RETURN_IF_ERROR(FromLevelDb(Get(db_, EventKey(sequence), &record),
                                        "event " + std::to_string(sequence)));
  return DecodeEvent(sequence, record);
}

bool EventRegistry::FindForeignKeys() const {
  const std::unique_ptr<leveldb::Iterator> it = NewIterator(db_);
  const auto foreign = [&it] {
    return it->Valid() && View(it->key()) != kEventHeadKey &&
           !ParseEventKey(View(it->key()));
  };
  it->SeekToFirst();
  if (foreign()) return true;
  it->Seek(EventKey(last() + 1));
  if (foreign()) return true;
  it->SeekToLast();
  return foreign();
}

Result<AppendReceipt> EventRegistry::Append(std::vector<std::string> bodies) {
  if (bodies.empty()) {
    return Status(StatusCode::kInvalidArgument, "there are no events");
  }
  Pending mine;
  mine.bodies = std::move(bodies);
  for (const std::string& body : mine.bodies) mine.bytes += body.size();

  std::vector<Pending*> group;
  {
    MutexLock lock(&mutex_);
    queue_.push_back(&mine);
    while (!mine.done && queue_.front() != &mine) changed_.wait(mutex_);
    if (!mine.done) group = TakeGroup();
  }
  if (!group.empty()) WriteGroup(group);
  LEVELKEEP_RETURN_IF_ERROR(mine.status);
  return mine.receipt;
}

// Numbers the calls at the front of the queue. They stay in the queue until
// they are written: the call at the front is the one that writes.
std::vector<EventRegistry::Pending*> EventRegistry::TakeGroup() {
  std::vector<Pending*> group;
  size_t bytes = 0;
  uint64_t next = count_.last + 1;
  for (Pending* pending : queue_) {
    if (!group.empty() && bytes + pending->bytes > kMaxGroupBytes) break;
    bytes += pending->bytes;
    pending->receipt.first = next;
    next += pending->bodies.size();
    pending->receipt.last = next - 1;
    group.push_back(pending);
  }
  return group;
}

leveldb::WriteBatch EventRegistry::MakeBatch(const std::vector<Pending*>& group,
                                             const std::string& time) {
  leveldb::WriteBatch batch;
  for (const Pending* pending : group) {
    uint64_t sequence = pending->receipt.first;
    for (const std::string& body : pending->bodies) {
      batch.Put(EventKey(sequence), EncodeEvent(sequence, time, body));
      ++sequence;
    }
  }
  batch.Put(kEventHeadKey, EncodeEventHead(group.back()->receipt.last));
  return batch;
}

void EventRegistry::WriteGroup(const std::vector<Pending*>& group) {
  Status status;
  bool begun = false;  // once true, nobody knows what is stored
  {
    MutexLock lock(&mutex_);
    status = failure_;
  }
  const std::string time = FormatTime(clock_->Now());
  if (status.ok()) {
    leveldb::WriteBatch batch = MakeBatch(group, time);
    leveldb::WriteOptions options;
    options.sync = sync_;
    begun = true;
    // If we die here: LevelDB replays the whole batch or nothing of it. Events
    // and head agree either way, and no caller got an acknowledgement.
    status = FromLevelDb(db_->Write(options, &batch), "appending events")
                 .WithHint(
                     "restart the program: only opening the database again "
                     "shows what was stored");
  }

  MutexLock lock(&mutex_);
  if (status.ok()) {
    const uint64_t last = group.back()->receipt.last;
    if (count_.last == 0) {
      count_.first = 1;
      count_.first_time = time;
    }
    count_.count = count_.last = last;
    count_.last_time = time;
  } else if (begun && failure_.ok()) {
    failure_ = status;
  }
  for (Pending* pending : group) {
    pending->status = status;
    pending->done = true;
    queue_.pop_front();
  }
  changed_.notify_all();
}

Result<EventRecords> EventRegistry::Read(uint64_t after, uint64_t limit,
                                         uint64_t max_bytes) const {
  EventRecords page;
  // Read before the iterator is made, so that its view has all events up to it.
  page.head = last();
  page.last = after;
  if (after >= page.head || limit == 0) return page;
  const uint64_t end = after + std::min(limit, page.head - after);
  const std::unique_ptr<leveldb::Iterator> it = NewIterator(db_);
  uint64_t bytes = 0;
  for (uint64_t sequence = after + 1; sequence <= end; ++sequence) {
    const std::string key = EventKey(sequence);
    // Seeks again if keys of another application lie between event keys.
    if (!it->Valid() || View(it->key()) != key) it->Seek(key);
    if (!it->Valid() || View(it->key()) != key) {
      LEVELKEEP_RETURN_IF_ERROR(FromLevelDb(
          it->status(), "reading event " + std::to_string(sequence)));
      return MissingEvent(sequence, page.head);
    }
    bytes += it->value().size();
    if (bytes > max_bytes && sequence > after + 1) break;
    LEVELKEEP_ASSIGN_OR_RETURN(std::string text,
                               CheckedRecord(sequence, View(it->value())));
    page.texts.push_back(std::move(text));
    page.last = sequence;
    it->Next();
  }
  return page;
}

EventCount EventRegistry::Count() const {
  MutexLock lock(&mutex_);
  return count_;
}

uint64_t EventRegistry::last() const {
  MutexLock lock(&mutex_);
  return count_.last;
}

Status FromLevelDb(const leveldb::Status& status, std::string_view context) {
  if (status.ok()) return Status::Ok();
  const std::string text = status.ToString();
  const std::string message = std::string(context) + ": " + text;
  if (status.IsCorruption()) {
    return Status(StatusCode::kCorruption, message, kRestoreVerified);
  }
  // A missing key has no reason in its text; a missing file has.
  if (text.ends_with(std::generic_category().message(ENOENT))) {
    return Status(
        StatusCode::kIoError, message,
        "a file or folder of the database is missing: check its disk, "
        "then restart");
  }
  if (status.IsNotFound()) return Status(StatusCode::kNotFound, message);
  if (status.IsInvalidArgument() || status.IsNotSupportedError()) {
    return Status(StatusCode::kUnsupported, message);
  }
  if (TellsOfNoSpace(text)) {
    return Status(StatusCode::kNoSpace, message,
                  "free some space on the disk of the database; if the error "
                  "stays, restart: after some failures LevelDB accepts no "
                  "writes until it is opened again");
  }
  for (const int error : {EACCES, EROFS}) {
    const auto path = PathThatFailed(text, error);
    if (!path) continue;
    const Status denied = PosixError(error, "open", *path);
    return Status(denied.code(), message, denied.hint());
  }
  return Status(StatusCode::kIoError, message);
}

}  // namespace levelkeep
