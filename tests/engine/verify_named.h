// Verification as a caller does it: by a name or a path.

#ifndef LEVELKEEP_TESTS_ENGINE_VERIFY_NAMED_H_
#define LEVELKEEP_TESTS_ENGINE_VERIFY_NAMED_H_

#include <string>

#include "engine/engine.h"

namespace levelkeep::test {

inline Result<VerifyReport> VerifyNamed(Engine* engine,
                                        const std::string& source,
                                        VerifyDepth depth) {
  const auto backup = engine->Locate(source);
  if (!backup.ok()) return backup.status();
  return engine->Verify(*backup, depth, {});
}

inline std::string StatusOf(Engine* engine, const std::string& name) {
  const auto backup = engine->Find(name);
  return backup.ok() ? std::string(NameOf(backup->status()))
                     : backup.status().ToString();
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_ENGINE_VERIFY_NAMED_H_
