// Small durable records: lines "name value" between a title and a CRC.
//
//   levelkeep journal 1
//   archive backup_2024-12-27_120000.tar.gz
//   state ready
//   crc32c 0f3a19c2
//
// Bytes outside of printable ASCII, blanks and '%' are written as %XX, so that
// any file name is read back unchanged.

#ifndef LEVELKEEP_BASE_RECORD_H_
#define LEVELKEEP_BASE_RECORD_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Value type.
class Record {
 public:
  void Set(const std::string& name, std::string_view value);
  void SetNumber(const std::string& name, uint64_t value);
  // Get returns "" and GetNumber 0 if the name is missing.
  std::string Get(const std::string& name) const;
  uint64_t GetNumber(const std::string& name) const;
  const std::map<std::string, std::string>& fields() const { return fields_; }

  std::string Encode(std::string_view title) const;
  // kCorruption if the title differs, a line is malformed, or the CRC is wrong.
  static Result<Record> Decode(std::string_view title, std::string_view text);

 private:
  std::map<std::string, std::string> fields_;
};

std::string EscapeToken(std::string_view text);
// kCorruption on a malformed escape.
Result<std::string> UnescapeToken(std::string_view token);

// True for a name that may become a path: it leads to no other folder, and a
// file can have it.
bool IsPlainName(std::string_view name);

// kNotFound if there is no record; kCorruption if it is damaged, which callers
// treat as absent; other codes if it could not be read, which callers must not
// ignore.
Result<Record> LoadRecord(FileSystem* fs, const std::string& path,
                          std::string_view title);
// Durable on return; a crash leaves the old record or the new one.
Status StoreRecord(FileSystem* fs, const std::string& path,
                   std::string_view title, const Record& record);
// Durable on return. Missing: ok.
Status RemoveRecord(FileSystem* fs, const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_RECORD_H_
