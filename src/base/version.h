#ifndef LEVELKEEP_BASE_VERSION_H_
#define LEVELKEEP_BASE_VERSION_H_

namespace levelkeep {

// "0.1.0"; set by the build.
const char* LevelKeepVersion();

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_VERSION_H_
