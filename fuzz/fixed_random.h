// Random numbers that are the same in every run of an input, for programs that
// are linked with -Wl,--wrap=getrandom.

#ifndef LEVELKEEP_FUZZ_FIXED_RANDOM_H_
#define LEVELKEEP_FUZZ_FIXED_RANDOM_H_

namespace levelkeep::fuzz {

// getrandom begins again with the same numbers.
void RestartFixedRandom();

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_FIXED_RANDOM_H_
