#include "cli/progress_meter.h"

#include <string_view>

#include "base/text.h"

namespace levelkeep::cli {

namespace {

constexpr char kTasks[] = "/proc/self/task";
constexpr uint64_t kProcLimit = 1 << 20;

std::string ReadProc(FileSystem* fs, const std::string& path) {
  auto text = ReadFile(fs, path, kProcLimit);
  return text.ok() ? *std::move(text) : "";
}

// The number behind "NAME: " at the beginning of a line.
uint64_t NumberOf(std::string_view text, std::string_view name) {
  for (std::string_view line : Split(text, '\n')) {
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    return ParseUint64(Trim(line, ": ")).value_or(0);
  }
  return 0;
}

// User and system time, fields 14 and 15 of /proc/PID/stat. The second field,
// the program's name in brackets, may hold anything.
uint64_t TimeOfStat(std::string_view stat) {
  constexpr size_t kUser = 11;  // counted from the field behind the name
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) return 0;
  const auto fields = Split(stat.substr(name_end + 2), ' ');
  if (fields.size() <= kUser + 1) return 0;
  return ParseUint64(fields[kUser]).value_or(0) +
         ParseUint64(fields[kUser + 1]).value_or(0);
}

}  // namespace

ProgressMeter::ProgressMeter(FileSystem* fs)
    : fs_(fs), bytes_(Bytes()), times_(ChildTimes()) {}

bool ProgressMeter::Advanced() {
  const uint64_t bytes = Bytes();
  std::map<std::string, uint64_t> times = ChildTimes();
  bool advanced = bytes >= bytes_ + kLeastBytes;
  for (const auto& [child, time] : times) {
    const auto before = times_.find(child);
    // A new child has begun to work.
    if (before == times_.end() || time > before->second) advanced = true;
  }
  if (!advanced) return false;
  bytes_ = bytes;
  times_ = std::move(times);
  return true;
}

uint64_t ProgressMeter::Bytes() const {
  const std::string io = ReadProc(fs_, "/proc/self/io");
  return NumberOf(io, "rchar") + NumberOf(io, "wchar");
}

std::map<std::string, uint64_t> ProgressMeter::ChildTimes() const {
  std::map<std::string, uint64_t> times;
  const auto tasks = fs_->List(kTasks);
  if (!tasks.ok()) return times;
  for (const std::string& task : *tasks) {
    const std::string children =
        ReadProc(fs_, std::string(kTasks) + "/" + task + "/children");
    for (const std::string_view child : Split(children, ' ')) {
      const std::string id(Trim(child, " \n"));
      if (id.empty()) continue;
      times[id] = TimeOfStat(ReadProc(fs_, "/proc/" + id + "/stat"));
    }
  }
  return times;
}

}  // namespace levelkeep::cli
