// A database that is nearly right: the sample, with changes that a fuzzer
// chooses and checksums made right again where it wants that.

#ifndef LEVELKEEP_FUZZ_CHANGED_DATABASE_H_
#define LEVELKEEP_FUZZ_CHANGED_DATABASE_H_

#include <optional>
#include <string>

#include "support.h"

namespace levelkeep::fuzz {

// Takes all that is left of `input`.
Files ChangedDatabase(FuzzedBytes* input);

// The input that makes the sample be `wanted`. Nothing if none does.
std::optional<std::string> ChangesTo(const Files& wanted);

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_CHANGED_DATABASE_H_
