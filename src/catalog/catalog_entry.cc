#include "catalog/catalog_entry.h"

#include <array>

#include "archive/backup_order.h"

namespace levelkeep {
namespace {

// In the order of VerifyDepth.
constexpr std::array<std::string_view, 3> kDepthNames = {"structure",
                                                         "checksums", "full"};

}  // namespace

std::string VerifyDepthName(VerifyDepth depth) {
  return std::string(kDepthNames.at(static_cast<size_t>(depth)));
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

Time CatalogEntry::order_time() const {
  return manifest ? OrderTimeOf(*manifest) : parsed.time;
}

std::string CatalogEntry::status() const {
  if (damaged()) return "damaged";
  if (!manifest && !foreign) return "unreadable";
  return verified() ? "verified" : "unverified";
}

}  // namespace levelkeep
