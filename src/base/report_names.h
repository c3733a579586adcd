// Converts the words in files and requests to the enums of reports.h.

#ifndef LEVELKEEP_BASE_REPORT_NAMES_H_
#define LEVELKEEP_BASE_REPORT_NAMES_H_

#include <optional>
#include <string_view>

#include "levelkeep/reports.h"

namespace levelkeep {

std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text);
std::optional<HealthCode> ParseHealthCode(std::string_view text);
// kNone for an empty word, kOther for a word that this version does not know.
SnapshotMethod ParseSnapshotMethod(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_REPORT_NAMES_H_
