#include <algorithm>
#include <cstring>
#include <utility>

#include "archive/member_reader.h"
#include "archive/readers.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// One read of this size covers footer, table of contents and manifest of a
// database with a hundred files.
constexpr uint64_t kTailBytes = 32u << 10;

// Serves the end of the file from memory, the rest from the file.
class TailCache : public ByteSource {
 public:
  explicit TailCache(const ByteSource& source) : source_(source) {}

  Status Load(uint64_t archive_bytes) {
    begin_ = archive_bytes - std::min(archive_bytes, kTailBytes);
    tail_.resize(static_cast<size_t>(archive_bytes - begin_));
    return ReadExactly(source_, begin_, tail_.data(), tail_.size());
  }
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset < begin_) return source_.ReadAt(offset, buffer, size);
    const uint64_t skip = std::min<uint64_t>(offset - begin_, tail_.size());
    const size_t count =
        std::min(size, tail_.size() - static_cast<size_t>(skip));
    std::memcpy(buffer, tail_.data() + skip, count);
    return count;
  }
  std::string_view Last(size_t count) const {
    return std::string_view(tail_).substr(tail_.size() - count);
  }

 private:
  const ByteSource& source_;
  uint64_t begin_ = 0;
  std::string tail_;
};

// Loads the member with the table of contents: a tar header, the JSON, padding
// and end marks.
Status LoadToc(const ByteSource& source, OwnIndex* index) {
  MemberReader reader(&source);
  reader.Start(index->toc_offset, index->archive_bytes - kFooterBytes);
  LEVELKEEP_ASSIGN_OR_RETURN(
      const std::string member,
      reader.ReadMember(kTarBlockBytes + kMaxIndexBytes + kTarEndBytes));
  if (!reader.AtEnd()) {
    return DamagedArchive(
        "there are bytes between table of contents and footer");
  }
  const std::string_view header =
      std::string_view(member).substr(0, kTarBlockBytes);
  const std::string_view content =
      std::string_view(member).substr(header.size());
  const std::string_view json = content.substr(0, content.find('\0'));
  if (json.empty()) return DamagedArchive("the table of contents is empty");
  if (content.size() != json.size() + TarPadding(json.size()) + kTarEndBytes ||
      content.find_first_not_of('\0', json.size()) != std::string_view::npos) {
    return DamagedArchive("the table of contents has invalid tar framing");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(index->toc, DecodeToc(json));
  return CheckTarHeader(header, std::string(kTocEntryName), json.size(),
                        index->toc.mtime_seconds);
}

Status CheckOffsets(const OwnIndex& index) {
  for (const TocFile& file : index.toc.files) {
    for (const TocChunk& chunk : file.chunks) {
      if (chunk.archive_offset >= index.toc_offset) {
        return DamagedArchive(
            "the table of contents has an offset behind itself for " +
            Printable(file.name));
      }
    }
  }
  return Status::Ok();
}

// The text of the manifest, whose chunks end before `end`. The padding is
// checked with the payload; only the size is checked here.
Result<std::string> ReadManifestText(const ByteSource& source,
                                     const TocFile& file, uint64_t end) {
  std::string text;
  MemberReader reader(&source);
  for (size_t i = 0; i < file.chunks.size(); ++i) {
    const bool last = i + 1 == file.chunks.size();
    reader.Start(file.chunks[i].archive_offset,
                 last ? end : file.chunks[i + 1].archive_offset);
    LEVELKEEP_ASSIGN_OR_RETURN(
        const std::string content,
        reader.ReadMember(file.ChunkSize(i) + kTarBlockBytes));
    if (content.size() < file.ChunkSize(i) || !reader.AtEnd()) {
      return DamagedArchive(
          "levelkeep-manifest.json has another size than stated");
    }
    text.append(content, 0, file.ChunkSize(i));
  }
  return text;
}

Status LoadManifest(const ByteSource& source, OwnIndex* index) {
  if (index->toc.files.empty() ||
      index->toc.files.back().name != kManifestEntryName) {
    return DamagedArchive("the last entry is not levelkeep-manifest.json");
  }
  const TocFile& file = index->toc.files.back();
  if (file.size_bytes == 0 || file.size_bytes > kMaxIndexBytes) {
    return DamagedArchive("levelkeep-manifest.json has an impossible size");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text,
                             ReadManifestText(source, file, index->toc_offset));
  if (Sha256::Of(text) != file.sha256) {
    return DamagedArchive("levelkeep-manifest.json has a wrong SHA-256");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(Manifest manifest, DecodeManifest(text));
  index->manifest = std::make_shared<const Manifest>(std::move(manifest));
  return Status::Ok();
}

// Checks both directions: all listed files exist, and no others.
Status CompareWithManifest(OwnIndex* index) {
  const std::string folder = index->manifest->db_name + "/";
  std::vector<const ManifestFile*> listed;
  listed.reserve(index->manifest->files.size());
  for (const ManifestFile& file : index->manifest->files) {
    listed.push_back(&file);
  }
  std::ranges::sort(listed, {}, &ManifestFile::name);
  std::vector<bool> found(listed.size());
  for (size_t i = 0; i < index->database_files(); ++i) {
    const TocFile& file = index->toc.files[i];
    std::string_view name = file.name;
    const bool inside = name.starts_with(folder);
    if (inside) name.remove_prefix(folder.size());
    const auto at =
        std::ranges::lower_bound(listed, name, {}, &ManifestFile::name);
    if (!inside || at == listed.end() || (*at)->name != name) {
      return DamagedArchive("entry " + Printable(file.name) +
                            " is not listed in the manifest");
    }
    if ((*at)->size_bytes != file.size_bytes || (*at)->sha256 != file.sha256) {
      return DamagedArchive("manifest and table of contents disagree about " +
                            Printable(file.name));
    }
    found[static_cast<size_t>(at - listed.begin())] = true;
    index->content_bytes += file.size_bytes;
  }
  const auto missing = std::ranges::find(found, false);
  if (missing == found.end()) return Status::Ok();
  const ManifestFile& file =
      *listed[static_cast<size_t>(missing - found.begin())];
  return DamagedArchive("the manifest lists " + Printable(folder + file.name) +
                        ", which the archive does not hold");
}

}  // namespace

std::string OwnIndex::FlatName(size_t i) const {
  return toc.files[i].name.substr(manifest->db_name.size() + 1);
}

Result<std::optional<OwnIndex>> LoadOwnIndex(const ByteSource& source,
                                             uint64_t archive_bytes) {
  if (archive_bytes < kFooterBytes) return std::optional<OwnIndex>();
  TailCache cache(source);
  LEVELKEEP_RETURN_IF_ERROR(cache.Load(archive_bytes));
  const std::optional<uint64_t> toc_offset =
      DecodeFooter(cache.Last(kFooterBytes));
  if (!toc_offset) return std::optional<OwnIndex>();
  if (*toc_offset >= archive_bytes - kFooterBytes) {
    return DamagedArchive("the footer points behind the end of the archive");
  }
  OwnIndex index;
  index.archive_bytes = archive_bytes;
  index.toc_offset = *toc_offset;
  LEVELKEEP_RETURN_IF_ERROR(LoadToc(cache, &index));
  LEVELKEEP_RETURN_IF_ERROR(CheckOffsets(index));
  LEVELKEEP_RETURN_IF_ERROR(LoadManifest(cache, &index));
  LEVELKEEP_RETURN_IF_ERROR(CompareWithManifest(&index));
  return std::optional<OwnIndex>(std::move(index));
}

}  // namespace levelkeep
