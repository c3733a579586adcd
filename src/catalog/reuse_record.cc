#include "catalog/reuse_record.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/status_macros.h"
#include "dbfiles/file_name.h"
#include "format/backup_name.h"

namespace levelkeep {
namespace {

constexpr std::string_view kMagic = "levelkeep-reuse-1";
constexpr size_t kSha256Digits = 64;

Status Damaged() {
  return Status(StatusCode::kCorruption, "the record for reuse is damaged");
}

// Fields separated by one space, lines ended by one line feed.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  bool empty() const { return rest_.empty(); }
  std::string_view Next() {
    const size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view field = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return field;
  }
  std::string Text() { return std::string(Next()); }
  template <typename Number>
  Number Get() {
    const std::string_view field = Next();
    Number value = 0;
    const auto [end, error] =
        std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) bad_ = true;
    return value;
  }
  bool bad() const { return bad_; }

 private:
  std::string_view rest_;
  bool bad_ = false;
};

void AppendNumber(uint64_t number, std::string* text) {
  *text += ' ';
  *text += std::to_string(number);
}

void AppendFile(const ReusableFile& file, std::string* text) {
  *text += file.archived.name;
  AppendNumber(file.archived.size_bytes, text);
  AppendNumber(file.device, text);
  AppendNumber(file.inode, text);
  *text +=
      ' ' + std::to_string(file.mtime_ns) + ' ' + file.archived.sha256.Hex();
  for (const TocChunk& chunk : file.archived.chunks) {
    AppendNumber(chunk.archive_offset, text);
    AppendNumber(chunk.member_bytes, text);
    AppendNumber(chunk.member_checksum, text);
    // A file of one chunk has the chunk's digest.
    if (file.archived.chunks.size() > 1) *text += ' ' + chunk.sha256.Hex();
  }
  *text += '\n';
}

std::optional<ReusableFile> DecodeFile(std::string_view line) {
  Fields fields(line);
  ReusableFile file;
  file.archived.name = fields.Text();
  file.archived.size_bytes = fields.Get<uint64_t>();
  file.device = fields.Get<uint64_t>();
  file.inode = fields.Get<uint64_t>();
  file.mtime_ns = fields.Get<int64_t>();
  const std::optional<Sha256> sha256 = Sha256::FromHex(fields.Next());
  if (!sha256) return std::nullopt;
  file.archived.sha256 = *sha256;
  const uint64_t chunks = ChunkCount(file.archived.size_bytes);
  while (!fields.empty() && !fields.bad()) {
    TocChunk& chunk = file.archived.chunks.emplace_back();
    chunk.archive_offset = fields.Get<uint64_t>();
    chunk.member_bytes = fields.Get<uint64_t>();
    chunk.member_checksum = fields.Get<uint64_t>();
    const auto own = chunks > 1 ? Sha256::FromHex(fields.Next()) : sha256;
    if (!own) return std::nullopt;
    chunk.sha256 = *own;
  }
  const bool good = !fields.bad() && file.archived.chunks.size() == chunks &&
                    IsBackedUp(ParseDbFileName(file.archived.name).kind);
  return good ? std::optional(std::move(file)) : std::nullopt;
}

}  // namespace

std::string EncodeReuseRecord(const ReuseRecord& record) {
  std::string text(kMagic);
  text += ' ' + record.archive;
  AppendNumber(record.archive_bytes, &text);
  AppendNumber(record.archive_inode, &text);
  text += ' ' + std::to_string(record.archive_mtime_ns) + ' ' +
          record.db_epoch + ' ' + record.writer + '\n';
  for (const ReusableFile& file : record.files) AppendFile(file, &text);
  return text + Sha256Hex(text) + '\n';
}

Result<ReuseRecord> DecodeReuseRecord(std::string_view text) {
  // Nothing of it is believed before its digest is right.
  if (text.size() < kSha256Digits + 1 || text.back() != '\n') return Damaged();
  const std::string_view digest =
      text.substr(text.size() - kSha256Digits - 1, kSha256Digits);
  text.remove_suffix(kSha256Digits + 1);
  if (Sha256Hex(text) != digest) return Damaged();
  const auto next_line = [&text]() -> std::optional<std::string_view> {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  Fields head(next_line().value_or(""));
  if (head.Next() != kMagic) return Damaged();
  ReuseRecord record;
  record.archive = head.Text();
  record.archive_bytes = head.Get<uint64_t>();
  record.archive_inode = head.Get<uint64_t>();
  record.archive_mtime_ns = head.Get<int64_t>();
  record.db_epoch = head.Text();
  record.writer = head.Text();
  if (head.bad() || !head.empty() || !ParseBackupName(record.archive)) {
    return Damaged();
  }
  while (const auto line = next_line()) {
    std::optional<ReusableFile> file = DecodeFile(*line);
    if (!file) return Damaged();
    record.files.push_back(std::move(*file));
  }
  if (!text.empty()) return Damaged();
  return record;
}

}  // namespace levelkeep
