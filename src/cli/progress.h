// Progress of a long job: a bar on a terminal, a few lines elsewhere.

#ifndef LEVELKEEP_CLI_PROGRESS_H_
#define LEVELKEEP_CLI_PROGRESS_H_

#include <chrono>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "cli/console.h"

namespace levelkeep::cli {

// On a terminal the bar is drawn at most ten times a second and wiped at the
// end. Elsewhere there is a line each 10 %, but not more than one a second,
// so that a short job is silent.
// Thread safety: Update from any thread.
class Progress {
 public:
  // `console` outlives it. `label` is what is done: "verifying NAME".
  Progress(Console* console, std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `fraction` from 0 to 1.
  void Update(double fraction) EXCLUDES_LOCK(mutex_);
  // Update as a function; lives no longer than this object.
  std::function<void(double)> callback();

 private:
  void DrawBar(int percent);

  Console* const console_;
  const std::string label_;
  const bool bar_;
  Mutex mutex_;
  std::chrono::steady_clock::time_point last_shown_ GUARDED_BY(mutex_);
  int shown_percent_ GUARDED_BY(mutex_) = -1;
  bool drawn_ GUARDED_BY(mutex_) = false;
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_PROGRESS_H_
