// levelkeep delete

#include "base/status_macros.h"
#include "base/text.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kDeleteHelp[] =
    "Removes one backup with its checksum files.\n"
    "\n"
    "Usage: levelkeep delete NAME [--force] [--other-database] [--yes]\n"
    "\n"
    "NAME is a backup's whole name, or latest. A pinned backup is never\n"
    "removed: levelkeep unpin it first. delete asks first; without a terminal "
    "it\nneeds --yes.\n";

constexpr VerbOption kDeleteOptions[] = {
    {"source", "NAME", nullptr, &VerbArguments::source},
    {"--force", nullptr, "remove even the newest verified backup",
     &VerbArguments::force},
    {"--other-database", nullptr, "allow a backup of another database",
     &VerbArguments::other_database},
    {"--yes", nullptr, "do not ask", &VerbArguments::yes, "-y"},
};

// 1. find the backup   2. ask   3. delete it
Status RunDelete(Session* session) {
  const VerbArguments& arguments = session->arguments();
  if (arguments.source.empty()) {
    return Status(StatusCode::kInvalidArgument, "no backup is named",
                  "name a backup: see levelkeep list");
  }
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(const FoundBackup backup,
                             engine.Find(arguments.source));
  LEVELKEEP_RETURN_IF_ERROR(session->Confirm(
      backup.name + " (" + FormatBytes(backup.size_bytes) + ", " +
          std::string(NameOf(backup.status())) +
          ") will be removed permanently.",
      Status(StatusCode::kInvalidArgument,
             "delete removes a backup permanently, and nobody can confirm it "
             "here",
             "pass --yes")));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  if (server == nullptr) {
    LEVELKEEP_RETURN_IF_ERROR(
        engine.Delete(backup.name, arguments.force, arguments.other_database));
  } else {
    const auto flag = [](bool value) { return value ? "true" : "false"; };
    LEVELKEEP_RETURN_IF_ERROR(
        server
            ->RunJob("deleting " + backup.name, "DELETE",
                     BackupTarget(backup.name) +
                         "?force=" + flag(arguments.force) +
                         "&otherDatabase=" + flag(arguments.other_database))
            .status());
  }
  session->result["name"] = backup.name;
  session->result["deleted"] = true;
  session->console->Print("deleted " + backup.name + "\n");
  return Status::Ok();
}

}  // namespace

const Verb kDeleteVerb = {"delete", "remove one backup", kDeleteHelp, RunDelete,
                          kDeleteOptions};

}  // namespace levelkeep::cli
