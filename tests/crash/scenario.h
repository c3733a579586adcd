// What an application does while the power goes: each scenario is a short
// life on TheInstallation, which reports to a Ledger what it was told.

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
  // From TheInstallation to the first state; what is then promised. The disk
  // works; all of it is durable afterwards.
  std::function<View(Machine*)> prepare;
  // Goes on after a single fault as an application would: it tries again,
  // and complains to the ledger if that fails as well.
  std::function<void(Machine*, Ledger*)> act;
  // The next start must be able to make a backup.
  bool backup_afterwards = false;
  // Crashes inside the start that follows a crash are tried, too.
  bool pairs = false;
  // Exchanges databases or publishes: also on file systems that lack the
  // renames and links for it.
  bool names = false;
  // Starts try what the folders can do. In one scenario: a trial has more calls
  // than all else that a start does, and each is a moment to crash at.
  bool tries_folders = false;
  // The start after the power loss. Empty: Application::Start.
  std::function<void(Machine*)> recover;
};

const std::vector<Scenario>& AllScenarios();

// Parts of AllScenarios.
void AddBackupScenarios(std::vector<Scenario>* scenarios);
void AddRestoreScenarios(std::vector<Scenario>* scenarios);

// --- what scenarios are made of

// TheInstallation's promises.
View FirstView();
// Each tries once more after a failure. Null, false: complained.
std::unique_ptr<Application> StartInsisting(Machine* machine, Ledger* ledger);
// A restore that the next start makes up for may be pending: the write is
// then in what it will replace.
bool PutInsisting(Application* app, Ledger* ledger, const std::string& key);
bool CreateInsisting(Machine* machine, Application* app, Ledger* ledger);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CRASH_SCENARIO_H_
