// levelkeep pin, levelkeep unpin

#include "base/status_macros.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kPinHelp[] =
    "Keeps a backup: neither rotation nor levelkeep delete removes it.\n"
    "\n"
    "Usage: levelkeep pin NAME\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest.\nlevelkeep "
    "list shows which backups are pinned.\n";

constexpr char kUnpinHelp[] =
    "Lets rotation and levelkeep delete remove a pinned backup again.\n"
    "\n"
    "Usage: levelkeep unpin NAME\n"
    "\n"
    "NAME is a backup's name, the beginning of a name, or latest.\n";

constexpr VerbOption kPinOptions[] = {
    {"source", "NAME", nullptr, &VerbArguments::source},
};

Status SetPinned(Session* session, bool pinned) {
  LEVELKEEP_RETURN_IF_ERROR(session->RequireSource());
  Engine engine = session->NewEngine();
  LEVELKEEP_ASSIGN_OR_RETURN(
      const FoundBackup backup,
      engine.Find(session->arguments().source, NameMatch::kBeginning));
  LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
  LEVELKEEP_RETURN_IF_ERROR(server == nullptr
                                ? engine.Pin(backup.name, pinned)
                                : server
                                      ->Call(pinned ? "POST" : "DELETE",
                                             BackupTarget(backup.name) + "/pin")
                                      .status());
  session->result["name"] = backup.name;
  session->result["pinned"] = pinned;
  session->console->Print((pinned ? "pinned " : "unpinned ") + backup.name +
                          "\n");
  return Status::Ok();
}

}  // namespace

const Verb kPinVerb = {
    "pin", "protect a backup from rotation", kPinHelp,
    [](Session* session) { return SetPinned(session, true); }, kPinOptions};

const Verb kUnpinVerb = {
    "unpin", "end the protection of a pinned backup", kUnpinHelp,
    [](Session* session) { return SetPinned(session, false); }, kPinOptions};

}  // namespace levelkeep::cli
