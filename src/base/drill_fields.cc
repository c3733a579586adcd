#include "base/drill_fields.h"

#include <charconv>
#include <cstdio>

#include "base/clock.h"
#include "base/text.h"

namespace levelkeep {

namespace {

constexpr size_t kMostProblem = 500;
constexpr char kBetween = '\n';

// Milliseconds are enough, and the same in each locale.
std::string SecondsText(double seconds) {
  char text[64];
  const auto [end, error] =
      std::to_chars(text, text + sizeof(text), seconds,
                    std::chars_format::fixed, /*precision=*/3);
  return error == std::errc() ? std::string(text, end) : "0";
}

double SecondsOf(const std::string& text) {
  double seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return seconds > 0 ? seconds : 0;
}

}  // namespace

std::map<std::string, std::string> DrillFields(const DrillReport& report) {
  std::map<std::string, std::string> fields = {
      {"backup", report.name},
      {"at", FormatTime(report.at)},
      {"ok", report.ok ? "true" : "false"},
      {"seconds", SecondsText(report.seconds)},
      {"bytes", std::to_string(report.bytes)},
      {"entries", std::to_string(report.entries)},
      {"sequence", std::to_string(report.last_sequence)},
      {"events", std::to_string(report.events)}};
  if (report.damaged) fields["damaged"] = "true";
  if (report.limited) fields["limited"] = "true";
  if (!report.problem.empty()) {
    fields["problem"] = report.problem.substr(0, kMostProblem);
  }
  if (!report.not_compared.empty()) {
    fields["not_compared"] = Join(report.not_compared, {&kBetween, 1});
  }
  return fields;
}

DrillReport DrillReportOf(const std::map<std::string, std::string>& fields) {
  const auto text = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
  };
  const auto number = [&](const char* name) {
    return ParseUint64(text(name)).value_or(0);
  };
  DrillReport report;
  report.name = text("backup");
  if (const auto at = ParseTime(text("at")); at.ok()) report.at = *at;
  report.ok = text("ok") != "false";
  report.damaged = text("damaged") == "true";
  report.limited = text("limited") == "true";
  report.problem = text("problem");
  report.seconds = SecondsOf(text("seconds"));
  report.bytes = number("bytes");
  report.entries = number("entries");
  report.last_sequence = number("sequence");
  report.events = number("events");
  const std::string missing = text("not_compared");
  for (const std::string_view one : Split(missing, kBetween)) {
    if (!one.empty()) report.not_compared.emplace_back(one);
  }
  return report;
}

}  // namespace levelkeep
