// What the program returns; stable, see docs/cli.md.

#ifndef LEVELKEEP_CLI_EXIT_CODE_H_
#define LEVELKEEP_CLI_EXIT_CODE_H_

#include "levelkeep/status.h"

namespace levelkeep::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailure = 1,
  kExitUsage = 2,  // wrong arguments or configuration
  kExitDamaged = 3,
  kExitBusy = 4,
  kExitNotFound = 5,
  kExitNoSpace = 6,
  kExitNotChecked = 7,  // a check could not be done
  kExitDegraded = 7,    // `health`: it works, and something needs a person
  kExitInterrupted = 130,
};

ExitCode ExitCodeFor(StatusCode code);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_EXIT_CODE_H_
