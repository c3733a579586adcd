// Archives of our format that are built part by part, so that each part can
// lie on its own.

#ifndef LEVELKEEP_TESTS_HOSTILE_OWN_ARCHIVE_H_
#define LEVELKEEP_TESTS_HOSTILE_OWN_ARCHIVE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "archive/gzip_format.h"
#include "archive/tar_format.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "support/tar_bytes.h"

namespace levelkeep::test {

inline constexpr char kOwnFolder[] = "event_registry_db";
inline constexpr int64_t kOwnTime = 1735300800;  // 2024-12-27T12:00:00Z

// A gzip member as our writer makes it.
inline std::string OwnMember(std::string_view content) {
  Deflater deflater(true, 1);
  ByteBuffer out;
  MemberWriter(&deflater, &out).Append(content, true);
  return std::string(out.view());
}

// The tar in the member of the table of contents.
inline std::string TocTar(const std::string& text) {
  return EncodeTarHeader(std::string(kTocEntryName), text.size(), kOwnTime)
             .value() +
         text + std::string(TarPadding(text.size()) + kTarEndBytes, '\0');
}

// Changes during the build of an archive, in its order; each may be empty.
struct OwnLies {
  using Edit = std::function<void(std::string* bytes)>;
  // `name` is the entry's: "000005.ldb" or "levelkeep-manifest.json".
  using EntryEdit =
      std::function<void(const std::string& name, std::string* bytes)>;

  EntryEdit header;   // its tar header blocks
  EntryEdit content;  // of a chunk, before it is packed, with padding
  EntryEdit member;   // of a chunk, packed; offsets follow its new size
  std::function<void(Manifest*)> manifest;
  Edit manifest_text;
  std::function<void(Toc*)> toc;
  Edit toc_text;
  Edit toc_tar;
  std::function<void(uint64_t* offset)> footer;
  Edit archive;  // the whole archive
};

// An archive of the files, with a true manifest unless `lies` says otherwise.
std::string OwnArchive(const Files& files, uint64_t last_sequence,
                       const OwnLies& lies = {});

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_OWN_ARCHIVE_H_
