// Calls of an open LevelDB that end the process if memory runs out.

#ifndef LEVELKEEP_DBFILES_LEVELDB_CALL_H_
#define LEVELKEEP_DBFILES_LEVELDB_CALL_H_

#include <new>

namespace levelkeep {

// Writes the reason to standard error and aborts. Allocates nothing.
[[noreturn]] void EndWithoutMemoryInLevelDb() noexcept;

// Returns call(), which must call a leveldb::DB or one of its iterators and
// nothing else.
//
// LevelDB is compiled without exceptions: a std::bad_alloc that passes through
// it leaves its mutexes locked, and the next call, even the one that closes the
// database, waits for ever. So the process ends instead, which is as safe as a
// crash: opening the database again replays its log.
//
// Not for leveldb::DB::Open: a failed Open destroys the mutexes it locked.
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
