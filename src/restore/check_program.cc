// Finds levelkeep-check.

#include <vector>

#include "base/process.h"
#include "base/text.h"
#include "restore/restorer.h"

namespace levelkeep {
namespace {

constexpr std::string_view kProgramName = "levelkeep-check";

// The check program of the build tree, for a program that runs in the folder it
// was built in, with LevelKeep as a part of it (add_subdirectory,
// FetchContent). An installed program does not look there: others may own the
// build's path.
std::string BuiltBeside([[maybe_unused]] const std::string& self) {
#ifdef LEVELKEEP_BUILD_TREE
  if (self.starts_with(LEVELKEEP_BUILD_TREE "/")) {
    return LEVELKEEP_BUILT_CHECK_PROGRAM;
  }
#endif
  return "";
}

std::vector<std::string> UsualPlaces() {
  std::vector<std::string> places;
  const std::string self = ExecutablePath();
  if (!self.empty()) {
    const std::string beside = ParentPath(self);
    places.push_back(JoinPath(beside, kProgramName));
    // The installation may have been moved as a whole.
    places.push_back(
        JoinPath(beside, "../libexec/levelkeep/" + std::string(kProgramName)));
    if (std::string built = BuiltBeside(self); !built.empty()) {
      places.push_back(std::move(built));
    }
  }
  places.push_back(JoinPath(LEVELKEEP_LIBEXEC_DIR, kProgramName));
  return places;
}

}  // namespace

Result<std::string> FindCheckProgram(FileSystem* fs,
                                     const std::string& configured) {
  const std::vector<std::string> places =
      configured.empty() ? UsualPlaces() : std::vector{configured};
  for (const std::string& place : places) {
    const auto info = fs->StatFollowing(place);
    if (info.ok() && info->type == FileType::kRegular) return place;
  }
  return Status(StatusCode::kNotChecked,
                "levelkeep-check is not at " + Join(places, " or "),
                "set LEVELKEEP_CHECK_PROGRAM to its path; no backup can be "
                "restored or fully verified without it");
}

}  // namespace levelkeep
