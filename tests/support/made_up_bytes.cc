#include "support/made_up_bytes.h"

#include <string_view>

// Without this, a sanitizer would check each byte that is made up, which took
// half of the time of the tests of archives and snapshots.
#define LEVELKEEP_NOT_SANITIZED \
  __attribute__((no_sanitize("address", "undefined", "thread")))

namespace levelkeep::test {
namespace {

constexpr std::string_view kEvent =
    "{\"type\":\"order.placed\",\"amount\":#####,"
    "\"user\":\"###################\"}\n";

LEVELKEEP_NOT_SANITIZED void FillBytes(uint64_t state, char* out, size_t size) {
  uint64_t bits = 0;
  for (size_t i = 0; i < size; i++, bits >>= 8) {
    if (i % 8 == 0) bits = NextRandom(&state);
    out[i] = static_cast<char>(bits);
  }
}

LEVELKEEP_NOT_SANITIZED void FillLetters(uint64_t state, char* out,
                                         size_t size) {
  uint64_t bits = 0;
  for (size_t i = 0; i < size; i++, bits >>= 4) {
    if (i % 16 == 0) bits = NextRandom(&state);
    out[i] = static_cast<char>('a' + (bits & 15));
  }
}

LEVELKEEP_NOT_SANITIZED void FillEvents(uint64_t state, char* out,
                                        size_t size) {
  const char* const event = kEvent.data();
  const size_t length = kEvent.size();
  uint64_t number = 0;
  for (size_t i = 0, at = 0; i < size;
       i++, at = at + 1 == length ? 0 : at + 1) {
    out[i] = event[at];
    if (event[at] != '#') continue;
    if (number < 10) number = NextRandom(&state);
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

}  // namespace

LEVELKEEP_NOT_SANITIZED uint64_t NextRandom(uint64_t* state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::string RandomBytes(uint64_t seed, size_t size) {
  std::string bytes(size, '\0');
  FillBytes(seed, bytes.data(), size);
  return bytes;
}

std::string RandomLetters(uint64_t seed, size_t size) {
  std::string letters(size, '\0');
  FillLetters(seed, letters.data(), size);
  return letters;
}

std::string EventText(uint64_t seed, size_t size) {
  std::string text(size, '\0');
  FillEvents(seed, text.data(), size);
  return text;
}

}  // namespace levelkeep::test
