// The archives that are made to do harm, and the required outcome of each.

#ifndef LEVELKEEP_TESTS_HOSTILE_HOSTILE_CASE_H_
#define LEVELKEEP_TESTS_HOSTILE_HOSTILE_CASE_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "levelkeep/status.h"
#include "support/tar_bytes.h"

namespace levelkeep::test {

using Entries = std::map<std::string, std::string>;

enum class Verdict {
  kAccepted,
  kRefused,         // by reading the archive
  kRefusedByCheck,  // by opening and scanning the database in it
  kOfElsewhere,     // sound, but of no use to this application
};

struct HostileCase {
  std::string name;                    // letters, digits and _
  std::function<std::string()> bytes;  // the same each time
  Verdict verdict = Verdict::kRefused;
  // For a refusal: the code, and a pattern for the message.
  StatusCode code = StatusCode::kCorruption;
  std::string message;
  // A drop of it is not rejected: the damage is not certain, or the archive is
  // of use elsewhere.
  bool stays = false;
  // Recognized as an archive of ours, if it can be opened at all.
  bool own = false;
  // For an accepted archive: the entries in the store; if not set,
  // SoundEntries().
  std::optional<Entries> entries;
};

// Collects the cases of one group; the group's name begins each case's name.
class CaseList {
 public:
  // `own` is the value for each case that does not set its own.
  CaseList(std::string group, std::vector<HostileCase>* cases, bool own = false)
      : group_(std::move(group)), cases_(cases), own_(own) {}

  using Bytes = std::function<std::string()>;
  HostileCase& Accept(const std::string& name, Bytes bytes);
  HostileCase& SoundElsewhere(const std::string& name, Bytes bytes,
                              const std::string& message);
  HostileCase& Refuse(const std::string& name, Bytes bytes,
                      const std::string& message,
                      StatusCode code = StatusCode::kCorruption);
  // The archive looks like an incomplete copy: a drop of it stays.
  HostileCase& RefuseCut(const std::string& name, Bytes bytes,
                         const std::string& message);
  HostileCase& RefuseInCheck(const std::string& name, Bytes bytes,
                             const std::string& message,
                             StatusCode code = StatusCode::kCorruption);

 private:
  HostileCase& Add(const std::string& name, Bytes bytes, Verdict verdict);

  const std::string group_;
  std::vector<HostileCase>* const cases_;
  const bool own_;
};

// --- the sound database that most cases are made of ---

// Two tables, a log, MANIFEST and CURRENT, as LevelDB writes them.
const Files& SoundFiles();
const Entries& SoundEntries();
inline constexpr uint64_t kSoundSequence = 30;

// A .tar.gz of the sound database in db/ with these entries before or behind.
std::string WithEntry(const std::string& behind,
                      const std::string& before = "");
// A .tar.gz of these files in db/.
std::string Foreign(const Files& files);

// --- the groups; one file each ---

void AddPathCases(std::vector<HostileCase>* cases);
void AddLinkCases(std::vector<HostileCase>* cases);
void AddTypeCases(std::vector<HostileCase>* cases);
void AddPaxCases(std::vector<HostileCase>* cases);
void AddSizeCases(std::vector<HostileCase>* cases);
void AddNameCases(std::vector<HostileCase>* cases);
void AddGzipCases(std::vector<HostileCase>* cases);
void AddFooterCases(std::vector<HostileCase>* cases);
void AddTocCases(std::vector<HostileCase>* cases);
void AddManifestCases(std::vector<HostileCase>* cases);
void AddFramingCases(std::vector<HostileCase>* cases);
void AddDatabaseCases(std::vector<HostileCase>* cases);
void AddVersionCases(std::vector<HostileCase>* cases);
void AddTableCases(std::vector<HostileCase>* cases);
void AddLogCases(std::vector<HostileCase>* cases);
void AddLargeCases(std::vector<HostileCase>* cases);

// All cases. Their names differ.
const std::vector<HostileCase>& AllHostileCases();

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_HOSTILE_CASE_H_
