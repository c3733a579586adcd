#include "format/toc.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

using nlohmann::json;

constexpr std::string_view kDigestPrefix = "sha256:";
constexpr size_t kPieceBytes = 64u << 10;

// RFC 3339 without a fraction, because entries have whole seconds.
std::string FormatSeconds(int64_t seconds) {
  const std::string text =
      FormatTime(Time(std::chrono::seconds(seconds)));  // "….000Z"
  return text.substr(0, text.rfind('.')) + "Z";
}

void AppendNumber(const char* name, uint64_t value, std::string* text) {
  if (value == 0) return;  // zero means "not set" in this format
  *text += ",\"";
  *text += name;
  *text += "\":";
  *text += std::to_string(value);
}

void AppendChunk(const TocFile& file, size_t chunk, std::string* text) {
  const bool last = chunk + 1 == file.chunks.size();
  // Offset 0 is impossible: a header member is before every payload.
  AppendNumber("offset", file.chunks[chunk].archive_offset, text);
  AppendNumber("chunkOffset", chunk * kChunkBytes, text);
  AppendNumber("chunkSize", last ? 0 : kChunkBytes, text);
  *text += ",\"chunkDigest\":\"sha256:";
  *text += file.chunks[chunk].sha256.Hex();
  *text += '"';
}

void AppendFile(const TocFile& file, const std::string& attributes,
                std::string* text) {
  *text += "{\"name\":";
  AppendQuoted(file.name, text);
  *text += ",\"type\":\"reg\"";
  AppendNumber("size", file.size_bytes, text);
  *text += attributes;
  *text += ",\"digest\":\"sha256:";
  *text += file.sha256.Hex();
  *text += '"';
  if (!file.chunks.empty()) AppendChunk(file, 0, text);
  *text += '}';
  for (size_t chunk = 1; chunk < file.chunks.size(); ++chunk) {
    *text += ",\n{\"name\":";
    AppendQuoted(file.name, text);
    *text += ",\"type\":\"chunk\",\"mode\":0,\"uid\":0,\"gid\":0";
    AppendChunk(file, chunk, text);
    *text += '}';
  }
}

Status Corrupt(const std::string& problem) {
  return Status(StatusCode::kCorruption, problem);
}

Result<Sha256> DecodeDigest(const json& entry, const char* field) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text, RequireText(entry, field));
  if (text.starts_with(kDigestPrefix)) {
    const auto sha256 =
        Sha256::FromHex(std::string_view(text).substr(kDigestPrefix.size()));
    if (sha256) return *sha256;
  }
  return Corrupt("field \"" + std::string(field) + "\" is not a SHA-256");
}

// Decodes the entries in order; keeps what the next entry must agree with.
class TocDecoder {
 public:
  Result<Toc> Decode(std::string_view text) {
    const JsonList entries = {
        {"entries"},
        [this] { *this = TocDecoder(); },
        [this](const json& entry) { return Take(entry); }};
    Status taken;
    LEVELKEEP_ASSIGN_OR_RETURN(
        const json root,
        ParseJsonList(text, "the table of contents", entries, &taken));
    LEVELKEEP_ASSIGN_OR_RETURN(const uint64_t version,
                               RequireUint(root, "version"));
    if (version != 1) return Corrupt("field \"version\" is not 1");
    LEVELKEEP_RETURN_IF_ERROR(RequireList(root, "entries"));
    LEVELKEEP_RETURN_IF_ERROR(taken);
    LEVELKEEP_RETURN_IF_ERROR(FinishFile());
    LEVELKEEP_RETURN_IF_ERROR(CheckNamesDiffer());
    return std::move(toc_);
  }

 private:
  Status Take(const json& entry) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::string name,
                               RequireText(entry, "name"));
    const Status status = TakeEntry(entry, name);
    return status.ok() ? status
                       : status.WithContext("entry " + Printable(name));
  }

  Status TakeEntry(const json& entry, std::string_view name) {
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
    if (name.empty() || name.find('\0') != std::string_view::npos) {
      return Corrupt("the name can't be the name of a file");
    }
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
    // All entries of an archive have the same time.
    if (!toc_.files.empty() && text == modtime_) return Status::Ok();
    const Result<Time> time = ParseTime(text);
    if (!time.ok()) return Corrupt("field \"modtime\" is not a time");
    const int64_t seconds = MtimeSeconds(*time);
    if (toc_.files.empty()) toc_.mtime_seconds = seconds;
    modtime_ = text;
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
    LEVELKEEP_ASSIGN_OR_RETURN(const Sha256 digest,
                               DecodeDigest(entry, "chunkDigest"));
    file.chunks.push_back({offset, digest, 0, 0});
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

  Status CheckNamesDiffer() const {
    const auto twice = FindRepeatedName(toc_.files);
    if (!twice) return Status::Ok();
    return Corrupt("entry " + Printable(*twice) + ": the name appears twice");
  }

  Toc toc_;
  std::string modtime_;  // of the previous entry
  uint64_t previous_offset_ = 0;
};

}  // namespace

uint64_t ChunkCount(uint64_t size_bytes) {
  return size_bytes / kChunkBytes + (size_bytes % kChunkBytes != 0 ? 1 : 0);
}

int64_t MtimeSeconds(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch())
      .count();
}

uint64_t TocFile::ChunkSize(size_t chunk) const {
  return std::min(kChunkBytes, size_bytes - chunk * kChunkBytes);
}

std::string EncodeToc(const Toc& toc) {
  std::string text;
  EncodeToc(toc, [&text](std::string_view piece) { text += piece; });
  return text;
}

void EncodeToc(const Toc& toc,
               const std::function<void(std::string_view piece)>& take) {
  const std::string attributes =
      ",\"modtime\":\"" + FormatSeconds(toc.mtime_seconds) +
      "\",\"mode\":" + std::to_string(kTarMode) + ",\"uid\":0,\"gid\":0";
  std::string text = "{\"version\":1,\"entries\":[\n";
  for (size_t i = 0; i < toc.files.size(); ++i) {
    AppendFile(toc.files[i], attributes, &text);
    text += i + 1 < toc.files.size() ? ",\n" : "\n";
    if (text.size() < kPieceBytes) continue;
    take(text);
    text.clear();
  }
  take(text + "]}\n");
}

Result<Toc> DecodeToc(std::string_view text) {
  Result<Toc> toc = TocDecoder().Decode(text);
  if (!toc.ok()) return toc.status().WithContext(std::string(kTocEntryName));
  return toc;
}

}  // namespace levelkeep
