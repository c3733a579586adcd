#include "catalog/database_records.h"

#include <algorithm>
#include <utility>

#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "destination/folder_destination.h"

namespace levelkeep {

namespace {

constexpr std::string_view kTitle = "levelkeep database 1";
constexpr size_t kMostPlaces = 8;
// No path holds it.
constexpr char kSeparator = '\0';

Record ToRecord(const DatabaseRecord& database) {
  Record record;
  record.Set("id", database.identity.id);
  record.Set("epoch", database.identity.epoch);
  record.Set("parent", database.identity.parent);
  record.SetNumber("sequence", database.head.sequence);
  record.SetNumber("manifest_number", database.head.manifest_number);
  record.Set("expected_epoch", database.expected_epoch);
  record.Set("places", Join(database.places, {&kSeparator, 1}));
  record.Set("forked", database.forked);
  record.Set("writer", database.writer);
  return record;
}

DatabaseRecord FromRecord(const Record& record) {
  DatabaseRecord database;
  database.identity = {record.Get("id"), record.Get("epoch"),
                       record.Get("parent")};
  database.head = {record.GetNumber("sequence"),
                   record.GetNumber("manifest_number")};
  database.expected_epoch = record.Get("expected_epoch");
  const std::string places = record.Get("places");
  for (const std::string_view place : Split(places, kSeparator)) {
    if (!place.empty()) database.places.emplace_back(place);
  }
  database.forked = record.Get("forked");
  database.writer = record.Get("writer");
  return database;
}

}  // namespace

bool DatabaseRecord::IsAt(const std::string& place) const {
  return std::find(places.begin(), places.end(), place) != places.end();
}

void DatabaseRecord::PutPlace(const std::string& place, bool attached) {
  if (!attached && IsAt(place)) return;
  std::erase(places, place);
  places.insert(attached ? places.begin() : places.end(), place);
  if (places.size() > kMostPlaces) places.resize(kMostPlaces);
}

DatabaseRecords::DatabaseRecords(FileSystem* fs, std::string backup_dir)
    : fs_(fs),
      directory_(JoinPath(JoinPath(std::move(backup_dir), kStateFolder),
                          "databases")) {}

std::string DatabaseRecords::Folder(const std::string& id) const {
  return JoinPath(directory_, id);
}

Result<std::vector<DatabaseRecord>> DatabaseRecords::List() const {
  std::vector<DatabaseRecord> records;
  const auto names = fs_->List(directory_);
  if (names.status().code() == StatusCode::kNotFound) return records;
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    if (!IsEpoch(name)) continue;
    auto record = Load(name);
    if (record.ok()) {
      records.push_back(std::move(*record));
    } else if (record.status().code() != StatusCode::kNotFound &&
               record.status().code() != StatusCode::kCorruption) {
      return record.status();
    }
  }
  return records;
}

bool DatabaseRecords::HasOther(const std::string& id) const {
  const auto names = fs_->List(directory_);
  return names.ok() &&
         std::any_of(names->begin(), names->end(), [&](const auto& name) {
           return IsEpoch(name) && name != id;
         });
}

Result<DatabaseRecord> DatabaseRecords::Load(const std::string& id) const {
  LEVELKEEP_ASSIGN_OR_RETURN(
      const Record record,
      LoadRecord(fs_, JoinPath(Folder(id), "record"), kTitle));
  DatabaseRecord database = FromRecord(record);
  if (database.identity.id == id) return database;
  return Status(StatusCode::kCorruption,
                JoinPath(Folder(id), "record") + " is of another database");
}

Status DatabaseRecords::Store(const DatabaseRecord& record) const {
  const std::string folder = Folder(record.identity.id);
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, folder));
  return StoreRecord(fs_, JoinPath(folder, "record"), kTitle, ToRecord(record));
}

Result<std::string> DatabaseRecords::FindPlace(const std::string& place) const {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto records, List());
  std::string found;
  for (const DatabaseRecord& record : records) {
    if (!record.IsAt(place)) continue;
    if (!found.empty()) return std::string();
    found = record.identity.id;
  }
  return found;
}

Result<std::unique_ptr<FileLock>> DatabaseRecords::LockWriter(
    const std::string& id) const {
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, Folder(id)));
  return fs_->Lock(JoinPath(Folder(id), "writer.lock"));
}

Result<std::unique_ptr<FileLock>> DatabaseRecords::LockCreate(
    const std::string& id) const {
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, Folder(id)));
  return fs_->Lock(JoinPath(Folder(id), "create.lock"));
}

Result<std::vector<std::string>> DatabaseRecords::ListFolders() const {
  std::vector<std::string> folders;
  const auto ids = fs_->List(directory_);
  if (ids.status().code() == StatusCode::kNotFound) return folders;
  LEVELKEEP_RETURN_IF_ERROR(ids.status());
  for (const std::string& id : *ids) {
    if (IsEpoch(id)) folders.push_back(Folder(id));
  }
  return folders;
}

Result<std::vector<std::string>> DatabaseRecords::Sweep() const {
  std::vector<std::string> swept;
  LEVELKEEP_ASSIGN_OR_RETURN(const auto folders, ListFolders());
  for (const std::string& folder : folders) {
    LEVELKEEP_ASSIGN_OR_RETURN(auto names, fs_->List(folder));
    std::erase_if(names,
                  [](const auto& name) { return !IsTemporaryName(name); });
    if (names.empty()) continue;
    // Whoever makes a backup remembers there what it can copy the next time.
    const auto lock = LockCreate(BaseName(folder));
    if (lock.status().code() == StatusCode::kBusy) continue;
    LEVELKEEP_RETURN_IF_ERROR(lock.status());
    for (const std::string& name : names) {
      swept.push_back(JoinPath(folder, name));
      LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(swept.back()));
    }
    LEVELKEEP_RETURN_IF_ERROR(fs_->SyncDirectory(folder));
  }
  return swept;
}

}  // namespace levelkeep
