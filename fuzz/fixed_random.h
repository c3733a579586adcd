// Random numbers that are the same in every run of an input. For programs
// that are linked with -Wl,--wrap=getrandom.

#ifndef LEVELKEEP_FUZZ_FIXED_RANDOM_H_
#define LEVELKEEP_FUZZ_FIXED_RANDOM_H_

namespace levelkeep::fuzz {

// From here on getrandom gives the same numbers again.
void RestartFixedRandom();

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_FIXED_RANDOM_H_
