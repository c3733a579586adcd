// The only owner of the event store's DB handle.
//
//   EventBus bus(options, manager.env());
//   bus.Open();
//   auto attachment = manager.Attach(bus.db());
//   manager.SetRestoreHooks({close: attachment.reset(), bus.Close();
//                            reopen: bus.Open(), manager.Attach(bus.db())});
//
// LevelDB can be open only once, so no other code opens the database: the
// registry uses the bus' handle, and a live restore closes and reopens the bus
// around the swap. Calls made in between wait for a moment, then get kBusy.

#ifndef LEVELKEEP_EVENTSTORE_EVENT_BUS_H_
#define LEVELKEEP_EVENTSTORE_EVENT_BUS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/mutex.h"
#include "eventstore/event_registry.h"
#include "levelkeep/status.h"

namespace leveldb {
class DB;
class Env;
class Status;
}  // namespace leveldb

namespace levelkeep {

struct EventBusOptions {
  std::string db_dir;
  bool sync = true;  // STORAGE_SYNC: acknowledged means synced
  // How long a call waits for a closed bus to open again.
  std::chrono::milliseconds max_wait{2000};
};

// The state of the bus, for readers that wait for events.
struct EventBusState {
  bool open = false;
  bool ended = false;  // Shutdown() was called
  uint64_t last = 0;   // sequence of the newest event
  // The value of `last` when the store was opened. After a restore, newer
  // events were appended to the restored store, and no reader has seen them
  // before.
  uint64_t last_at_open = 0;
  std::string epoch;  // changes with every restore
};

// Thread safety: all methods may be called concurrently, except that only one
// thread at a time may call Open and Close.
class EventBus {
 public:
  // `env` (usually BackupManager::env()), `fs` and `clock` outlive the bus.
  EventBus(EventBusOptions options, leveldb::Env* env,
           FileSystem* fs = FileSystem::Posix(),
           Clock* clock = Clock::System());
  // REQUIRES: no Attachment uses db(); no Subscription is alive.
  ~EventBus();
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  // Opens the database (creates an empty one if there is none) and admits
  // calls. kBusy names the process that has the database open; kCorruption;
  // kIoError. Ok if the bus is open already.
  Status Open();
  // Waits until running calls have returned, then closes the database. New
  // calls wait from now on. Does nothing if the bus is not open.
  void Close();
  // For a program that stops: every waiting call returns, and no call waits any
  // more.
  // The database stays open until Close().
  void Shutdown();

  // For BackupManager::Attach. REQUIRES: Open() succeeded, no Close() yet.
  leveldb::DB* db();

  // As in EventRegistry; kBusy while the bus is closed.
  Result<AppendReceipt> Append(std::vector<std::string> bodies);
  Result<EventRecords> Read(uint64_t after, uint64_t limit, uint64_t max_bytes);
  // Zeros while the bus is closed. Never waits.
  EventCount Count();
  EventBusState State();
  // For a watchdog: takes the mutexes of the bus, of the registry and of
  // LevelDB, and hangs if one of them does. Reads nothing from the disk;
  // returns at once while the bus is closed.
  void Touch();
  // Returns when the bus is open and has events after `after`, when its epoch
  // differs from `epoch`, after Shutdown, or at `timeout`.
  EventBusState WaitForEvents(uint64_t after, const std::string& epoch,
                              std::chrono::milliseconds timeout);

 private:
  struct Store;   // the DB and the registry on it
  struct Leave {  // ends what Enter began
    EventBus* bus;
    void operator()(Store* store) const;
  };
  using Use = std::unique_ptr<Store, Leave>;  // keeps the store open

  Result<Use> Enter() EXCLUDES_LOCK(mutex_);
  Result<std::unique_ptr<Store>> OpenStore();
  Status DescribeOpenFailure(const leveldb::Status& failure);
  EventBusState StateLocked() const REQUIRES_LOCK(mutex_);

  const EventBusOptions options_;
  leveldb::Env* const env_;
  FileSystem* const fs_;
  Clock* const clock_;

  Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<Store> store_ GUARDED_BY(mutex_);
  bool accepting_ GUARDED_BY(mutex_) = false;  // open and not closing
  bool ended_ GUARDED_BY(mutex_) = false;
  int users_ GUARDED_BY(mutex_) = 0;
  Status open_error_ GUARDED_BY(mutex_);  // the result of the last Open()
};

// Calls `callback` for each event after `after`, in order, on its own thread,
// once the event is durable. A slow callback delays nobody else. After a
// restore to an older state, the subscription continues behind the restored
// events. Thread safety: any thread but its own may construct and destroy it.
class Subscription {
 public:
  using Callback = std::function<void(const Event&)>;

  // `bus` outlives this object.
  Subscription(EventBus* bus, uint64_t after, Callback callback);
  ~Subscription();  // waits for a running callback
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

 private:
  void Run(std::stop_token stop, uint64_t after);

  EventBus* const bus_;
  const Callback callback_;
  std::jthread thread_;  // last: starts when all other members exist
};

}  // namespace levelkeep

#endif  // LEVELKEEP_EVENTSTORE_EVENT_BUS_H_
