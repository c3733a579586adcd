// Runs the helper program tests/snapshot/other_process.cc in a process of its
// own: for locks, crashes and writers that this process must not know of.
//
// Link levelkeep_test_leveldb.

#ifndef LEVELKEEP_TESTS_SUPPORT_OTHER_PROCESS_H_
#define LEVELKEEP_TESTS_SUPPORT_OTHER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/workload.h"

namespace levelkeep::test {

// Its verbs are described in other_process.cc. For use by one thread.
class OtherProcess {
 public:
  // Starts the program; aborts the test program on failure.
  explicit OtherProcess(const std::vector<std::string>& arguments);
  ~OtherProcess();  // kills the program
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  pid_t pid() const { return pid_; }
  // The next line of its output, without the newline; "" at the end.
  std::string ReadLine();
  // Closes its standard input, which asks the program to end, and waits for
  // that.
  int Finish();
  void Kill();  // sends SIGKILL and waits for the end

 private:
  int Wait();

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

// What a writer in another process has acknowledged: eight bytes in a file
// that both processes map.
// Thread safety: any thread.
class SharedHead {
 public:
  explicit SharedHead(const std::string& path);  // created if need be
  ~SharedHead();
  SharedHead(const SharedHead&) = delete;
  SharedHead& operator=(const SharedHead&) = delete;
  Head Load() const;
  void Store(const Head& head);

 private:
  uint64_t* value_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_OTHER_PROCESS_H_
