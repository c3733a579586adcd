#include "crash/inspection.h"

#include <algorithm>
#include <utility>

#include "dbfiles/database_files.h"
#include "dbfiles/identity.h"
#include "engine/engine.h"
#include "format/backup_name.h"
#include "jobs/job.h"

namespace levelkeep::test {
namespace {

constexpr size_t kMostKnown = 2000;
constexpr char kProbe[] = "probe";

bool Same(const Content& a, const Content& b) { return a == b || *a == *b; }

// The names below `folder`, relative to it.
std::vector<std::string> Below(const std::map<std::string, std::string>& lines,
                               const std::string& folder) {
  std::vector<std::string> names;
  const std::string prefix = folder + "/";
  for (auto it = lines.lower_bound(prefix); it != lines.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    if (it->first != prefix) names.push_back(it->first.substr(prefix.size()));
  }
  return names;
}

std::string Difference(const std::map<std::string, std::string>& before,
                       const std::map<std::string, std::string>& after) {
  std::string text;
  for (const auto& [path, line] : before) {
    const auto now = after.find(path);
    if (now == after.end()) {
      text += path + " is gone; ";
    } else if (now->second != line) {
      text += path + " was " + line + ", is " + now->second + "; ";
    }
  }
  for (const auto& [path, line] : after) {
    if (!before.contains(path)) text += path + " is new; ";
  }
  return text;
}

std::string Describe(const Content& content) {
  if (content == nullptr) return "nothing";
  return std::to_string(content->size()) + " entries" +
         (content->empty() ? "" : " up to " + content->rbegin()->first);
}

bool IsKnownInWork(const std::string& name) {
  return name == "instance.lock" || name == "scanned" || name == "undo" ||
         name == "applied" || name == "request" ||
         name.starts_with("rollback-");
}

// True for "/jobs/…" below a database if it belongs to ended jobs. There are no
// other jobs: a start ends interrupted ones, and the runner of the second start
// has ended.
bool IsKnownOfJobs(const std::string& rest) {
  constexpr std::string_view kFolder = "/jobs/";
  if (!rest.starts_with(kFolder)) return false;
  const std::string name = rest.substr(kFolder.size());
  return name.empty() || name == "open/" || name == "runners/" ||
         name == "jobs.lock" || IsJobId(name.substr(0, name.find('.')));
}

// "databases/", "databases/<id>/" and the known files in that folder.
bool IsKnownOfDatabase(const std::string& name) {
  constexpr std::string_view kFolder = "databases/";
  constexpr size_t kIdLength = 32;
  if (!name.starts_with(kFolder)) return false;
  if (name == kFolder) return true;
  const std::string id = name.substr(kFolder.size(), kIdLength);
  const std::string rest =
      name.substr(std::min(name.size(), kFolder.size() + kIdLength));
  return IsEpoch(id) && (rest == "/" || rest == "/record" || rest == "/reuse" ||
                         rest == "/removals" || rest == "/writer.lock" ||
                         rest == "/create.lock" || rest == "/schedules" ||
                         rest == "/drills" || rest == "/removal-totals" ||
                         rest == "/verify-budget" || IsKnownOfJobs(rest));
}

bool IsKnownInBackups(const std::string& name,
                      const std::map<std::string, std::string>& lines,
                      const std::string& folder) {
  constexpr std::string_view kStates = ".levelkeep/";
  if (ParseBackupName(name)) return true;
  const std::string backup = BackupOfSidecar(name);
  if (!backup.empty()) return lines.contains(folder + "/" + backup);
  if (!name.starts_with(kStates)) return false;
  const std::string state = name.substr(kStates.size());
  if (state.ends_with(".json")) {
    return lines.contains(folder + "/" + state.substr(0, state.size() - 5));
  }
  // Marks of readers that were killed are gone; their folder stays.
  return state.empty() || state == "in-use/" || state == "removals" ||
         state == "removal-totals" || state.ends_with(".lock") ||
         IsKnownOfDatabase(state);
}

// A file that LevelDB removed while a snapshot needed it; it goes away when the
// database is opened.
bool IsAside(const std::string& name) {
  return name.find(".pin") != std::string::npos;
}

bool IsKnownInDatabase(const std::string& name) {
  return ParseDbFileName(name).kind != DbFileKind::kUnknown ||
         name == "BACKUP_ID" || name == "DATABASE_ID" || IsAside(name);
}

// Finds a name that was claimed but never given to an archive.
std::string FindClaim(const std::map<std::string, std::string>& lines) {
  for (const auto& [path, line] : lines) {
    if (path.ends_with(".tar.gz") && line.find(" 0 bytes") != line.npos) {
      return path + " is claimed by nobody";
    }
  }
  return "";
}

}  // namespace

std::string Inspection::Run(const Views& views) {
  if (!views.back()->start_refused) return CheckStarted(views);
  if (std::string bad = CheckRefused(*views.back()); !bad.empty()) return bad;
  View mended = *views.back();
  mended.start_refused = false;
  mended.dropped = TheInstallation().archive;
  mended.drop_folder = "applied";
  machine_.WriteWhole(machine_.Drop(kDropName), mended.dropped);
  return CheckStarted({&mended});
}

// No start makes a database, and no start touches the dropped archive.
std::string Inspection::CheckRefused(const View& view) {
  Lines first;
  for (int start = 0; start < 2; ++start) {
    const Status started = Application(&machine_).Start();
    if (started.code() != StatusCode::kRefused) {
      return "the start was not refused: " + started.ToString();
    }
    const SimulatedState disk = machine_.disk()->Save();
    const Lines lines = disk.Describe();
    if (std::string bad = CheckNames(lines, {&view}); !bad.empty()) return bad;
    if (disk.At(machine_.Live()) != nullptr) {
      return "a start that was refused made " + machine_.Live();
    }
    const SimulatedInode* const drop = disk.At(machine_.Drop(kDropName));
    if (drop == nullptr || *drop->bytes != view.dropped) {
      return "a start that was refused moved or changed the drop (I6)";
    }
    const auto names = Below(lines, machine_.options().restore_dir);
    for (const std::string& name : names) {
      if (name.ends_with(".txt")) return name + " tells of no restore";
    }
    if (start == 0) first = lines;
    if (const std::string changed = Difference(first, lines);
        !changed.empty()) {
      return "the second start changed: " + changed;
    }
  }
  return "";
}

std::string Inspection::CheckStarted(const Views& views) {
  Application app(&machine_);
  if (std::string bad = StartTwice(&app); !bad.empty()) return bad;
  const Lines lines = machine_.disk()->Save().Describe();
  if (std::string bad = CheckNames(lines, views); !bad.empty()) return bad;
  for (const View* const view : views) {
    if (std::string bad = CheckDropped(lines, *view); !bad.empty()) return bad;
    if (std::string bad = CheckExtracted(*view); !bad.empty()) return bad;
  }
  if (std::string bad = CheckBackups(lines, views, &app); !bad.empty()) {
    return bad;
  }
  return CheckLive(views, &app);
}

// I5: a second recovery changes nothing.
std::string Inspection::StartTwice(Application* app) {
  Lines first;
  {
    Application once(&machine_);
    const auto started = once.Initialize();
    if (!started.ok()) {
      return "the start failed: " + started.status().ToString();
    }
    first = machine_.disk()->Save().Describe();
  }
  const auto again = app->Initialize();
  if (!again.ok()) {
    return "the second start failed: " + again.status().ToString();
  }
  if (again->recovered || !again->swept.empty() || again->restored ||
      !again->rejected.empty()) {
    return "the second start found something to do";
  }
  const std::string changed =
      Difference(first, machine_.disk()->Save().Describe());
  return changed.empty() ? "" : "the second start changed: " + changed;
}

// I4, and there are no left-overs.
std::string Inspection::CheckNames(const Lines& lines,
                                   const Views& views) const {
  const BackupOptions& options = machine_.options();
  for (const std::string& name : Below(lines, "/srv")) {
    const std::string path = "/srv/" + name;
    const std::string& extract = views.front()->extract_dir;
    if (path.starts_with(options.storage_dir + "/") ||
        path.starts_with(options.backup_dir + "/") ||
        path.starts_with(options.restore_dir + "/")) {
      continue;
    }
    // An extraction that was killed leaves its own folder beside the target.
    if (!extract.empty() && (path.starts_with(extract + "/") ||
                             path.starts_with("/srv/.levelkeep-"))) {
      continue;
    }
    return path + " is none of ours (I4)";
  }
  const std::string live = options.db_name + "/";
  for (const std::string& name : Below(lines, options.storage_dir)) {
    const std::string work = ".levelkeep/" + live;
    const bool known =
        work.starts_with(name) || name.starts_with(work)
            ? name.size() <= work.size() ||
                  IsKnownInWork(name.substr(work.size()))
            : name.starts_with(live) &&
                  (name == live || IsKnownInDatabase(name.substr(live.size())));
    if (!known) return name + " was left in the storage folder";
  }
  for (const std::string& name : Below(lines, options.backup_dir)) {
    if (!IsKnownInBackups(name, lines, options.backup_dir)) {
      return name + " was left in the backup folder";
    }
  }
  for (const std::string& name : Below(lines, options.restore_dir)) {
    if (name.find(".levelkeep-") != std::string::npos) {
      return name + " was left in the drop folder";
    }
  }
  return FindClaim(lines);
}

Result<Content> Inspection::ContentOf(const std::string& path) {
  const SimulatedState disk = machine_.disk()->Save();
  const Bytes bytes = disk.At(path)->bytes;
  const auto found = known_.find(bytes.get());
  if (found != known_.end()) return found->second.second;
  if (known_.size() >= kMostKnown) known_.clear();
  const auto content = ReadArchivedEntries(machine_.fs(), machine_.env(), path,
                                           "/srv/inspection");
  known_.emplace(bytes.get(), std::pair(bytes, content));
  return content;
}

std::string Inspection::CheckBackups(const Lines& lines, const Views& views,
                                     Application* app) {
  std::map<std::string, Content> found;
  for (const std::string& name : Below(lines, machine_.options().backup_dir)) {
    if (!ParseBackupName(name)) continue;
    const auto content = ContentOf(machine_.Backup(name));
    if (!content.ok()) {
      return name + " is not whole: " + content.status().ToString();
    }
    found[name] = *content;
  }
  for (const View* const view : views) {
    if (found.size() < view->least_backups) {
      return "only " + std::to_string(found.size()) + " backups are left";
    }
    for (const auto& [name, content] : view->backups) {
      if (!found.contains(name)) {
        if (view->expendable.contains(name)) continue;
        return name + " was reported as created and is gone";
      }
      if (!Same(found[name], content)) {
        return name + " holds " + Describe(found[name]) + " instead of " +
               Describe(content);
      }
    }
    for (const std::string& name : view->deleted) {
      if (found.contains(name)) return name + " was deleted and is back";
    }
  }
  // The other backups also hold a state that the database once had.
  for (const auto& [name, entries] : found) {
    const Content& content = entries;  // clang 14 captures no binding
    const auto holds = [&](const View::Alternative& a) {
      return Same(a.live, content) ||
             (a.undo != nullptr && Same(a.undo, content));
    };
    const auto& any = views.back()->live;
    if (views.back()->backups.contains(name)) continue;
    if (std::none_of(any.begin(), any.end(), holds)) {
      return name + " holds a state that never was: " + Describe(content);
    }
  }
  return CheckListing(views, app);
}

std::string Inspection::CheckListing(const Views& views,
                                     Application* app) const {
  const auto listed = app->manager()->ListBackups();
  if (!listed.ok()) return "no list: " + listed.status().ToString();
  for (const BackupInfo& backup : *listed) {
    if (backup.status == BackupStatus::kDamaged ||
        backup.status == BackupStatus::kUnreadable) {
      return backup.name + " is listed as " +
             std::string(NameOf(backup.status)) + ": " + backup.problem;
    }
    for (const View* const view : views) {
      if (view->verified.contains(backup.name) &&
          backup.status != BackupStatus::kVerified) {
        return backup.name + " was verified, which is forgotten";
      }
      if (view->pinned.contains(backup.name) && !backup.pinned) {
        return backup.name + " was pinned, which is forgotten";
      }
      if (view->backups.contains(backup.name) && backup.sha256.empty()) {
        return backup.name + " has lost its digest";
      }
    }
  }
  return "";
}

// I6: the archive is there exactly once, whole, and in the right folder.
std::string Inspection::CheckDropped(const Lines& lines,
                                     const View& view) const {
  int copies = 0;
  const SimulatedState disk = machine_.disk()->Save();
  const std::string& folder = machine_.options().restore_dir;
  for (const std::string& name : Below(lines, folder)) {
    if (!name.ends_with(".tar.gz")) continue;
    const std::string& bytes = *disk.At(folder + "/" + name)->bytes;
    if (bytes != view.dropped && bytes != TheInstallation().archive) {
      return name + " in the drop folder is none of the archives (I6)";
    }
    ++copies;
    if (view.dropped.empty() || view.drop_stays) continue;
    const bool applied = name.starts_with("applied/");
    if ((!applied && !name.starts_with("rejected/")) ||
        !name.starts_with(view.drop_folder)) {
      return name + " should be in " + view.drop_folder + " (I6)";
    }
    const std::string note = name + (applied ? ".applied.txt" : ".reason.txt");
    if (!lines.contains(folder + "/" + note)) return "there is no " + note;
  }
  if (copies > 1) return "the dropped archive is there twice (I6)";
  if (!view.dropped.empty() && copies == 0) {
    return "the dropped archive is lost (I6)";
  }
  return "";
}

std::string Inspection::CheckExtracted(const View& view) {
  if (view.extract_dir.empty()) return "";
  if (!PathExists(machine_.fs(), view.extract_dir)) {
    return view.extract_done ? "what was extracted is gone" : "";
  }
  leveldb::Options options;
  options.env = machine_.env();
  leveldb::DB* raw = nullptr;
  const auto opened = leveldb::DB::Open(options, view.extract_dir, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  if (!opened.ok()) return "what was extracted: " + opened.ToString();
  Entries entries;
  const std::unique_ptr<leveldb::Iterator> entry(db->NewIterator({}));
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    entries[entry->key().ToString()] = entry->value().ToString();
  }
  return entries == *view.extracted ? "" : "what was extracted is not whole";
}

// Checks I1, I2, I3 and I7.
std::string Inspection::CheckLive(const Views& views, Application* app) {
  if (const Status opened = app->Open(); !opened.ok()) {
    return "the database does not open: " + opened.ToString();
  }
  const SimulatedState disk = machine_.disk()->Save();
  for (const auto& [name, inode] : disk.At(machine_.Live())->entries) {
    if (IsAside(name)) return name + " is still there";
  }
  const auto live = app->Read();
  if (!live.ok()) return "the database: " + live.status().ToString();
  std::vector<std::vector<Content>> undos;  // of each view: the allowed ones
  for (const View* const view : views) {
    auto& undo = undos.emplace_back();
    for (const View::Alternative& alternative : view->live) {
      if (Same(alternative.live, *live)) undo.push_back(alternative.undo);
    }
    if (undo.empty()) {
      return "the database holds " + Describe(*live) + " instead of " +
             Describe(view->live.back().live) + " (I1, I7)";
    }
  }
  if (const Status written = app->Put(kProbe, "written after the power loss");
      !written.ok()) {
    return "the database does not take a write: " + written.ToString();
  }
  if (backup_afterwards_) {
    const auto made = app->manager()->CreateBackup({});
    if (!made.ok()) return "no further backup: " + made.status().ToString();
  }
  app->Close();
  if (!views.back()->dropped.empty()) {
    if (std::string bad = CheckStaysRestored(*live); !bad.empty()) return bad;
  }
  if (std::string bad = CheckUndo(app, undos); !bad.empty()) return bad;
  app->Close();
  return CheckUndoOfAll(views.back()->first);
}

// I3: one more start must not restore again.
std::string Inspection::CheckStaysRestored(const Content& live) {
  // Restore starts another life: the running instance loses its lock.
  const SimulatedState present = machine_.disk()->Save();
  machine_.disk()->Restore(present);
  Application app(&machine_);
  if (const Status started = app.Start(); !started.ok()) {
    return "the third start failed: " + started.ToString();
  }
  const auto now = app.Read();
  if (!now.ok()) return "the database: " + now.status().ToString();
  Entries expected = *live;
  expected[kProbe] = "written after the power loss";
  app.Close();
  machine_.disk()->Restore(present);
  return **now == expected ? "" : "the archive was restored again (I3)";
}

// I2: the replaced database can be brought back.
std::string Inspection::CheckUndo(
    Application* app, const std::vector<std::vector<Content>>& undos) {
  const auto promised = [](const std::vector<Content>& undo) {
    return std::find(undo.begin(), undo.end(), nullptr) == undo.end();
  };
  if (std::none_of(undos.begin(), undos.end(), promised)) return "";
  const auto undone = app->manager()->UndoRestore();
  if (!undone.ok()) return "no undo: " + undone.status().ToString() + " (I2)";
  if (const Status opened = app->Open(); !opened.ok()) {
    return "the database before does not open: " + opened.ToString();
  }
  const auto live = app->Read();
  if (!live.ok()) return "the database before: " + live.status().ToString();
  for (const std::vector<Content>& undo : undos) {
    const auto is_it = [&](const Content& c) { return Same(*live, c); };
    if (!promised(undo) || std::any_of(undo.begin(), undo.end(), is_it)) {
      continue;
    }
    return "undo brings back " + Describe(*live) + " instead of " +
           Describe(undo.back()) + " (I2)";
  }
  return "";
}

// I2 for the first of several restores.
std::string Inspection::CheckUndoOfAll(const Content& first) {
  if (first == nullptr) return "";
  // Restore starts another life: the running instance loses its lock.
  machine_.disk()->Restore(machine_.disk()->Save());
  {
    Engine engine(machine_.options(), machine_.platform());
    const Status undone = engine.Undo(UndoScope::kAll).status();
    // Not found: the undo before this one already reverted the only restore.
    if (!undone.ok() && undone.code() != StatusCode::kNotFound) {
      return "no undo of all: " + undone.ToString() + " (I2)";
    }
  }
  Application app(&machine_);
  if (const Status started = app.Start(); !started.ok()) {
    return "the database before all does not open: " + started.ToString();
  }
  const auto live = app.Read();
  if (!live.ok()) return "the database before all: " + live.status().ToString();
  if (Same(*live, first)) return "";
  return "undo of all brings back " + Describe(*live) + " instead of " +
         Describe(first) + " (I2)";
}

}  // namespace levelkeep::test
