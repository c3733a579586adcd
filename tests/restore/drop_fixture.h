// An installation with a live database, and starts that handle restore/.

#ifndef LEVELKEEP_TESTS_RESTORE_DROP_FIXTURE_H_
#define LEVELKEEP_TESTS_RESTORE_DROP_FIXTURE_H_

#include <string>

#include "restore/restore_fixture.h"

namespace levelkeep::test {

inline const Entries kOldEvents = {{"a", "old"}};
inline const Entries kNewEvents = {{"a", "new"}, {"b", "new"}};

inline Time AtHour(int hour) {
  return Time(std::chrono::hours(480'000 + hour));
}

class DropFolderFixture : public RestoreFixture {
 protected:
  DropFolderFixture() { MakeLive(kOldEvents); }

  // One start of the application.
  DropOutcome Start(FileSystem* fs = FileSystem::Posix()) {
    auto restorer = Started(fs);
    const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    return outcome.ok() ? *outcome : DropOutcome();
  }
  std::string ReasonFor(const DropOutcome& outcome, const std::string& name) {
    for (const auto& rejection : outcome.rejected) {
      if (rejection.name == name) return rejection.reason;
    }
    return "(not rejected)";
  }
  ArchiveSpec CreatedAt(int hour) {
    ArchiveSpec spec;
    spec.created = AtHour(hour);
    return spec;
  }
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_RESTORE_DROP_FIXTURE_H_
