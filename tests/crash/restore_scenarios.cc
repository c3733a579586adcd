// Restore: dropped, live, staged, by the program, elsewhere; and undo.

#include <utility>

#include "crash/scenario.h"
#include "restore/restorer.h"
#include "restore/test_restorer.h"

namespace levelkeep::test {
namespace {

View::Alternative Restored(const View& view) {
  return {TheInstallation().earlier, view.live.front().live};
}

// Drops `archive`, which must end up in `folder`.
View DropInto(Machine* machine, std::string archive, const char* folder) {
  machine->WriteWhole(machine->Drop(kDropName), archive);
  View view = FirstView();
  view.dropped = std::move(archive);
  view.drop_folder = folder;
  return view;
}

void StartAndPut(Machine* machine, Ledger* ledger) {
  auto app = StartInsisting(machine, ledger);
  if (app != nullptr) PutInsisting(app.get(), ledger, "one");
}

Scenario Dropped() {
  Scenario scenario;
  scenario.name = "Drop";
  scenario.pairs = scenario.names = true;
  scenario.prepare = [](Machine* machine) {
    View view = DropInto(machine, TheInstallation().archive, "applied");
    // Whatever happens, the next start applies the archive.
    view.live = {Restored(view)};
    return view;
  };
  scenario.act = StartAndPut;
  return scenario;
}

// Drops `archive` into an installation that has no database yet.
View DropFirst(Machine* machine, std::string archive, const char* folder) {
  machine->disk()->Restore(SimulatedState());
  View view = DropInto(machine, std::move(archive), folder);
  // An empty database is not kept; a database with an event would be.
  view.live = {{TheInstallation().earlier, nullptr}};
  view.backups.clear();
  view.least_backups = 0;
  return view;
}

Scenario DroppedFirst() {
  Scenario scenario = Dropped();
  scenario.name = "DropFirst";
  scenario.prepare = [](Machine* machine) {
    return DropFirst(machine, TheInstallation().archive, "applied");
  };
  return scenario;
}

std::string DamagedArchive() {
  std::string archive = TheInstallation().archive;
  archive[archive.size() / 2] = static_cast<char>(~archive[archive.size() / 2]);
  return archive;
}

Scenario DroppedDamaged() {
  Scenario scenario;
  scenario.name = "DropDamaged";
  scenario.pairs = true;
  scenario.prepare = [](Machine* machine) {
    return DropInto(machine, DamagedArchive(), "rejected");
  };
  scenario.act = StartAndPut;
  return scenario;
}

// No database and a drop that can't be restored: no start makes an empty one.
Scenario DroppedFirstDamaged() {
  Scenario scenario;
  scenario.name = "DropFirstDamaged";
  scenario.pairs = true;
  scenario.prepare = [](Machine* machine) {
    View view = DropFirst(machine, DamagedArchive(), "");
    view.start_refused = true;
    return view;
  };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    bool refused = false;
    for (int start = 0; start < 2; ++start) {
      const Status status = Application(machine).Start();
      if (status.ok()) ledger->Complain("a start made an empty database");
      refused |= status.code() == StatusCode::kRefused;
    }
    if (!refused) ledger->Complain("none of two starts was refused");
  };
  return scenario;
}

// A start whose application can't open any restored database.
void StartRefusing(Machine* machine, Ledger* ledger) {
  Engine engine(machine->options(), machine->platform());
  const OpenCheck refuse = [](const std::string&) {
    return Status(StatusCode::kCorruption, "the application can't open it");
  };
  TestRestorer restorer(machine->fs(), machine->clock(),
                        engine.NewRestorerOptions());
  if (!restorer.Prepare().ok() || !restorer.Recover(refuse).ok()) return;
  const auto outcome = restorer.ApplyDropped(refuse, {});
  if (ledger == nullptr || !outcome.ok() || outcome->rejected.empty()) return;
  View* const rejected = ledger->Edit();
  rejected->live = {FirstView().live};
  rejected->drop_folder = "rejected";
}

// The archive is applied, the application refuses it, and the restore is taken
// back (R11). After a crash the next application may be able to open the
// database, and then the restore may be finished.
Scenario DroppedRefused() {
  Scenario scenario = Dropped();
  scenario.name = "DropRefused";
  scenario.prepare = [](Machine* machine) {
    View view = DropInto(machine, TheInstallation().archive, "");
    view.live.push_back(Restored(view));
    return view;
  };
  scenario.act = StartRefusing;
  scenario.recover = [](Machine* machine) { StartRefusing(machine, nullptr); };
  return scenario;
}

// The drop folder can't be written: the archive is applied once anyway.
Scenario DroppedReadOnly() {
  Scenario scenario = Dropped();
  scenario.name = "DropReadOnly";
  scenario.prepare = [](Machine* machine) {
    View view = DropInto(machine, TheInstallation().archive, "");
    view.live = {Restored(view)};
    view.drop_stays = true;
    (void)machine->fs()->SetMode(machine->options().restore_dir, 0500);
    return view;
  };
  return scenario;
}

RestoreRequest RequestFor(RestoreMode mode) {
  RestoreRequest request;
  request.source = TheInstallation().backup;
  request.mode = mode;
  return request;
}

// A restore that failed has no effect, or the next start finishes it.
void RestoreInsisting(Application* app, Ledger* ledger) {
  const View before = ledger->now();
  const View::Alternative restored = Restored(before);
  // The restore was done, then taken back, because the application could not
  // open the database. Until that is finished, an undo brings back the restored
  // database.
  const View::Alternative taken_back = {restored.undo, restored.live};
  View* const begun = ledger->Edit();
  begun->live.push_back(restored);
  begun->live.push_back(taken_back);
  const RestoreRequest request = RequestFor(RestoreMode::kLive);
  auto report = app->manager()->RestoreBackup(request);
  if (!report.ok()) report = app->manager()->RestoreBackup(request);
  if (!report.ok()) {
    return ledger->Complain("restore: " + report.status().ToString());
  }
  ledger->Edit()->live = {restored};
}

void UndoInsisting(Application* app, Ledger* ledger) {
  const View::Alternative undone = {ledger->now().live.front().undo,
                                    ledger->now().live.front().live};
  ledger->Edit()->live.push_back(undone);
  auto report = app->manager()->UndoRestore();
  if (!report.ok()) report = app->manager()->UndoRestore();
  if (!report.ok()) {
    return ledger->Complain("undo: " + report.status().ToString());
  }
  ledger->Edit()->live = {undone};
}

Scenario Live() {
  Scenario scenario;
  scenario.name = "Live";
  scenario.pairs = scenario.names = true;
  scenario.prepare = [](Machine*) { return FirstView(); };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr || !PutInsisting(app.get(), ledger, "one")) return;
    RestoreInsisting(app.get(), ledger);
    PutInsisting(app.get(), ledger, "two");
  };
  return scenario;
}

