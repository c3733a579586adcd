// levelkeep-manifest.json: a decoded manifest is consistent, comes back from
// its own encoding, and does not depend on how many files were expected.

#include <algorithm>
#include <set>

#include "dbfiles/database_files.h"
#include "format/manifest.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

void CheckNames(const Manifest& manifest) {
  const std::string& folder = manifest.db_name;
  Require(!folder.empty() && folder != "." && folder != ".." &&
              folder.find('/') == folder.npos &&
              folder.find('\0') == folder.npos,
          "the database folder's name is that of one folder");
  std::set<std::string> names;
  for (const ManifestFile& file : manifest.files) {
    Require(IsBackedUp(ParseDbFileName(file.name).kind),
            "a manifest lists files of a database only");
    Require(names.insert(file.name).second, "no file is listed twice");
  }
}

void CheckRoundTrip(const Manifest& manifest) {
  const std::string text = EncodeManifest(manifest);
  const auto again = DecodeManifest(text);
  RequireOk(again.status(), "what EncodeManifest writes can be decoded");
  Require(EncodeManifest(*again) == text, "a manifest comes back as it was");
  const auto same = [](const ManifestFile& a, const ManifestFile& b) {
    return a.name == b.name && a.size_bytes == b.size_bytes &&
           a.sha256 == b.sha256;
  };
  Require(std::equal(manifest.files.begin(), manifest.files.end(),
                     again->files.begin(), again->files.end(), same),
          "the files come back as they were");
  Require(manifest.id == again->id && manifest.label == again->label &&
              manifest.db_name == again->db_name &&
              manifest.db_epoch == again->db_epoch &&
              manifest.comparator == again->comparator &&
              manifest.last_sequence == again->last_sequence &&
              manifest.source_bytes == again->source_bytes &&
              manifest.took_ms == again->took_ms &&
              manifest.events.has_value() == again->events.has_value() &&
              manifest.previous_name == again->previous_name,
          "the fields come back as they were");
}

}  // namespace

void Run(FuzzedBytes input) {
  const std::string_view text = input.Rest();
  const auto manifest = DecodeManifest(text);
  if (!manifest.ok()) {
    Require(!manifest.status().message().empty(), "a refusal says why");
    Require(manifest.status().code() == StatusCode::kCorruption ||
                manifest.status().code() == StatusCode::kUnsupported,
            "it is the manifest that is to blame");
    return;
  }
  Require(text.find('\0') == text.npos, "no JSON text holds a NUL");
  CheckNames(*manifest);
  CheckRoundTrip(*manifest);
}

}  // namespace levelkeep::fuzz
