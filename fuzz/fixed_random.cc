#include "fixed_random.h"

#include <sys/types.h>

#include <cstddef>
#include <random>

namespace levelkeep::fuzz {
namespace {

std::minstd_rand& Generator() {
  static std::minstd_rand generator;
  return generator;
}

}  // namespace

void RestartFixedRandom() { Generator().seed(1); }

}  // namespace levelkeep::fuzz

// The linker calls this function in place of getrandom.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" ssize_t __wrap_getrandom(void* buffer, size_t size,
                                    unsigned /*flags*/) {
  auto* const bytes = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < size; ++i) {
    // The generator's lower bits are the least random.
    bytes[i] = static_cast<unsigned char>(levelkeep::fuzz::Generator()() >> 16);
  }
  return static_cast<ssize_t>(size);
}
