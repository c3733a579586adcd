// Create, rotate, pin, delete, verify.

#include "crash/scenario.h"

namespace levelkeep::test {
namespace {

// REQUIRES: the disk works.
void MakeBackups(Machine* machine, int count, View* view) {
  Ledger ledger(machine->disk(), *view);
  auto app = StartInsisting(machine, &ledger);
  for (int i = 0; i < count; ++i) {
    PutInsisting(app.get(), &ledger, "before " + std::to_string(i));
    CreateInsisting(machine, app.get(), &ledger);
  }
  app.reset();
  *view = ledger.now();
  if (!ledger.complaint().empty()) view->live.clear();  // state not reached
}

Scenario Create() {
  Scenario scenario;
  scenario.name = "Create";
  scenario.backup_afterwards = true;
  scenario.pairs = scenario.names = true;
  scenario.prepare = [](Machine*) { return FirstView(); };
  // The second backup also rotates, and reuses members of the first.
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr) return;
    for (const char* key : {"one", "two"}) {
      if (!PutInsisting(app.get(), ledger, key)) return;
      if (!CreateInsisting(machine, app.get(), ledger)) return;
    }
    PutInsisting(app.get(), ledger, "three");
  };
  return scenario;
}

// The very first start of an application, on an empty disk.
Scenario First() {
  Scenario scenario;
  scenario.name = "First";
  scenario.tries_folders = true;
  scenario.backup_afterwards = true;
  scenario.prepare = [](Machine* machine) {
    machine->disk()->Restore(SimulatedState());
    (void)CreateDirectories(machine->fs(), "/srv");
    View view;
    view.live = {{std::make_shared<Entries>(), nullptr}};
    return view;
  };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr) return;
    if (!PutInsisting(app.get(), ledger, "one")) return;
    CreateInsisting(machine, app.get(), ledger);
  };
  return scenario;
}

// Creates as `levelkeep create` does, with the database closed.
Scenario CreateOffline() {
  Scenario scenario;
  scenario.name = "CreateOffline";
  scenario.prepare = [](Machine*) { return FirstView(); };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    Engine engine(machine->options(), machine->platform());
    auto made = engine.Create({.trigger = "manual"});
    if (!made.ok()) made = engine.Create({.trigger = "manual"});
    if (!made.ok()) {
      ledger->Complain("two creates failed: " + made.status().ToString());
      return;
    }
    View* const done = ledger->Edit();
    done->backups[made->name] = done->live.front().live;
  };
  return scenario;
}

// The operator's work on four backups of which two may stay.
Scenario Rotate() {
  Scenario scenario;
  scenario.name = "Rotate";
  scenario.pairs = true;
  scenario.prepare = [](Machine* machine) {
    View view = FirstView();
    machine->options().retention.max_backups = 10;
    MakeBackups(machine, 4, &view);
    machine->options().retention.max_backups = 2;
    view.expendable.clear();
    view.least_backups = view.backups.size();
    return view;
  };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    Application app(machine);
    if (!app.Initialize().ok()) {
      // This life of the application is over; the next start is another one.
      return;
    }
    BackupManager* const manager = app.manager();
    const auto& all = ledger->now().backups;
    const std::string oldest = all.begin()->first;
    const std::string newest = all.rbegin()->first;
    const std::string before_newest = std::prev(all.end(), 2)->first;
    Status pinned = manager->PinBackup(oldest, true);
    if (!pinned.ok()) pinned = manager->PinBackup(oldest, true);
    if (!pinned.ok()) return ledger->Complain("pin: " + pinned.ToString());
    ledger->Edit()->pinned.insert(oldest);
    View* const begun = ledger->Edit();
    for (const auto& [name, content] : begun->backups) {
      if (name == oldest || name == newest || name == before_newest) continue;
      begun->expendable.insert(name);
    }
    begun->least_backups = 3;
    auto rotated = manager->Rotate(false);
    if (!rotated.ok()) rotated = manager->Rotate(false);
    if (!rotated.ok()) {
      return ledger->Complain("rotate: " + rotated.status().ToString());
    }
    // A backup that could not be looked at stays.
    View* const done = ledger->Edit();
    for (const RotationDecision& decision : *rotated) {
      if (!decision.keep) done->deleted.insert(decision.name);
    }
    View* const deleting = ledger->Edit();
    deleting->expendable.insert(before_newest);
    deleting->least_backups = 2;
    Status deleted = manager->DeleteBackup(before_newest, false);
    if (!deleted.ok()) deleted = manager->DeleteBackup(before_newest, false);
    if (!deleted.ok() && deleted.code() != StatusCode::kNotFound) {
      return ledger->Complain("delete: " + deleted.ToString());
    }
    if (deleted.ok()) ledger->Edit()->deleted.insert(before_newest);
  };
  return scenario;
}

// A full verification, after which the replaced database may go (R14).
Scenario Verify() {
  Scenario scenario;
  scenario.name = "Verify";
  scenario.pairs = true;
  scenario.prepare = [](Machine* machine) {
    View view = FirstView();
    machine->options().retention.max_backups = 10;
    const std::string source = view.backups.begin()->first;
    Application app(machine);
    if (!app.Start().ok() ||
        !app.manager()
             ->RestoreBackup({source, RestoreMode::kLive, {}, nullptr})
             .ok()) {
      view.live.clear();
      return view;
    }
    const auto made = app.manager()->CreateBackup({});
    view.live = {{TheInstallation().earlier, TheInstallation().current}};
    if (!made.ok()) view.live.clear();
    if (made.ok()) view.backups[made->name] = TheInstallation().earlier;
    return view;
  };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr) return;
    const std::string newest = ledger->now().backups.rbegin()->first;
    // Once the backup is verified, the undo is no longer promised.
    ledger->Edit()->live.front().undo = nullptr;
    auto verified = app->manager()->VerifyBackup(newest, VerifyDepth::kFull);
    if (!verified.ok()) {
      verified = app->manager()->VerifyBackup(newest, VerifyDepth::kFull);
    }
    if (!verified.ok()) {
      ledger->Complain("verify: " + verified.status().ToString());
      return;
    }
    ledger->Edit()->verified.insert(newest);
    PutInsisting(app.get(), ledger, "one");
  };
  return scenario;
}

}  // namespace

void AddBackupScenarios(std::vector<Scenario>* scenarios) {
  for (const auto& make : {Create, First, CreateOffline, Rotate, Verify}) {
    scenarios->push_back(make());
  }
}

}  // namespace levelkeep::test
