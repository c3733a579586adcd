// The format of a log line; private to log.cc and the tests.

#ifndef LEVELKEEP_BASE_LOG_OUTPUT_H_
#define LEVELKEEP_BASE_LOG_OUTPUT_H_

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/file_system.h"

namespace levelkeep {

enum class LogStyle {
  kText,     // 2024-12-27T12:00:00.000Z info  [Tag] message
  kJson,     // {"time":"…","level":"info","tag":"Tag","message":"…"}
  kJournal,  // <6>[Tag] message: journald adds the time, reads the priority
};

// A message begins with "[Tag] ". Any message becomes a single line: control
// characters are escaped, so that the name of a file can't forge a line.
std::unique_ptr<spdlog::formatter> NewLogFormatter(LogStyle style);

// Appends each line to levelkeep_YYYY-MM-DD.log (UTC) in a folder; several
// processes may share it. Lines that can't be written are dropped.
class DailyFileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  DailyFileSink(FileSystem* fs, std::string directory);

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}  // no buffer

 private:
  FileSystem* const fs_;
  const std::string directory_;
  std::string day_;  // the day of file_
  std::unique_ptr<File> file_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_LOG_OUTPUT_H_
