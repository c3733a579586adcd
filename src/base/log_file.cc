// The daily files of the log: their days, their removal, and lines that can't
// be written.

#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_output.h"
#include "base/status_macros.h"

namespace levelkeep {

namespace {

constexpr std::string_view kLogPrefix = "levelkeep_";
constexpr std::string_view kLogSuffix = ".log";
constexpr size_t kDayLength = 10;  // "2024-12-27"
// How often the sink looks whether its file was moved.
constexpr std::chrono::seconds kLookInterval{1};

std::string DayOf(Time time) { return FormatTime(time).substr(0, kDayLength); }

std::string LogFileName(const std::string& day) {
  return std::string(kLogPrefix) + day + std::string(kLogSuffix);
}

// The day in the name of a log file; empty: it is no name of ours.
std::string DayInName(std::string_view name) {
  if (name.size() != kLogPrefix.size() + kDayLength + kLogSuffix.size()) {
    return "";
  }
  const std::string day(name.substr(kLogPrefix.size(), kDayLength));
  const auto time = ParseTime(day + "T00:00:00Z");
  return time.ok() && LogFileName(DayOf(*time)) == name ? day : "";
}

std::string FirstKeptDay(const std::string& today, int retention_days) {
  const auto midnight = ParseTime(today + "T00:00:00Z");
  if (!midnight.ok()) return "";
  return DayOf(*midnight - std::chrono::days(retention_days));
}

// A line about the log itself, which belongs to no job. REQUIRES: `text`
// outlives the line.
spdlog::details::log_msg NoteOf(const std::string& text, Time time) {
  spdlog::details::log_msg note(
      spdlog::source_loc{}, "levelkeep", spdlog::level::warn,
      spdlog::string_view_t(text.data(), text.size()));
  note.time = time;
  return note;
}

void Note(spdlog::sinks::sink* notes, const std::string& text, Time time) {
  if (notes == nullptr) return;
  const LogJobScope no_job("");
  notes->log(NoteOf("[Log] " + text, time));
}

}  // namespace

DailyFileSink::DailyFileSink(FileSystem* fs, std::string directory,
                             int retention_days, spdlog::sink_ptr notes)
    : fs_(fs),
      directory_(std::move(directory)),
      retention_days_(retention_days),
      notes_(std::move(notes)) {}

DailyFileSink::~DailyFileSink() {
  const Time now = Clock::System()->Now();
  if (lost_ == 0 || TellLost(now).ok()) return;
  Note(notes_.get(),
       std::to_string(lost_) + " lines could not be written to " + Path() +
           ": " + why_,
       now);
}

void DailyFileSink::Reopen() {
  const std::lock_guard lock(mutex_);
  file_.reset();
}

void DailyFileSink::flush_() {
  if (lost_ > 0) (void)TellLost(Clock::System()->Now());
}

void DailyFileSink::sink_it_(const spdlog::details::log_msg& message) {
  const std::string day = DayOf(message.time);
  Prune(day);  // also on a full disk, where it makes space
  Status written = lost_ == 0 ? Status::Ok() : TellLost(message.time);
  if (written.ok()) written = UseDay(message.time, day);
  if (written.ok()) written = Append(message);
  if (!written.ok()) Lose(written, message.time);
}

std::string DailyFileSink::Path() const {
  return JoinPath(directory_, LogFileName(day_));
}

void DailyFileSink::Prune(const std::string& today) {
  if (retention_days_ <= 0 || today == pruned_) return;
  pruned_ = today;
  const std::string first = FirstKeptDay(today, retention_days_);
  const auto names = fs_->List(directory_);
  if (!names.ok()) return;  // the next line says why it can't be written
  Status failure;
  for (const std::string& name : *names) {
    const std::string day = DayInName(name);
    if (day.empty() || day >= first) continue;
    const std::string path = JoinPath(directory_, name);
    const auto info = fs_->Stat(path);
    if (!info.ok() || info->type != FileType::kRegular) continue;
    const Status removed = fs_->RemoveFile(path);
    if (!removed.ok() && removed.code() != StatusCode::kNotFound) {
      failure = removed;
    }
  }
  if (failure.ok()) return;
  Note(notes_.get(), "old log files stay: " + failure.ToString(),
       Clock::System()->Now());
}

Status DailyFileSink::UseDay(Time time, const std::string& day) {
  if (file_ != nullptr && (day != day_ || WasMoved(time))) file_.reset();
  day_ = day;
  if (file_ == nullptr) looked_ = time;
  return Open();
}

// If the file system can't tell, the file stays in use.
bool DailyFileSink::WasMoved(Time time) {
  if (time >= looked_ && time - looked_ < kLookInterval) return false;
  looked_ = time;
  const auto named = fs_->Stat(Path());
  if (!named.ok()) return named.status().code() == StatusCode::kNotFound;
  const auto open = file_->Stat();
  return open.ok() && std::pair(named->device, named->inode) !=
                          std::pair(open->device, open->inode);
}

Status DailyFileSink::Open() {
  if (file_ != nullptr) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(auto file, fs_->Open(Path(), OpenMode::kAppend));
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, file->Stat());
  char last = '\n';
  if (info.size_bytes > 0) {
    LEVELKEEP_RETURN_IF_ERROR(
        ReadExactly(*file, info.size_bytes - 1, &last, 1));
  }
  torn_ = last != '\n';
  file_ = std::move(file);
  return Status::Ok();
}

// A full disk may take a part of a line: the next line begins on its own.
Status DailyFileSink::Append(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  if (torn_) line.push_back('\n');
  formatter_->format(message, line);
  const Status written =
      file_->Append(std::string_view(line.data(), line.size()));
  torn_ = false;
  if (!written.ok()) file_.reset();
  return written;
}

// A full disk must not stop the program that logs about it.
void DailyFileSink::Lose(const Status& why, Time time) {
  if (lost_++ > 0) return;
  why_ = why.message();
  Note(notes_.get(),
       "lines can't be written to the log file and are counted; standard error "
       "has them: " +
           why.ToString(),
       time);
}

// The number of lost lines goes into the file that lacks them.
Status DailyFileSink::TellLost(Time time) {
  LEVELKEEP_RETURN_IF_ERROR(Open());
  const LogJobScope no_job("");
  const std::string text = "[Log] " + std::to_string(lost_) +
                           " lines could not be written to " + Path() + ": " +
                           why_;
  const auto note = NoteOf(text, time);
  LEVELKEEP_RETURN_IF_ERROR(Append(note));
  lost_ = 0;
  if (notes_ != nullptr) notes_->log(note);
  return Status::Ok();
}

}  // namespace levelkeep
