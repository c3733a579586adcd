#include "format/sidecar.h"

#include <vector>

#include "base/ascii.h"
#include "format/backup_name.h"

namespace levelkeep {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

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

std::string ParseDigest(std::string_view text, DigestKind kind,
                        std::string_view name) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
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
  for (std::string_view suffix : {".sha256", ".md5"}) {
    if (file_name.size() <= suffix.size() ||
        file_name.substr(file_name.size() - suffix.size()) != suffix) {
      continue;
    }
    const auto name = file_name.substr(0, file_name.size() - suffix.size());
    if (ParseBackupName(name)) return std::string(name);
  }
  return "";
}

}  // namespace levelkeep
