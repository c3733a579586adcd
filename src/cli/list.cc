// levelkeep list

#include "api/report_json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kListHelp[] =
    "Lists the backups, newest first.\n"
    "\n"
    "Usage: levelkeep list [--limit N]\n"
    "\n"
    "STATUS: verified (read and checked), unverified (not yet checked), "
    "damaged\n(a check failed: do not rely on it), unreadable (not a LevelKeep "
    "backup).\n";

constexpr uint64_t kMaxLimit = 1'000'000;

constexpr VerbOption kListOptions[] = {
    {"--limit", "N", "only the N newest backups",
     NumberTarget{&VerbArguments::limit, 1, kMaxLimit}},
};

std::string PaintedStatus(const Console& console, BackupStatus status) {
  const std::string name(NameOf(status));
  if (status == BackupStatus::kVerified) return console.Green(name);
  if (status == BackupStatus::kUnverified) return console.Yellow(name);
  return console.Red(name);
}

void PrintTable(Session* session, const std::vector<BackupInfo>& backups) {
  Table table({"NAME", "CREATED (UTC)", "AGE", "SIZE", "WRITE NUMBER", "EVENTS",
               "STATUS"},
              {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight,
               Align::kRight, Align::kRight, Align::kLeft});
  const Time now = session->world.clock->Now();
  for (const BackupInfo& backup : backups) {
    std::string more = backup.pinned ? ", pinned" : "";
    if (backup.other_database) more += ", of another database";
    // Without a manifest these values are unknown, and 0 would be wrong.
    const bool known = backup.status != BackupStatus::kUnreadable;
    table.AddRow(
        {{Printable(backup.name, 200)},
         {FormatTimeForPeople(backup.created)},
         {FormatAge(backup.created, now)},
         {FormatBytes(backup.size_bytes)},
         {known ? std::to_string(backup.last_sequence) : "-"},
         {known && backup.event_count > 0 ? std::to_string(backup.event_count)
                                          : "-"},
         {std::string(NameOf(backup.status)) + more,
          PaintedStatus(*session->console, backup.status) + more}});
  }
  session->console->Print(table.ToString());
}

Status RunList(Session* session) {
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(auto backups, engine.List());
  const uint64_t count = backups.size();
  uint64_t total_bytes = 0;
  for (const BackupInfo& backup : backups) total_bytes += backup.size_bytes;
  const uint64_t limit = session->arguments().limit;
  if (limit > 0 && limit < backups.size()) backups.resize(limit);

  auto& json = session->result["backups"] = nlohmann::ordered_json::array();
  const Time now = session->world.clock->Now();
  for (const BackupInfo& backup : backups)
    json.push_back(api::BackupToDetailedJson(backup, now));
  session->result["total"] = count;
  session->result["totalSizeMB"] = FormatMegabytes(total_bytes);
  if (backups.empty()) {
    session->console->Say("no backups in " +
                          session->settings().backup.backup_dir);
    return Status::Ok();
  }
  PrintTable(session, backups);
  for (const BackupInfo& backup : backups) {
    if (!backup.warning.empty()) {
      session->console->Say(backup.name +
                            ": warning: " + Printable(backup.warning, 500));
    }
    if (backup.status != BackupStatus::kUnverified || backup.problem.empty())
      continue;
    session->console->Say(backup.name + ": " + Printable(backup.problem, 500));
  }
  session->console->Say(std::to_string(count) +
                        (count == 1 ? " backup, " : " backups, ") +
                        FormatBytes(total_bytes));
  return Status::Ok();
}

}  // namespace

const Verb kListVerb = {"list", "list the backups", kListHelp, RunList,
                        kListOptions};

}  // namespace levelkeep::cli
