// A helper program that test_cron.py compares with other people's programs:
// reads lines "expression|zone|time|count" and prints for each the next `count`
// runs after the time, or "error: MESSAGE".
//
//   0 2 * * *|Europe/Berlin|2026-03-28T00:00:00Z|2
//   2026-03-28T01:00:00.000Z 2026-03-29T01:00:00.000Z

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "base/text.h"
#include "jobs/cron.h"

namespace levelkeep::test {
namespace {

Result<std::string> RunsOfLine(const std::string& line) {
  const auto parts = Split(line, '|');
  if (parts.size() != 4) {
    return Status(StatusCode::kInvalidArgument, "four parts are needed");
  }
  const auto fields = CronFields::Parse(parts[0]);
  if (!fields.ok()) return fields.status();
  const auto zone = TimeZone::Load(std::string(parts[1]));
  if (!zone.ok()) return zone.status();
  const auto start = ParseTime(parts[2]);
  if (!start.ok()) return start.status();
  const CronSchedule schedule(*fields, *zone);
  std::vector<std::string> runs;
  Time time = *start;
  for (uint64_t left = ParseUint64(parts[3]).value_or(1); left > 0; --left) {
    time = schedule.NextAfter(time);
    runs.push_back(FormatTime(time));
  }
  return Join(runs, " ");
}

}  // namespace
}  // namespace levelkeep::test

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto runs = levelkeep::test::RunsOfLine(line);
    const std::string text =
        runs.ok() ? *runs : "error: " + runs.status().message();
    std::printf("%s\n", text.c_str());
  }
}
