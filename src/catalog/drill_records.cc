#include "catalog/drill_records.h"

#include <map>
#include <utility>

#include "base/drill_fields.h"
#include "base/log.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr std::string_view kDrillsTitle = "levelkeep drills 1";

// "7.backup": a field of the eighth drill, counted from the newest.
std::string FieldName(size_t number, const std::string& name) {
  return std::to_string(number) + "." + name;
}

std::vector<DrillReport> DrillsIn(const Record& record) {
  std::vector<DrillReport> drills;
  std::map<uint64_t, std::map<std::string, std::string>> fields;
  for (const auto& [name, value] : record.fields()) {
    const size_t dot = name.find('.');
    const auto number = ParseUint64(name.substr(0, dot));
    if (dot == std::string::npos || !number) continue;
    fields[*number][name.substr(dot + 1)] = value;
  }
  drills.reserve(fields.size());
  for (const auto& [number, one] : fields) {
    drills.push_back(DrillReportOf(one));
  }
  return drills;
}

bool IsSame(const FileInfo& a, const FileInfo& b) {
  return a.inode == b.inode && a.mtime_ns == b.mtime_ns &&
         a.ctime_ns == b.ctime_ns && a.size_bytes == b.size_bytes;
}

}  // namespace

Result<std::vector<DrillReport>> DrillRecords::Load() {
  MutexLock lock(&mutex_);
  const auto info = fs_->Stat(path_);
  if (info.status().code() == StatusCode::kNotFound) {
    return std::vector<DrillReport>();
  }
  LEVELKEEP_RETURN_IF_ERROR(info.status());
  if (seen_ && IsSame(*seen_, *info)) return drills_;
  const auto record = LoadRecord(fs_, path_, kDrillsTitle);
  const bool damaged = record.status().code() == StatusCode::kCorruption;
  if (!damaged) LEVELKEEP_RETURN_IF_ERROR(record.status());
  if (damaged) {
    LogWarn("BackupManager", path_ +
                                 " is damaged, so that the drills before "
                                 "are forgotten: " +
                                 record.status().message());
  }
  drills_ = damaged ? std::vector<DrillReport>() : DrillsIn(*record);
  seen_ = *info;
  return drills_;
}

Status DrillRecords::Add(const DrillReport& report) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto drills, Load());
  drills.insert(drills.begin(), report);
  if (drills.size() > kMost) drills.resize(kMost);
  Record record;
  for (size_t i = 0; i < drills.size(); ++i) {
    for (const auto& [name, value] : DrillFields(drills[i])) {
      record.Set(FieldName(i, name), value);
    }
  }
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, ParentPath(path_)));
  return StoreRecord(fs_, path_, kDrillsTitle, record);
}

}  // namespace levelkeep
