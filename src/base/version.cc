#include "base/version.h"

namespace levelkeep {

const char* LevelKeepVersion() { return LEVELKEEP_VERSION; }

}  // namespace levelkeep
