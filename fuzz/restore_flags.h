// The first bytes of an input of the restore fuzzer.

#ifndef LEVELKEEP_FUZZ_RESTORE_FLAGS_H_
#define LEVELKEEP_FUZZ_RESTORE_FLAGS_H_

#include <cstdint>

namespace levelkeep::fuzz {

// The byte that says what is fuzzed.
enum RestoreInput : uint8_t {
  kArchiveFile = 0,
  kDatabaseInOurs = 1,     // in an archive of ours with right digests
  kDatabaseInForeign = 2,  // in a tar of other programs
  kRecords = 3,            // records of interrupted restores
  kRestoreInputs
};

// Properties of the world; bits of one byte.
enum WorldFlags : uint8_t {
  kOpens = 1,          // the application can open what is restored
  kNamedAsOurs = 2,    // the dropped archive has a name like ours
  kNoExchange = 4,     // a file system without RENAME_EXCHANGE
  kReadOnlyDrop = 8,   // the drop folder can't be written
  kNoDatabase = 16,    // there is no database yet
  kArchiveBeside = 32  // with kRecords: a good archive was dropped, too
};

// The fault: a call fails in this way, or the power goes.
enum FaultKind : uint8_t {
  kNoFault = 0,
  kIoError,
  kDiskFull,
  kTooManyFiles,
  kNoAccess,
  kInterrupted,
  kShortWrite,
  kCrash,
  kFaultKinds
};

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_RESTORE_FLAGS_H_
