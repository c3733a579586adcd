#include "catalog/catalog_entry.h"

namespace levelkeep {

std::string VerifyDepthName(VerifyDepth depth) {
  switch (depth) {
    case VerifyDepth::kStructure:
      return "structure";
    case VerifyDepth::kChecksums:
      return "checksums";
    case VerifyDepth::kFull:
      return "full";
  }
  return "structure";
}

std::optional<VerifyDepth> ParseVerifyDepth(std::string_view text) {
  for (VerifyDepth depth :
       {VerifyDepth::kStructure, VerifyDepth::kChecksums, VerifyDepth::kFull}) {
    if (text == VerifyDepthName(depth)) return depth;
  }
  return std::nullopt;
}

Time CatalogEntry::created() const {
  return manifest ? manifest->created : parsed.time;
}

std::string CatalogEntry::status() const {
  if (damaged()) return "damaged";
  if (!manifest && !foreign) return "unreadable";
  return verified() ? "verified" : "unverified";
}

}  // namespace levelkeep
