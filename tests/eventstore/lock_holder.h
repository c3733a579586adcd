// Support for tests: another process that has a database open.

#ifndef LEVELKEEP_TESTS_EVENTSTORE_LOCK_HOLDER_H_
#define LEVELKEEP_TESTS_EVENTSTORE_LOCK_HOLDER_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace levelkeep::test {

// Holds a LOCK as LevelDB does, in a child process, until it is destroyed.
class LockHolder {
 public:
  explicit LockHolder(const std::string& path) {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const int fd = ::open(path.c_str(), O_RDWR | O_CREAT, 0644);
      struct flock range = {};
      range.l_type = F_WRLCK;
      range.l_whence = SEEK_SET;
      const char done = ::fcntl(fd, F_SETLK, &range) == 0 ? 'y' : 'n';
      if (::write(ready[1], &done, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char done = 'n';
    holds_ = ::read(ready[0], &done, 1) == 1 && done == 'y';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~LockHolder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

  bool holds() const { return holds_; }
  std::string pid() const { return std::to_string(pid_); }

 private:
  pid_t pid_ = -1;
  bool holds_ = false;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_EVENTSTORE_LOCK_HOLDER_H_