// REQUIRES: the disk works.
View PrepareRestored(Machine* machine) {
  Ledger ledger(machine->disk(), FirstView());
  auto app = StartInsisting(machine, &ledger);
  RestoreInsisting(app.get(), &ledger);
  return ledger.now();
}

Scenario Undo() {
  Scenario scenario;
  scenario.name = "Undo";
  scenario.pairs = scenario.names = true;
  scenario.prepare = PrepareRestored;
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr || !PutInsisting(app.get(), ledger, "one")) return;
    UndoInsisting(app.get(), ledger);
    PutInsisting(app.get(), ledger, "two");
  };
  return scenario;
}

// Undoing all restores brings back the database that the first one replaced.
View PrepareForAnother(Machine* machine) {
  View view = PrepareRestored(machine);
  view.first = view.live.front().undo;
  return view;
}

// A second restore: the database that the first one replaced can still be
// brought back.
Scenario LiveAgain() {
  Scenario scenario = Live();
  scenario.name = "LiveAgain";
  scenario.prepare = PrepareForAnother;
  return scenario;
}

// LevelDB opens the restored database, but the application does not: the
// restore is taken back.
Scenario TakenBack() {
  Scenario scenario;
  scenario.name = "TakenBack";
  scenario.pairs = scenario.names = true;
  scenario.prepare = [](Machine*) { return FirstView(); };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    auto app = StartInsisting(machine, ledger);
    if (app == nullptr || !PutInsisting(app.get(), ledger, "one")) return;
    const View before = ledger->now();
    const View::Alternative restored = Restored(before);
    bool refused = false;
    app->set_refuse_open([&refused] { return !std::exchange(refused, true); });
    View* const begun = ledger->Edit();
    begun->live.push_back(restored);
    // The restore is taken back, but the refused database is not yet removed.
    const View::Alternative undone = {restored.undo, restored.live};
    begun->live.push_back(undone);
    const RestoreRequest request = RequestFor(RestoreMode::kLive);
    const auto report = app->manager()->RestoreBackup(request);
    app->set_refuse_open(nullptr);
    if (report.ok()) return ledger->Complain("a refused restore succeeded");
    const bool back =
        report.status().hint().find("nothing was lost") != std::string::npos;
    if (!back) return;  // the next start finishes the restore
    View* const taken_back = ledger->Edit();
    taken_back->live = before.live;
    if (machine->disk()->fired()) taken_back->live.push_back(undone);
    PutInsisting(app.get(), ledger, "two");
  };
  return scenario;
}

