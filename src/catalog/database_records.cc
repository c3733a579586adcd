#include "catalog/database_records.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "destination/folder_destination.h"
#include "format/backup_name.h"

namespace levelkeep {

namespace {

constexpr std::string_view kTitle = "levelkeep database 1";
constexpr size_t kMostPlaces = 8;
// A character that no path contains.
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

constexpr std::string_view kMagic = "levelkeep-reuse-1";
constexpr size_t kSha256Digits = 64;

Status Damaged() {
  return Status(StatusCode::kCorruption, "the record for reuse is damaged");
}

// Fields are separated by one space; each line ends with one line feed.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  bool empty() const { return rest_.empty(); }
  std::string_view Next() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return field;
  }
  std::string Text() { return std::string(Next()); }
  template <typename Number>
  Number Get() {
    const std::string_view field = Next();
    Number value = 0;
    const auto [end, error] =
        std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) bad_ = true;
    return value;
  }
  bool bad() const { return bad_; }

 private:
  std::string_view rest_;
  bool bad_ = false;
};

void AppendNumber(uint64_t number, std::string* text) {
  *text += ' ';
  *text += std::to_string(number);
}

void AppendFile(const ReusableFile& file, std::string* text) {
  *text += file.archived.name;
  AppendNumber(file.archived.size_bytes, text);
  AppendNumber(file.device, text);
  AppendNumber(file.inode, text);
  *text +=
      ' ' + std::to_string(file.mtime_ns) + ' ' + file.archived.sha256.Hex();
  for (const TocChunk& chunk : file.archived.chunks) {
    AppendNumber(chunk.archive_offset, text);
    AppendNumber(chunk.member_bytes, text);
    AppendNumber(chunk.member_checksum, text);
    // A file with a single chunk has the chunk's digest.
    if (file.archived.chunks.size() > 1) *text += ' ' + chunk.sha256.Hex();
  }
  *text += '\n';
}

std::optional<ReusableFile> DecodeFile(std::string_view line) {
  Fields fields(line);
  ReusableFile file;
  file.archived.name = fields.Text();
  file.archived.size_bytes = fields.Get<uint64_t>();
  file.device = fields.Get<uint64_t>();
  file.inode = fields.Get<uint64_t>();
  file.mtime_ns = fields.Get<int64_t>();
  const std::optional<Sha256> sha256 = Sha256::FromHex(fields.Next());
  if (!sha256) return std::nullopt;
  file.archived.sha256 = *sha256;
  const uint64_t chunks = ChunkCount(file.archived.size_bytes);
  while (!fields.empty() && !fields.bad()) {
    TocChunk& chunk = file.archived.chunks.emplace_back();
    chunk.archive_offset = fields.Get<uint64_t>();
    chunk.member_bytes = fields.Get<uint64_t>();
    chunk.member_checksum = fields.Get<uint64_t>();
    const auto own = chunks > 1 ? Sha256::FromHex(fields.Next()) : sha256;
    if (!own) return std::nullopt;
    chunk.sha256 = *own;
  }
  const bool good = !fields.bad() && file.archived.chunks.size() == chunks &&
                    IsBackedUp(ParseDbFileName(file.archived.name).kind);
  return good ? std::optional(std::move(file)) : std::nullopt;
}

}  // namespace

bool DatabaseRecord::IsAt(const std::string& place) const {
  return std::ranges::find(places, place) != places.end();
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
  LEVELKEEP_ASSIGN_OR_RETURN(const auto folders, ListFolders());
  for (const std::string& folder : folders) {
    auto record = Load(BaseName(folder));
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
  const auto folders = ListFolders();
  return folders.ok() &&
         std::ranges::any_of(*folders, [&](const std::string& folder) {
           return folder != Folder(id);
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

Result<std::unique_ptr<FileLock>> DatabaseRecords::Lock(
    const std::string& id, const char* which) const {
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, Folder(id)));
  return fs_->Lock(JoinPath(Folder(id), which));
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
    // A process that makes a backup writes the record for reuse there.
    const auto lock = Lock(BaseName(folder), kCreate);
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

std::string EncodeReuseRecord(const ReuseRecord& record) {
  std::string text(kMagic);
  text += ' ' + record.archive;
  AppendNumber(record.archive_bytes, &text);
  AppendNumber(record.archive_inode, &text);
  text += ' ' + std::to_string(record.archive_mtime_ns) + ' ' +
          record.db_epoch + ' ' + record.writer + '\n';
  for (const ReusableFile& file : record.files) AppendFile(file, &text);
  return text + Sha256Hex(text) + '\n';
}

Result<ReuseRecord> DecodeReuseRecord(std::string_view text) {
  // Nothing in the text is used before its digest is verified.
  if (text.size() < kSha256Digits + 1 || text.back() != '\n') return Damaged();
  const std::string_view digest =
      text.substr(text.size() - kSha256Digits - 1, kSha256Digits);
  text.remove_suffix(kSha256Digits + 1);
  if (Sha256Hex(text) != digest) return Damaged();
  const std::vector<std::string_view> lines = Split(text, '\n');
  if (!lines.back().empty()) return Damaged();
  Fields head(lines.front());
  if (head.Next() != kMagic) return Damaged();
  ReuseRecord record;
  record.archive = head.Text();
  record.archive_bytes = head.Get<uint64_t>();
  record.archive_inode = head.Get<uint64_t>();
  record.archive_mtime_ns = head.Get<int64_t>();
  record.db_epoch = head.Text();
  record.writer = head.Text();
  if (head.bad() || !head.empty() || !ParseBackupName(record.archive)) {
    return Damaged();
  }
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    std::optional<ReusableFile> file = DecodeFile(lines[i]);
    if (!file) return Damaged();
    record.files.push_back(std::move(*file));
  }
  return record;
}

}  // namespace levelkeep
