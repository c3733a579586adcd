#include "eventstore/event_bus.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "dbfiles/db_lock.h"
#include "dbfiles/identity.h"
#include "leveldb/db.h"
#include "leveldb/env.h"

namespace levelkeep {

namespace {

constexpr char kTag[] = "EventBus";

constexpr uint64_t kBatchEvents = 100;
constexpr uint64_t kBatchBytes = 1 << 20;
// The destructor waits at most this long for the idle thread.
constexpr std::chrono::milliseconds kPoll{200};

}  // namespace

struct EventBus::Store {
  std::unique_ptr<leveldb::DB> db;
  std::unique_ptr<EventRegistry> registry;  // destroyed before `db`
  std::string epoch;
  uint64_t last_at_open = 0;
};

void EventBus::Leave::operator()(Store*) const {
  MutexLock lock(&bus->mutex_);
  --bus->users_;
  // Wakes Close(), and readers that wait for the event just appended.
  bus->changed_.notify_all();
}

EventBus::EventBus(EventBusOptions options, leveldb::Env* env, FileSystem* fs,
                   Clock* clock)
    : options_(std::move(options)), env_(env), fs_(fs), clock_(clock) {}

EventBus::~EventBus() {
  Shutdown();
  Close();
}

Status EventBus::Open() {
  {
    MutexLock lock(&mutex_);
    if (store_) return Status::Ok();
  }
  auto opened = OpenStore();
  MutexLock lock(&mutex_);
  open_error_ = opened.status();
  if (!opened.ok()) return opened.status();
  store_ = std::move(opened).value();
  accepting_ = true;
  changed_.notify_all();
  return Status::Ok();
}

Result<std::unique_ptr<EventBus::Store>> EventBus::OpenStore() {
  leveldb::Options db_options;
  db_options.create_if_missing = true;
  db_options.env = env_;
  leveldb::DB* db = nullptr;
  const leveldb::Status opened =
      leveldb::DB::Open(db_options, options_.db_dir, &db);
  auto store = std::make_unique<Store>();
  store->db.reset(db);
  if (!opened.ok()) return DescribeOpenFailure(opened);
  LEVELKEEP_ASSIGN_OR_RETURN(
      store->registry,
      EventRegistry::Open(store->db.get(), clock_, options_.sync));
  LEVELKEEP_ASSIGN_OR_RETURN(store->epoch,
                             ReadOrCreateEpoch(fs_, options_.db_dir));
  if (store->registry->has_foreign_keys()) {
    LogInfo(kTag,
            "the database also holds keys of another application; "
            "they are kept and backed up, and not shown as events");
  }
  const EventCount count = store->registry->Count();
  store->last_at_open = count.last;
  LogInfo(kTag, options_.db_dir + ": open, " + std::to_string(count.count) +
                    " events");
  return store;
}

Status EventBus::DescribeOpenFailure(const leveldb::Status& failure) {
  const std::string& dir = options_.db_dir;
  // This text is from LevelDB's own table of the locks of this process.
  if (failure.ToString().find("already held by process") != std::string::npos) {
    return Status(StatusCode::kBusy,
                  "database " + dir + " is open in this process already");
  }
  std::string holder;
  auto held = DbLock::Probe(fs_, dir, &holder);
  if (held.ok() && *held != DbLock::State::kFree) {
    return Status(StatusCode::kBusy,
                  "database " + dir + " is open in " + holder,
                  "stop that process, or use another STORAGE_DIR");
  }
  return FromLevelDb(failure, "opening database " + dir);
}

void EventBus::Close() {
  std::unique_ptr<Store> store;
  {
    MutexLock lock(&mutex_);
    accepting_ = false;
    while (users_ > 0) changed_.wait(mutex_);
    store = std::move(store_);
  }
  if (!store) return;
  // Outside the mutex: LevelDB first finishes a running compaction.
  store.reset();
  LogInfo(kTag, options_.db_dir + ": closed");
}

void EventBus::Shutdown() {
  MutexLock lock(&mutex_);
  ended_ = true;
  changed_.notify_all();
}

leveldb::DB* EventBus::db() {
  MutexLock lock(&mutex_);
  return store_ ? store_->db.get() : nullptr;
}

Result<EventBus::Use> EventBus::Enter() {
  MutexLock lock(&mutex_);
  changed_.wait_for(mutex_, options_.max_wait, [this]() REQUIRES_LOCK(mutex_) {
    return accepting_ || ended_;
  });
  if (accepting_) {
    ++users_;
    return Use(store_.get(), Leave{this});
  }
  if (ended_) {
    return Status(StatusCode::kBusy, "the event store is shutting down",
                  "try again when the program runs again");
  }
  if (!open_error_.ok()) {
    return Status(StatusCode::kBusy,
                  "the event store is closed: " + open_error_.message(),
                  open_error_.hint());
  }
  return Status(StatusCode::kBusy,
                "the event store is closed while a backup is restored",
                "try again in a few seconds");
}

Result<AppendReceipt> EventBus::Append(std::vector<std::string> bodies) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto store, Enter());
  return store->registry->Append(std::move(bodies));
}

