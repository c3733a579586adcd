#include "dbfiles/file_name.h"

#include <cinttypes>
#include <cstdio>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr std::string_view kManifestPrefix = "MANIFEST-";

// LevelDB pads numbers to six digits; larger numbers have more digits.
std::string Numbered(const char* prefix, uint64_t number, const char* suffix) {
  char text[64];
  std::snprintf(text, sizeof(text), "%s%06" PRIu64 "%s", prefix, number,
                suffix);
  return text;
}

DbFileKind KindOfSuffix(std::string_view suffix) {
  if (suffix == ".ldb" || suffix == ".sst") return DbFileKind::kTable;
  if (suffix == ".log") return DbFileKind::kLog;
  if (suffix == ".dbtmp") return DbFileKind::kTemp;
  return DbFileKind::kUnknown;
}

}  // namespace

DbFileName ParseDbFileName(std::string_view name) {
  if (name == "CURRENT") return {DbFileKind::kCurrent, 0};
  if (name == "LOCK") return {DbFileKind::kLock, 0};
  if (name == "LOG" || name == "LOG.old") return {DbFileKind::kInfoLog, 0};

  DbFileKind kind = DbFileKind::kManifest;
  std::string_view digits = name;
  if (name.starts_with(kManifestPrefix)) {
    digits.remove_prefix(kManifestPrefix.size());
  } else {
    const size_t dot = name.find('.');
    if (dot == std::string_view::npos) return {};
    digits = name.substr(0, dot);
    kind = KindOfSuffix(name.substr(dot));
    if (kind == DbFileKind::kUnknown) return {};
  }
  const std::optional<uint64_t> number = ParseUint64(digits);
  if (!number.has_value()) return {};
  return {kind, *number};
}

bool IsBackedUp(DbFileKind kind) {
  return kind == DbFileKind::kCurrent || kind == DbFileKind::kManifest ||
         kind == DbFileKind::kTable || kind == DbFileKind::kLog;
}

std::string ManifestFileName(uint64_t number) {
  return Numbered("MANIFEST-", number, "");
}

std::string TableFileName(uint64_t number) {
  return Numbered("", number, ".ldb");
}

std::string OldTableFileName(uint64_t number) {
  return Numbered("", number, ".sst");
}

std::string LogFileName(uint64_t number) {
  return Numbered("", number, ".log");
}

}  // namespace levelkeep
