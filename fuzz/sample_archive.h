// Makes archives: of LevelKeep, with any part replaced, and foreign ones.

#ifndef LEVELKEEP_FUZZ_SAMPLE_ARCHIVE_H_
#define LEVELKEEP_FUZZ_SAMPLE_ARCHIVE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "format/manifest.h"
#include "format/toc.h"
#include "support.h"

namespace levelkeep::fuzz {

// The manifest of a backup that holds these files.
Manifest SampleManifest(const std::vector<TocFile>& written);

// An archive by the product's own writer. It is stored, not deflated, so that
// the fuzzer sees its bytes. `manifest_text` gets the true manifest.
std::string MakeOwnArchive(const Files& files,
                           const std::function<std::string(const Manifest&)>&
                               manifest_text = EncodeManifest);

// REQUIRES: `archive` was made by MakeOwnArchive.
uint64_t TocOffset(std::string_view archive);
std::string TocText(std::string_view archive);
std::string ManifestText(std::string_view archive);
// `payload` is the part before the table of contents.
std::string WithToc(std::string_view payload, std::string_view toc_text);

// One stored gzip member with right CRC and size.
std::string GzipMember(std::string_view content);
// A ustar header with a right checksum, then the content and its padding.
std::string TarEntry(const std::string& name, std::string_view content,
                     char type = '0');
std::string TarOf(const Files& files, const std::string& folder);
std::string TarEnd();

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_SAMPLE_ARCHIVE_H_
