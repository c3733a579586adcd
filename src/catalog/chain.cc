#include "catalog/chain.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "format/backup_name.h"

namespace levelkeep {

namespace {

// Who says that a backup has which digest.
struct Naming {
  std::string by;  // "backup_….tar.gz"
  std::string sha256;
};

// The time in a backup's name and its counter: the order of the links.
std::pair<Time, int> PlaceOf(const std::string& name) {
  const auto parsed = ParseBackupName(name);
  return parsed ? std::pair(parsed->time, parsed->counter)
                : std::pair(Time::min(), 0);
}

class Chain {
 public:
  Chain(const std::vector<ChainItem>& items, const Removals& removals)
      : removals_(removals) {
    for (const ChainItem& item : items) {
      present_[item.name] = &item;
      AddNaming(item.previous_name, {item.name, item.previous_sha256});
    }
    for (const Removal& removal : removals.entries) {
      removed_[removal.name] = &removal;  // the last one of that name
      AddNaming(removal.previous_name, {removal.name, removal.previous_sha256});
    }
  }

  std::vector<ChainLink> Judge() const {
    std::set<std::string> names;
    for (const auto& [name, item] : present_) names.insert(name);
    for (const auto& [name, removal] : removed_) names.insert(name);
    for (const auto& [name, namings] : namings_) names.insert(name);
    std::vector<ChainLink> links;
    links.reserve(names.size());
    for (const std::string& name : names) links.push_back(JudgeOne(name));
    std::ranges::stable_sort(links, [](const auto& a, const auto& b) {
      return PlaceOf(a.name) > PlaceOf(b.name);
    });
    return links;
  }

 private:
  void AddNaming(const std::string& name, Naming naming) {
    if (!name.empty()) namings_[name].push_back(std::move(naming));
  }

  const std::vector<Naming>& NamingsOf(const std::string& name) const {
    static const auto* const kNone = new std::vector<Naming>;
    const auto found = namings_.find(name);
    return found == namings_.end() ? *kNone : found->second;
  }

  // Who says another digest of the backup; empty: nobody.
  std::string WhoDiffers(const std::string& name,
                         const std::string& sha256) const {
    for (const Naming& naming : NamingsOf(name)) {
      if (naming.sha256 != sha256) return naming.by;
    }
    return "";
  }

  ChainLink JudgeOne(const std::string& name) const {
    const auto item = present_.find(name);
    if (item != present_.end()) return JudgePresent(*item->second);
    const auto removal = removed_.find(name);
    if (removal != removed_.end()) return JudgeRemoved(*removal->second);
    return JudgeGone(name);
  }

  ChainLink JudgePresent(const ChainItem& item) const {
    ChainLink link{.name = item.name, .epoch = item.epoch};
    const auto is = [&](ChainStatus status, std::string detail) {
      link.status = status;
      link.detail = std::move(detail);
      return link;
    };
    if (!item.damage.empty()) {
      return is(ChainStatus::kConflict,
                "its verification failed: " + item.damage);
    }
    const auto& namings = NamingsOf(item.name);
    if (item.sha256.empty()) {
      return is(ChainStatus::kUnprovable,
                "there is no " + item.name + ".sha256; verify it to make one");
    }
    if (const std::string who = WhoDiffers(item.name, item.sha256);
        !who.empty()) {
      return is(ChainStatus::kConflict,
                "its SHA-256 is not the one that " + who + " names");
    }
    if (!item.recorded_sha256.empty() && item.recorded_sha256 != item.sha256) {
      return is(ChainStatus::kConflict,
                "its SHA-256 is not the one of the backup that was made under "
                "this name");
    }
    if (!item.problem.empty()) {
      return is(
          namings.empty() ? ChainStatus::kUnprovable : ChainStatus::kConflict,
          item.problem);
    }
    if (!namings.empty()) {
      return is(ChainStatus::kProven, "named by " + namings.front().by);
    }
    if (!item.recorded_sha256.empty()) {
      return is(ChainStatus::kProven,
                "no later backup names it yet; it is as it was made");
    }
    return is(ChainStatus::kUnprovable, "no later backup names it");
  }

  ChainLink JudgeRemoved(const Removal& removal) const {
    ChainLink link{.name = removal.name,
                   .epoch = removal.epoch,
                   .status = ChainStatus::kRemoved,
                   .detail = removal.act + " by " + removal.by + " at " +
                             FormatTime(removal.at) + ": " + removal.reason};
    const std::string who = WhoDiffers(removal.name, removal.sha256);
    if (who.empty()) return link;
    link.status = removal.sha256.empty() ? ChainStatus::kUnprovable
                                         : ChainStatus::kConflict;
    link.detail = removal.sha256.empty()
                      ? "removed without a digest: " + link.detail
                      : "the SHA-256 of what was removed is not the one that " +
                            who + " names; " + link.detail;
    return link;
  }

  ChainLink JudgeGone(const std::string& name) const {
    ChainLink link{.name = name};
    const std::string by = NamingsOf(name).front().by + " names it";
    if (!removals_.since) {
      link.detail = by + ", and there is no ledger of removed backups";
    } else if (PlaceOf(name).first <= *removals_.since) {
      link.detail = by + ", and the ledger of removed backups begins later";
    } else {
      link.status = ChainStatus::kMissing;
      link.detail = by + ", but it is gone, and LevelKeep did not remove it";
    }
    return link;
  }

  const Removals& removals_;
  std::map<std::string, const ChainItem*> present_;
  std::map<std::string, const Removal*> removed_;
  std::map<std::string, std::vector<Naming>> namings_;
};

}  // namespace

std::string_view ChainWord(ChainStatus status) {
  switch (status) {
    case ChainStatus::kProven:
      return "proven";
    case ChainStatus::kRemoved:
      return "rotated";
    case ChainStatus::kMissing:
      return "missing";
    case ChainStatus::kConflict:
      return "contradicting";
    case ChainStatus::kUnprovable:
      break;
  }
  return "unprovable";
}

std::vector<ChainLink> JudgeChain(const std::vector<ChainItem>& items,
                                  const Removals& removals) {
  return Chain(items, removals).Judge();
}

}  // namespace levelkeep
