#include "support/no_threads.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace levelkeep::test {
namespace {

void Require(int error, const char* call) {
  if (error == 0) return;
  std::fprintf(stderr, "%s: error %d\n", call, error);
  std::abort();
}

}  // namespace

NoThreads::NoThreads() {
  Require(pthread_getattr_default_np(&before_), "pthread_getattr_default_np");
  pthread_attr_t huge;
  Require(pthread_attr_init(&huge), "pthread_attr_init");
  Require(pthread_attr_setstacksize(&huge, size_t{1} << 60),
          "pthread_attr_setstacksize");
  Require(pthread_setattr_default_np(&huge), "pthread_setattr_default_np");
  pthread_attr_destroy(&huge);
}

NoThreads::~NoThreads() {
  Require(pthread_setattr_default_np(&before_), "pthread_setattr_default_np");
  pthread_attr_destroy(&before_);
}

}  // namespace levelkeep::test
