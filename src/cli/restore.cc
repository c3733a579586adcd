// levelkeep restore

#include "api/report_json.h"
#include "archive/archive_reader.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kRestoreHelp[] =
    "Puts a backup in the place of the database.\n"
    "\n"
    "Usage: levelkeep restore NAME|PATH|latest [--dry-run|--yes]\n"
    "       levelkeep restore NAME|PATH|latest --to DIR [--dry-run]\n"
    "       levelkeep restore --undo|--undo-all [--dry-run|--yes]\n"
    "       levelkeep restore --undo --list\n"
    "       levelkeep restore --forget-undo [--yes]\n"
    "\n"
    "NAME is a backup's whole name; with --to, the beginning of a name is "
    "enough.\n"
    "The backup is checked, extracted and opened beside the database first;\n"
    "then the two are swapped. The replaced database is kept for\n"
    "BACKUP_UNDO_HOURS, and until a backup that began later is verified; "
    "of\nseveral replaced databases, the first and the newest ones are kept. "
    "A running\nlevelkeep serve restores it without a restart. While another "
    "process has the\ndatabase open, restore refuses: stop that process, use "
    "its HTTP API, or drop\nthe file into RESTORE_DIR.\n";

constexpr VerbOption kRestoreOptions[] = {
    {"source", "NAME|PATH", nullptr, &VerbArguments::source},
    {"--dry-run", nullptr,
     "print what would be lost and gained, or why the restore\nwould be "
     "refused, with the same exit code; change nothing",
     &VerbArguments::dry_run},
    {"--to", "DIR", "extract into DIR (new or empty), leave the database alone",
     &VerbArguments::target_dir},
    {"--undo", nullptr, "put back the database that the last restore replaced",
     &VerbArguments::undo},
    {"--undo-all", nullptr,
     "put back the database from before the first of\nseveral restores",
     &VerbArguments::undo_all},
    {"--list", nullptr, "with --undo: list the databases that can be put back",
     &VerbArguments::list},
    {"--forget-undo", nullptr, "remove the replaced databases permanently",
     &VerbArguments::forget_undo},
    {"--other-database", nullptr, "allow a backup of another database",
     &VerbArguments::other_database},
    {"--yes", nullptr, "do not ask", &VerbArguments::yes, "-y"},
};

Status CheckArguments(const Session& session) {
  const VerbArguments& arguments = session.arguments();
  const auto wrong = [](const char* message, const char* hint = "") {
    return Status(StatusCode::kInvalidArgument, message, hint);
  };
  if (arguments.undo && arguments.undo_all) {
    return wrong("--undo and --undo-all exclude each other");
  }
  if (arguments.list && !arguments.undo) {
    return wrong("--list goes with --undo", "levelkeep list shows the backups");
  }
  if (arguments.forget_undo && (arguments.undo || arguments.undo_all)) {
    return wrong("--forget-undo and --undo exclude each other");
  }
  if (arguments.forget_undo && arguments.dry_run) {
    return wrong(
        "--forget-undo takes no --dry-run",
        "levelkeep restore --undo --list shows the replaced databases");
  }
  const char* const alone = arguments.forget_undo ? "--forget-undo"
                            : arguments.undo_all  ? "--undo-all"
                            : arguments.undo      ? "--undo"
                                                  : nullptr;
  if (alone == nullptr) return session.RequireSource();
  if (arguments.source.empty() && arguments.target_dir.empty()) {
    return Status::Ok();
  }
  return Status(StatusCode::kInvalidArgument,
                std::string(alone) + " takes no backup and no --to");
}

// Ok: continue. Nothing was changed yet.
Status ConfirmReplacing(const Session& session, const std::string& what) {
  return session.Confirm(
      what,
      Status(StatusCode::kInvalidArgument,
             "restore replaces the database, and nobody can confirm it here",
             "pass --yes, or look first with --dry-run"));
}

std::string Describe(const RestorePreview& preview, const std::string& db_dir) {
  std::string text =
      preview.other_database ? "This is a backup of another database.\n" : "";
  text += preview.name + " (made " + FormatTime(preview.backup_created) +
          ", write number " + std::to_string(preview.backup_sequence);
  if (preview.database_present) {
    text += ") replaces " + db_dir + " (write number " +
            std::to_string(preview.current_sequence) + ").\n";
  } else {
    text += ") becomes " + db_dir + ".\n";
  }
  if (!preview.database_present) {
    text += "There is no database yet; nothing is lost.";
  } else if (preview.current_sequence == 0) {
    text += "The database there is empty or can't be read.";
  } else if (preview.same_history) {
    text += preview.lost_writes == 0
                ? "No write is lost."
                : std::to_string(preview.lost_writes) +
                      " later writes will not be in the database.";
  } else {
    text +=
        "The backup is of another history of the database: the present writes "
        "will not be in the database.";
  }
  if (preview.database_present) {
    text += "\nThe replaced database is kept for levelkeep restore --undo.";
  }
  if (preview.needed_bytes > preview.free_bytes) {
    text += "\nThe disk has " + FormatBytes(preview.free_bytes) + " free, " +
            FormatBytes(preview.needed_bytes) + " are needed.";
  }
  return text;
}

