#include "format/backup_name.h"

#include <vector>

#include "base/text.h"

namespace levelkeep {

namespace {

constexpr std::string_view kPrefix = "backup_";
constexpr std::string_view kSuffix = ".tar.gz";
constexpr size_t kMaxLabelLength = 64;
constexpr size_t kTimeLength = 17;       // YYYY-MM-DD_HHMMSS
constexpr size_t kMaxCounterDigits = 9;  // fits an int

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool ConsumeSuffix(std::string_view* text, std::string_view suffix) {
  if (!text->ends_with(suffix)) return false;
  text->remove_suffix(suffix.size());
  return true;
}

// Parses YYYY-MM-DD_HHMMSS; the date must exist in the calendar.
std::optional<Time> ConsumeTime(std::string_view* text) {
  if (text->size() < kTimeLength || (*text)[10] != '_') return std::nullopt;
  std::string rfc(text->substr(0, kTimeLength));
  rfc[10] = 'T';
  rfc.insert(15, ":").insert(13, ":") += 'Z';
  const auto time = ParseTime(rfc);
  // Before 1970 there were no backups.
  if (!time.ok() || *time < Time()) return std::nullopt;
  text->remove_prefix(kTimeLength);
  return *time;
}

// Parses "-N": N from 2, without leading zeros, so that each counter has one
// spelling.
bool ConsumeCounter(std::string_view* text, int* counter) {
  const std::string_view digits =
      text->substr(1, text->find_first_not_of("0123456789", 1) - 1);
  const auto number = ParseUint64(digits);
  if (!number || *number < 2 || digits.size() > kMaxCounterDigits ||
      digits[0] == '0') {
    return false;
  }
  *counter = static_cast<int>(*number);
  text->remove_prefix(digits.size() + 1);
  return true;
}

struct DigestLine {
  std::string hex;
  std::string_view name;  // empty: the line has no name
};

size_t HexDigits(DigestKind kind) {
  return kind == DigestKind::kSha256 ? 64 : 32;
}

std::string_view LastComponent(std::string_view path) {
  return path.substr(path.find_last_of("/\\") + 1);
}

// "HEX", "HEX  NAME", "HEX *NAME".
std::optional<DigestLine> ParseHexFirst(std::string_view line, size_t digits) {
  DigestLine parsed;
  parsed.hex = Lower(line.substr(0, digits));
  if (!IsLowerHex(parsed.hex, digits)) return std::nullopt;
  std::string_view rest = line.substr(digits);
  if (rest.empty()) return parsed;
  if (rest.front() != ' ' && rest.front() != '\t') return std::nullopt;
  rest = Trim(rest);
  if (rest.starts_with('*')) rest.remove_prefix(1);
  parsed.name = rest;
  return parsed;
}

// "SHA256 (NAME) = HEX", "SHA2-256(NAME)= HEX".
std::optional<DigestLine> ParseTagged(std::string_view line, DigestKind kind) {
  const size_t open = line.find('(');
  const size_t close = line.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos ||
      close < open) {
    return std::nullopt;
  }
  const std::string tag = Lower(Trim(line.substr(0, open)));
  const bool known =
      kind == DigestKind::kSha256
          ? tag == "sha256" || tag == "sha-256" || tag == "sha2-256"
          : tag == "md5";
  std::string_view rest = Trim(line.substr(close + 1));
  if (!known || !rest.starts_with('=')) return std::nullopt;
  rest = Trim(rest.substr(1));
  DigestLine parsed;
  parsed.hex = Lower(rest);
  parsed.name = line.substr(open + 1, close - open - 1);
  if (!IsLowerHex(parsed.hex, HexDigits(kind))) return std::nullopt;
  return parsed;
}

}  // namespace

std::string FormatBackupName(const BackupName& name) {
  std::string time = FormatTime(name.time).substr(0, 19);  // without ".000Z"
  time[10] = '_';
  std::erase(time, ':');
  std::string result = std::string(kPrefix) + time;
  if (name.counter > 1) result.append("-").append(std::to_string(name.counter));
  if (!name.label.empty()) result += "_" + name.label;
  return result + std::string(kSuffix);
}

