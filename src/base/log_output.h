// The format of a log line and the daily files; private to src/base and the
// tests.

#ifndef LEVELKEEP_BASE_LOG_OUTPUT_H_
#define LEVELKEEP_BASE_LOG_OUTPUT_H_

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"

namespace levelkeep {

enum class LogStyle {
  kText,         // 2024-12-27T12:00:00.000Z info  [Tag] message
  kJson,         // {"time":"…","level":"info","tag":"Tag","message":"…"}
  kJournal,      // <6>[Tag] message: journald adds the time, reads the priority
  kJournalJson,  // <6>{"time":"…",…}: journald stores the JSON alone
};

// A message begins with "[Tag] ". Any message becomes a single line: control
// characters are escaped, so that the name of a file can't forge a line. The
// line has the job of the thread that formats it (LogJobScope).
std::unique_ptr<spdlog::formatter> NewLogFormatter(LogStyle style);

// Appends each line to levelkeep_YYYY-MM-DD.log (UTC) in a folder; several
// processes may share it.
//
// A line that can't be written (full disk) is dropped and counted; the number
// is told as soon as a line can be written again. Until then the sink begins no
// file of a new day. A file that was moved or removed is noticed within a
// second, and the sink begins a new one.
class DailyFileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // With the first line, and with the first one of each day, files of our own
  // name pattern are removed if their day lies more than `retention_days`
  // before; 0: never. Links and other files stay. `notes` (null: nobody) also
  // receives what the sink says about its files.
  DailyFileSink(FileSystem* fs, std::string directory, int retention_days = 0,
                spdlog::sink_ptr notes = nullptr);
  ~DailyFileSink() override;

  // The next line opens the file anew.
  void Reopen();

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;  // there is no buffer; tells of lost lines

 private:
  std::string Path() const;
  void Prune(const std::string& today);
  Status UseDay(Time time, const std::string& day);
  bool WasMoved(Time time);
  Status Open();
  Status Append(const spdlog::details::log_msg& message);
  void Lose(const Status& why, Time time);
  Status TellLost(Time time);

  FileSystem* const fs_;
  const std::string directory_;
  const int retention_days_;
  const spdlog::sink_ptr notes_;
  std::string pruned_;  // the day of the last removal
  std::string day_;     // the day of file_
  std::unique_ptr<File> file_;
  bool torn_ = false;  // the file ends within a line
  Time looked_;        // when WasMoved looked last
  uint64_t lost_ = 0;
  std::string why_;  // the lines are lost
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_LOG_OUTPUT_H_
