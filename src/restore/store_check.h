// Runs levelkeep-check: a child process opens the untrusted database, and may
// abort, hang or use much memory without harm. Also records which archives it
// has passed.

#ifndef LEVELKEEP_RESTORE_STORE_CHECK_H_
#define LEVELKEEP_RESTORE_STORE_CHECK_H_

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "base/process.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

// Whether the content of a database is covered by digests.
enum class Vouched {
  kYes,  // LevelKeep's digests cover it
  kNo,   // an archive of another program: every table is checked by itself
};

// Runs the options' own checker, or levelkeep-check. `scratch_dir` must not
// exist; it is removed again. `largest_record` is Manifest::largest_record, or
// 0 if no digest covers the manifest.
//
// kCorruption: the database is bad: the check found a fault in its bytes, or
// crashed on them twice; the message says why. All other errors are no verdict:
// kNotChecked (the host, its limits, a signal, the time, or no
// levelkeep-check), kUnsupported (a compression that this LevelDB lacks),
// kNoSpace, kIoError, kPermissionDenied, kCancelled.
Result<StoreCheck> CheckStore(const RestoreContext& context,
                              const std::string& db_dir,
                              const std::string& scratch_dir,
                              std::stop_token stop,
                              Vouched vouched = Vouched::kYes,
                              uint64_t largest_record = 0);

// Like CheckStore, for a database inside a LevelKeep archive, which is read in
// place: only files that opening writes go to `scratch_dir`. `content_bytes` is
// the size of the archive's content.
// REQUIRES: the archive's digests were checked; the caller makes sure that it
// stays unchanged (ArchiveReader::CheckUnchanged).
Result<StoreCheck> CheckArchivedStore(const RestoreContext& context,
                                      const std::string& archive_path,
                                      uint64_t content_bytes,
                                      const std::string& scratch_dir,
                                      std::stop_token stop,
                                      uint64_t largest_record = 0);

// True if the bytes of a database may have ended the check: LevelDB crashed, or
// used up its processor time. False if a limit of the host was lower than ours.
// For tests.
bool IsCrashOfCheck(const ProgramOutcome& outcome);
// The meaning of the end of the child process; if it crashed, of its second
// crash. `idle`: the child ran as SCHED_IDLE. For tests.
Result<StoreCheck> InterpretCheckOutcome(const ProgramOutcome& outcome,
                                         std::chrono::milliseconds timeout,
                                         bool idle = false);
// Wall time for a scan of `db_bytes`. At its end there is no verdict; an
// endless scan is detected by its processor time.
std::chrono::milliseconds CheckTimeout(uint64_t db_bytes, bool idle = false);

// --- Which archives of ours were scanned key by key for this storage: their
// databases are not scanned once more by a restore. Kept in the work folder,
// since who can write to backups/ can write there that an archive is verified,
// and nothing of such an archive may be opened unchecked.

// Remembers the archive with this SHA-256; the oldest ones are dropped. Does
// nothing if the storage belongs to another user or does not exist.
// REQUIRES: one caller at a time.
Status AddScanned(const RestoreContext& context, const std::string& sha256);
// False if the record can't be read.
bool WasScanned(const RestoreContext& context, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_STORE_CHECK_H_
