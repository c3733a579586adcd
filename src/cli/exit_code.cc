#include "cli/exit_code.h"

namespace levelkeep::cli {

ExitCode ExitCodeFor(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kInvalidArgument:
      return kExitUsage;
    case StatusCode::kCorruption:
      return kExitDamaged;
    case StatusCode::kBusy:
      return kExitBusy;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kNoSpace:
      return kExitNoSpace;
    case StatusCode::kCancelled:
      return kExitInterrupted;
    case StatusCode::kNotChecked:
      return kExitNotChecked;
    case StatusCode::kDegraded:
      return kExitDegraded;
    case StatusCode::kAlreadyExists:
    case StatusCode::kPermissionDenied:
    case StatusCode::kUnsupported:
    case StatusCode::kRefused:
    case StatusCode::kOtherDatabase:
    case StatusCode::kIoError:
    case StatusCode::kInternal:
      return kExitFailure;
  }
  return kExitFailure;
}

}  // namespace levelkeep::cli
