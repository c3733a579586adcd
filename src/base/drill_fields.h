// A drill's report as named texts, for records and the results of jobs.

#ifndef LEVELKEEP_BASE_DRILL_FIELDS_H_
#define LEVELKEEP_BASE_DRILL_FIELDS_H_

#include <map>
#include <string>

#include "levelkeep/reports.h"

namespace levelkeep {

// "backup", "at", "seconds", "bytes" ...; a problem of more than 500 bytes is
// cut. Members that say nothing are left out.
std::map<std::string, std::string> DrillFields(const DrillReport& report);
// The reverse. A name that is missing, or whose value is not readable, leaves
// its member as it is by default.
DrillReport DrillReportOf(const std::map<std::string, std::string>& fields);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_DRILL_FIELDS_H_
