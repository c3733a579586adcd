// Reads and appends events through a DB handle that somebody else owns.

#ifndef LEVELKEEP_EVENTSTORE_EVENT_REGISTRY_H_
#define LEVELKEEP_EVENTSTORE_EVENT_REGISTRY_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "eventstore/event.h"
#include "leveldb/status.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/status.h"

namespace leveldb {
class DB;
class WriteBatch;
}  // namespace leveldb

namespace levelkeep {

struct AppendReceipt {
  uint64_t first = 0;
  uint64_t last = 0;
};

struct EventRecords {
  // Records of consecutive events, as HTTP clients get them (DecodeEvent).
  std::vector<std::string> texts;
  uint64_t last = 0;  // sequence of the last text; `after` if there is none
  uint64_t head = 0;  // sequence of the newest event in the store
  std::string epoch;  // of the store; EventBus fills it in
};

// Appends of several threads that arrive together become one write and one
// sync: the first thread that finds no writer writes for all threads that wait.
// Sequence numbers are assigned in that write. They have no gaps, in memory and
// on disk, even if the process dies at any moment.
// Thread safety: all methods may be called concurrently.
// If memory runs out, the process is to end, as the program does (decision
// 0018).
class EventRegistry {
 public:
  // Checks that the newest event and meta:head agree; kCorruption if not.
  // `db` and `clock` outlive this object. Nobody else may write event keys.
  // With `sync`, an acknowledged event survives a power loss.
  static Result<std::unique_ptr<EventRegistry>> Open(leveldb::DB* db,
                                                     Clock* clock, bool sync);

  // Stores all events or none, in that order, with consecutive numbers.
  // `bodies`: see EncodeEventBodies. After kIoError or kNoSpace the events may
  // or may not be stored, and every later append fails until the database is
  // opened again (only that shows what was stored).
  Result<AppendReceipt> Append(std::vector<std::string> bodies);

  // Events after number `after`: at most `limit`, and about `max_bytes` of
  // records (but at least one event). A damaged or missing record is
  // kCorruption, and never skipped.
  Result<EventRecords> Read(uint64_t after, uint64_t limit,
                            uint64_t max_bytes) const;

  EventCount Count() const;
  uint64_t last() const;
  // Whether Open saw keys of another application. Open looks only at a few keys
  // around our own ranges.
  bool has_foreign_keys() const { return has_foreign_keys_; }

 private:
  struct Pending;

  EventRegistry(leveldb::DB* db, Clock* clock, bool sync)
      : db_(db), clock_(clock), sync_(sync) {}

  Status Load();
  Result<Event> ReadOne(uint64_t sequence) const;
  bool FindForeignKeys() const;
  std::vector<Pending*> TakeGroup() REQUIRES_LOCK(mutex_);
  static leveldb::WriteBatch MakeBatch(const std::vector<Pending*>& group,
                                       const std::string& time);
  void WriteGroup(const std::vector<Pending*>& group) EXCLUDES_LOCK(mutex_);

  leveldb::DB* const db_;
  Clock* const clock_;
  const bool sync_;
  bool has_foreign_keys_ = false;  // constant after Open

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Pending*> queue_ GUARDED_BY(mutex_);  // the front one writes
  EventCount count_ GUARDED_BY(mutex_);
  Status failure_ GUARDED_BY(mutex_);  // of the write that ended all appends
};

// Message: "context: LevelDB's text". Ok stays ok.
Status FromLevelDb(const leveldb::Status& status, std::string_view context);

}  // namespace levelkeep

#endif  // LEVELKEEP_EVENTSTORE_EVENT_REGISTRY_H_
