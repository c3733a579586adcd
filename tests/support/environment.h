// Test settings from the environment: seeds and rounds.

#ifndef LEVELKEEP_TESTS_SUPPORT_ENVIRONMENT_H_
#define LEVELKEEP_TESTS_SUPPORT_ENVIRONMENT_H_

#include <cstdint>
#include <cstdlib>

namespace levelkeep::test {

// The number in the environment variable `name`, or `fallback` without one.
inline uint64_t NumberFromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_ENVIRONMENT_H_
