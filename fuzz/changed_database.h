// A database that is nearly right: the sample, with changes that a fuzzer
// chooses. The fuzzer also chooses where checksums are made right again.

#ifndef LEVELKEEP_FUZZ_CHANGED_DATABASE_H_
#define LEVELKEEP_FUZZ_CHANGED_DATABASE_H_

#include <optional>
#include <string>

#include "support.h"

namespace levelkeep::fuzz {

// Takes all the rest of `input`.
Files ChangedDatabase(FuzzedBytes* input);

// The input that turns the sample into `wanted`; nullopt if there is none.
std::optional<std::string> ChangesTo(const Files& wanted);

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_CHANGED_DATABASE_H_
