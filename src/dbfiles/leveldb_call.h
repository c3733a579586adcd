// Calls of an open LevelDB while memory ends.

#ifndef LEVELKEEP_DBFILES_LEVELDB_CALL_H_
#define LEVELKEEP_DBFILES_LEVELDB_CALL_H_

#include <new>

namespace levelkeep {

// Says on standard error what happened and aborts. Allocates nothing.
[[noreturn]] void EndWithoutMemoryInLevelDb() noexcept;

// Returns call(), which calls a leveldb::DB or one of its iterators and does
// nothing else.
//
// LevelDB is compiled without exceptions: a std::bad_alloc that passes through
// it leaves its mutexes locked, and whoever calls it next, to close it also,
// waits for ever. So the process ends instead, which is as safe as a crash:
// opening the database again replays its log.
//
// Not for leveldb::DB::Open: what it locks is lost with it.
template <typename Call>
auto CallLevelDb(const Call& call) noexcept {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    EndWithoutMemoryInLevelDb();
  }
}

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_LEVELDB_CALL_H_
