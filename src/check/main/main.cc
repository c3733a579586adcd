// levelkeep-check: for databases in bytewise order; see levelkeep/check.h.

#include "check/limits.h"
#include "levelkeep/check.h"

#if defined(LEVELKEEP_CHECK_SANITIZED)
// A crash of LevelDB is to be told by its signal, as without sanitizers.
extern "C" const char* __asan_default_options() {  // NOLINT
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0";
}
extern "C" const char* __tsan_default_options() {  // NOLINT
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0";
}
#endif

int main(int argc, char** argv) {
  return levelkeep::RunCheck(argc, argv, nullptr);
}
