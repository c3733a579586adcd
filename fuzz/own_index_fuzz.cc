// Archives that claim to be ours. The first byte says what is fuzzed:
//   0  the whole file
//   1  the table of contents, after the payload of a good archive
//   2  the text of the manifest, in an archive that is right otherwise
//   3  a good archive, with single bytes changed
//   4  a table of contents alone
//   5  lies, field by field, in manifest and table of contents
// An accepted archive must hold what its manifest says, for Check, Extract and
// ArchiveView alike.

#include <filesystem>
#include <utility>

#include "archive/archive_reader.h"
#include "archive/archive_view.h"
#include "base/hash.h"
#include "dbfiles/database_files.h"
#include "format/toc.h"
#include "sample_archive.h"
#include "sample_database.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

const std::string& GoodArchive() {
  static const std::string* const archive =
      new std::string(MakeOwnArchive(TinyDatabase()));
  return *archive;
}

void CheckToc(std::string_view text) {
  const auto toc = DecodeToc(text);
  if (!toc.ok()) {
    Require(toc.status().code() == StatusCode::kCorruption,
            "it is the table of contents that is to blame");
    return;
  }
  Require(text.find('\0') == text.npos, "no JSON text holds a NUL");
  uint64_t before = 0;
  for (const TocFile& file : toc->files) {
    Require(!file.name.empty(), "an entry has a name");
    Require(file.chunks.size() == ChunkCount(file.size_bytes),
            "chunks cover their file");
    for (const TocChunk& chunk : file.chunks) {
      Require(chunk.archive_offset > before, "offsets rise");
      before = chunk.archive_offset;
    }
  }
  const std::string encoded = EncodeToc(*toc);
  const auto again = DecodeToc(encoded);
  RequireOk(again.status(), "what EncodeToc writes can be decoded");
  Require(EncodeToc(*again) == encoded,
          "a table of contents comes back as it was");
  Require(again->files.size() == toc->files.size(),
          "no entry is lost on the way");
}

// A bad archive must be blamed, and nothing else.
void CheckBlame(const Status& status) {
  Require(status.code() == StatusCode::kCorruption ||
              status.code() == StatusCode::kUnsupported ||
              status.code() == StatusCode::kNoSpace,
          "an archive is refused as such: " + status.ToString());
  Require(!status.message().empty(), "a refusal says why");
}

void CheckView(const std::string& path, const Manifest& manifest,
               const Files& extracted) {
  const auto view = ArchiveView::Open(FileSystem::Posix(), path);
  RequireOk(view.status(), "a good archive can be viewed");
  Require((*view)->sizes().size() == manifest.files.size(),
          "a view has the files of the manifest");
  for (const ManifestFile& file : manifest.files) {
    auto source = ArchiveView::OpenFile(*view, file.name);
    RequireOk(source.status(), "a file of the manifest is in the view");
    std::string content(file.size_bytes, '\0');
    RequireOk(ReadExactly(**source, 0, content.data(), content.size()),
              "a file of a good archive can be viewed");
    Require(content == extracted.at(file.name),
            "a view shows what is extracted");
  }
}

void CheckExtracted(const ExtractedDatabase& database, const Files& extracted) {
  Require(database.manifest != nullptr, "an archive of ours has a manifest");
  Require(extracted.size() == database.manifest->files.size(),
          "the files of the manifest are extracted, and nothing else");
  for (const ManifestFile& file : database.manifest->files) {
    const auto found = extracted.find(file.name);
    Require(found != extracted.end(), "a listed file is extracted");
    Require(found->second.size() == file.size_bytes &&
                Sha256::Of(found->second) == file.sha256,
            "what is extracted is what the manifest says");
  }
}

