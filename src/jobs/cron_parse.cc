// The parser of cron expressions (`CronFields::Parse`).

#include <bit>
#include <string>
#include <vector>

#include "base/text.h"
#include "jobs/cron.h"

namespace levelkeep {
namespace {

struct FieldRule {
  const char* name;
  int first, last;
  const char* allowed;
  std::string_view names;  // three letters each; the first one means first_name
  int first_name;
};

constexpr FieldRule kFieldRules[] = {
    {"minute", 0, 59, "0-59", "", 0},
    {"hour", 0, 23, "0-23", "", 0},
    {"day of month", 1, 31, "1-31", "", 0},
    {"month", 1, 12, "1-12 or JAN-DEC", "janfebmaraprmayjunjulaugsepoctnovdec",
     1},
    {"day of week", 0, 7, "0-7 (0 and 7 are Sunday) or SUN-SAT",
     "sunmontuewedthufrisat", 0},
};

constexpr struct {
  std::string_view name, fields;
} kShortForms[] = {
    {"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

std::string Quoted(std::string_view text) {
  return '"' + Printable(text) + '"';
}

Status CronError(std::string message, std::string hint) {
  return {StatusCode::kInvalidArgument, std::move(message), std::move(hint)};
}

// A field that is wrong: its name, the part that is wrong, why, and what is
// allowed.
Status FieldError(const FieldRule& rule, std::string_view part,
                  const std::string& why) {
  return CronError(
      std::string(rule.name) + " " + Quoted(part) + ": " + why,
      std::string("allowed are ") + rule.allowed +
          ", ranges (1-5), lists (1,3,5), *, and steps (*/2, 1-5/2)");
}

// A number, or a name of the field.
Result<int> ParseValue(const FieldRule& rule, std::string_view part,
                       std::string_view text) {
  if (text.size() == 3) {
    const size_t place = rule.names.find(Lower(text));
    if (place != std::string_view::npos && place % 3 == 0) {
      return rule.first_name + static_cast<int>(place / 3);
    }
  }
  if (text.empty()) return FieldError(rule, part, "a value is missing");
  const auto first = static_cast<uint64_t>(rule.first);
  const auto last = static_cast<uint64_t>(rule.last);
  const auto number = ParseUint64(text);
  if (number && *number >= first && *number <= last) {
    return static_cast<int>(*number);
  }
  const bool digits = text.find_first_not_of("0123456789") == text.npos;
  return FieldError(
      rule, part,
      Quoted(text) + (digits ? " is out of range" : " is not a value"));
}

// The n of "*/n" and "a-b/n". A step that is larger than the field does not do
// what it seems to say: */90 is not each 90 minutes.
Result<int> ParseStep(const FieldRule& rule, std::string_view part,
                      std::string_view text) {
  const int count = rule.last - rule.first + 1;
  const auto step = ParseUint64(text);
  if (step && *step >= 1 && *step <= static_cast<uint64_t>(count)) {
    return static_cast<int>(*step);
  }
  return FieldError(rule, part,
                    "the step " + Quoted(text) + " is not a number from 1 to " +
                        std::to_string(count));
}

// The bits of one part of a list: "*", "a", "a-b", and steps.
Result<uint64_t> ParsePart(const FieldRule& rule, std::string_view part) {
  const size_t slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  const size_t dash = range.find('-');
  int first = rule.first, last = rule.last, step = 1;
  if (range != "*") {
    const auto from = ParseValue(rule, part, range.substr(0, dash));
    if (!from.ok()) return from.status();
    const auto to = dash == range.npos
                        ? from
                        : ParseValue(rule, part, range.substr(dash + 1));
    if (!to.ok()) return to.status();
    first = *from;
    last = *to;
  }
  if (first > last) {
    return FieldError(rule, part, "the range ends before it begins");
  }
  if (slash != part.npos) {
    if (range != "*" && dash == range.npos) {
      return FieldError(rule, part, "a step needs a range or * before it");
    }
    const auto parsed = ParseStep(rule, part, part.substr(slash + 1));
    if (!parsed.ok()) return parsed.status();
    step = *parsed;
  }
  uint64_t bits = 0;
  for (int value = first; value <= last; value += step) {
    bits |= uint64_t{1} << value;
  }
  return bits;
}

Result<uint64_t> ParseField(const FieldRule& rule, std::string_view text) {
  uint64_t bits = 0;
  for (const std::string_view part : Split(text, ',')) {
    if (part.empty()) {
      return FieldError(rule, text, "a value is missing in the list");
    }
    const auto more = ParsePart(rule, part);
    if (!more.ok()) return more.status();
    bits |= *more;
  }
  return bits;
}

// The words between blanks and tabs.
std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    text = Trim(text);
    if (text.empty()) return words;
    const size_t end = std::min(text.find_first_of(" \t"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

// The five words of an expression, with a short form replaced.
Result<std::vector<std::string_view>> FiveWords(std::string_view expression) {
  constexpr char kFiveFields[] =
      "five fields are needed: minute, hour, day of month, month, day of week; "
      "\"0 2 * * *\" is each day at 2:00";
  auto words = Words(expression);
  if (words.empty()) return CronError("it is empty", kFiveFields);
  if (words[0].starts_with('@')) {
    for (const auto& form : kShortForms) {
      if (words.size() == 1 && Lower(words[0]) == form.name) {
        return Words(form.fields);
      }
    }
    return CronError(Quoted(Trim(expression)) + " is not known",
                     "known are @yearly, @annually, @monthly, @weekly, "
                     "@daily, @midnight and @hourly");
  }
  if (words.size() != CronFields::kFieldCount) {
    return CronError("it has " + std::to_string(words.size()) + " field" +
                         (words.size() == 1 ? "" : "s"),
                     std::string(kFiveFields) +
                         "; there are no fields for seconds and years");
  }
  return words;
}

bool HasStarOrStep(std::string_view field) {
  return field.find_first_of("*/") != field.npos;
}

}  // namespace

// If either day is enough, there is always a next weekday. Else each weekday
// comes on each date, on 29 February within 40 years.
bool CronFields::EverMatches() const {
  constexpr int kLongest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (either_day_) return true;
  const int first_day = std::countr_zero(values_[kDay]);
  for (int month = 1; month <= 12; ++month) {
    if (Has(kMonth, month) && first_day <= kLongest[month - 1]) return true;
  }
  return false;
}

Result<CronFields> CronFields::Parse(std::string_view expression) {
  const std::string context = "cron expression " + Quoted(expression);
  const auto words = FiveWords(expression);
  if (!words.ok()) return words.status().WithContext(context);
  CronFields fields;
  for (size_t field = 0; field < kFieldCount; ++field) {
    const auto bits = ParseField(kFieldRules[field], (*words)[field]);
    if (!bits.ok()) return bits.status().WithContext(context);
    fields.values_[field] = *bits;
  }
  fields.values_[kWeekday] |= fields.values_[kWeekday] >> 7;  // 7 is Sunday
  fields.either_day_ =
      !(*words)[kDay].starts_with('*') && !(*words)[kWeekday].starts_with('*');
  fields.fixed_ =
      !HasStarOrStep((*words)[kMinute]) && !HasStarOrStep((*words)[kHour]);
  if (!fields.EverMatches()) {
    return CronError("it never happens: no month of it has such a day",
                     "the day of month must exist in one of the months")
        .WithContext(context);
  }
  return fields;
}

}  // namespace levelkeep
