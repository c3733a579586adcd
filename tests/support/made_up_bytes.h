// Bytes that tests make up, megabytes at a time: the same for the same seed.

#ifndef LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_
#define LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace levelkeep::test {

// SplitMix64 (Steele, Lea, Flood 2014): any start gives good numbers.
uint64_t NextRandom(uint64_t* state);

// No compressor makes them smaller.
std::string RandomBytes(uint64_t seed, size_t size);

// From 'a' to 'p': a compressor halves them.
std::string RandomLetters(uint64_t seed, size_t size);

// Like events: words that repeat and numbers that don't.
std::string EventText(uint64_t seed, size_t size);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_MADE_UP_BYTES_H_
