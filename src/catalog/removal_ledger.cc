#include "catalog/removal_ledger.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/hash.h"
#include "base/record.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "format/backup_name.h"

namespace levelkeep {

namespace {

constexpr std::string_view kLedgerTitle = "levelkeep-removals-1";
constexpr size_t kCrcDigits = 8;
// Entries are a few hundred bytes long; a reason may be longer.
constexpr size_t kMostReason = 1000;

// "FIELDS CRC\n": fields without blanks, separated by one blank each.
std::string SealLine(const std::string& fields) {
  std::array<char, kCrcDigits + 1> crc;
  std::snprintf(crc.data(), crc.size(), "%08x", Crc32c(0, fields));
  return fields + " " + crc.data() + "\n";
}

// The fields of a line without its line feed; none if the line is damaged.
std::optional<std::vector<std::string>> OpenLine(std::string_view line) {
  if (line.size() <= kCrcDigits) return std::nullopt;
  const std::string fields(line.substr(0, line.size() - kCrcDigits - 1));
  if (SealLine(fields) != std::string(line) + "\n") return std::nullopt;
  std::vector<std::string> values;
  for (const std::string_view token : Split(fields, ' ')) {
    const auto value = UnescapeToken(token);
    if (!value.ok()) return std::nullopt;
    // An empty field would make two blanks.
    values.push_back(*value == "-" ? "" : *value);
  }
  return values;
}

std::string FieldOf(const std::string& value) {
  return value.empty() ? "-" : EscapeToken(value);
}

std::string HeadLine(Time since) {
  return SealLine(std::string(kLedgerTitle) + " " + FormatTime(since));
}

std::string LineOf(const Removal& removal) {
  return SealLine(Join(
      {FormatTime(removal.at), FieldOf(removal.act), FieldOf(removal.by),
       FieldOf(removal.reason.substr(0, kMostReason)), FieldOf(removal.name),
       FieldOf(removal.id), FieldOf(removal.epoch), FieldOf(removal.sha256),
       FieldOf(removal.previous_name), FieldOf(removal.previous_sha256)},
      " "));
}

std::optional<Removal> ParseRemoval(const std::vector<std::string>& fields) {
  constexpr size_t kFields = 10;
  if (fields.size() < kFields) return std::nullopt;  // later ones may have more
  const auto at = ParseTime(fields[0]);
  if (!at.ok()) return std::nullopt;
  Removal removal;
  removal.at = *at;
  removal.act = fields[1];
  removal.by = fields[2];
  removal.reason = fields[3];
  removal.name = fields[4];
  removal.id = fields[5];
  removal.epoch = fields[6];
  removal.sha256 = fields[7];
  removal.previous_name = fields[8];
  removal.previous_sha256 = fields[9];
  return removal;
}

using LedgerFields = std::optional<std::vector<std::string>>;

Result<Time> ParseHead(const std::string& path, const LedgerFields& fields) {
  if (fields && fields->size() >= 2 && fields->front() == kLedgerTitle) {
    if (const auto since = ParseTime((*fields)[1]); since.ok()) return since;
  }
  return Status(StatusCode::kCorruption,
                path + " is not a ledger of removed backups",
                "move it away; the next removal begins another");
}

// The time in a backup's name.
Time NameTime(const std::string& name) {
  const auto parsed = ParseBackupName(name);
  return parsed ? parsed->time : Time::min();
}

}  // namespace

RemovalLedger::RemovalLedger(FileSystem* fs, const std::string& directory,
                             uint64_t most_bytes)
    : fs_(fs),
      path_(JoinPath(directory, "removals")),
      most_bytes_(most_bytes) {}

Status RemovalLedger::Begin(Time since) const {
  const auto info = fs_->Stat(path_);
  if (info.status().code() != StatusCode::kNotFound) return info.status();
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs_, ParentPath(path_)));
  return WriteFileDurably(fs_, path_, HeadLine(since));
}

// 1. end a line that a crash left   2. append and sync   3. shorten
Status RemovalLedger::Append(const Removal& removal) const {
  LEVELKEEP_RETURN_IF_ERROR(Begin(removal.at));
  {
    LEVELKEEP_ASSIGN_OR_RETURN(auto file,
                               fs_->Open(path_, OpenMode::kReadWrite));
    LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
    char last = '\n';
    if (info.size_bytes > 0) {
      LEVELKEEP_RETURN_IF_ERROR(
          ReadExactly(*file, info.size_bytes - 1, &last, 1));
    }
    LEVELKEEP_RETURN_IF_ERROR(
        file->Append((last == '\n' ? "" : "\n") + LineOf(removal)));
    LEVELKEEP_RETURN_IF_ERROR(file->Sync());
    LEVELKEEP_RETURN_IF_ERROR(file->Close());
    if (info.size_bytes < most_bytes_) return Status::Ok();
  }
  return Shorten();
}

// If we die here: the ledger is the long one or the short one.
Status RemovalLedger::Shorten() const {
  LEVELKEEP_ASSIGN_OR_RETURN(const Removals removals, Load());
  const size_t dropped = removals.entries.size() / 2;
  Time since = removals.since.value_or(Time::min());
  std::string text;
  for (size_t i = 0; i < removals.entries.size(); ++i) {
    const Removal& one = removals.entries[i];
    if (i < dropped) {
      since = std::max(since, NameTime(one.name));
    } else {
      text += LineOf(one);
    }
  }
  return WriteFileDurably(fs_, path_, HeadLine(since) + text);
}

Result<Removals> RemovalLedger::Load() const {
  Removals removals;
  // What a process appended before it shortens comes on top of the limit.
  const auto text = ReadFile(fs_, path_, 2 * most_bytes_ + (1u << 20));
  if (text.status().code() == StatusCode::kNotFound) return removals;
  LEVELKEEP_RETURN_IF_ERROR(text.status());
  for (const std::string_view line : Split(*text, '\n')) {
    if (line.empty()) continue;
    const auto fields = OpenLine(line);
    if (!removals.since) {
      LEVELKEEP_ASSIGN_OR_RETURN(removals.since, ParseHead(path_, fields));
      continue;
    }
    auto removal = fields ? ParseRemoval(*fields) : std::nullopt;
    if (removal) {
      removals.entries.push_back(std::move(*removal));
    } else {
      ++removals.damaged_lines;
    }
  }
  return removals;
}

}  // namespace levelkeep
