// Early return for Status and Result; private to LevelKeep's sources.

#ifndef LEVELKEEP_BASE_STATUS_MACROS_H_
#define LEVELKEEP_BASE_STATUS_MACROS_H_

#include "levelkeep/status.h"

#define LEVELKEEP_RETURN_IF_ERROR(expression)                 \
  do {                                                        \
    if (::levelkeep::Status levelkeep_status_ = (expression); \
        !levelkeep_status_.ok()) {                            \
      return levelkeep_status_;                               \
    }                                                         \
  } while (false)

#define LEVELKEEP_CONCAT_INNER(a, b) a##b
#define LEVELKEEP_CONCAT(a, b) LEVELKEEP_CONCAT_INNER(a, b)

// LEVELKEEP_ASSIGN_OR_RETURN(auto file, fs->Open(path, mode));
#define LEVELKEEP_ASSIGN_OR_RETURN(declaration, expression) \
  LEVELKEEP_ASSIGN_OR_RETURN_IMPL(                          \
      LEVELKEEP_CONCAT(levelkeep_result_, __LINE__), declaration, expression)
#define LEVELKEEP_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                            \
  if (!result.ok()) return result.status();                              \
  declaration = std::move(result).value()

#endif  // LEVELKEEP_BASE_STATUS_MACROS_H_
