#include "notify/texts.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr char kDatabaseBackup[] = "Database Backup ";

std::string Hex2(char c) {
  char text[3];
  std::snprintf(text, sizeof(text), "%02X", static_cast<unsigned char>(c));
  return text;
}

bool IsPlainHeader(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f) return false;  // also all above ASCII
  }
  return !text.starts_with("=?") && text.size() <= 200;
}

// "Fri, 27 Dec 2024 12:00:00 +0000", whatever the locale is.
std::string MailDate(Time time) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr",
                                                   "May", "Jun", "Jul", "Aug",
                                                   "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(
      std::chrono::floor<std::chrono::seconds>(time - day));
  const std::chrono::weekday weekday(day);
  char text[64];
  std::snprintf(
      text, sizeof(text), "%s, %02u %s %04d %02d:%02d:%02d +0000",
      kDays.at(weekday.c_encoding()), static_cast<unsigned>(date.day()),
      kMonths.at(static_cast<unsigned>(date.month()) - 1),
      static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return text;
}

std::string FirstLine(const Notice& notice) {
  const std::string what = notice.type == JobType::kVerify
                               ? "Verification failed: "
                           : notice.type == JobType::kDrill ? "Drill failed: "
                                                            : "Backup failed: ";
  switch (notice.kind) {
    case NoticeKind::kSuccess:
    case NoticeKind::kRecovered:
    case NoticeKind::kStarted: {
      std::string line = "Backup completed: " + notice.backup;
      if (notice.backup.empty()) {
        line = "Backup completed: nothing has changed since the last one";
      }
      if (notice.size_bytes > 0) {
        line += " (" + FormatBytes(notice.size_bytes) + ")";
      }
      if (notice.kind == NoticeKind::kRecovered) {
        line += "\nThis is the first one after a failure.";
      }
      return line;
    }
    case NoticeKind::kFailure:
      return what + notice.message;
    case NoticeKind::kAbsence:
      return "Backup missing: " + notice.message;
    case NoticeKind::kDigest:
      break;
  }
  std::string line = std::to_string(notice.count()) + " messages in one:";
  for (const auto& [kind, count] : notice.counts) {
    line += " " + kind + " " + std::to_string(count);
  }
  for (const std::string& one : notice.lines) line += "\n  " + one;
  return line;
}

}  // namespace

std::string SubjectOf(const Notice& notice) {
  std::string subject = kDatabaseBackup;
  switch (notice.state()) {
    case NoticeKind::kFailure:
      subject += "FAILED";
      break;
    case NoticeKind::kAbsence:
      subject += "MISSING";
      break;
    default:
      subject += "SUCCESS";
  }
  if (notice.kind == NoticeKind::kDigest) {
    subject += " (" + std::to_string(notice.count()) + " messages)";
  } else if (notice.kind == NoticeKind::kRecovered) {
    subject += " (recovered)";
  } else if (notice.type == JobType::kVerify) {
    subject += " (verification)";
  } else if (notice.type == JobType::kDrill) {
    subject += " (drill)";
  }
  return subject;
}

std::string BodyOf(const Notice& notice) {
  std::string body = FirstLine(notice) + "\n\n";
  const auto add = [&body](const char* name, const std::string& value) {
    if (!value.empty()) body += std::string(name) + value + "\n";
  };
  add("Warning:      ", notice.warning);
  add("Database:     ", notice.database);
  add("Host:         ", notice.host);
  add("Time:         ", FormatTime(notice.at));
  if (notice.duration_ms > 0) {
    add("Duration:     ", std::to_string(notice.duration_ms) + " ms");
  }
  add("Label:        ", notice.label);
  add("Trigger:      ", notice.trigger);
  add("Job:          ", notice.job_id);
  if (notice.attempts > 1) {
    add("Attempts:     ", std::to_string(notice.attempts));
  }
  if (notice.last_success) {
    add("Last success: ", FormatTime(*notice.last_success));
  }
  return body;
}

