// The types of a log's fragments; private to dbfiles.

#ifndef LEVELKEEP_DBFILES_LOG_FRAGMENT_H_
#define LEVELKEEP_DBFILES_LOG_FRAGMENT_H_

#include <cstdint>

namespace levelkeep {

enum class FragmentType : uint8_t {
  kZero = 0,  // never written: a hole or a lost page reads as zeros
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
};

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_LOG_FRAGMENT_H_
