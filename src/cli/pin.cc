// levelkeep pin, levelkeep unpin

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
  const std::string verb = pinned ? "pin" : "unpin";
  const std::string& source = session->arguments().source;
  if (source.empty()) {
    return Status(StatusCode::kInvalidArgument, "no backup is named",
                  "name a backup, or latest: see levelkeep list");
  }
  Engine engine = session->NewEngine();
  const auto backup = engine.Find(source, NameMatch::kBeginning);
  if (!backup.ok()) return backup.status();
  const Status changed = engine.Pin(backup->name, pinned);
  if (!changed.ok()) return changed;
  session->result["name"] = backup->name;
  session->result["pinned"] = pinned;
  session->console->Print(verb + "ned " + backup->name + "\n");
  return Status::Ok();
}

Status RunPin(Session* session) { return SetPinned(session, true); }

Status RunUnpin(Session* session) { return SetPinned(session, false); }

}  // namespace

const Verb kPinVerb = {"pin", "protect a backup from rotation", kPinHelp,
                       RunPin, kPinOptions};

const Verb kUnpinVerb = {"unpin", "end the protection of a pinned backup",
                         kUnpinHelp, RunUnpin, kPinOptions};

}  // namespace levelkeep::cli
