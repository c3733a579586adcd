// A process that can't start threads, as if an operator had limited them.

#ifndef LEVELKEEP_TESTS_SUPPORT_NO_THREADS_H_
#define LEVELKEEP_TESTS_SUPPORT_NO_THREADS_H_

#include <pthread.h>

namespace levelkeep::test {

// While this object lives, the system refuses every new thread of the process,
// because stacks are set to be larger than the address space.
class NoThreads {
 public:
  NoThreads();
  ~NoThreads();
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_NO_THREADS_H_
