// What an input of the restore fuzzer begins with.

#ifndef LEVELKEEP_FUZZ_RESTORE_FLAGS_H_
#define LEVELKEEP_FUZZ_RESTORE_FLAGS_H_

#include <cstdint>

namespace levelkeep::fuzz {

// The byte that says what is fuzzed.
enum RestoreInput : uint8_t {
  kArchiveFile = 0,
  kDatabaseInOurs = 1,     // an archive of ours, whose digests are right
  kDatabaseInForeign = 2,  // a tar of other programs
  kRecords = 3,            // of interrupted restores
  kRestoreInputs
};

// What the world is like; bits of one byte.
enum WorldFlags : uint8_t {
  kOpens = 1,          // the application can open what is restored
  kNamedAsOurs = 2,    // the dropped archive
  kNoExchange = 4,     // a file system without RENAME_EXCHANGE
  kReadOnlyDrop = 8,   // the drop folder can't be written
  kNoDatabase = 16,    // there is none yet
  kArchiveBeside = 32  // of the records: a good archive was dropped as well
};

// Of a fault: how a call fails, or that the power goes.
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
