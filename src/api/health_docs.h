// Where a person reads what to do about a reason in the health report.

#ifndef LEVELKEEP_API_HEALTH_DOCS_H_
#define LEVELKEEP_API_HEALTH_DOCS_H_

#include <string>

#include "levelkeep/reports.h"

namespace levelkeep::api {

// "docs/operations.md#the-last-backup-failed": a page of this repository, and
// the heading of the entry on it. Each code has one.
std::string DocOf(HealthCode code);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_HEALTH_DOCS_H_
