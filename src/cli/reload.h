// SIGHUP: a service reads its settings again.

#ifndef LEVELKEEP_CLI_RELOAD_H_
#define LEVELKEEP_CLI_RELOAD_H_

#include <functional>

#include "cli/session.h"
#include "cli/supervision.h"
#include "config/reload.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

// Thread safety: one thread at a time.
class Reloader {
 public:
  struct Steps {
    // Ok if the service may run with these settings. Empty: it may.
    std::function<Status(const Settings& settings)> check = nullptr;
    // Puts the settings in force that the log does not use; can't fail.
    std::function<void(const Settings& settings)> apply;
  };

  // Remembers where the settings of the start came from. The session and
  // `supervision` outlive this object.
  Reloader(const Session* session, Supervision* supervision, Steps steps);

  // Opens the log files anew. Reads and checks all settings; if one is wrong,
  // nothing changes, and the log says why. Else puts those in force that can be
  // reloaded, and the log names each change and what needs a restart.
  void Reload();

 private:
  Status TryReload();
  Status Check(const Settings& loaded, const Settings& next) const;
  Status PutInForce(ReloadPlan plan);

  const Session* const session_;
  Supervision* const supervision_;
  const Steps steps_;
  const ReloadSources sources_;
  Settings present_;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_RELOAD_H_