Result<EventRecords> EventBus::Read(uint64_t after, uint64_t limit,
                                    uint64_t max_bytes) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto store, Enter());
  auto page = store->registry->Read(after, limit, max_bytes);
  if (page.ok()) page->epoch = store->epoch;
  return page;
}

EventCount EventBus::Count() {
  MutexLock lock(&mutex_);
  return accepting_ ? store_->registry->Count() : EventCount();
}

EventBusState EventBus::StateLocked() const {
  EventBusState state;
  state.open = accepting_;
  state.ended = ended_;
  if (accepting_) {
    state.last = store_->registry->last();
    state.last_at_open = store_->last_at_open;
    state.epoch = store_->epoch;
  }
  return state;
}

EventBusState EventBus::State() {
  MutexLock lock(&mutex_);
  return StateLocked();
}

void EventBus::Touch() {
  Use store;
  {
    MutexLock lock(&mutex_);
    if (!accepting_) return;
    ++users_;
    store = Use(store_.get(), Leave{this});
  }
  (void)store->registry->Count();
  std::string files;
  (void)store->db->GetProperty("leveldb.num-files-at-level0", &files);
}

EventBusState EventBus::WaitForEvents(uint64_t after, const std::string& epoch,
                                      std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  MutexLock lock(&mutex_);
  while (true) {
    const EventBusState state = StateLocked();
    if (state.ended) return state;
    if (state.open && (state.last > after || state.epoch != epoch)) {
      return state;
    }
    if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) {
      return StateLocked();
    }
  }
}

Subscription::Subscription(EventBus* bus, uint64_t after, Callback callback)
    : bus_(bus),
      callback_(std::move(callback)),
      thread_([this, after](std::stop_token stop) { Run(stop, after); }) {}

Subscription::~Subscription() = default;  // the jthread stops and joins

void Subscription::Run(std::stop_token stop, uint64_t after) {
  std::string epoch = bus_->State().epoch;
  while (!stop.stop_requested()) {
    const EventBusState state = bus_->WaitForEvents(after, epoch, kPoll);
    if (state.ended) return;
    if (!state.open) continue;
    if (state.epoch != epoch) {  // restored, perhaps to an older state
      epoch = state.epoch;
      after = std::min(after, state.last_at_open);
    }
    auto page = bus_->Read(after, kBatchEvents, kBatchBytes);
    if (!page.ok()) {
      if (page.status().code() == StatusCode::kBusy) continue;
      LogError(kTag, "a subscription ended: " + page.status().ToString());
      return;
    }
    if (page->epoch != epoch) continue;  // a restore has just happened
    for (const std::string& text : page->texts) {
      if (stop.stop_requested()) return;
      const auto event = DecodeEvent(after + 1, text);
      if (!event.ok()) {
        LogError(kTag, "a subscription ended: " + event.status().ToString());
        return;
      }
      callback_(*event);
      ++after;
    }
  }
}

}  // namespace levelkeep
