// The work of an application until a power loss: each scenario is a short life
// on TheInstallation, and reports the answers that it got to a Ledger.

#ifndef LEVELKEEP_TESTS_CRASH_SCENARIO_H_
#define LEVELKEEP_TESTS_CRASH_SCENARIO_H_

#include <functional>
#include <string>
#include <vector>

#include "crash/ledger.h"
#include "crash/machine.h"

namespace levelkeep::test {

// Value type.
struct Scenario {
  std::string name;
  // Changes TheInstallation into the first state, and returns what is then
  // promised. The disk works; all of it is durable afterwards.
  std::function<View(Machine*)> prepare;
  // After a single fault, goes on like an application: tries again, and
  // complains to the ledger if that also fails.
  std::function<void(Machine*, Ledger*)> act;
  // The next start must be able to make a backup.
  bool backup_afterwards = false;
  // Crashes inside the start that follows a crash are tried, too.
  bool pairs = false;
  // Exchanges databases or publishes files: also tried on file systems that
  // lack the renames and links for it.
  bool names = false;
  // Starts probe the folders. Only in one scenario: a probe has more calls than
  // the rest of a start, and each call is a moment to crash at.
  bool tries_folders = false;
  // The start after the power loss. Empty: Application::Start.
  std::function<void(Machine*)> recover;
};

const std::vector<Scenario>& AllScenarios();

// Parts of AllScenarios.
void AddBackupScenarios(std::vector<Scenario>* scenarios);
void AddRestoreScenarios(std::vector<Scenario>* scenarios);

// --- the parts of scenarios

// The view of TheInstallation.
View FirstView();
// Each function tries once more after a failure. Null or false: it complained
// to the ledger.
std::unique_ptr<Application> StartInsisting(Machine* machine, Ledger* ledger);
// If a restore waits for the next start, the write goes into the database that
// the restore will replace.
bool PutInsisting(Application* app, Ledger* ledger, const std::string& key);
bool CreateInsisting(Machine* machine, Application* app, Ledger* ledger);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_SCENARIO_H_
