// What the manager reports, as JSON: HTTP and `levelkeep --json` use the same
// names. Keys are in the order of the users' manual.

#ifndef LEVELKEEP_API_REPORT_JSON_H_
#define LEVELKEEP_API_REPORT_JSON_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "levelkeep/backup_manager.h"

namespace levelkeep::api {

using Json = nlohmann::ordered_json;

// One element of "backups".
Json BackupToJson(const BackupInfo& backup, Time now);
// The same with everything that its manifest says.
Json BackupToDetailedJson(const BackupInfo& backup, Time now);
Json BackupsToJson(const std::vector<BackupInfo>& backups, Time now);

// Appends the text of BackupsToJson, byte for byte, without the tree and the
// list in between: for 10,000 backups that is 4 MB in milliseconds.
// Thread safety: one thread at a time.
class BackupArrayText {
 public:
  // `text` outlives this object; nobody else changes it until Finish.
  BackupArrayText(Time now, std::string* text);
  ~BackupArrayText();
  BackupArrayText(const BackupArrayText&) = delete;
  BackupArrayText& operator=(const BackupArrayText&) = delete;

  void Add(const BackupInfo& backup);
  uint64_t size() const { return size_; }
  void Finish();

 private:
  struct Scratch;

  const Time now_;
  std::string* const text_;
  uint64_t size_ = 0;
  std::unique_ptr<Scratch> scratch_;
};

// null without value.
Json TimeToJson(const std::optional<Time>& time);

// Of a backup that was just made.
Json CreatedToJson(const BackupInfo& backup);
Json ToJson(const VerifyReport& report);
Json ToJson(const RestoreReport& report);
Json ToJson(const RestorePreview& preview);
Json UndoToJson(const RestoreReport& report);
Json ToJson(const KeptDatabase& database);
// What an undo would bring back.
Json UndoPreviewToJson(const KeptDatabase& database);
Json RotationToJson(const std::vector<RotationDecision>& decisions,
                    bool dry_run);
Json ToJson(const HealthReport& health, Time now);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_REPORT_JSON_H_