// 1. show the content   2. would the extraction work?
Status RehearseExtract(Session* session, Engine* engine, FoundBackup backup) {
  const std::string& target = session->arguments().target_dir;
  LEVELKEEP_RETURN_IF_ERROR(engine->Open(&backup));
  const ArchiveOutline& outline = backup.reader->outline();
  session->result["dryRun"] = true;
  session->result["name"] = backup.name;
  session->result["directory"] = target;
  session->result["bytes"] = outline.content_bytes;
  session->Warn(engine->Warnings());
  LEVELKEEP_RETURN_IF_ERROR(
      session->Show("reading " + backup.name, [&](const Work& work) {
        return engine->RehearseExtract(backup, target, work);
      }));
  session->console->Print(backup.name + " would be extracted to " + target +
                          " (" + FormatBytes(outline.content_bytes) + ")\n");
  return Status::Ok();
}

Status Extract(Session* session, Engine* engine) {
  const VerbArguments& arguments = session->arguments();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const FoundBackup backup,
      engine->Locate(arguments.source, NameMatch::kBeginning));
  if (arguments.dry_run) return RehearseExtract(session, engine, backup);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreReport report,
      session->Show("extracting " + arguments.source, [&](const Work& work) {
        return engine->Extract(backup, arguments.target_dir, work);
      }));
  session->result = api::ToJson(report);
  session->result["directory"] = arguments.target_dir;
  session->console->Print("extracted " + report.name + " to " +
                          arguments.target_dir + " (" +
                          FormatBytes(report.bytes) + ", write number " +
                          std::to_string(report.last_sequence) + ")\n");
  return Status::Ok();
}

Status RehearseUndo(Session* session, Engine* engine, UndoScope scope,
                    const std::string& description) {
  LEVELKEEP_ASSIGN_OR_RETURN(const KeptDatabase kept,
                             engine->PreviewUndo(scope));
  session->result = api::UndoPreviewToJson(kept);
  session->Warn(engine->Warnings());
  session->console->Print(description + "\nThat database is at write number " +
                          std::to_string(kept.last_sequence) + " (" +
                          FormatBytes(kept.bytes) + ").\n");
  return Status::Ok();
}

Result<RestoreReport> UndoOver(ServerLink* server, bool all) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto job, server->RunJob("undoing the restore", "POST",
                                     "/api/backup/undo", {{"all", all}}));
  return RestoreReportOf(job);
}

Status Undo(Session* session, Engine* engine) {
  const bool all = session->arguments().undo_all;
  const UndoScope scope = all ? UndoScope::kAll : UndoScope::kLast;
  const std::string description =
      std::string(all ? "The database from before the first restore since the "
                        "last verified backup will be put back in "
                      : "The database that the last restore replaced will be "
                        "put back in ") +
      session->settings().backup.storage_path() +
      ".\nThe present database is kept for another levelkeep restore --undo.";
  if (session->arguments().dry_run) {
    return RehearseUndo(session, engine, scope, description);
  }
  LEVELKEEP_RETURN_IF_ERROR(ConfirmReplacing(*session, description));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_ASSIGN_OR_RETURN(
      const RestoreReport report,
      server == nullptr ? engine->Undo(scope) : UndoOver(server.get(), all));
  session->result.update(api::UndoToJson(report));
  session->console->Print("undone: the database is at write number " +
                          std::to_string(report.last_sequence) + " again\n");
  return Status::Ok();
}

Status ListKept(Session* session, Engine* engine) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto kept, engine->ListKept());
  auto& json = session->result["kept"] = nlohmann::ordered_json::array();
  Table table(
      {"REPLACED (UTC)", "BY", "WRITE NUMBER", "SIZE", "DIRECTORY"},
      {Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kLeft});
  for (const KeptDatabase& database : kept) {
    json.push_back(api::ToJson(database));
    table.AddRow({{database.replaced ? FormatTimeForPeople(*database.replaced)
                                     : "earlier"},
                  {database.archive.empty() ? "-" : database.archive},
                  {std::to_string(database.last_sequence)},
                  {FormatBytes(database.bytes)},
                  {database.path}});
  }
  if (kept.empty()) {
    session->console->Say("no restore can be undone");
    return Status::Ok();
  }
  session->console->Print(table.ToString());
  session->console->Say(
      "--undo puts back the first of these, --undo-all the last");
  return Status::Ok();
}

