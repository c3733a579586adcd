#include "notify/notice.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/hash.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr size_t kMostText = 1500;
constexpr size_t kMostLine = 300;
constexpr size_t kMostLines = 20;

constexpr std::array<std::string_view, 6> kKinds = {
    "started", "success", "failure", "recovered", "absence", "digest"};
// The types of jobs of which notices tell.
constexpr std::pair<JobType, std::string_view> kTypes[] = {
    {JobType::kCreate, "create"},
    {JobType::kVerify, "verify"},
    {JobType::kRotate, "rotate"},
    {JobType::kDrill, "drill"},
};

constexpr size_t kIdTime = 19;  // "20241227-120000-000"
constexpr size_t kIdRandom = 8;

std::optional<NoticeKind> KindOf(const std::string& name) {
  const auto* const found = std::ranges::find(kKinds, name);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<NoticeKind>(found - kKinds.begin());
}

std::optional<JobType> TypeOf(const std::string& name) {
  for (const auto& [type, known] : kTypes) {
    if (known == name) return type;
  }
  return std::nullopt;
}

Status BadNotice(const char* what) {
  return Status(StatusCode::kCorruption,
                std::string("a notice has a wrong ") + what);
}

// A member list; each text comes with its name in the record.
template <typename AnyNotice, typename Visit>
void VisitTexts(AnyNotice* notice, Visit visit) {
  visit("database", &notice->database);
  visit("host", &notice->host);
  visit("job", &notice->job_id);
  visit("trigger", &notice->trigger);
  visit("label", &notice->label);
  visit("backup", &notice->backup);
  visit("message", &notice->message);
  visit("warning", &notice->warning);
}

template <typename AnyNotice, typename Visit>
void VisitNumbers(AnyNotice* notice, Visit visit) {
  visit("size", &notice->size_bytes);
  visit("duration_ms", &notice->duration_ms);
  visit("attempts", &notice->attempts);
}

std::vector<std::string> Parts(const std::string& text, char separator) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (const std::string_view part : Split(text, separator)) {
    parts.emplace_back(part);
  }
  return parts;
}

Status ReadDigest(const Record& record, Notice* notice) {
  const auto newest = KindOf(record.Get("newest"));
  if (!newest) return BadNotice("newest");
  notice->newest = *newest;
  for (const std::string_view kind : kKinds) {
    const uint64_t count = record.GetNumber("count_" + std::string(kind));
    if (count > 0) notice->counts[std::string(kind)] = count;
  }
  notice->lines = Parts(record.Get("lines"), '\n');
  notice->replaces = Parts(record.Get("replaces"), ' ');
  return Status::Ok();
}

}  // namespace

std::string_view NameOf(NoticeKind kind) {
  return kKinds.at(static_cast<size_t>(kind));
}

std::string_view Notice::type_name() const {
  for (const auto& [known, name] : kTypes) {
    if (known == type) return name;
  }
  return kTypes[0].second;
}

uint64_t Notice::count() const {
  if (kind != NoticeKind::kDigest) return 1;
  uint64_t sum = 0;
  for (const auto& [name, number] : counts) sum += number;
  return sum;
}

std::string NewNoticeId(Time now) {
  std::string text = FormatTime(now);  // "2024-12-27T12:00:00.000Z"
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  std::ranges::replace(text, 'T', '-');
  std::ranges::replace(text, '.', '-');
  return text + "-" + RandomId().substr(0, kIdRandom);
}

bool IsNoticeId(std::string_view text) {
  return text.size() == kIdTime + 1 + kIdRandom && text[8] == '-' &&
         text[15] == '-' && text[kIdTime] == '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return HexDigit(c) >= 0 || c == '-'; });
}

Record NoticeToRecord(const Notice& notice) {
  Record record;
  record.Set("kind", NameOf(notice.kind));
  record.Set("id", notice.id);
  record.Set("at", FormatTime(notice.at));
  record.Set("type", notice.type_name());
  VisitTexts(&notice, [&](const char* name, const std::string* text) {
    if (!text->empty()) record.Set(name, text->substr(0, kMostText));
  });
  VisitNumbers(&notice, [&](const char* name, const uint64_t* number) {
    if (*number != 0) record.SetNumber(name, *number);
  });
  if (notice.last_success) {
    record.Set("last_success", FormatTime(*notice.last_success));
  }
  if (notice.kind != NoticeKind::kDigest) return record;
  record.Set("newest", NameOf(notice.newest));
  for (const auto& [kind, count] : notice.counts) {
    record.SetNumber("count_" + kind, count);
  }
  record.Set("lines", Join(notice.lines, "\n"));
  record.Set("replaces", Join(notice.replaces, " "));
  return record;
}

Result<Notice> NoticeFromRecord(const Record& record) {
  Notice notice;
  const auto kind = KindOf(record.Get("kind"));
  const auto type = TypeOf(record.Get("type"));
  notice.id = record.Get("id");
  if (!kind) return BadNotice("kind");
  if (!type) return BadNotice("type");
  if (!IsNoticeId(notice.id)) return BadNotice("id");
  notice.kind = *kind;
  notice.type = *type;
  LEVELKEEP_ASSIGN_OR_RETURN(notice.at, ParseTime(record.Get("at")));
  VisitTexts(&notice, [&](const char* name, std::string* text) {
    *text = record.Get(name);
  });
  VisitNumbers(&notice, [&](const char* name, uint64_t* number) {
    *number = record.GetNumber(name);
  });
  if (const std::string last = record.Get("last_success"); !last.empty()) {
    LEVELKEEP_ASSIGN_OR_RETURN(notice.last_success, ParseTime(last));
  }
  if (notice.kind == NoticeKind::kDigest) {
    LEVELKEEP_RETURN_IF_ERROR(ReadDigest(record, &notice));
  }
  return notice;
}

std::string LineOf(const Notice& notice) {
  std::string line =
      FormatTime(notice.at) + " " + std::string(NameOf(notice.kind)) + ": ";
  if (!notice.backup.empty()) {
    line += notice.backup;
    if (notice.size_bytes > 0) {
      line += " (" + FormatBytes(notice.size_bytes) + ")";
    }
    if (!notice.message.empty()) line += ": ";
  }
  line += notice.message;
  if (!notice.warning.empty()) line += "; warning: " + notice.warning;
  return Printable(line, kMostLine);
}

Notice FoldNotices(const std::vector<Notice>& notices, Time now) {
  Notice digest = notices.back();  // the newest facts
  digest.counts.clear();
  digest.lines.clear();
  digest.replaces.clear();
  for (const Notice& notice : notices) {
    if (notice.kind == NoticeKind::kDigest) {
      for (const auto& [kind, count] : notice.counts) {
        digest.counts[kind] += count;
      }
      digest.lines.insert(digest.lines.end(), notice.lines.begin(),
                          notice.lines.end());
    } else {
      ++digest.counts[std::string(NameOf(notice.kind))];
      digest.lines.push_back(LineOf(notice));
    }
    digest.replaces.push_back(notice.id);
  }
  if (digest.lines.size() > kMostLines) {
    digest.lines.erase(digest.lines.begin(), digest.lines.end() - kMostLines);
  }
  digest.newest = notices.back().state();
  digest.kind = NoticeKind::kDigest;
  digest.id = NewNoticeId(now);
  return digest;
}

}  // namespace levelkeep
