#include "archive/toc.h"

#include <algorithm>
#include <set>

#include "archive/json_fields.h"
#include "archive/tar_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

using nlohmann::json;

constexpr std::string_view kDigestPrefix = "sha256:";

std::string Quote(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

// RFC 3339 without a fraction, which the entries don't have.
std::string FormatSeconds(int64_t seconds) {
  const std::string text =
      FormatTime(Time(std::chrono::seconds(seconds)));  // "….000Z"
  return text.substr(0, text.rfind('.')) + "Z";
}

void AppendNumber(const char* name, uint64_t value, std::string* text) {
  // Zero means "not set" in this format.
  if (value != 0) {
    *text += std::string(",\"") + name + "\":" + std::to_string(value);
  }
}

void AppendChunk(const TocFile& file, size_t chunk, std::string* text) {
  const bool last = chunk + 1 == file.chunks.size();
  // Offset 0 can't be: a header member precedes every payload.
  AppendNumber("offset", file.chunks[chunk].archive_offset, text);
  AppendNumber("chunkOffset", chunk * kChunkBytes, text);
  AppendNumber("chunkSize", last ? 0 : kChunkBytes, text);
  *text += ",\"chunkDigest\":\"sha256:" + file.chunks[chunk].sha256 + "\"";
}

void AppendFile(const TocFile& file, const std::string& modtime,
                std::string* text) {
  const std::string name = Quote(file.name);
  *text += "{\"name\":" + name + ",\"type\":\"reg\"";
  AppendNumber("size", file.size_bytes, text);
  *text += ",\"modtime\":\"" + modtime +
           "\",\"mode\":" + std::to_string(kTarMode) + ",\"uid\":0,\"gid\":0";
  *text += ",\"digest\":\"sha256:" + file.sha256 + "\"";
  if (!file.chunks.empty()) AppendChunk(file, 0, text);
  *text += "},\n";
  for (size_t chunk = 1; chunk < file.chunks.size(); ++chunk) {
    *text += "{\"name\":" + name +
             ",\"type\":\"chunk\",\"mode\":0,\"uid\":0"
             ",\"gid\":0";
    AppendChunk(file, chunk, text);
    *text += "},\n";
  }
}

Status Corrupt(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem);
}

Result<std::string> DecodeDigest(const json& entry, const char* field) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string text, RequireText(entry, field));
  if (text.rfind(kDigestPrefix, 0) != 0 ||
      !IsLowerHex(std::string_view(text).substr(kDigestPrefix.size()), 64)) {
    return Corrupt(std::string("field \"") + field + "\" is no SHA-256");
  }
  return text.substr(kDigestPrefix.size());
}

