#include "crash/scenario.h"

#include <algorithm>
#include <utility>

#include "format/backup_name.h"

namespace levelkeep::test {
namespace {

std::set<std::string> BackupFiles(Machine* machine) {
  std::set<std::string> files;
  const SimulatedInode* const folder =
      machine->disk()->Save().At(machine->options().backup_dir);
  if (folder == nullptr) return files;
  for (const auto& [name, inode] : folder->entries) {
    if (ParseBackupName(name) || name.ends_with(".part")) files.insert(name);
  }
  return files;
}

Content WithKey(const Content& content, const std::string& key) {
  auto entries = std::make_shared<Entries>(*content);
  (*entries)[key] = "value of " + key;
  return entries;
}

}  // namespace

const std::vector<Scenario>& AllScenarios() {
  static const auto* const kScenarios = [] {
    auto* const scenarios = new std::vector<Scenario>;
    AddBackupScenarios(scenarios);
    AddRestoreScenarios(scenarios);
    return scenarios;
  }();
  return *kScenarios;
}

View FirstView() {
  const Installation& first = TheInstallation();
  View view;
  view.live = {{first.current, nullptr}};
  view.backups[first.backup] = first.earlier;
  view.least_backups = 1;
  return view;
}

std::unique_ptr<Application> StartInsisting(Machine* machine, Ledger* ledger) {
  Status status;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto app = std::make_unique<Application>(machine);
    status = app->Start();
    if (status.ok()) return app;
  }
  ledger->Complain("the start failed twice: " + status.ToString());
  return nullptr;
}

namespace {

std::vector<View::Alternative> WithKeyIn(
    std::vector<View::Alternative> alternatives, const std::string& key,
    bool pending) {
  for (View::Alternative& alternative : alternatives) {
    Content& content = pending ? alternative.undo : alternative.live;
    if (content != nullptr) content = WithKey(content, key);
  }
  return alternatives;
}

// True if the next start will still replace the database.
bool RestoreIsPending(Application* app, const View& view) {
  auto now = app->Read();
  if (!now.ok()) now = app->Read();
  if (!now.ok()) return false;
  return std::none_of(view.live.begin(), view.live.end(),
                      [&](const auto& a) { return *a.live == **now; });
}

}  // namespace

bool PutInsisting(Application* app, Ledger* ledger, const std::string& key) {
  const auto before = ledger->now().live;
  const auto after =
      WithKeyIn(before, key, RestoreIsPending(app, ledger->now()));
  View* const sent = ledger->Edit();
  sent->live.insert(sent->live.end(), after.begin(), after.end());
  Status status = app->Put(key, "value of " + key);
  if (!status.ok()) {
    // After a failed write LevelDB takes no other: the application reopens it.
    app->Close();
    if (!app->Open().ok()) (void)app->Open();
    status = app->Put(key, "value of " + key);
  }
  if (!status.ok()) {
    ledger->Complain("a write failed twice: " + status.ToString());
    return false;
  }
  ledger->Edit()->live = after;
  return true;
}

bool CreateInsisting(Machine* machine, Application* app, Ledger* ledger) {
  View* const begun = ledger->Edit();
  const auto most =
      static_cast<size_t>(machine->options().retention.max_backups.value());
  // The oldest backups are removed once the new one is there.
  for (const auto& [name, content] : begun->backups) {
    const bool pinned = begun->pinned.contains(name);
    if (begun->backups.size() >= most && !pinned)
      begun->expendable.insert(name);
  }
  begun->least_backups = std::min(begun->backups.size(), most);
  if (begun->backups.size() >= most) {
    begun->expendable.erase(begun->backups.rbegin()->first);
  }
  const auto before = BackupFiles(machine);
  machine->Wait(std::chrono::seconds(2));
  auto made = app->manager()->CreateBackup({});
  if (!made.ok()) {
    if (BackupFiles(machine) != before) {
      ledger->Complain("a failed create left a file, or removed one: " +
                       made.status().ToString());
    }
    // A write-ahead log that failed can't be backed up until it is reopened.
    app->Close();
    if (!app->Open().ok()) (void)app->Open();
    made = app->manager()->CreateBackup({});
  }
  if (!made.ok()) {
    ledger->Complain("a backup failed twice: " + made.status().ToString());
    return false;
  }
  View* const done = ledger->Edit();
  done->backups[made->name] = done->live.front().live;
  done->least_backups = std::min(done->backups.size(), most);
  return true;
}

}  // namespace levelkeep::test
