#include "base/record.h"

#include <climits>
#include <cstdio>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMaxRecordBytes = 64 * 1024;
constexpr std::string_view kCrcName = "crc32c ";

std::string CrcLine(std::string_view text) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%08x", Crc32c(0, text));
  return std::string(kCrcName) + digits + "\n";
}

Status Damaged(std::string_view title, std::string_view what) {
  return Status(StatusCode::kCorruption, "the record \"" + std::string(title) +
                                             "\" " + std::string(what));
}

}  // namespace

void Record::Set(const std::string& name, std::string_view value) {
  fields_[name] = std::string(value);
}

void Record::SetNumber(const std::string& name, uint64_t value) {
  fields_[name] = std::to_string(value);
}

std::string Record::Get(const std::string& name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? std::string() : found->second;
}

uint64_t Record::GetNumber(const std::string& name) const {
  return ParseUint64(Get(name)).value_or(0);
}

std::string Record::Encode(std::string_view title) const {
  std::string text = std::string(title) + "\n";
  for (const auto& [name, value] : fields_) {
    text += name + " " + EscapeToken(value) + "\n";
  }
  return text + CrcLine(text);
}

Result<Record> Record::Decode(std::string_view title, std::string_view text) {
  const size_t crc_start = text.rfind(kCrcName);
  if (crc_start == std::string_view::npos ||
      text.substr(crc_start) != CrcLine(text.substr(0, crc_start))) {
    return Damaged(title, "has a wrong CRC");
  }
  auto lines = Split(text.substr(0, crc_start), '\n');
  if (!lines.back().empty()) return Damaged(title, "ends early");
  lines.pop_back();
  if (lines.empty()) return Damaged(title, "is empty");
  if (lines.front() != title) return Damaged(title, "has another title");
  lines.erase(lines.begin());
  Record record;
  for (const std::string_view line : lines) {
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos || blank == 0) {
      return Damaged(title, "has a line without a value");
    }
    LEVELKEEP_ASSIGN_OR_RETURN(std::string value,
                               UnescapeToken(line.substr(blank + 1)));
    record.fields_[std::string(line.substr(0, blank))] = std::move(value);
  }
  return record;
}

std::string EscapeToken(std::string_view text) {
  std::string token;
  token.reserve(text.size());
  for (const char& c : text) {
    if (c <= ' ' || c >= '\x7f' || c == '%') {
      token += '%' + ToHex(std::string_view(&c, 1));
    } else {
      token += c;
    }
  }
  return token;
}

Result<std::string> UnescapeToken(std::string_view token) {
  std::string text;
  text.reserve(token.size());
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '%') {
      text += token[i];
      continue;
    }
    const int byte = HexByte(token.substr(i + 1));
    if (byte < 0) {
      return Status(StatusCode::kCorruption, "malformed escape in a record");
    }
    text += static_cast<char>(byte);
    i += 2;
  }
  return text;
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name.front() != '.' &&
         name.find_first_of(std::string_view("/\0", 2)) ==
             std::string_view::npos;
}

Result<Record> LoadRecord(FileSystem* fs, const std::string& path,
                          std::string_view title) {
  const auto text = ReadFile(fs, path, kMaxRecordBytes);
  if (text.status().code() == StatusCode::kInvalidArgument) {
    return Damaged(title, "is too large");
  }
  LEVELKEEP_RETURN_IF_ERROR(text.status());
  return Record::Decode(title, *text);
}

Status StoreRecord(FileSystem* fs, const std::string& path,
                   std::string_view title, const Record& record) {
  return WriteFileDurably(fs, path, record.Encode(title));
}

Status RemoveRecord(FileSystem* fs, const std::string& path) {
  const Status removed = fs->RemoveFile(path);
  if (removed.code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(removed);
  return fs->SyncDirectory(ParentPath(path));
}

}  // namespace levelkeep