// Reads the entries in their order, keeping what the next must agree with.
class TocDecoder {
 public:
  Result<Toc> Decode(const json& root) {
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t version,
                               RequireUint(root, "version"));
    if (version != 1) return Corrupt("field \"version\" is not 1");
    LEVELKEEP_ASSIGN_OR_RETURN(
        const json* entries,
        RequireMember(root, "entries", json::value_t::array));
    for (const json& entry : *entries) {
      LEVELKEEP_ASSIGN_OR_RETURN(const std::string name,
                                 RequireText(entry, "name"));
      Status status = TakeEntry(entry, name);
      if (!status.ok()) return status.WithContext("entry " + Printable(name));
    }
    LEVELKEEP_RETURN_IF_ERROR(FinishFile());
    return std::move(toc_);
  }

 private:
  Status TakeEntry(const json& entry, const std::string& name) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string type,
                               RequireText(entry, "type"));
    if (type == "chunk") {
      if (toc_.files.empty() || toc_.files.back().name != name) {
        return Corrupt("a chunk does not follow its file");
      }
      return TakeChunk(entry);
    }
    if (type != "reg") return Corrupt("type is not \"reg\" or \"chunk\"");
    LEVELKEEP_RETURN_IF_ERROR(FinishFile());
    if (name.empty() || name.find('\0') != std::string::npos) {
      return Corrupt("the name can't be one of a file");
    }
    if (!names_.insert(name).second) return Corrupt("the name comes twice");
    TocFile file;
    file.name = name;
    LEVELKEEP_ASSIGN_OR_RETURN(file.size_bytes, OptionalUint(entry, "size"));
    LEVELKEEP_ASSIGN_OR_RETURN(file.sha256, DecodeDigest(entry, "digest"));
    LEVELKEEP_RETURN_IF_ERROR(TakeTime(entry));
    toc_.files.push_back(std::move(file));
    return toc_.files.back().size_bytes > 0 ? TakeChunk(entry) : Status();
  }

  Status TakeTime(const json& entry) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string text,
                               RequireText(entry, "modtime"));
    const Result<Time> time = ParseTime(text);
    if (!time.ok()) return Corrupt("field \"modtime\" is no time");
    const int64_t seconds = std::chrono::floor<std::chrono::seconds>(*time)
                                .time_since_epoch()
                                .count();
    if (toc_.files.empty()) toc_.mtime_seconds = seconds;
    return seconds == toc_.mtime_seconds
               ? Status()
               : Corrupt("field \"modtime\" differs between entries");
  }

  Status TakeChunk(const json& entry) {
    TocFile& file = toc_.files.back();
    const size_t index = file.chunks.size();
    if (index >= ChunkCount(file.size_bytes)) return Corrupt("too many chunks");
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t offset,
                               RequireUint(entry, "offset"));
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t chunk_offset,
                               OptionalUint(entry, "chunkOffset"));
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t chunk_size,
                               OptionalUint(entry, "chunkSize"));
    const bool last = index + 1 == ChunkCount(file.size_bytes);
    if (chunk_offset != index * kChunkBytes ||
        chunk_size != (last ? 0 : kChunkBytes)) {
      return Corrupt("the chunks don't cover the file");
    }
    if (offset <= previous_offset_) return Corrupt("offsets don't rise");
    previous_offset_ = offset;
    LEVELKEEP_ASSIGN_OR_RETURN(std::string digest,
                               DecodeDigest(entry, "chunkDigest"));
    file.chunks.push_back({offset, std::move(digest), 0, 0});
    return Status::Ok();
  }

  Status FinishFile() {
    if (toc_.files.empty()) return Status::Ok();
    const TocFile& file = toc_.files.back();
    if (file.chunks.size() != ChunkCount(file.size_bytes)) {
      return Corrupt("chunks of " + Printable(file.name) + " are missing");
    }
    if (file.chunks.size() == 1 && file.chunks[0].sha256 != file.sha256) {
      return Corrupt("the digests of " + Printable(file.name) +
                     " contradict each other");
    }
    return Status::Ok();
  }

  Toc toc_;
  std::set<std::string> names_;
  uint64_t previous_offset_ = 0;
};

}  // namespace

uint64_t ChunkCount(uint64_t size_bytes) {
  return size_bytes / kChunkBytes + (size_bytes % kChunkBytes != 0 ? 1 : 0);
}

uint64_t TocFile::ChunkSize(size_t chunk) const {
  return std::min(kChunkBytes, size_bytes - chunk * kChunkBytes);
}

std::string EncodeToc(const Toc& toc) {
  const std::string modtime = FormatSeconds(toc.mtime_seconds);
  std::string text = "{\"version\":1,\"entries\":[\n";
  for (const TocFile& file : toc.files) AppendFile(file, modtime, &text);
  if (!toc.files.empty()) text.erase(text.size() - 2, 1);  // the comma
  return text + "]}\n";
}

Result<Toc> DecodeToc(std::string_view text) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json root,
                             ParseJsonObject(text, "the table of contents"));
  Result<Toc> toc = TocDecoder().Decode(root);
  if (!toc.ok()) return toc.status().WithContext(std::string(kTocEntryName));
  return toc;
}

}  // namespace levelkeep
