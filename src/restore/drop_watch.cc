#include "restore/drop_watch.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "restore/drop_history.h"
#include "restore/drop_scan.h"

namespace levelkeep {

void DropWatch::NoteStart(std::vector<LeftDrop> left,
                          std::vector<RejectedDrop> rejected) {
  MutexLock lock(&mutex_);
  settled_.clear();
  logged_.clear();
  for (const LeftDrop& drop : left) logged_.insert(ToSentence(drop.why));
  left_ = std::move(left);
  rejected_ = std::move(rejected);
}

void DropWatch::NoteRestore() {
  MutexLock lock(&mutex_);
  for (const LeftDrop& drop : left_) settled_.push_back(drop.drop);
  left_.clear();
  rejected_.clear();
}

std::vector<UnrestoredDrop> DropWatch::Look() {
  std::vector<UnrestoredDrop> found;
  const auto scan = ScanDropFolder(context_);
  MutexLock lock(&mutex_);
  if (!scan.ok()) {
    found.push_back(ExplainFailure(context_, "", scan.status()));
    found.back().name = BaseName(context_.options.restore_dir);
    return found;
  }
  for (const RejectedDrop& drop : rejected_) {
    if (!PathExists(context_.fs, drop.path)) continue;
    found.push_back({drop.name, drop.reason,
                     "it was moved to " + drop.path +
                         "; restore another backup, or remove that file"});
  }
  for (const DropIdentity& drop : scan->archives) {
    if (IsAmong(settled_, drop)) continue;
    const auto left = std::ranges::find_if(
        left_, [&](const LeftDrop& one) { return one.drop.LooksLike(drop); });
    const auto why = left != left_.end() ? left->why : Judge(drop);
    if (why) found.push_back(*why);
  }
  for (const LeftDrop& drop : scan->unusable) {
    if (!IsAmong(settled_, drop.drop)) found.push_back(drop.why);
  }
  LogNew(found);
  return found;
}

std::optional<UnrestoredDrop> DropWatch::Judge(const DropIdentity& drop) const {
  const auto history = LoadDropHistory(context_);
  const auto known =
      history.ok() ? FindDropEntry(context_, *history, drop) : std::nullopt;
  if (known && known->verdict == DropVerdict::kApplied) return std::nullopt;
  const auto open = OpenDropFile(context_, drop.name);
  if (open.status().code() == StatusCode::kNotFound) return std::nullopt;
  if (!open.ok()) return ExplainFailure(context_, drop.name, open.status());
  if (open->file->HasWriter()) return ExplainIncomplete(drop.name);
  const auto request = LoadDropRequest(context_);
  const bool staged = request.ok() && request->LooksLike(drop);
  return UnrestoredDrop{
      drop.name,
      staged ? "it is staged for the next start" : "it came after the start",
      "restart the application, which restores it"};
}

void DropWatch::LogNew(const std::vector<UnrestoredDrop>& found) {
  std::set<std::string> now;
  for (const UnrestoredDrop& drop : found) {
    const std::string sentence = ToSentence(drop);
    if (!logged_.contains(sentence)) {
      LogWarn(kRestoreLogTag,
              context_.options.restore_dir +
                  " holds a file that is not restored: " + sentence);
    }
    now.insert(sentence);
  }
  logged_ = std::move(now);
}

}  // namespace levelkeep
