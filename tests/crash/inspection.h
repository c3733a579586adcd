// The start after a power loss, and a check of everything that was promised.

#ifndef LEVELKEEP_TESTS_CRASH_INSPECTION_H_
#define LEVELKEEP_TESTS_CRASH_INSPECTION_H_

#include <map>
#include <string>
#include <vector>

#include "crash/ledger.h"
#include "crash/machine.h"

namespace levelkeep::test {

// Asserts the invariants I1 to I7 of the restore, and that
// - the start succeeds, and a second one changes nothing; or, if the start has
//   to be refused, that two are refused and one with a good drop succeeds;
// - there is no left-over of any kind;
// - each file under the name of a backup is whole and holds a state that the
//   database had; backups that were reported as created are there;
// - afterwards writing and, if asked for, a backup succeed.
// Thread safety: one thread at a time.
class Inspection {
 public:
  explicit Inspection(Machine* machine) : machine_(*machine) {}

  void set_backup_afterwards(bool on) { backup_afterwards_ = on; }
  // Starts the machine and checks it against all views; "" if all is well.
  std::string Run(const std::vector<const View*>& views);

 private:
  using Views = std::vector<const View*>;
  using Lines = std::map<std::string, std::string>;

  std::string CheckStarted(const Views& views);
  std::string CheckRefused(const View& view);
  std::string StartTwice(Application* app);
  std::string CheckNames(const Lines& lines, const Views& views) const;
  std::string CheckBackups(const Lines& lines, const Views& views,
                           Application* app);
  std::string CheckListing(const Views& views, Application* app) const;
  std::string CheckDropped(const Lines& lines, const View& view) const;
  std::string CheckExtracted(const View& view);
  std::string CheckLive(const Views& views, Application* app);
  std::string CheckStaysRestored(const Content& live);
  std::string CheckUndoOfAll(const Content& first);
  std::string CheckUndo(Application* app,
                        const std::vector<std::vector<Content>>& undos);
  // The content of the archive; remembered for the same bytes.
  Result<Content> ContentOf(const std::string& path);

  Machine& machine_;
  bool backup_afterwards_ = false;
  // The key is the address of the bytes, which are kept alive.
  std::map<const std::string*, std::pair<Bytes, Result<Content>>> known_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_INSPECTION_H_
