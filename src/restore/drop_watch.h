// Which drops wait while the application runs.

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
  std::string path;  // where it is now
};

// Thread safety: all methods may be called concurrently. They read the folder,
// and write nothing but the log.
class DropWatch {
 public:
  // `context` outlives it.
  explicit DropWatch(const RestoreContext& context) : context_(context) {}

  // What a start left in restore/, and what it moved to rejected/ with nothing
  // restored in its place.
  void NoteStart(std::vector<LeftDrop> left,
                 std::vector<RejectedDrop> rejected);
  // A restore succeeded: what the start could not restore is history.
  void NoteRestore();
  std::vector<UnrestoredDrop> Look();

 private:
  // Nothing: it was restored before, and could only not be moved away.
  std::optional<UnrestoredDrop> Judge(const DropIdentity& drop) const;
  void LogNew(const std::vector<UnrestoredDrop>& found) REQUIRES_LOCK(mutex_);

  const RestoreContext& context_;
  Mutex mutex_;
  std::vector<LeftDrop> left_ GUARDED_BY(mutex_);
  std::vector<RejectedDrop> rejected_ GUARDED_BY(mutex_);
  // Left by the start, and a later restore succeeded.
  std::vector<DropIdentity> settled_ GUARDED_BY(mutex_);
  std::set<std::string> logged_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_WATCH_H_
