// Code of the host: hooks, counters, visitors, progress. Whatever it throws
// ends here, so that no step of ours is left half done.

#ifndef LEVELKEEP_BASE_HOST_CALL_H_
#define LEVELKEEP_BASE_HOST_CALL_H_

#include <functional>
#include <string_view>
#include <utility>

#include "levelkeep/status.h"

namespace levelkeep {

// The exception that is being handled, thrown by the host's `what`: kInternal,
// or kNoSpace for std::bad_alloc. REQUIRES: called in a catch block.
Status ThrownByHost(std::string_view what);

// Runs `call`, which is the host's; an exception becomes the Status above.
// `what` names it to people: "the hook that closes the database".
template <typename Call>
Status CallHost(std::string_view what, Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return ThrownByHost(what);
  }
}

// `progress` for a task that goes on whatever it throws: the first exception
// is logged, and it is not called again. Empty stays empty.
std::function<void(double)> HostProgress(
    std::function<void(double fraction)> progress);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_HOST_CALL_H_
