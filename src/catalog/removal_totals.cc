#include "catalog/removal_totals.h"

#include "base/record.h"
#include "base/status_macros.h"

namespace levelkeep {

namespace {

constexpr char kTitle[] = "levelkeep removal totals 1";
constexpr char kBackups[] = "backups.";
constexpr char kBytes[] = "bytes.";

// A damaged record counts as none.
Result<Record> LoadOrEmpty(FileSystem* fs, const std::string& path) {
  auto record = LoadRecord(fs, path, kTitle);
  const StatusCode code = record.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kCorruption) {
    return Record();
  }
  return record;
}

void Increase(const std::string& name, uint64_t by, Record* record) {
  record->SetNumber(name, record->GetNumber(name) + by);
}

}  // namespace

RemovalTotals::RemovalTotals(FileSystem* fs, const std::string& directory)
    : fs_(fs), path_(JoinPath(directory, "removal-totals")) {}

Status RemovalTotals::Add(const std::string& act, uint64_t bytes) const {
  LEVELKEEP_ASSIGN_OR_RETURN(Record record, LoadOrEmpty(fs_, path_));
  Increase(kBackups + act, 1, &record);
  Increase(kBytes + act, bytes, &record);
  return StoreRecord(fs_, path_, kTitle, record);
}

Result<std::vector<RemovalTotal>> RemovalTotals::Load() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const Record record, LoadOrEmpty(fs_, path_));
  std::vector<RemovalTotal> totals;
  for (const char* act : {"rotate", "delete"}) {
    totals.push_back({act, record.GetNumber(std::string(kBackups) + act),
                      record.GetNumber(std::string(kBytes) + act)});
  }
  return totals;
}

}  // namespace levelkeep
