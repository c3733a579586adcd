#include "restore/drop_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "archive/file_digest.h"
#include "archive/parallel.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "format/sidecar.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMaxSidecarBytes = 64u << 10;
// Some programs give a copy its final size first and then fill it. No gzip file
// ends in so many zeros.
constexpr uint64_t kZerosOfACopy = 4096;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

std::string BytesAt(const File& file, uint64_t offset, uint64_t size) {
  std::string bytes(size, 'x');
  return ReadExactly(file, offset, bytes.data(), size).ok() ? bytes : "x";
}

bool AllZeros(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// True if the file begins like a gzip file, as far as its beginning was
// written.
bool MayBecomeGzip(const File& file, uint64_t size) {
  const std::string begin = BytesAt(file, 0, std::min<uint64_t>(size, 2));
  return kGzipMagic.starts_with(begin) || AllZeros(begin);
}

Result<std::string> DigestOf(const OpenDrop& drop, DigestKind kind,
                             std::stop_token stop) {
  if (kind == DigestKind::kSha256) return drop.reader->Sha256(std::move(stop));
  Verdict verdict(std::move(stop));
  Digest digest(kind);
  LEVELKEEP_RETURN_IF_ERROR(DigestRange(
      *drop.file, 0, drop.reader->outline().archive_bytes, &digest, &verdict));
  return digest.FinishHex();
}

Status CheckSidecar(const RestoreContext& context, const OpenDrop& drop,
                    const std::string& sidecar, std::stop_token stop) {
  const DigestKind kind = *DigestKindOfName(sidecar);
  const std::string what(DigestName(kind));
  const auto text =
      ReadFile(context.fs, context.InDrop(sidecar), kMaxSidecarBytes);
  const std::string expected =
      text.ok() ? ParseDigest(*text, kind, drop.drop.name) : "";
  if (expected.empty()) {
    return Status(
        StatusCode::kNotChecked,
        Printable(sidecar, 300) +
            (text.ok() ? " does not hold its " + what
                       : " can't be read: " + text.status().message()),
        "write it anew (" +
            std::string(kind == DigestKind::kSha256 ? "sha256sum" : "md5sum") +
            ") or remove it");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string actual,
                             DigestOf(drop, kind, stop));
  if (actual == expected) return Status::Ok();
  // This read finds out whether the file is incomplete; see IsIncomplete.
  ArchiveReadOptions read;
  read.work.stop = std::move(stop);
  (void)drop.reader->Check(read);
  return Status(StatusCode::kCorruption,
                "its " + what + " is not the one in " + Printable(sidecar, 300),
                "the file was changed or damaged on its way: copy it again, or "
                "use another backup");
}

}  // namespace

Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name) {
  OpenDrop drop;
  LEVELKEEP_ASSIGN_OR_RETURN(
      drop.file, context.fs->Open(context.InDrop(name), OpenMode::kRead));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, drop.file->Stat());
  drop.drop = IdentifyDrop(name, info);
  return drop;
}

Status OpenReader(const RestoreContext& context, OpenDrop* drop) {
  LEVELKEEP_ASSIGN_OR_RETURN(
      drop->reader,
      ArchiveReader::Open(context.fs, context.InDrop(drop->drop.name),
                          drop->file));
  return Status::Ok();
}

Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto names,
                             context.fs->List(context.options.restore_dir));
  std::erase_if(names, [&](const std::string& other) {
    const auto kind = DigestKindOfName(other);
    return !kind ||
           other.substr(0, other.size() - DigestSuffix(*kind).size()) != name;
  });
  return names;
}

Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto sidecars,
                             SidecarsOf(context, drop.drop.name));
  for (const std::string& sidecar : sidecars) {
    LEVELKEEP_RETURN_IF_ERROR(CheckSidecar(context, drop, sidecar, stop));
  }
  return Status::Ok();
}

bool IsIncomplete(const OpenDrop& drop) {
  if (drop.reader != nullptr && drop.reader->cut_short()) return true;
  const uint64_t size = drop.drop.size_bytes;
  if (!MayBecomeGzip(*drop.file, size)) return false;
  return size < kGzipMagic.size() ||
         (size >= kZerosOfACopy &&
          AllZeros(BytesAt(*drop.file, size - kZerosOfACopy, kZerosOfACopy)));
}

UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type) {
  const std::string path = QuotedForShell(context.InDrop(name));
  switch (type) {
    case FileType::kSymlink:
      return {name, "it is a symbolic link, and links are not followed",
              "put the file itself there: cp --remove-destination \"$(readlink "
              "-f " +
                  path + ")\" " + path};
    case FileType::kDirectory:
      return {name, "it is a folder, not an archive",
              "give it another name, or pack the database folder in it with "
              "tar czf"};
    default:
      return {name, "it is not a regular file", "remove it"};
  }
}

UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail) {
  return {name,
          "it is incomplete or still being copied" +
              (detail.empty() ? "" : " (" + detail + ")"),
          "wait until the copy is done, or copy it again; then start again"};
}

UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure) {
  const std::string path = context.InDrop(name);
  const bool unreadable =
      failure.code() == StatusCode::kPermissionDenied &&
      (failure.hint().empty() ||
       failure.hint().find("may not read " + Printable(path, 500)) !=
           path.npos);
  if (!unreadable) return {name, failure.message(), failure.hint()};
  // The file was dropped for this process, so the hint gives it access.
  const std::string user = std::to_string(EffectiveUser());
  return {name, failure.message() + " (this process runs as user " + user + ")",
          "let that user read it: chown " + user + " " + QuotedForShell(path)};
}

std::string ToSentence(const UnrestoredDrop& drop) {
  return Printable(drop.name) + ": " + drop.reason +
         (drop.hint.empty() ? "" : " (hint: " + drop.hint + ")");
}

}  // namespace levelkeep
