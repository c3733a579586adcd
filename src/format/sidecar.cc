#include "format/sidecar.h"

#include "base/ascii.h"
#include "format/backup_name.h"

namespace levelkeep {

std::string ParseSha256Sidecar(std::string_view text, std::string_view name) {
  constexpr size_t kDigits = 64;
  // Two blanks, or a blank and the mark of binary mode.
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
