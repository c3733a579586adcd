#include "archive/own_index.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "archive/gzip_format.h"
#include "archive/member_reader.h"
#include "archive/tar_format.h"
#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// One read of this many bytes covers footer, table of contents and manifest
// of a database of a hundred files.
constexpr uint64_t kTailBytes = 32u << 10;
// Inflated at once.
constexpr size_t kPieceBytes = 64u << 10;

Status Corrupt(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem,
                "the archive is damaged: use another backup");
}

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

// Takes the rest, so that a damaged text is told from a strange one.
Status Drain(TextPieces* text) {
  for (;;) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string_view piece, text->Next());
    if (piece.empty()) return Status::Ok();
  }
}

// The JSON inside the member of the table of contents, which is made of a
// header, the JSON, padding and end marks.
class TocText : public TextPieces {
 public:
  TocText(const ByteSource& source, uint64_t begin, uint64_t end)
      : reader_(&source) {
    reader_.Start(begin, end);
  }

  Status ReadHeader() {
    LEVELKEEP_RETURN_IF_ERROR(reader_.BeginMember());
    while (header_.size() < kTarBlockBytes) {
      LEVELKEEP_ASSIGN_OR_RETURN(
          const size_t count,
          reader_.ReadSome(buffer_.data(), kTarBlockBytes - header_.size()));
      if (count == 0) return Corrupt("the table of contents is empty");
      header_.append(buffer_.data(), count);
    }
    return Status::Ok();
  }
  // Behind the JSON only zeros may follow: they are counted, not returned.
  // Once it has failed it goes on failing: the first reason is the true one.
  Result<std::string_view> Next() override {
    if (!failure_.ok()) return failure_;
    Result<std::string_view> json = Read();
    if (!json.ok()) failure_ = json.status();
    return json;
  }
  // After the end: of the framing.
  Status Check() const {
    if (!reader_.AtEnd()) {
      return Corrupt("there is something between table of contents and footer");
    }
    if (json_bytes_ == 0) return Corrupt("the table of contents is empty");
    if (zeros_ != TarPadding(json_bytes_) + kTarEndBytes) {
      return Corrupt("the table of contents is not framed as tar asks");
    }
    return Status::Ok();
  }
  const std::string& header() const { return header_; }
  uint64_t json_bytes() const { return json_bytes_; }

 private:
  Result<std::string_view> Read() {
    for (;;) {
      LEVELKEEP_ASSIGN_OR_RETURN(
          const size_t count, reader_.ReadSome(buffer_.data(), buffer_.size()));
      const std::string_view content(buffer_.data(), count);
      const std::string_view json = zeros_ > 0
                                        ? std::string_view()
                                        : content.substr(0, content.find('\0'));
      if (content.find_first_not_of('\0', json.size()) !=
          std::string_view::npos) {
        return Corrupt("the table of contents is not framed as tar asks");
      }
      json_bytes_ += json.size();
      zeros_ += count - json.size();
      if (json_bytes_ + zeros_ > kMaxIndexBytes + kTarEndBytes) {
        return Corrupt("the table of contents is too long");
      }
      if (!json.empty() || count == 0) return json;
    }
  }

  MemberReader reader_;
  Status failure_;
  std::string header_;
  std::string buffer_ = std::string(kPieceBytes, '\0');
  uint64_t json_bytes_ = 0;
  uint64_t zeros_ = 0;
};

Status LoadToc(const ByteSource& source, OwnIndex* index) {
  TocText text(source, index->toc_offset, index->archive_bytes - kFooterBytes);
  LEVELKEEP_RETURN_IF_ERROR(text.ReadHeader());
  Result<Toc> toc = DecodeToc(&text);
  LEVELKEEP_RETURN_IF_ERROR(Drain(&text));
  LEVELKEEP_RETURN_IF_ERROR(text.Check());
  if (!toc.ok()) return toc.status();
  index->toc = std::move(*toc);
  return CheckTarHeader(text.header(), std::string(kTocEntryName),
                        text.json_bytes(), index->toc.mtime_seconds);
}

Status CheckOffsets(const OwnIndex& index) {
  for (const TocFile& file : index.toc.files) {
    for (const TocChunk& chunk : file.chunks) {
      if (chunk.archive_offset >= index.toc_offset) {
        return Corrupt("the table of contents points behind itself for " +
                       Printable(file.name));
      }
    }
  }
  return Status::Ok();
}

// The text of the manifest, whose chunks end before `end`.
class ManifestText : public TextPieces {
 public:
  // Both outlive it.
  ManifestText(const ByteSource& source, const TocFile& file, uint64_t end)
      : file_(file), end_(end), reader_(&source) {}

