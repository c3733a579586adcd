// The answers that the application on a Machine got, and when: they decide what
// must be found after a power loss.

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

// The states that may be found at one time. Value type.
struct View {
  struct Alternative {
    Content live;  // content of the database, after the next start
    Content undo;  // content after UndoRestore; null: any
  };
  std::vector<Alternative> live;  // one of these
  // The content before several restores: undoing all of them brings it back.
  Content first;

  // Reported as created: they exist, are whole, and have this content.
  std::map<std::string, Content> backups;
  // Backups that may be gone since a rotation or deletion began.
  std::set<std::string> expendable;
  std::set<std::string> deleted;   // reported as deleted
  std::set<std::string> verified;  // reported as verified
  std::set<std::string> pinned;    // reported as pinned
  size_t least_backups = 0;        // however many are expendable

  // The archive in the drop folder; empty: nothing was dropped. After the next
  // start it is there once, in `drop_folder` ("applied" or "rejected"; empty:
  // in either).
  std::string dropped;
  std::string drop_folder;
  bool drop_stays = false;  // its folder can't be written
  // The archive can't be restored, and there is no database: each start is
  // refused and leaves the archive in place. The other fields are about the
  // start after somebody replaced it with a good archive.
  bool start_refused = false;
  // The folder into which a database may have been extracted, and its content.
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

  // Adds a copy of the present view, to be changed: it holds from now on.
  View* Edit() {
    views_.emplace_back(disk_->operations(), View(views_.back().second));
    return &views_.back().second;
  }
  const View& now() const { return views_.back().second; }
  // Every view that held at some time after operation `from` and before
  // operation `to` was done: a disk of that time must satisfy all of them.
  std::vector<const View*> Between(uint64_t from, uint64_t to) const {
    std::vector<const View*> in_force;
    for (const auto& [operation, view] : views_) {
      if (operation >= to) break;
      if (operation < from) in_force.clear();
      in_force.push_back(&view);
    }
    return in_force;
  }

  // Records that something forbidden happened while the application ran.
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
