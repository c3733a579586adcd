// Names that become paths, and texts that become lines: names of backups and of
// a database's files, tokens of records, times, untrusted bytes for a terminal.

#include "base/clock.h"
#include "base/record.h"
#include "base/text.h"
#include "dbfiles/database_files.h"
#include "dbfiles/version.h"
#include "format/backup_name.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

void CheckBackupName(const std::string& text) {
  const auto name = ParseBackupName(text);
  Require(name.has_value() == RequireBackupName(text).ok(),
          "both ways to check a backup's name agree");
  if (!name) return;
  Require(FormatBackupName(*name) == text,
          "a backup's name comes back as it was");
  Require(text.find('/') == text.npos && text.front() != '.' &&
              text.size() < 128 && Printable(text, 200) == text,
          "a backup's name is a harmless name of a file");
  for (const char* suffix : {".sha256", ".md5"}) {
    Require(BackupOfSidecar(text + suffix) == text,
            "a sidecar belongs to its backup");
  }
  const std::string digest(64, 'a');
  Require(ParseSha256Sidecar(digest + "  " + text + "\n", text) == digest,
          "a sidecar as sha256sum writes it is understood");
}

void CheckLabel(const std::string& text) {
  if (!ValidateLabel(text).ok()) return;
  BackupName name;
  name.time = ParseTime("2024-12-27T12:00:00Z").value();
  name.label = text;
  const auto parsed = ParseBackupName(FormatBackupName(name));
  Require(parsed.has_value() && parsed->label == text,
          "a valid label comes back from the backup's name");
}

void CheckDbFileName(const std::string& text) {
  const DbFileName name = ParseDbFileName(text);
  Require(name.kind == DbFileKind::kUnknown ||
              (text.find('/') == text.npos && text != "." && text != ".."),
          "a file of a database is in its folder");
  std::vector<std::string> spellings;
  switch (name.kind) {
    case DbFileKind::kManifest:
      spellings = {ManifestFileName(name.number)};
      break;
    case DbFileKind::kTable:
      spellings = {TableFileName(name.number), OldTableFileName(name.number)};
      break;
    case DbFileKind::kLog:
      spellings = {LogFileName(name.number)};
      break;
    default:
      break;
  }
  for (const std::string& spelling : spellings) {
    const DbFileName again = ParseDbFileName(spelling);
    Require(again.kind == name.kind && again.number == name.number,
            "a number is the same in LevelDB's own spelling");
  }
  const auto current = ParseCurrent(text);
  if (!current.ok()) return;
  Require(ParseDbFileName(*current).kind == DbFileKind::kManifest &&
              *current + "\n" == text,
          "CURRENT names a MANIFEST");
}

void CheckToken(const std::string& text) {
  const std::string token = EscapeToken(text);
  for (const char c : token) {
    Require(c > ' ' && c < '\x7f', "a token is one printable word");
  }
  const auto back = UnescapeToken(token);
  Require(back.ok() && *back == text, "a token comes back as it was");
  const auto unescaped = UnescapeToken(text);
  if (!unescaped.ok()) return;
  const auto again = UnescapeToken(EscapeToken(*unescaped));
  Require(again.ok() && *again == *unescaped, "a token comes back as it was");
}

void CheckTime(const std::string& text) {
  const auto time = ParseTime(text);
  if (!time.ok()) return;
  const std::string formatted = FormatTime(*time);
  const auto again = ParseTime(formatted);
  RequireOk(again.status(), "what FormatTime writes can be parsed");
  Require(FormatTime(*again) == formatted, "a time comes back as it was");
  Require(*again <= *time && *time - *again < std::chrono::milliseconds(1),
          "a time loses less than a millisecond");
}

// Text for a terminal must hold only what a person may see.
void CheckPrintable(const std::string& text, size_t limit) {
  const std::string shown = Printable(text, limit);
  Require(IsValidUtf8(shown), "what is shown is UTF-8");
  size_t characters = 0;
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    Require(byte >= 0x20 && byte != 0x7f, "no control character is shown");
    characters += (byte & 0xc0) != 0x80 ? 1 : 0;
  }
  Require(characters <= limit, "what is shown is not longer than asked");
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t limit = input.Byte();
  const std::string text(input.Rest());
  CheckBackupName(text);
  CheckLabel(text);
  CheckDbFileName(text);
  CheckToken(text);
  CheckTime(text);
  CheckPrintable(text, limit);
  const auto number = ParseUint64(text);
  if (number) {
    Require(text.find_first_not_of("0123456789") == text.npos,
            "a number is made of digits");
  }
  Require(
      ParseSha256Sidecar(text, "backup").empty() || text.find("backup") == 66,
      "a sidecar speaks of its own file only");
}

}  // namespace levelkeep::fuzz
