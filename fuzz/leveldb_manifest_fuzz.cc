// LevelDB's MANIFEST. The first byte says what is fuzzed:
//   0  the whole file
//   1  the edits, each framed as a good record
// An accepted MANIFEST must survive being written as one edit.

#include "base/file_system.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "log_builder.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

Result<ManifestContent> Read(const std::string& manifest) {
  const auto source = NewStringSource(manifest);
  return ReadManifest(*source, manifest.size());
}

void CheckEdit(std::string_view record) {
  const auto edit = VersionEdit::Decode(record);
  if (!edit.ok()) return;
  const std::string encoded = edit->Encode();
  const auto again = VersionEdit::Decode(encoded);
  RequireOk(again.status(), "what Encode writes can be decoded");
  Require(again->Encode() == encoded, "an edit comes back as it was");
  Require(again->added_tables.size() == edit->added_tables.size() &&
              again->removed_tables == edit->removed_tables &&
              again->compact_pointers == edit->compact_pointers &&
              again->comparator == edit->comparator &&
              again->log_number == edit->log_number &&
              again->last_sequence == edit->last_sequence &&
              again->next_file_number == edit->next_file_number,
          "nothing of an edit is lost");
}

void CheckVersion(const Version& version) {
  for (const auto& [number, table] : version.tables()) {
    Require(table.number == number, "tables are kept by their number");
    Require(number < version.next_file_number(),
            "a table's number was given out");
    Require(table.level >= 0 && table.level < 7, "a table has a level");
  }
  const std::string edit = version.EncodeAsEdit();
  const auto again = Read(FrameAsLog(edit));
  RequireOk(again.status(), "a MANIFEST of one edit can be read");
  Require(again->version.EncodeAsEdit() == edit,
          "a MANIFEST of one edit says the same");
}

}  // namespace

void Run(FuzzedBytes input) {
  LogBuilder builder;
  if (input.Byte() % 2 == 0) {
    builder.AddBytes(input.Rest());
  } else {
    while (!input.empty()) {
      const std::string_view record = input.Piece();
      CheckEdit(record);
      builder.AddRecord(record);
    }
  }
  const std::string& manifest = builder.log();
  const auto torn = Read(manifest);
  if (!torn.ok()) {
    Require(torn.status().code() == StatusCode::kCorruption,
            "it is the MANIFEST that is to blame");
    return;
  }
  Require(torn->boundary <= manifest.size(), "a boundary is in the file");
  const auto whole = Read(manifest.substr(0, torn->boundary));
  RequireOk(whole.status(), "up to the boundary, a MANIFEST is whole");
  Require(whole->boundary == torn->boundary, "nothing of it is torn");
  Require(whole->version.EncodeAsEdit() == torn->version.EncodeAsEdit(),
          "behind the boundary is nothing that counts");
  CheckVersion(torn->version);
}

}  // namespace levelkeep::fuzz
