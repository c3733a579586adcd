#include "archive/archive_writer.h"

#include <optional>
#include <utility>

#include "archive/tar_format.h"
#include "archive/write_pipeline.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

Status CheckIndexSize(size_t size) {
  if (size <= kMaxIndexBytes) return Status::Ok();
  return Status(StatusCode::kUnsupported,
                "the database has too many files for one archive",
                "let LevelDB make larger files (max_file_size)");
}

// Writes everything behind the inputs: manifest, table of contents, footer. It
// is small, so that one thread does it.
class TailWriter {
 public:
  TailWriter(const ArchiveWriteOptions& options, ArchiveSink* sink)
      : sink_(sink),
        verdict_(options.work.stop),
        limiter_(Clock::System(), 0),
        encoder_(options,
                 {&verdict_, &limiter_, options.work.stop, &done_bytes_}) {}

  Status AppendManifest(std::string text, std::vector<TocFile>* files) {
    LEVELKEEP_RETURN_IF_ERROR(CheckIndexSize(text.size()));
    TocFile file;
    file.name = kManifestEntryName;
    file.size_bytes = text.size();
    file.sha256 = Sha256::Of(text);
    LEVELKEEP_RETURN_IF_ERROR(
        encoder_.AppendHeader(file.name, file.size_bytes, &out_));
    const std::unique_ptr<ByteSource> source = NewStringSource(std::move(text));
    for (size_t i = 0; i < ChunkCount(file.size_bytes); ++i) {
      const bool last = i + 1 == ChunkCount(file.size_bytes);
      LEVELKEEP_ASSIGN_OR_RETURN(
          EntryEncoder::Chunk chunk,
          encoder_.AppendChunk(file.name, *source, i * kChunkBytes,
                               file.ChunkSize(i),
                               last ? TarPadding(file.size_bytes) : 0, &out_));
      chunk.member.archive_offset += sink_->size_bytes();
      file.chunks.push_back(chunk.member);
      LEVELKEEP_RETURN_IF_ERROR(Flush());
    }
    files->push_back(std::move(file));
    return Flush();
  }

  Status AppendTocAndFooter(const Toc& toc) {
    const uint64_t offset = sink_->size_bytes();
    // Encodes twice instead of keeping the text: the header states its size.
    size_t size = 0;
    EncodeToc(toc, [&size](std::string_view piece) { size += piece.size(); });
    LEVELKEEP_RETURN_IF_ERROR(CheckIndexSize(size));
    LEVELKEEP_ASSIGN_OR_RETURN(
        const std::string header,
        EncodeTarHeader(std::string(kTocEntryName), size, toc.mtime_seconds));
    MemberWriter member = encoder_.BeginMember(&out_);
    ByteBuffer step;
    Status status;
    const auto append = [&](std::string_view piece) {
      while (!piece.empty() && status.ok()) {
        if (step.size() == kStepBytes) {
          member.Append(step.view(), /*last=*/false);
          step.Clear();
          status = Flush();
        }
        const std::string_view part = piece.substr(0, kStepBytes - step.size());
        step.Append(part);
        piece.remove_prefix(part.size());
      }
    };
    append(header);
    EncodeToc(toc, append);
    append(std::string(TarPadding(size) + kTarEndBytes, '\0'));
    LEVELKEEP_RETURN_IF_ERROR(status);
    member.Append(step.view(), /*last=*/true);
    out_.Append(EncodeFooter(offset));
    return Flush();
  }

 private:
  Status Flush() {
    const Status status = sink_->Append(out_.view());
    out_.Clear();
    return status;
  }

  ArchiveSink* const sink_;
  Verdict verdict_;
  RateLimiter limiter_;
  std::atomic<uint64_t> done_bytes_ = 0;
  EntryEncoder encoder_;
  ByteBuffer out_;
};

Status BadName(std::string_view name) {
  return Status(
      StatusCode::kInvalidArgument,
      "\"" + Printable(name) + "\" can't be the name of an archive entry");
}

Status CheckInputs(const std::vector<ArchiveInput>& inputs,
                   const ArchiveWriteOptions& options) {
  if (options.level < 0 || options.level > 3) {
    return Status(StatusCode::kInvalidArgument,
                  "compression level " + std::to_string(options.level) +
                      " is not one of 0 to 3");
  }
  for (const ArchiveInput& input : inputs) {
    if (input.archived != nullptr &&
        (options.reuse_from == nullptr ||
         input.archived->size_bytes != input.size_bytes ||
         input.archived->chunks.size() != ChunkCount(input.size_bytes))) {
      return Status(StatusCode::kInvalidArgument,
                    Printable(input.name) +
                        " is not in the archive it should be "
                        "copied from");
    }
    if (input.name.empty() || input.name == kManifestEntryName ||
        input.name == kTocEntryName || !IsValidUtf8(input.name)) {
      return BadName(input.name);
    }
  }
  const auto twice = FindRepeatedName(inputs);
  return twice ? BadName(*twice) : Status::Ok();
}

}  // namespace

Result<ArchiveSummary> WriteArchive(
    std::vector<ArchiveInput> inputs,
    const std::function<Result<std::string>(const std::vector<TocFile>&)>&
        make_manifest,
    const ArchiveWriteOptions& options, File* file) {
  LEVELKEEP_RETURN_IF_ERROR(CheckInputs(inputs, options));
  std::optional<ReadBack> read_back;
  if (options.read_back) {
    read_back.emplace(file, options.priority, options.work.stop);
  }
  ArchiveSink sink(file, options.md5, read_back ? &*read_back : nullptr);
  Toc toc;
  toc.mtime_seconds = MtimeSeconds(options.mtime);
  ArchiveSummary summary;

  // 1. The inputs, on all workers.
  LEVELKEEP_RETURN_IF_ERROR(
      WriteInputs(&inputs, options, &sink, &toc.files, &summary));
  std::vector<ArchiveInput>().swap(inputs);  // `toc` has its content now
  for (const TocFile& written : toc.files) {
    summary.source_bytes += written.size_bytes;
  }
  // 2. The manifest, which names their digests.
  LEVELKEEP_ASSIGN_OR_RETURN(std::string manifest, make_manifest(toc.files));
  TailWriter tail(options, &sink);
  LEVELKEEP_RETURN_IF_ERROR(
      tail.AppendManifest(std::move(manifest), &toc.files));
  // 3. The table of contents and the footer, which complete the archive: if we
  // die before, readers find no footer and refuse the file.
  LEVELKEEP_RETURN_IF_ERROR(tail.AppendTocAndFooter(toc));
  sink.Finish(&summary);
  toc.files.pop_back();  // the manifest
  summary.archived = std::move(toc.files);
  if (!read_back) return summary;
  // 4. Make it durable, and compare the disk's bytes with those in memory.
  LEVELKEEP_RETURN_IF_ERROR(file->Sync());
  const Status same = read_back->Finish();
  if (same.code() == StatusCode::kCorruption) {
    return same.WithContext("the archive just written did not read back")
        .WithHint("the disk may be failing: check its SMART state");
  }
  LEVELKEEP_RETURN_IF_ERROR(same);
  return summary;
}

}  // namespace levelkeep
