// What is told: one event, or a digest of several.

#ifndef LEVELKEEP_NOTIFY_NOTICE_H_
#define LEVELKEEP_NOTIFY_NOTICE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/record.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep {

inline constexpr char kNotifyLogTag[] = "Notify";

enum class NoticeKind {
  kStarted,    // a job has begun: for heartbeats only
  kSuccess,    // a backup was made
  kFailure,    // a backup failed, or a verification found damage
  kRecovered,  // the first success after a failure or an absence
  kAbsence,    // no backup was made for too long
  kDigest,     // several of them
};
// "success", as in BACKUP_NOTIFY_ON and in JSON.
std::string_view NameOf(NoticeKind kind);

// A value type. Texts are for people; they may hold any bytes. Empty texts and
// zeros: unknown.
struct Notice {
  NoticeKind kind = NoticeKind::kSuccess;
  std::string id;  // see NewNoticeId; stays the same in all tries to deliver it
  Time at;         // when it happened
  std::string database, host;
  JobType type = JobType::kCreate;  // or kVerify, kRotate, kDrill
  std::string job_id, trigger, label;
  std::string backup;   // its name
  std::string message;  // kFailure: why; kAbsence: a sentence
  std::string warning;  // of a backup that was made all the same
  uint64_t size_bytes = 0, duration_ms = 0, attempts = 0;
  std::optional<Time> last_success = {};  // kAbsence and kFailure

  // kDigest: how many there were of each kind, the kind of the newest one, one
  // line for each of the last ones, and the ids of the notices in it that are
  // still to be removed.
  std::map<std::string, uint64_t> counts = {};
  NoticeKind newest = NoticeKind::kSuccess;
  std::vector<std::string> lines = {};
  std::vector<std::string> replaces = {};

  std::string_view type_name() const;  // "create"
  uint64_t count() const;              // 1, or the sum of `counts`
  // The state that the receiver should know: `newest` of a digest.
  NoticeKind state() const {
    return kind == NoticeKind::kDigest ? newest : kind;
  }
};

// "20241227-120000-000-1a2b3c4d": sorts by the time, and is a plain file name.
std::string NewNoticeId(Time now);
bool IsNoticeId(std::string_view text);

// Fits into a record: long texts are cut.
Record NoticeToRecord(const Notice& notice);
// kCorruption if a field is missing or wrong.
Result<Notice> NoticeFromRecord(const Record& record);

// "2024-12-27T12:00:00.000Z success: backup_….tar.gz (1.5 GiB)"
std::string LineOf(const Notice& notice);
// One notice in place of `notices`, which are in the order of their time and
// may be digests themselves. REQUIRES: they are not empty.
Notice FoldNotices(const std::vector<Notice>& notices, Time now);

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_NOTICE_H_
