// Listing: when a look at the two folders is enough, and the scan of every
// file. docs/decisions/0007-catalog-in-memory.md gives the reasons.

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/process.h"
#include "base/status_macros.h"
#include "catalog/catalog.h"

namespace levelkeep {

namespace {

// A set of names. Fast if queried in about the order of the names.
class SortedNames {
 public:
  explicit SortedNames(const std::vector<std::string>& names)
      : names_(names), next_(names.begin()) {}

  bool Has(const std::string& stem, std::string_view suffix) {
    wanted_.assign(stem).append(suffix);
    if (next_ != names_.begin() && *std::prev(next_) >= wanted_) {
      next_ = std::lower_bound(names_.begin(), next_, wanted_);
    }
    while (next_ != names_.end() && *next_ < wanted_) ++next_;
    return next_ != names_.end() && *next_ == wanted_;
  }

 private:
  const std::vector<std::string>& names_;
  std::vector<std::string>::const_iterator next_;
  std::string wanted_;
};

}  // namespace

Catalog::FolderStamp Catalog::StampOf(const std::string& path,
                                      bool* known) const {
  // Follows links, as List does: an operator's folder may be a link.
  const Result<FileInfo> info = fs_->StatFollowing(path);
  if (!info.ok()) {
    if (info.status().code() != StatusCode::kNotFound) *known = false;
    return FolderStamp();
  }
  return {true, info->device, info->inode, info->mtime_ns, info->ctime_ns};
}

Catalog::Stamps Catalog::TakeStamps() const {
  Stamps stamps;
  stamps.known = true;
  stamps.backups = StampOf(directory_, &stamps.known);
  stamps.states = StampOf(StateDirectory(), &stamps.known);
  return stamps;
}

Catalog::SteadyTime Catalog::Note(const Stamps& stamps, SteadyTime now) {
  if (seen_ != stamps) {
    seen_ = stamps;
    seen_since_ = now;
  }
  return seen_since_;
}

Catalog::Scan Catalog::BeginScan() {
  Scan scan;
  scan.stamps = TakeStamps();
  scan.started = clock_->SteadyNow();
  const auto step = std::max(ClockStepOf(scan.stamps.backups.mtime_ns),
                             ClockStepOf(scan.stamps.states.mtime_ns));
  MutexLock lock(&mutex_);
  // Measures by the steady clock how long the stamps have been known: a
  // comparison with the time of day would rely on the disk's clock (maybe a
  // server's) agreeing with ours, and on nobody setting either.
  const SteadyTime since = Note(scan.stamps, scan.started);
  scan.settled = scan.stamps.known && scan.started - since >= step;
  scan.number = ++scans_begun_;
  scan.changes = changes_;
  scan.found = found_;
  if (last_ != nullptr) scan.content = last_->content;
  return scan;
}

// Two callers may read the same new archive twice, but neither waits for the
// other's slow disk.
Status Catalog::ReadFolders(std::stop_token stop, Scan* scan) const {
  const auto names = fs_->List(directory_);
  if (names.status().code() == StatusCode::kNotFound) {
    const Status missing = RequireDirectory();
    if (!missing.ok()) return missing;
  }
  LEVELKEEP_RETURN_IF_ERROR(names.status());
  auto state_names = fs_->List(StateDirectory());
  // No failure here may look like "nothing is pinned": if the states can't be
  // listed, each is looked for, and a state that can't be examined counts as
  // pinned.
  const bool look_for_each =
      state_names.status().code() == StatusCode::kPermissionDenied;
  if (look_for_each || state_names.status().code() == StatusCode::kNotFound) {
    state_names = std::vector<std::string>();
  }
  LEVELKEEP_RETURN_IF_ERROR(state_names.status());
  const std::vector<CachedPtr> none;
  const auto& old = scan->content ? scan->content->by_name : none;
  auto content = std::make_shared<Content>();
  content->by_name.reserve(old.size() + 1);
  SortedNames sidecars(*names), states(*state_names);
  auto it = old.begin();
  for (const std::string& name : *names) {
    if (stop.stop_requested()) {
      return Status(StatusCode::kCancelled, "listing was stopped");
    }
    while (it != old.end() && (*it)->entry.name < name) ++it;
    CachedPtr known;
    if (it != old.end() && (*it)->entry.name == name) known = *it;
    if (const auto found = scan->found.find(name); found != scan->found.end()) {
      known = found->second;
    }
    const auto parsed = known ? known->entry.parsed : ParseBackupName(name);
    if (!parsed) continue;
    auto cached = Read(name, *parsed, known, sidecars.Has(name, ".sha256"),
                       look_for_each || states.Has(name, ".json"));
    // Null: the archive was removed after the directory was read.
    if (cached != nullptr) content->by_name.push_back(std::move(cached));
  }
  AddThoseElsewhere(*names, *state_names, old, &content->by_name);
  const Owner owner = owner_ ? owner_() : Owner();
  if (scan->content && content->by_name == old &&
      scan->content->listing->owner() == owner) {
    return Status::Ok();
  }
  std::vector<Listing::Entry> entries;
  entries.reserve(content->by_name.size());
  for (const CachedPtr& cached : content->by_name) {
    entries.emplace_back(cached, &cached->entry);
  }
  content->listing = std::make_shared<const Listing>(std::move(entries), owner);
  scan->content = std::move(content);
  return Status::Ok();
}

// Adds backups with a state file but without an archive. There are few or none.
void Catalog::AddThoseElsewhere(const std::vector<std::string>& names,
                                const std::vector<std::string>& states,
                                const std::vector<CachedPtr>& old,
                                std::vector<CachedPtr>* by_name) const {
  const auto by_its_name = [](const CachedPtr& a, const CachedPtr& b) {
    return a->entry.name < b->entry.name;
  };
  const size_t local = by_name->size();
  for (const std::string& state : states) {
    const std::string name = BackupOfState(state);
    if (name.empty() || std::ranges::binary_search(names, name)) {
      continue;
    }
    auto cached =
        ReadElsewhere(name, *ParseBackupName(name), FindIn(old, name));
    if (cached != nullptr) by_name->push_back(std::move(cached));
  }
  std::inplace_merge(by_name->begin(),
                     by_name->begin() + static_cast<ptrdiff_t>(local),
                     by_name->end(), by_its_name);
}

Result<std::shared_ptr<const Listing>> Catalog::ListUnless(
    std::stop_token stop) {
  auto scan = std::make_shared<Scan>(BeginScan());
  LEVELKEEP_RETURN_IF_ERROR(ReadFolders(std::move(stop), scan.get()));
  auto listing = scan->content->listing;
  MutexLock lock(&mutex_);
  // A scan that began later knows more.
  if (last_ != nullptr && last_->number > scan->number) return listing;
  for (const auto& [name, cached] : scan->found) {
    const auto it = found_.find(name);
    if (it != found_.end() && it->second == cached) found_.erase(it);
  }
  scan->found.clear();
  last_ = std::move(scan);
  return listing;
}

Result<std::shared_ptr<const Listing>> Catalog::List() {
  return ListUnless(std::stop_token());
}

Result<std::shared_ptr<const Listing>> Catalog::ListRecent() {
  const Stamps stamps = TakeStamps();
  const SteadyTime now = clock_->SteadyNow();
  {
    MutexLock lock(&mutex_);
    Note(stamps, now);
    if (last_ != nullptr && last_->settled && last_->stamps == stamps &&
        last_->changes == changes_ && now - last_->started < kMaxAge) {
      if (now - last_->started >= kRefreshAge) StartRefresh();
      return last_->content->listing;
    }
  }
  return List();
}

void Catalog::StartRefresh() {
  if (refreshing_) return;
  try {
    // The earlier refresher has ended, except for its last instruction.
    refresher_ = std::jthread([this](std::stop_token stop) { Refresh(stop); });
    refreshing_ = true;
  } catch (const std::system_error&) {
    // No thread can be started now: the next call tries again, and after
    // kMaxAge a caller scans itself.
    refreshing_ = false;
  }
}

void Catalog::Refresh(std::stop_token stop) {
  // Not idle priority: a caller that lists meanwhile waits for the lock.
  LowerThreadPriority(ThreadPriority::kLow);
  const auto listed = ListUnless(std::move(stop));
  MutexLock lock(&mutex_);
  refreshing_ = false;
  // Nobody received this error: the next caller shall scan and receive it.
  if (!listed.ok()) last_.reset();
}

}  // namespace levelkeep
