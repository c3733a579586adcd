// What the application on a Machine was told, and when: from this follows
// what must be found after the power went.

#ifndef LEVELKEEP_TESTS_CRASH_LEDGER_H_
#define LEVELKEEP_TESTS_CRASH_LEDGER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crash/simulated_check.h"
#include "support/simulated_disk.h"

namespace levelkeep::test {

// The name of an archive in the drop folder.
constexpr char kDropName[] = "dropped.tar.gz";

// What may be found at one time. Value type.
struct View {
  struct Alternative {
    Content live;  // what the database holds, after the next start
    Content undo;  // what UndoRestore brings back; null: whatever
  };
  std::vector<Alternative> live;  // one of these
  // What was live before several restores: undoing all of them brings it back.
  Content first;

  // Reported as created: there, whole, and holding this.
  std::map<std::string, Content> backups;
  // Of them, those that may be gone since a rotation or deletion began.
  std::set<std::string> expendable;
  std::set<std::string> deleted;   // reported as deleted
  std::set<std::string> verified;  // reported as verified
  std::set<std::string> pinned;    // reported as pinned
  size_t least_backups = 0;        // however many are expendable

  // The archive in the drop folder: once there, in `drop_folder` ("applied"
  // or "rejected"; empty: in either) after the next start. Empty: nothing was
  // dropped.
  std::string dropped;
  std::string drop_folder;
  bool drop_stays = false;  // its folder can't be written
  // It can't be restored, and there is no database: each start is refused and
  // leaves it where it is. The other fields are about the start after somebody
  // replaced it with a good one.
  bool start_refused = false;
  // Where a database may have been extracted to, and its content.
  std::string extract_dir;
  Content extracted;
  bool extract_done = false;  // reported as extracted
};

// Thread safety: one thread at a time.
class Ledger {
 public:
  Ledger(SimulatedDisk* disk, View first) : disk_(disk) {
    views_.emplace_back(0, std::move(first));
  }

  // The present view, to be changed: it holds from this operation on.
  View* Edit() {
    views_.emplace_back(disk_->operations(), View(views_.back().second));
    return &views_.back().second;
  }
  const View& now() const { return views_.back().second; }
  // Every view that was in force at some time after the operation `from` was
  // done and before `to` was: a disk as it was then must satisfy all of them.
  std::vector<const View*> Between(uint64_t from, uint64_t to) const {
    std::vector<const View*> in_force;
    for (const auto& [operation, view] : views_) {
      if (operation >= to) break;
      if (operation < from) in_force.clear();
      in_force.push_back(&view);
    }
    return in_force;
  }

  // Something that must not happen did, while the application was running.
  void Complain(const std::string& what) {
    if (complaint_.empty()) complaint_ = what;
  }
  const std::string& complaint() const { return complaint_; }

 private:
  SimulatedDisk* const disk_;
  std::vector<std::pair<uint64_t, View>> views_;
  std::string complaint_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_LEDGER_H_
