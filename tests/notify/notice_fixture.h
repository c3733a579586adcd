// Support for tests.
// Notices, and a receiver that a test controls.

#ifndef LEVELKEEP_TESTS_NOTIFY_NOTICE_FIXTURE_H_
#define LEVELKEEP_TESTS_NOTIFY_NOTICE_FIXTURE_H_

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "notify/lane.h"
#include "notify/notice.h"

namespace levelkeep::test {

inline Notice NoticeAt(Time now, NoticeKind kind = NoticeKind::kSuccess,
                       const std::string& backup = "backup_1.tar.gz") {
  Notice notice;
  notice.kind = kind;
  notice.at = now;
  notice.id = NewNoticeId(now);
  notice.database = "db";
  notice.host = "host.example";
  notice.job_id = "20241227-120000-000-1a2b3c4d";
  notice.trigger = "scheduled";
  notice.attempts = 1;
  if (kind == NoticeKind::kFailure) {
    notice.message = "no space";
  } else {
    notice.backup = backup;
    notice.size_bytes = 5 << 20;
  }
  return notice;
}

// Answers as the test says, and remembers what it got.
class FakeReceiver {
 public:
  Receiver Named(const std::string& name, OutboxLimits limits = {}) {
    return {
        .name = name,
        .called = "the " + name,
        .limits = limits,
        .deliver = [this](const Notice& notice, const std::stop_token& stop) {
          Delivery answer;
          std::function<void(const std::stop_token&)> meanwhile;
          {
            MutexLock lock(&mutex_);
            tried_.push_back(notice);
            answer = answer_;
            meanwhile = meanwhile_;
            changed_.notify_all();
          }
          if (meanwhile) meanwhile(stop);
          return answer;
        }};
  }
  void Answer(Delivery answer) {
    MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }
  void Meanwhile(std::function<void(const std::stop_token&)> meanwhile) {
    MutexLock lock(&mutex_);
    meanwhile_ = std::move(meanwhile);
  }
  // Waits until there were so many tries; false after ten seconds.
  bool Await(size_t count) {
    MutexLock lock(&mutex_);
    return changed_.wait_for(mutex_, std::chrono::seconds(10),
                             [&] { return tried_.size() >= count; });
  }
  std::vector<Notice> tried() {
    MutexLock lock(&mutex_);
    return tried_;
  }
  std::vector<std::string> kinds() {
    std::vector<std::string> names;
    for (const Notice& notice : tried())
      names.emplace_back(NameOf(notice.kind));
    return names;
  }

  static Delivery Down() { return {Status(StatusCode::kIoError, "down")}; }

 private:
  Mutex mutex_;
  CondVar changed_;
  Delivery answer_;
  std::function<void(const std::stop_token&)> meanwhile_;
  std::vector<Notice> tried_;
};

// True as soon as `condition` is; false after ten seconds.
inline bool Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_NOTIFY_NOTICE_FIXTURE_H_