  Result<std::string_view> Next() override {
    if (left_ == 0) {
      if (next_chunk_ == file_.chunks.size()) {
        LEVELKEEP_RETURN_IF_ERROR(FinishChunk());
        return std::string_view();
      }
      LEVELKEEP_RETURN_IF_ERROR(StartChunk());
    }
    const size_t size =
        static_cast<size_t>(std::min<uint64_t>(left_, buffer_.size()));
    LEVELKEEP_ASSIGN_OR_RETURN(const size_t count,
                               reader_.ReadSome(buffer_.data(), size));
    if (count == 0) return WrongSize();
    left_ -= count;
    const std::string_view piece(buffer_.data(), count);
    digest_.Update(piece);
    return piece;
  }
  // After the end.
  Sha256 FinishSha256() { return digest_.FinishSha256(); }

 private:
  static Status WrongSize() {
    return Corrupt("levelkeep-manifest.json has another size than stated");
  }
  Status StartChunk() {
    if (next_chunk_ > 0) LEVELKEEP_RETURN_IF_ERROR(FinishChunk());
    const bool last = next_chunk_ + 1 == file_.chunks.size();
    reader_.Start(file_.chunks[next_chunk_].archive_offset,
                  last ? end_ : file_.chunks[next_chunk_ + 1].archive_offset);
    left_ = file_.ChunkSize(next_chunk_++);
    return reader_.BeginMember();
  }
  // Padding is checked with the payload; here the size is enough.
  Status FinishChunk() {
    char padding[kTarBlockBytes];
    size_t size = 0;
    for (;;) {
      LEVELKEEP_ASSIGN_OR_RETURN(const size_t count,
                                 reader_.ReadSome(padding, sizeof padding));
      size += count;
      if (count == 0 || size > sizeof padding) break;
    }
    return size <= sizeof padding && reader_.AtEnd() ? Status::Ok()
                                                     : WrongSize();
  }

  const TocFile& file_;
  const uint64_t end_;
  MemberReader reader_;
  std::string buffer_ = std::string(kPieceBytes, '\0');
  size_t next_chunk_ = 0;
  uint64_t left_ = 0;  // of the chunk that is being read
  Digest digest_{DigestKind::kSha256};
};

Status LoadManifest(const ByteSource& source, OwnIndex* index) {
  if (index->toc.files.empty() ||
      index->toc.files.back().name != kManifestEntryName) {
    return Corrupt("the last entry is not levelkeep-manifest.json");
  }
  const TocFile& file = index->toc.files.back();
  if (file.size_bytes == 0 || file.size_bytes > kMaxIndexBytes) {
    return Corrupt("levelkeep-manifest.json has an impossible size");
  }
  ManifestText text(source, file, index->toc_offset);
  Result<Manifest> manifest =
      DecodeManifest(&text, index->toc.files.size() - 1);
  LEVELKEEP_RETURN_IF_ERROR(Drain(&text));
  if (text.FinishSha256() != file.sha256) {
    return Corrupt("levelkeep-manifest.json has a wrong SHA-256");
  }
  if (!manifest.ok()) return manifest.status();
  index->manifest = std::make_shared<const Manifest>(std::move(*manifest));
  return Status::Ok();
}

// Both directions: what the manifest lists is there, and nothing else is.
Status CompareWithManifest(OwnIndex* index) {
  const std::string folder = index->manifest->db_name + "/";
  std::vector<const ManifestFile*> listed;
  listed.reserve(index->manifest->files.size());
  for (const ManifestFile& file : index->manifest->files) {
    listed.push_back(&file);
  }
  const auto before = [](const ManifestFile* file, std::string_view name) {
    return file->name < name;
  };
  std::sort(listed.begin(), listed.end(),
            [&](const ManifestFile* a, const ManifestFile* b) {
              return before(a, b->name);
            });
  std::vector<bool> found(listed.size());
  for (size_t i = 0; i < index->database_files(); ++i) {
    const TocFile& file = index->toc.files[i];
    std::string_view name = file.name;
    const bool inside = name.starts_with(folder);
    if (inside) name.remove_prefix(folder.size());
    const auto at =
        std::lower_bound(listed.begin(), listed.end(), name, before);
    if (!inside || at == listed.end() || (*at)->name != name) {
      return Corrupt("entry " + Printable(file.name) +
                     " is not listed in the manifest");
    }
    if ((*at)->size_bytes != file.size_bytes || (*at)->sha256 != file.sha256) {
      return Corrupt("manifest and table of contents disagree about " +
                     Printable(file.name));
    }
    found[static_cast<size_t>(at - listed.begin())] = true;
    index->content_bytes += file.size_bytes;
  }
  const auto missing = std::find(found.begin(), found.end(), false);
  if (missing == found.end()) return Status::Ok();
  const ManifestFile& file =
      *listed[static_cast<size_t>(missing - found.begin())];
  return Corrupt("the manifest lists " + Printable(folder + file.name) +
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
    return Corrupt("the footer points behind the end of the archive");
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
