// Bytes for tests, megabytes at a time: equal seeds give equal bytes.

#ifndef LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_
#define LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace levelkeep::test {

// SplitMix64 (Steele, Lea, Flood 2014): any start gives good numbers.
uint64_t NextRandom(uint64_t* state);

// Bytes that no compressor makes smaller.
std::string RandomBytes(uint64_t seed, size_t size);

// Letters from 'a' to 'p', which a compressor halves.
std::string RandomLetters(uint64_t seed, size_t size);

// Text like that of events: words that repeat and numbers that don't.
std::string EventText(uint64_t seed, size_t size);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_
