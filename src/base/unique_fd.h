// The owner of a file descriptor, for the few files that call the operating
// system themselves.

#ifndef LEVELKEEP_BASE_UNIQUE_FD_H_
#define LEVELKEEP_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace levelkeep {

// Thread safety: as int.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd() { Reset(); }
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Returns the descriptor and gives up ownership.
  int Release() { return std::exchange(fd_, -1); }
  // Closes the descriptor. Not repeated after EINTR: Linux has released the
  // number already.
  void Reset() {
    if (fd_ >= 0) ::close(Release());
  }

 private:
  int fd_ = -1;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_UNIQUE_FD_H_
