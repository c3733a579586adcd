// Backups as JSON, keys in the order of the users' manual.

#ifndef LEVELKEEP_API_BACKUP_JSON_H_
#define LEVELKEEP_API_BACKUP_JSON_H_

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

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_BACKUP_JSON_H_
