// The environment variable TZ for the time of a test.

#ifndef LEVELKEEP_TESTS_SUPPORT_SCOPED_TZ_H_
#define LEVELKEEP_TESTS_SUPPORT_SCOPED_TZ_H_

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

namespace levelkeep::test {

// Sets TZ, or removes it (nullptr), and puts the old value back at the end.
// Thread safety: none; no other thread may read the environment meanwhile.
class ScopedTz {
 public:
  explicit ScopedTz(const char* value) {
    if (const char* const old = std::getenv("TZ")) old_ = old;
    Set(value);
  }
  ~ScopedTz() { Set(old_ ? old_->c_str() : nullptr); }
  ScopedTz(const ScopedTz&) = delete;
  ScopedTz& operator=(const ScopedTz&) = delete;

 private:
  static void Set(const char* value) {
    value != nullptr ? setenv("TZ", value, 1) : unsetenv("TZ");
    tzset();
  }

  std::optional<std::string> old_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_SCOPED_TZ_H_