// Like TakenBack; an earlier restore can still be undone.
Scenario TakenBackAgain() {
  Scenario scenario = TakenBack();
  scenario.name = "TakenBackAgain";
  scenario.prepare = PrepareForAnother;
  return scenario;
}

Scenario Staged() {
  Scenario scenario;
  scenario.name = "Stage";
  scenario.names = true;
  scenario.prepare = [](Machine*) { return FirstView(); };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    {
      auto app = StartInsisting(machine, ledger);
      if (app == nullptr || !PutInsisting(app.get(), ledger, "one")) return;
      const View::Alternative restored = Restored(ledger->now());
      ledger->Edit()->live.push_back(restored);
      const auto report =
          app->manager()->RestoreBackup(RequestFor(RestoreMode::kStage));
      // The copy may exist anyway: a second request would make another copy.
      if (!report.ok()) return;
      ledger->Edit()->live = {restored};
    }
    StartAndPut(machine, ledger);
  };
  return scenario;
}

// Restores and undoes as `levelkeep restore` and `restore --undo` do.
Scenario Program() {
  Scenario scenario;
  scenario.name = "Program";
  scenario.pairs = scenario.names = true;
  scenario.prepare = [](Machine*) { return FirstView(); };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    const View::Alternative old = {ledger->now().live.front().live,
                                   TheInstallation().earlier};
    const View::Alternative restored = Restored(ledger->now());
    const auto try_twice = [&](const auto& work) {
      for (int attempt = 0; attempt < 2; ++attempt) {
        Engine engine(machine->options(), machine->platform());
        if (work(&engine).ok()) return true;
      }
      return false;
    };
    ledger->Edit()->live.push_back(restored);
    if (!try_twice([](Engine* engine) -> Result<RestoreReport> {
          const auto backup = engine->Find(TheInstallation().backup);
          if (!backup.ok()) return backup.status();
          return engine->Restore(*backup, {});
        })) {
      return ledger->Complain("two restores failed");
    }
    ledger->Edit()->live = {restored};
    ledger->Edit()->live.push_back(old);
    if (!try_twice(
            [](Engine* engine) { return engine->Undo(UndoScope::kLast); })) {
      return ledger->Complain("two undos failed");
    }
    ledger->Edit()->live = {old};
  };
  return scenario;
}

// `levelkeep restore --to`.
Scenario Elsewhere() {
  Scenario scenario;
  scenario.name = "Elsewhere";
  scenario.prepare = [](Machine*) {
    View view = FirstView();
    view.extract_dir = "/srv/elsewhere";
    view.extracted = TheInstallation().earlier;
    return view;
  };
  scenario.act = [](Machine* machine, Ledger* ledger) {
    Engine engine(machine->options(), machine->platform());
    const auto extract = [&]() -> Result<RestoreReport> {
      const auto backup = engine.Find(TheInstallation().backup);
      if (!backup.ok()) return backup.status();
      return engine.Extract(*backup, ledger->now().extract_dir, {});
    };
    auto report = extract();
    // kAlreadyExists: it was published, but its folder could not be synced.
    if (report.status().code() != StatusCode::kAlreadyExists && !report.ok()) {
      report = extract();
    }
    if (report.ok()) ledger->Edit()->extract_done = true;
  };
  return scenario;
}

}  // namespace

void AddRestoreScenarios(std::vector<Scenario>* scenarios) {
  for (const auto& make :
       {Dropped, DroppedFirst, DroppedDamaged, DroppedFirstDamaged,
        DroppedRefused, DroppedReadOnly, Live, LiveAgain, Undo, TakenBack,
        TakenBackAgain, Staged, Program, Elsewhere}) {
    scenarios->push_back(make());
  }
}

}  // namespace levelkeep::test