Status ForgetUndo(Session* session, Engine* engine) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto kept, engine->ListKept());
  uint64_t bytes = 0;
  for (const KeptDatabase& database : kept) bytes += database.bytes;
  LEVELKEEP_RETURN_IF_ERROR(session->Confirm(
      std::to_string(kept.size()) + " replaced database" +
          (kept.size() == 1 ? "" : "s") + " (" + FormatBytes(bytes) +
          ") will be removed permanently.",
      Status(StatusCode::kInvalidArgument,
             "restore --forget-undo removes replaced databases permanently, "
             "and nobody can confirm it here",
             "pass --yes, or look first with restore --undo --list")));
  LEVELKEEP_RETURN_IF_ERROR(engine->ForgetUndo());
  session->result["forgotten"] = kept.size();
  session->result["bytes"] = bytes;
  session->console->Print("forgotten: " + std::to_string(kept.size()) + ", " +
                          FormatBytes(bytes) + "\n");
  return Status::Ok();
}

// The server knows the backups in BACKUP_DIR only.
Result<RestoreReport> DoReplace(Session* session, Engine* engine,
                                const FoundBackup& backup) {
  const bool other = session->arguments().other_database;
  const std::string label = "restoring " + backup.name;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  if (server == nullptr) {
    return session->Show(label, [&](const Work& work) {
      return engine->Restore(backup, work, other);
    });
  }
  if (backup.by_path) {
    return Status(StatusCode::kRefused,
                  "the running server restores backups in BACKUP_DIR only, and "
                  "this one is named by a path",
                  "copy it into RESTORE_DIR and restart the service, or into "
                  "BACKUP_DIR and name it");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(
      const auto job,
      server->RunJob(label, "POST", "/api/backup/restore",
                     {{"backupName", backup.name}, {"otherDatabase", other}}));
  return RestoreReportOf(job);
}

// 1. open the backup, so that the shown one is the restored one   2. show what
// would happen   3. ask   4. restore
Status Replace(Session* session, Engine* engine) {
  const VerbArguments& arguments = session->arguments();
  LEVELKEEP_ASSIGN_OR_RETURN(FoundBackup backup,
                             engine->Locate(arguments.source));
  LEVELKEEP_RETURN_IF_ERROR(engine->Open(&backup));
  LEVELKEEP_ASSIGN_OR_RETURN(const RestorePreview preview,
                             engine->Preview(backup));
  const std::string description =
      Describe(preview, session->settings().backup.storage_path());
  if (arguments.dry_run) {
    session->result = api::ToJson(preview);
    session->Warn(preview.warnings);
    session->console->Print(description + "\n");
    return session->Show("reading " + preview.name, [&](const Work& work) {
      return engine->RehearseRestore(backup, work, arguments.other_database);
    });
  }
  LEVELKEEP_RETURN_IF_ERROR(ConfirmReplacing(*session, description));
  LEVELKEEP_ASSIGN_OR_RETURN(const RestoreReport report,
                             DoReplace(session, engine, backup));
  session->result.update(api::ToJson(report));
  session->console->Print((report.applied ? "restored " : "staged ") +
                          report.name + " (" + FormatBytes(report.bytes) +
                          ", write number " +
                          std::to_string(report.last_sequence) + ")\n");
  if (preview.database_present) {
    session->console->Say(
        "the replaced database is kept: levelkeep restore "
        "--undo brings it back");
  }
  return Status::Ok();
}

Status RunRestore(Session* session) {
  LEVELKEEP_RETURN_IF_ERROR(CheckArguments(*session));
  Engine engine = session->NewEngine();
  if (session->arguments().list) return ListKept(session, &engine);
  if (session->arguments().forget_undo) return ForgetUndo(session, &engine);
  if (session->arguments().undo || session->arguments().undo_all) {
    return Undo(session, &engine);
  }
  if (!session->arguments().target_dir.empty())
    return Extract(session, &engine);
  return Replace(session, &engine);
}

}  // namespace

const Verb kRestoreVerb = {.name = "restore",
                           .summary = "restore a backup, or undo a restore",
                           .help = kRestoreHelp,
                           .run = RunRestore,
                           .options = kRestoreOptions};

}  // namespace levelkeep::cli
