// A helper program that tests run; see support/other_process.h.
//
//   write DIR HEADFILE SYNC REUSE PER_OPEN PER_LIFE
//       writes the workload through stock LevelDB for ever; opens anew every
//       PER_OPEN batches, destroys and begins anew every PER_LIFE batches
//   hold DIR       opens DIR with stock LevelDB, prints "ready" and waits for
//                  the end of its input
//   hold-ofd DIR   the same, but with DbLock
//   hold-flock DIR the same, but locks LOCK as goleveldb does
//   try DIR        exit code 0 if stock LevelDB can open DIR, 3 if it is locked
//   try-flock DIR  exit code 0 if goleveldb could lock DIR, 3 if it is locked
//   pin-and-die DIR EVENTS
//       writes through SnapshotEnv, deletes the last event and compacts while
//       a snapshot is open, and ends without a destructor

#include "support/other_process.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dbfiles/db_lock.h"
#include "leveldb/db.h"
#include "snapshot/snapshot.h"
#include "snapshot/snapshot_env.h"
#include "support/leveldb_fixture.h"
#include "support/workload.h"

namespace levelkeep::test {
namespace {

constexpr int kRefused = 3;

void WaitForEndOfInput() {
  std::printf("ready\n");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

std::unique_ptr<leveldb::DB> Open(const leveldb::Options& options,
                                  const std::string& dir) {
  leveldb::DB* db = nullptr;
  const leveldb::Status status = leveldb::DB::Open(options, dir, &db);
  if (!status.ok()) {
    std::printf("%s\n", status.ToString().c_str());
    std::fflush(stdout);
  }
  return std::unique_ptr<leveldb::DB>(db);
}

int Write(const std::vector<std::string>& arguments) {
  const std::string& dir = arguments[1];
  SharedHead head(arguments[2]);
  leveldb::WriteOptions write_options;
  write_options.sync = arguments[3] == "1";
  leveldb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 10;
  options.max_file_size = 1 << 20;
  options.reuse_logs = arguments[4] == "1";
  const uint64_t per_open = std::stoull(arguments[5]);
  const uint64_t per_life = std::stoull(arguments[6]);
  for (uint64_t life = 1;; life++) {
    std::unique_ptr<leveldb::DB> db;
    for (uint64_t number = 1; number <= per_life; number++) {
      if (number % per_open == 1) db.reset();
      if (db == nullptr) db = Open(options, dir);
      if (db == nullptr) return 1;
      leveldb::WriteBatch batch = ToWriteBatch(MakeBatch(life, number));
      if (!db->Write(write_options, &batch).ok()) return 1;
      head.Store({life, number});
      if (life == 1 && number == 1) {
        std::printf("ready\n");
        std::fflush(stdout);
      }
    }
    db.reset();
    if (!leveldb::DestroyDB(dir, options).ok()) return 1;
  }
}

int Hold(const std::string& dir) {
  leveldb::Options options;
  options.create_if_missing = true;
  const std::unique_ptr<leveldb::DB> db = Open(options, dir);
  if (db == nullptr) return kRefused;
  WaitForEndOfInput();
  return 0;
}

int HoldOfd(const std::string& dir) {
  const auto lock = DbLock::Acquire(FileSystem::Posix(), dir);
  if (!lock.ok()) return kRefused;
  WaitForEndOfInput();
  return 0;
}

bool TakeFlock(const std::string& dir) {
  const int fd =
      ::open((dir + "/LOCK").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  return fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int HoldFlock(const std::string& dir) {
  if (!TakeFlock(dir)) return kRefused;
  WaitForEndOfInput();
  return 0;
}

int Try(const std::string& dir) {
  leveldb::Options options;
  options.create_if_missing = true;
  return Open(options, dir) != nullptr ? 0 : kRefused;
}

int PinAndDie(const std::string& dir, const std::string& events) {
  SnapshotEnv env;
  leveldb::Options options;
  options.env = &env;
  options.create_if_missing = true;
  options.write_buffer_size = 64 << 10;
  const std::unique_ptr<leveldb::DB> db = Open(options, dir);
  if (db == nullptr) return 1;
  for (uint64_t i = 1; i <= std::stoull(events); i++) {
    if (!db->Put(leveldb::WriteOptions(), EventKey(i), EventValue(i)).ok()) {
      return 1;
    }
  }
  const auto snapshot = env.Take(dir);
  if (!snapshot.ok()) return 1;
  // After the compaction, only the tables of the snapshot hold the last event.
  if (!db->Delete({}, EventKey(std::stoull(events))).ok()) return 1;
  db->CompactRange(nullptr, nullptr);
  ::_exit(env.GetStats(dir).pinned_files > 0 ? 0 : 1);
}

int Run(const std::vector<std::string>& arguments) {
  const std::string verb = arguments.empty() ? "" : arguments[0];
  if (verb == "write" && arguments.size() == 7) return Write(arguments);
  if (verb == "hold" && arguments.size() == 2) return Hold(arguments[1]);
  if (verb == "hold-ofd" && arguments.size() == 2) {
    return HoldOfd(arguments[1]);
  }
  if (verb == "hold-flock" && arguments.size() == 2) {
    return HoldFlock(arguments[1]);
  }
  if (verb == "try" && arguments.size() == 2) return Try(arguments[1]);
  if (verb == "try-flock" && arguments.size() == 2) {
    return TakeFlock(arguments[1]) ? 0 : kRefused;
  }
  if (verb == "pin-and-die" && arguments.size() == 3) {
    return PinAndDie(arguments[1], arguments[2]);
  }
  std::fprintf(stderr, "unknown arguments\n");
  return 2;
}

}  // namespace
}  // namespace levelkeep::test

int main(int argc, char** argv) {
  return levelkeep::test::Run(std::vector<std::string>(argv + 1, argv + argc));
}
