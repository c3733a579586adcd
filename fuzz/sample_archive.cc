#include "sample_archive.h"

#include <algorithm>
#include <cstdio>

#include "archive/archive_writer.h"
#include "archive/codec.h"
#include "archive/gzip_format.h"
#include "archive/member_reader.h"
#include "archive/readers.h"
#include "archive/tar_format.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "format/toc.h"
#include "sample_database.h"
#include "support/simulated_disk.h"

namespace levelkeep::fuzz {
namespace {

// The time of all entries, in seconds and as text.
constexpr int64_t kMtime = 1735300800;
constexpr std::string_view kMtimeText = "2024-12-27T12:00:00Z";

std::vector<ArchiveInput> InputsOf(const Files& files) {
  std::vector<ArchiveInput> inputs;
  for (const auto& [name, content] : files) {
    ArchiveInput input;
    input.name = std::string(kDbName) + "/" + name;
    input.size_bytes = content.size();
    input.open = [content = &content]() -> Result<std::unique_ptr<ByteSource>> {
      return NewStringSource(*content);
    };
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// The content of the gzip member that begins at `begin`.
std::string Inflate(std::string_view archive, uint64_t begin) {
  const auto source = NewStringSource(std::string(archive));
  MemberReader reader(source.get());
  reader.Start(begin, archive.size());
  const auto content = reader.ReadMember(kMaxIndexBytes);
  RequireOk(content.status(), "a member of our archive can be read");
  return *content;
}

}  // namespace

Manifest SampleManifest(const std::vector<TocFile>& written) {
  Manifest manifest;
  manifest.id = std::string(32, 'a');
  manifest.created = ParseTime("2024-12-27T12:00:00.123Z").value();
  manifest.trigger = "manual";
  manifest.hostname = "host";
  manifest.levelkeep_version = "0.1.0";
  manifest.snapshot_method = "hot";
  manifest.db_name = kDbName;
  manifest.db_epoch = std::string(32, 'b');
  manifest.comparator = kComparator;
  manifest.last_sequence = kSampleSequence;
  const size_t folder = std::string_view(kDbName).size() + 1;
  for (const TocFile& file : written) {
    manifest.source_bytes += file.size_bytes;
    manifest.files.push_back(
        {file.name.substr(folder), file.size_bytes, file.sha256});
  }
  return manifest;
}

std::string MakeOwnArchive(
    const Files& files,
    const std::function<std::string(const Manifest&)>& manifest_text) {
  constexpr char kPath[] = "/a.tar.gz";
  test::SimulatedDisk disk;
  auto file = disk.file_system()->Open(kPath, OpenMode::kCreateNew);
  RequireOk(file.status(), "an archive can be made");
  ArchiveWriteOptions options;
  options.compress = false;
  options.threads = 1;
  options.mtime = ParseTime(kMtimeText).value();
  const auto summary = WriteArchive(
      InputsOf(files),
      [&](const std::vector<TocFile>& written) -> Result<std::string> {
        return manifest_text(SampleManifest(written));
      },
      options, file->get());
  RequireOk(summary.status(), "an archive can be written");
  return *disk.Save().At(kPath)->bytes;
}

uint64_t TocOffset(std::string_view archive) {
  return DecodeFooter(archive.substr(archive.size() - kFooterBytes)).value();
}

std::string TocText(std::string_view archive) {
  const std::string content = Inflate(archive, TocOffset(archive));
  const std::string text = content.substr(kTarBlockBytes);
  return text.substr(0, text.find('\0'));
}

std::string ManifestText(std::string_view archive) {
  const auto source = NewStringSource(std::string(archive));
  const auto index = LoadOwnIndex(*source, archive.size());
  RequireOk(index.status(), "our archive has an index");
  const TocFile& file = (*index)->toc.files.back();
  return Inflate(archive, file.chunks.front().archive_offset)
      .substr(0, file.size_bytes);
}

std::string WithToc(std::string_view payload, std::string_view toc_text) {
  const auto header =
      EncodeTarHeader(std::string(kTocEntryName), toc_text.size(), kMtime);
  RequireOk(header.status(), "the table of contents has a tar header");
  const std::string padding(TarPadding(toc_text.size()) + kTarEndBytes, '\0');
  return std::string(payload) +
         GzipMember(*header + std::string(toc_text) + padding) +
         EncodeFooter(payload.size());
}

std::string GzipMember(std::string_view content) {
  Deflater deflater(/*compress=*/false, 1);
  ByteBuffer out;
  MemberWriter(&deflater, &out).Append(content, /*last=*/true);
  return std::string(out.view());
}

std::string TarEntry(const std::string& name, std::string_view content,
                     char type) {
  std::string block(kTarBlockBytes, '\0');
  const auto put = [&block](size_t at, std::string_view text) {
    block.replace(at, text.size(), text);
  };
  char octal[16];
  put(0, std::string_view(name).substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  std::snprintf(octal, sizeof octal, "%011zo", content.size());
  put(124, octal);
  put(136, "14733515300");
  put(148, "        ");
  block[156] = type;
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  std::snprintf(octal, sizeof octal, "%06o", sum);
  put(148, std::string_view(octal, 7));
  return block + std::string(content) +
         std::string(TarPadding(content.size()), '\0');
}

std::string TarOf(const Files& files, const std::string& folder) {
  std::string tar;
  for (const auto& [name, content] : files) {
    tar += TarEntry(folder + name, content);
  }
  return tar;
}

std::string TarEnd() { return std::string(kTarEndBytes, '\0'); }

}  // namespace levelkeep::fuzz
