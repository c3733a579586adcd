// Runs levelkeep-check: a database that nobody trusts is opened by a child
// process, which may abort, hang or eat memory without harm.

#ifndef LEVELKEEP_RESTORE_STORE_CHECK_H_
#define LEVELKEEP_RESTORE_STORE_CHECK_H_

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/process.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/restorer.h"

namespace levelkeep {

// Whether anybody vouches for the content of a database.
enum class Vouched {
  kYes,  // digests of ours
  kNo,   // an archive of another program: every table is looked at by itself
};

// The options' own checker, or levelkeep-check. `scratch_dir` must not exist;
// it is removed again. `largest_record`: Manifest::largest_record, 0 where
// nobody vouches for the manifest.
//
// kCorruption: the database is bad, and why: the check found it in its bytes,
// or crashed on them twice. Everything else is no verdict: kNotChecked (the
// host, its limits, a signal, the time), kUnsupported (compressed in a way that
// this LevelDB lacks), kNoSpace, kIoError, kPermissionDenied, kCancelled. No
// levelkeep-check is kNotChecked, too.
Result<StoreCheck> CheckStore(const RestoreContext& context,
                              const std::string& db_dir,
                              const std::string& scratch_dir,
                              std::stop_token stop,
                              Vouched vouched = Vouched::kYes,
                              uint64_t largest_record = 0);

// The same for a database inside an archive of ours, which is read where it
// is: nothing but what opening writes goes to `scratch_dir`. `content_bytes`
// are the archive's.
// REQUIRES: its digests were checked; the caller sees to it that it stays as
// it is (ArchiveReader::CheckUnchanged).
Result<StoreCheck> CheckArchivedStore(const RestoreContext& context,
                                      const std::string& archive_path,
                                      uint64_t content_bytes,
                                      const std::string& scratch_dir,
                                      std::stop_token stop,
                                      uint64_t largest_record = 0);

// Did it end by something that the bytes of a database may be the reason of: a
// crash of LevelDB, or processor time without an end? Not under a limit of the
// host that is tighter than ours. For tests.
bool IsCrashOfCheck(const ProgramOutcome& outcome);
// What the end of the child process means, of a crash: of the second one.
// `idle`: it was a SCHED_IDLE one. For tests.
Result<StoreCheck> InterpretCheckOutcome(const ProgramOutcome& outcome,
                                         std::chrono::milliseconds timeout,
                                         bool idle = false);
// Wall time that a scan of so many bytes may take. Processor time is what tells
// a scan without an end; this one only tells that there is no verdict.
std::chrono::milliseconds CheckTimeout(uint64_t db_bytes, bool idle = false);

// --- Which archives of ours were scanned key by key for this storage: their
// databases are not scanned once more by a restore. Kept in the work folder,
// since who can write to backups/ can write there that an archive is verified,
// and nothing of such an archive may be opened unchecked.

// Remembers the archive with this SHA-256; of many, the last ones. Where the
// storage belongs to another user, or there is none yet, nothing.
// REQUIRES: one caller at a time.
Status AddScanned(const RestoreContext& context, const std::string& sha256);
// What can't be read says no.
bool WasScanned(const RestoreContext& context, const std::string& sha256);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_STORE_CHECK_H_
