// Databases with missing, exchanged and damaged files. Tar, gzip and digests
// are right; the files are not. Each case comes as a foreign archive and as one
// of ours.

#include <cstdlib>

#include "base/hash.h"
#include "dbfiles/log_format.h"
#include "hostile/database_case.h"

namespace levelkeep::test {
namespace {

std::string NameOf(const Files& files, const std::string& part) {
  for (const auto& [name, content] : files) {
    if (name.find(part) != std::string::npos) return name;
  }
  std::abort();
}

// Changes the first file whose name has this part.
Spoil Change(const std::string& part,
             const std::function<void(std::string*)>& change) {
  return [=](Files* files) { change(&(*files)[NameOf(*files, part)]); };
}

Spoil Set(const std::string& name, const std::string& content) {
  return [=](Files* files) { (*files)[name] = content; };
}

Spoil Remove(const std::string& part) {
  return [=](Files* files) { files->erase(NameOf(*files, part)); };
}

void FlipMiddle(std::string* bytes) { bytes->at(bytes->size() / 2) ^= 0x04; }

void AddCurrent(DatabaseCases* list) {
  const std::string damaged = "does not name a manifest";
  list->BeforeCheck("current_missing", Remove("CURRENT"), "CURRENT");
  list->BeforeCheck("current_out", Set("CURRENT", "../../etc/passwd\n"),
                    damaged);
  list->BeforeCheck("current_absolute", Set("CURRENT", "/etc/passwd\n"),
                    damaged);
  list->BeforeCheck("current_out_to_manifest",
                    Set("CURRENT", "../x/MANIFEST-000004\n"), damaged);
  list->BeforeCheck("current_to_nothing", Set("CURRENT", "MANIFEST-000999\n"),
                    "MANIFEST-000999.*missing");
  list->BeforeCheck("current_to_itself", Set("CURRENT", "CURRENT\n"), damaged);
  list->BeforeCheck("current_to_a_log", Set("CURRENT", "000003.log\n"),
                    damaged);
  list->BeforeCheck("current_without_newline",
                    Change("CURRENT", [](std::string* c) { c->pop_back(); }),
                    damaged);
  list->BeforeCheck("current_two_lines",
                    Change("CURRENT", [](std::string* c) { *c += *c; }),
                    damaged);
  list->BeforeCheck(
      "current_windows_line",
      Change("CURRENT", [](std::string* c) { c->insert(c->size() - 1, "\r"); }),
      damaged);
  list->BeforeCheck("current_empty", Set("CURRENT", ""), damaged);
  list->BeforeCheck(
      "current_nul",
      Change("CURRENT", [](std::string* c) { c->insert(4, 1, '\0'); }),
      damaged);
  list->BeforeCheck("current_of_a_megabyte",
                    Set("CURRENT", std::string(1 << 20, 'x')),
                    damaged + "|too long");
}

void AddTables(DatabaseCases* list) {
  list->BeforeCheck("table_missing", Remove(".ldb"), "table .*missing");
  list->BeforeCheck("table_truncated",
                    Change(".ldb", [](std::string* t) { t->pop_back(); }),
                    "bytes instead of");
  list->BeforeCheck("table_empty",
                    Change(".ldb", [](std::string* t) { t->clear(); }),
                    "bytes instead of");
  list->BeforeCheck("table_longer",
                    Change(".ldb", [](std::string* t) { *t += 'x'; }),
                    "bytes instead of");
  list->InCheck("table_flipped", Change(".ldb", FlipMiddle),
                "LevelDB can't (open|read) (the database|table)");
  list->InCheck(
      "table_of_zeros",
      Change(".ldb", [](std::string* t) { t->assign(t->size(), '\0'); }),
      "not an sstable|can't read");
  list->InCheck("table_magic",
                Change(".ldb",
                       [](std::string* t) {
                         t->back() = static_cast<char>(t->back() ^ 1);
                       }),
                "not an sstable");
  // The two tables of the sound database are of one size.
  list->InCheckOfForeign(
      "tables_swapped",
      [](Files* files) {
        std::vector<std::string*> tables;
        for (auto& [name, content] : *files) {
          if (name.ends_with(".ldb")) tables.push_back(&content);
        }
        if (tables.size() != 2 || tables[0]->size() != tables[1]->size()) {
          std::abort();
        }
        tables[0]->swap(*tables[1]);
      },
      "table .* begins", SoundEntries());
  list->InCheck(
      "table_twice_by_suffix",
      [](Files* files) {
        const std::string name = NameOf(*files, ".ldb");
        (*files)[name.substr(0, 6) + ".sst"] = (*files)[name];
      },
      "twice");
  // A crash may leave such a table; LevelDB removes it.
  list->Accept("table_that_nobody_names", Set("000001.ldb", "rubbish"));
}

void AddLogs(DatabaseCases* list) {
  list->BeforeCheck("log_missing", Remove(".log"), "log .*missing");
  list->InCheck("log_flipped", Change(".log", FlipMiddle), "log .* is damaged");
  // The log after a power loss: the last write is cut off, and readers notice.
  Entries less = SoundEntries();
  less.erase(std::prev(less.end()));
  list->AcceptForeign("log_truncated",
                      Change(".log", [](std::string* log) { log->pop_back(); }),
                      less);
  list->InCheck(
      "log_begins_later",
      Change(".log",
             [](std::string* log) {
               *log = LogBytes({BatchBytes(25, {{"event:990", "x"}})});
             }),
      "writes are missing before or within log");
  list->InCheck("log_repeats",
                Change(".log", [](std::string* log) { *log += *log; }),
                "writes are missing before or within log");
  list->InCheck("log_goes_back",
                Change(".log",
                       [](std::string* log) {
                         *log = LogBytes({BatchBytes(21, {{"a", "1"}}),
                                          BatchBytes(20, {{"b", "2"}})});
                       }),
                "writes are missing before or within log");
  list->InCheck(
      "log_of_garbage",
      Change(".log",
             [](std::string* log) { *log = std::string(1000, '\xa5'); }),
      "log .* is damaged");
  list->InCheck("log_beyond_56_bits",
                Change(".log",
                       [](std::string* log) {
                         *log = LogBytes({BatchBytes(
                             UINT64_MAX - 1, {{"a", "1"}, {"b", "2"}})});
                       }),
                "log|sequence");
}

void AddManifests(DatabaseCases* list) {
  list->BeforeCheck("manifest_missing", Remove("MANIFEST"),
                    "MANIFEST.*missing");
  list->BeforeCheck("manifest_empty",
                    Change("MANIFEST", [](std::string* m) { m->clear(); }),
                    "MANIFEST.*(never states|damaged)");
  list->BeforeCheck("manifest_flipped", Change("MANIFEST", FlipMiddle),
                    "MANIFEST.*damaged");
  list->BeforeCheck(
      "manifest_of_zeros",
      Change("MANIFEST", [](std::string* m) { m->assign(m->size(), '\0'); }),
      "MANIFEST");
  list->BeforeCheck("manifest_begin_cut",
                    Change("MANIFEST", [](std::string* m) { m->erase(0, 7); }),
                    "MANIFEST");
  list->BeforeCheck(
      "manifest_is_a_log",
      [](Files* files) {
        (*files)[NameOf(*files, "MANIFEST")] = (*files)[NameOf(*files, ".log")];
      },
      "MANIFEST");
  list->Accept("manifest_of_old_beside_it", Set("MANIFEST-000001", "rubbish"));
}

}  // namespace

void AddDatabaseCases(std::vector<HostileCase>* cases) {
  DatabaseCases list("database", cases, SoundFiles(), SoundEntries(),
                     kSoundSequence);
  AddCurrent(&list);
  AddTables(&list);
  AddLogs(&list);
  AddManifests(&list);
}

}  // namespace levelkeep::test