// Several encoded words, since one has at most 75 characters.
std::string HeaderValue(std::string_view text) {
  if (IsPlainHeader(text)) return std::string(text);
  constexpr size_t kMostBytes = 16;  // 48 characters
  std::string value, word;
  size_t bytes = 0;
  const auto end_word = [&] {
    if (!value.empty()) value += "\r\n ";
    value += "=?utf-8?Q?" + word + "?=";
    word.clear();
    bytes = 0;
  };
  for (const char c : Printable(text, 500)) {
    const bool inside = (c & 0xc0) == 0x80;  // of a character in UTF-8
    if (bytes >= kMostBytes && !inside) end_word();
    word += "=" + Hex2(c);
    ++bytes;
  }
  end_word();
  return value;
}

std::string QuotedPrintable(std::string_view text) {
  constexpr size_t kMostColumns = 72;
  std::string quoted;
  for (const std::string_view line : Split(text, '\n')) {
    size_t column = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      const bool plain = (c > 0x20 && c < 0x7f && c != '=') ||
                         (c == ' ' && i + 1 < line.size());
      if (column >= kMostColumns) {
        quoted += "=\r\n";
        column = 0;
      }
      quoted += plain ? std::string(1, c) : "=" + Hex2(c);
      column += plain ? 1 : 3;
    }
    quoted += "\r\n";
  }
  return quoted;
}

std::string MailOf(const Notice& notice, const std::string& from,
                   const std::vector<std::string>& to, Time now) {
  std::string host = "levelkeep";
  if (!notice.host.empty() && IsMadeOf(notice.host, ".-")) host = notice.host;
  std::string mail;
  const auto add = [&mail](const char* name, const std::string& value) {
    mail += std::string(name) + ": " + value + "\r\n";
  };
  add("Date", MailDate(now));
  add("From", from);
  add("To", Join(to, ",\r\n "));
  add("Subject", HeaderValue(SubjectOf(notice)));
  add("Message-ID", "<" + notice.id + "@" + host + ">");
  add("MIME-Version", "1.0");
  add("Content-Type", "text/plain; charset=utf-8");
  add("Content-Transfer-Encoding", "quoted-printable");
  add("Auto-Submitted", "auto-generated");
  add("X-LevelKeep-Event", std::string(NameOf(notice.kind)));
  add("X-LevelKeep-Database", HeaderValue(notice.database));
  return mail + "\r\n" + QuotedPrintable(BodyOf(notice));
}

std::string WebhookJsonOf(const Notice& notice) {
  nlohmann::ordered_json json;
  json["version"] = 1;
  json["id"] = notice.id;
  json["event"] = NameOf(notice.kind);
  json["time"] = FormatTime(notice.at);
  json["database"] = notice.database;
  json["host"] = notice.host;
  const auto add = [](auto* object, const char* name, const auto& value) {
    if (value != std::decay_t<decltype(value)>()) (*object)[name] = value;
  };
  nlohmann::ordered_json job = {{"type", notice.type_name()}};
  add(&job, "id", notice.job_id);
  add(&job, "trigger", notice.trigger);
  add(&job, "label", notice.label);
  add(&job, "attempts", notice.attempts);
  add(&job, "durationMs", notice.duration_ms);
  if (notice.state() != NoticeKind::kAbsence) json["job"] = job;
  if (!notice.backup.empty()) {
    json["backup"] = {{"name", notice.backup}};
    add(&json["backup"], "sizeBytes", notice.size_bytes);
  }
  json["subject"] = SubjectOf(notice);
  add(&json, "message", notice.message);
  add(&json, "warning", notice.warning);
  if (notice.last_success) {
    json["lastSuccess"] = FormatTime(*notice.last_success);
  }
  if (notice.kind == NoticeKind::kDigest) {
    json["digest"] = {{"count", notice.count()},
                      {"events", notice.counts},
                      {"newest", NameOf(notice.newest)},
                      {"lines", notice.lines}};
  }
  return DumpJson(json);
}

}  // namespace levelkeep