// Returns the extracted files, if there are any.
Files CheckArchive(std::string_view archive) {
  Scratch& scratch = Scratch::Get();
  scratch.Clear();
  const std::string path = scratch.Sub("a.tar.gz");
  const std::string target = scratch.Sub("target");
  WriteFile(path, archive);
  std::filesystem::create_directory(target);
  const auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  if (!reader.ok()) {
    CheckBlame(reader.status());
    return {};
  }
  ArchiveReadOptions options;
  options.threads = 1;
  options.limits.max_total_bytes = 16u << 20;
  const auto checked = (*reader)->Check(options);
  if (!checked.ok()) CheckBlame(checked.status());
  // A refused archive that claims more than the limit is not extracted.
  if (!checked.ok() && (*reader)->outline().content_bytes > 16u << 20) {
    return {};
  }
  const auto database = (*reader)->Extract(target, options);
  Require(database.ok() == checked.ok(), "Check and Extract agree");
  const Files tree = ReadTree(scratch.path());
  Files extracted;
  for (const auto& [name, content] : tree) {
    if (name == path || name == target + "/") continue;
    Require(name.starts_with(target + "/"),
            "nothing is written outside of the target");
    const std::string flat = name.substr(target.size() + 1);
    Require(IsBackedUp(ParseDbFileName(flat).kind),
            "only files of a database are written");
    extracted[flat] = content;
  }
  if (!database.ok()) return {};
  Require(database->archive_sha256 == Sha256Hex(archive) &&
              checked->archive_sha256 == database->archive_sha256,
          "the archive's digest is right");
  if (database->own) {
    CheckExtracted(*database, extracted);
    CheckView(path, *database->manifest, extracted);
  }
  return extracted;
}

void CheckChanged(FuzzedBytes input) {
  std::string archive = GoodArchive();
  while (!input.empty()) {
    const size_t at = static_cast<size_t>(input.Byte()) << 8 | input.Byte();
    archive[at % archive.size()] = static_cast<char>(input.Byte());
  }
  const Files extracted = CheckArchive(archive);
  Require(extracted.empty() || extracted == TinyDatabase(),
          "a changed byte is noticed, or does no harm");
}

void LieAbout(FuzzedBytes* input, ManifestFile* file) {
  file->sha256 = Sha256::Of(input->Piece());
}

void LieAbout(FuzzedBytes* input, TocFile* file) {
  file->sha256 = Sha256::Of(input->Piece());
  if (file->chunks.empty()) return;
  const uint8_t what = input->Byte();
  if (what % 2 == 0) file->chunks[0].sha256 = file->sha256;
  if (what % 4 > 1) file->chunks[0].archive_offset = input->Number();
}

// Gives one file of the list another name, size, digest or place, removes it,
// or lists it twice.
template <typename NamedFile>
void Lie(FuzzedBytes* input, std::vector<NamedFile>* files) {
  const uint8_t what = input->Byte();
  if (files->empty()) return;
  const size_t index = input->Byte() % files->size();
  NamedFile& file = (*files)[index];
  switch (what % 6) {
    case 0:
      return LieAbout(input, &file);
    case 1:
      file.size_bytes = input->Number();
      return;
    case 2:
      file.name = input->Piece();
      return;
    case 3:
      files->erase(files->begin() + static_cast<ptrdiff_t>(index));
      return;
    case 4:
      files->push_back(NamedFile(file));
      return;
    default:
      std::swap(file, files->back());
  }
}

void CheckLies(FuzzedBytes input) {
  const uint8_t lies = input.Byte();
  const std::string archive =
      MakeOwnArchive(TinyDatabase(), [&](Manifest manifest) {
        for (int i = 0; i < lies % 3; ++i) Lie(&input, &manifest.files);
        return EncodeManifest(manifest);
      });
  Toc toc = DecodeToc(TocText(archive)).value();
  for (int i = 0; i < lies / 3 % 3; ++i) Lie(&input, &toc.files);
  const uint64_t offset = TocOffset(archive);
  CheckArchive(
      WithToc(std::string_view(archive).substr(0, offset), EncodeToc(toc)));
}

}  // namespace

void Run(FuzzedBytes input) {
  switch (input.Byte() % 6) {
    case 0:
      CheckArchive(input.Rest());
      return;
    case 1:
      CheckArchive(WithToc(GoodArchive().substr(0, TocOffset(GoodArchive())),
                           input.Rest()));
      return;
    case 2: {
      const std::string_view text = input.Rest();
      // The writer makes no empty manifest.
      if (text.empty()) return;
      CheckArchive(MakeOwnArchive(TinyDatabase(), [text](const Manifest&) {
        return std::string(text);
      }));
      return;
    }
    case 3:
      CheckChanged(input);
      return;
    case 4:
      CheckToc(input.Rest());
      return;
    default:
      CheckLies(input);
  }
}

}  // namespace levelkeep::fuzz