std::optional<BackupName> ParseBackupName(std::string_view file_name) {
  std::string_view rest = file_name;
  if (!ConsumePrefix(&rest, kPrefix) || !ConsumeSuffix(&rest, kSuffix)) {
    return std::nullopt;
  }
  BackupName name;
  const std::optional<Time> time = ConsumeTime(&rest);
  if (!time) return std::nullopt;
  name.time = *time;
  if (!rest.empty() && rest[0] == '-' &&
      !ConsumeCounter(&rest, &name.counter)) {
    return std::nullopt;
  }
  if (rest.empty()) return name;
  if (!ConsumePrefix(&rest, "_") || rest.empty() || !ValidateLabel(rest).ok()) {
    return std::nullopt;
  }
  name.label = std::string(rest);
  return name;
}

Status RequireBackupName(std::string_view file_name) {
  if (ParseBackupName(file_name)) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "\"" + Printable(file_name) + "\" is not the name of a backup",
                "names look like backup_2024-12-27_120000.tar.gz");
}

Status ValidateLabel(std::string_view label) {
  const auto invalid = [label](const std::string& why) {
    return Status(StatusCode::kInvalidArgument,
                  "label \"" + Printable(label) + "\" " + why,
                  "use letters, digits, '.', '_' and '-', first a letter or "
                  "digit, at most 64 characters");
  };
  if (label.empty()) return Status::Ok();
  if (label.size() > kMaxLabelLength) {
    return invalid("is longer than 64 characters");
  }
  if (!IsMadeOf(label.substr(0, 1), "")) {
    return invalid("does not start with a letter or digit");
  }
  if (!IsMadeOf(label, "._-")) {
    return invalid("holds a character that is not allowed");
  }
  if (label.ends_with(kSuffix)) return invalid("ends in \".tar.gz\"");
  return Status::Ok();
}

std::string ParseDigest(std::string_view text, DigestKind kind,
                        std::string_view name) {
  ConsumePrefix(&text, "\xef\xbb\xbf");  // the byte order mark
  std::vector<DigestLine> lines;
  for (std::string_view line : Split(text, '\n')) {
    line = Trim(line, " \t\r");
    if (line.empty() || line.front() == '#') continue;
    // sha256sum begins a line with a backslash if it escaped the name.
    if (line.front() == '\\') line.remove_prefix(1);
    auto parsed = ParseHexFirst(line, HexDigits(kind));
    if (!parsed) parsed = ParseTagged(line, kind);
    if (!parsed) return "";
    if (LastComponent(parsed->name) == name) return parsed->hex;
    lines.push_back(std::move(*parsed));
  }
  return lines.size() == 1 ? lines.front().hex : "";
}

std::optional<DigestKind> DigestKindOfName(std::string_view file_name) {
  const std::string lower = Lower(file_name);
  for (const DigestKind kind : {DigestKind::kSha256, DigestKind::kMd5}) {
    if (lower.ends_with(DigestSuffix(kind))) return kind;
  }
  return std::nullopt;
}

std::string_view DigestName(DigestKind kind) {
  return kind == DigestKind::kSha256 ? "SHA-256" : "MD5";
}

std::string_view DigestSuffix(DigestKind kind) {
  return kind == DigestKind::kSha256 ? ".sha256" : ".md5";
}

std::string ParseSha256Sidecar(std::string_view text, std::string_view name) {
  constexpr size_t kDigits = 64;
  // Behind the digits: two blanks, or a blank and the mark of binary mode.
  if (text.size() < kDigits + 2 || text[kDigits] != ' ' ||
      (text[kDigits + 1] != ' ' && text[kDigits + 1] != '*')) {
    return "";
  }
  std::string_view rest = text.substr(kDigits + 2);
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) {
    rest.remove_suffix(1);
  }
  if (rest != name) return "";
  const std::string hex = Lower(text.substr(0, kDigits));
  return IsLowerHex(hex, kDigits) ? hex : "";
}

std::string BackupOfSidecar(std::string_view file_name) {
  for (const DigestKind kind : {DigestKind::kSha256, DigestKind::kMd5}) {
    std::string_view name = file_name;
    if (ConsumeSuffix(&name, DigestSuffix(kind)) && ParseBackupName(name)) {
      return std::string(name);
    }
  }
  return "";
}

}  // namespace levelkeep
