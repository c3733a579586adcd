// Archives of other programs. The first byte says what is fuzzed:
//   0  the whole file
//   1  the tar, inside one good gzip member
//   2  the tar, cut into several good gzip members
//   3  the names and contents of a well-formed tar
// Whatever the archive holds: nothing is written outside of the target, only
// files with names of a database, within the limits; Check agrees with Extract.

#include <filesystem>

#include "archive/archive_reader.h"
#include "base/hash.h"
#include "dbfiles/database_files.h"
#include "sample_archive.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

constexpr uint64_t kMaxTotalBytes = 1u << 20;
constexpr uint64_t kMaxEntries = 200;

std::string SeveralMembers(FuzzedBytes* input) {
  std::string archive;
  while (!input->empty()) archive += GzipMember(input->Piece());
  return archive;
}

// A tar of entries (type, name, content) that is right.
std::string WellFormed(FuzzedBytes* input) {
  std::string tar;
  while (!input->empty()) {
    constexpr std::string_view kTypes = "00000005LxgKSV12346";
    const char type = kTypes[input->Byte() % kTypes.size()];
    const std::string name(input->Piece());
    tar += TarEntry(name, input->Piece(), type);
  }
  return GzipMember(tar + TarEnd());
}

std::string Archive(FuzzedBytes* input) {
  switch (input->Byte() % 4) {
    case 0:
      return std::string(input->Rest());
    case 1:
      return GzipMember(input->Rest());
    case 2:
      return SeveralMembers(input);
    default:
      return WellFormed(input);
  }
}

void CheckAgreement(const Result<ExtractedDatabase>& checked,
                    const Result<ExtractedDatabase>& extracted) {
  Require(checked.ok() == extracted.ok(), "Check and Extract agree");
  if (!checked.ok()) {
    Require(checked.status().code() == extracted.status().code() &&
                checked.status().message() == extracted.status().message(),
            "Check and Extract give the same reason");
    Require(checked.status().code() == StatusCode::kCorruption ||
                checked.status().code() == StatusCode::kUnsupported ||
                checked.status().code() == StatusCode::kNoSpace,
            "an archive is refused as such: " + checked.status().ToString());
    return;
  }
  Require(checked->content_bytes == extracted->content_bytes &&
              checked->files.size() == extracted->files.size() &&
              checked->archive_sha256 == extracted->archive_sha256,
          "Check and Extract find the same");
}

// All files that were written, even if the extraction failed.
Files Written(const std::string& target, const std::string& archive) {
  Files written;
  uint64_t total_bytes = 0;
  for (const auto& [path, content] : ReadTree(Scratch::Get().path())) {
    if (path == target + "/" || path == archive) continue;
    Require(path.starts_with(target + "/"), "nothing is written outside");
    const std::string name = path.substr(target.size() + 1);
    Require(IsBackedUp(ParseDbFileName(name).kind),
            "only files of a database are written");
    written[name] = content;
    total_bytes += content.size();
  }
  Require(total_bytes <= kMaxTotalBytes, "no more is written than allowed");
  Require(written.size() <= kMaxEntries, "no more files than allowed");
  return written;
}

}  // namespace

void Run(FuzzedBytes input) {
  Scratch& scratch = Scratch::Get();
  scratch.Clear();
  const std::string path = scratch.Sub("a.tar.gz");
  const std::string target = scratch.Sub("target");
  const std::string archive = Archive(&input);
  WriteFile(path, archive);
  std::filesystem::create_directory(target);
  const auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  if (!reader.ok()) {
    Require(reader.status().code() == StatusCode::kCorruption ||
                reader.status().code() == StatusCode::kUnsupported,
            "an archive is refused as such: " + reader.status().ToString());
    return;
  }
  ArchiveReadOptions options;
  options.threads = 1;
  options.limits.max_entries = kMaxEntries;
  options.limits.max_total_bytes = kMaxTotalBytes;
  const auto checked = (*reader)->Check(options);
  const auto extracted = (*reader)->Extract(target, options);
  CheckAgreement(checked, extracted);
  const Files written = Written(target, path);
  if (!extracted.ok()) return;
  Require(extracted->archive_sha256 == Sha256Hex(archive),
          "the archive's digest is right");
  if (extracted->own) return;
  Require(extracted->files.size() == written.size(),
          "what is reported is what is written");
  for (const ManifestFile& file : extracted->files) {
    const auto found = written.find(file.name);
    Require(found != written.end() && found->second.size() == file.size_bytes &&
                Sha256::Of(found->second) == file.sha256,
            "what is reported is what is written");
  }
}

}  // namespace levelkeep::fuzz
