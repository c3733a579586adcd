#include "archive/archive_view.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "archive/chunk_cache.h"
#include "archive/member_reader.h"
#include "archive/own_index.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

// A chunk's gzip member begins at `begin`; behind it are headers up to `end`.
struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct ViewedFile {
  uint64_t size_bytes = 0;
  std::vector<Extent> members;  // one for each chunk
};

}  // namespace

struct ArchiveView::Impl {
  explicit Impl(size_t cache_bytes) : cache(cache_bytes) {}

  // Keeps only what reading needs of the index, which is several times larger.
  void Take(const OwnIndex& index) {
    std::vector<uint64_t> begins;
    for (const TocFile& file : index.toc.files) {
      for (const TocChunk& chunk : file.chunks) {
        begins.push_back(chunk.archive_offset);
      }
    }
    begins.push_back(index.toc_offset);
    size_t next = 0;
    for (size_t i = 0; i < index.database_files(); ++i) {
      ViewedFile& file = files[index.FlatName(i)];
      for (size_t n = index.toc.files[i].chunks.size(); n > 0; --n) {
        file.members.push_back({begins[next], begins[next + 1]});
        ++next;
      }
      sizes[index.FlatName(i)] = file.size_bytes =
          index.toc.files[i].size_bytes;
    }
  }

  std::string path;
  std::unique_ptr<File> archive;
  std::map<std::string, uint64_t> sizes;
  std::map<std::string, ViewedFile> files;
  mutable ChunkCache cache;
};

// One file of the view.
class ArchiveView::Source : public ByteSource {
 public:
  Source(std::shared_ptr<const ArchiveView> view, std::string name)
      : view_(std::move(view)),
        name_(std::move(name)),
        file_(impl().files.at(name_)) {}

  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset >= file_.size_bytes) return size_t{0};
    size = static_cast<size_t>(
        std::min<uint64_t>(size, file_.size_bytes - offset));
    for (size_t done = 0; done < size;) {
      const uint64_t at = offset + done;
      LEVELKEEP_ASSIGN_OR_RETURN(const ChunkCache::Piece piece, PieceAt(at));
      const size_t skip =
          static_cast<size_t>(at % kChunkBytes % ChunkCache::kPieceBytes);
      const size_t count = std::min(size - done, piece->size() - skip);
      std::memcpy(buffer + done, piece->data() + skip, count);
      done += count;
    }
    return size;
  }

 private:
  const Impl& impl() const { return *view_->impl_; }

  Result<ChunkCache::Piece> PieceAt(uint64_t offset) const {
    const size_t chunk = static_cast<size_t>(offset / kChunkBytes);
    const size_t piece =
        static_cast<size_t>(offset % kChunkBytes / ChunkCache::kPieceBytes);
    auto found =
        impl().cache.Get(file_.members[chunk].begin, piece,
                         [this, chunk] { return InflateChunk(chunk); });
    if (!found.ok()) {
      return found.status().WithContext(impl().path + ", " + name_);
    }
    return found;
  }

  // Pages that were not in the page cache before are dropped again.
  Result<std::vector<ChunkCache::Piece>> InflateChunk(size_t chunk) const {
    const auto [begin, end] = file_.members[chunk];
    const bool cached = impl().archive->IsCached(begin);
    auto pieces = ReadMember(chunk);
    if (!cached) impl().archive->DontNeed(begin, end - begin);
    return pieces;
  }

  Result<std::vector<ChunkCache::Piece>> ReadMember(size_t chunk) const {
    const bool last = chunk + 1 == file_.members.size();
    uint64_t left =
        std::min(kChunkBytes, file_.size_bytes - chunk * kChunkBytes);
    std::vector<ChunkCache::Piece> pieces;
    MemberReader member(impl().archive.get());
    member.Start(file_.members[chunk].begin, file_.members[chunk].end);
    LEVELKEEP_RETURN_IF_ERROR(member.BeginMember());
    while (left > 0) {
      const size_t size = static_cast<size_t>(
          std::min<uint64_t>(ChunkCache::kPieceBytes, left));
      auto piece = impl().cache.NewPiece();
      LEVELKEEP_RETURN_IF_ERROR(member.Read(piece->Tail(size), size));
      piece->Advance(size);
      pieces.push_back(std::move(piece));
      left -= size;
    }
    if (last) {
      LEVELKEEP_RETURN_IF_ERROR(member.ReadZeros(TarPadding(file_.size_bytes)));
    }
    LEVELKEEP_RETURN_IF_ERROR(member.EndMember());
    return pieces;
  }

  const std::shared_ptr<const ArchiveView> view_;
  const std::string name_;
  const ViewedFile& file_;
};

ArchiveView::ArchiveView() = default;

ArchiveView::~ArchiveView() = default;

Result<std::shared_ptr<const ArchiveView>> ArchiveView::Open(
    FileSystem* fs, const std::string& path, size_t cache_bytes) {
  std::shared_ptr<ArchiveView> view(new ArchiveView());
  view->impl_ = std::make_unique<Impl>(cache_bytes);
  view->impl_->path = path;
  LEVELKEEP_ASSIGN_OR_RETURN(view->impl_->archive,
                             fs->Open(path, OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, view->impl_->archive->Stat());
  const auto index = LoadOwnIndex(*view->impl_->archive, info.size_bytes);
  if (!index.ok()) return index.status().WithContext(path);
  if (!index->has_value()) {
    return Status(StatusCode::kUnsupported,
                  path + " is not an archive of LevelKeep",
                  "extract it and check the folder");
  }
  view->impl_->Take(**index);
  return std::shared_ptr<const ArchiveView>(std::move(view));
}

const std::map<std::string, uint64_t>& ArchiveView::sizes() const {
  return impl_->sizes;
}

Result<std::unique_ptr<ByteSource>> ArchiveView::OpenFile(
    std::shared_ptr<const ArchiveView> view, const std::string& name) {
  if (view->impl_->sizes.count(name) == 0) {
    return Status(StatusCode::kNotFound,
                  view->impl_->path + " holds no file " + Printable(name));
  }
  return std::unique_ptr<ByteSource>(
      std::make_unique<Source>(std::move(view), name));
}

}  // namespace levelkeep
