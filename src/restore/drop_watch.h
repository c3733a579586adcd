// Lists the drops that wait while the application runs.

#ifndef LEVELKEEP_RESTORE_DROP_WATCH_H_
#define LEVELKEEP_RESTORE_DROP_WATCH_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "levelkeep/reports.h"
#include "restore/context.h"
#include "restore/drop_scan.h"

namespace levelkeep {

struct RejectedDrop {
  std::string name;
  std::string reason;
  std::string path;  // the file's present place
};

// Thread safety: all methods may be called concurrently. They read the folder
// and write only to the log.
class DropWatch {
 public:
  // `context` outlives this object.
  explicit DropWatch(const RestoreContext& context) : context_(context) {}

  // Notes the drops that a start left in restore/, and those it moved to
  // rejected/ without restoring another one instead.
  void NoteStart(std::vector<LeftDrop> left,
                 std::vector<RejectedDrop> rejected);
  // A restore succeeded: the drops that the start could not restore are
  // settled.
  void NoteRestore();
  std::vector<UnrestoredDrop> Look();

 private:
  // Empty if the drop was restored before and only could not be moved away.
  std::optional<UnrestoredDrop> Judge(const DropIdentity& drop) const;
  void LogNew(const std::vector<UnrestoredDrop>& found) REQUIRES_LOCK(mutex_);

  const RestoreContext& context_;
  Mutex mutex_;
  std::vector<LeftDrop> left_ GUARDED_BY(mutex_);
  std::vector<RejectedDrop> rejected_ GUARDED_BY(mutex_);
  // Drops that the start left before a later restore succeeded.
  std::vector<DropIdentity> settled_ GUARDED_BY(mutex_);
  std::set<std::string> logged_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_WATCH_H_
