#include "support/simulated_state.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "base/hash.h"

namespace levelkeep::test {
namespace {

using Random = std::mt19937_64;

void Apply(const SimulatedInode::Write& write, std::string* bytes) {
  const auto offset = static_cast<size_t>(write.offset);
  if (write.data == nullptr) {
    bytes->resize(offset);
    return;
  }
  if (bytes->size() < offset + write.data->size()) {
    bytes->resize(offset + write.data->size());
  }
  std::copy(write.data->begin(), write.data->end(),
            bytes->begin() + static_cast<std::ptrdiff_t>(offset));
}

// The bytes in a copy that can be changed: no other file shares them.
std::string* Own(Bytes* bytes) {
  if (bytes->use_count() > 1) *bytes = std::make_shared<std::string>(**bytes);
  return bytes->get();
}

bool Names(const std::vector<InodeNumber>& directories, InodeNumber one) {
  return std::find(directories.begin(), directories.end(), one) !=
         directories.end();
}

// From 0 up to and including `most`; seed 0 takes the least, seed 1 the most.
uint64_t Choose(uint64_t seed, uint64_t most, Random* random) {
  if (seed == 0) return 0;
  if (seed == 1) return most;
  return (*random)() % (most + 1);
}

// The file after some of its writes; each sector after other ones.
std::string TornBytes(const SimulatedInode& inode, uint64_t seed,
                      Random* random) {
  const std::vector<SimulatedInode::Write>& writes = inode.writes;
  // All stages of the file; each sector takes one.
  std::vector<std::string> stages = {*inode.durable};
  for (const SimulatedInode::Write& write : writes) {
    stages.push_back(stages.back());
    Apply(write, &stages.back());
  }
  const uint64_t size = stages[Choose(seed, writes.size(), random)].size();
  const char stale = (*random)() % 2 == 0 ? '\0' : '\xa5';
  std::string torn(static_cast<size_t>(size), stale);
  for (size_t at = 0; at < torn.size(); at += SimulatedState::kSectorBytes) {
    const std::string& stage = stages[Choose(seed, writes.size(), random)];
    if (at >= stage.size()) continue;
    const size_t count =
        std::min({static_cast<size_t>(SimulatedState::kSectorBytes),
                  stage.size() - at, torn.size() - at});
    torn.replace(at, count, stage, at, count);
  }
  return torn;
}

}  // namespace

SimulatedState::SimulatedState() {
  auto root = std::make_shared<SimulatedInode>();
  root->type = FileType::kDirectory;
  root->mode = root->durable_mode = 0755;
  root->links = 1;
  inodes_[kRoot] = std::move(root);
}

const SimulatedInode* SimulatedState::Find(InodeNumber number) const {
  const auto found = inodes_.find(number);
  return found == inodes_.end() ? nullptr : found->second.get();
}

const SimulatedInode* SimulatedState::At(std::string_view path) const {
  const SimulatedInode* inode = Find(kRoot);
  while (inode != nullptr && !path.empty()) {
    const size_t end = std::min(path.find('/'), path.size());
    const std::string name(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    if (name.empty()) continue;
    const auto found = inode->entries.find(name);
    inode = found == inode->entries.end() ? nullptr : Find(found->second);
  }
  return inode;
}

SimulatedInode* SimulatedState::Edit(InodeNumber number) {
  std::shared_ptr<SimulatedInode>& inode = inodes_.at(number);
  if (inode.use_count() > 1) inode = std::make_shared<SimulatedInode>(*inode);
  return inode.get();
}

InodeNumber SimulatedState::Add(FileType type, uint32_t mode, int64_t now_ns) {
  auto inode = std::make_shared<SimulatedInode>();
  inode->type = type;
  inode->mode = inode->durable_mode = mode;
  inode->mtime_ns = inode->ctime_ns = inode->durable_mtime_ns = now_ns;
  const InodeNumber number = next_++;
  inodes_[number] = std::move(inode);
  return number;
}

void SimulatedState::WriteBytes(InodeNumber file, uint64_t offset,
                                std::string_view data, int64_t now_ns) {
  if (data.empty()) return;
  SimulatedInode* const inode = Edit(file);
  inode->writes.push_back({offset, std::make_shared<const std::string>(data)});
  Apply(inode->writes.back(), Own(&inode->bytes));
  inode->mtime_ns = inode->ctime_ns = now_ns;
}

void SimulatedState::Truncate(InodeNumber file, uint64_t size_bytes,
                              int64_t now_ns) {
  SimulatedInode* const inode = Edit(file);
  if (inode->bytes->size() == size_bytes) return;
  inode->writes.push_back({size_bytes, nullptr});
  Apply(inode->writes.back(), Own(&inode->bytes));
  inode->mtime_ns = inode->ctime_ns = now_ns;
}

void SimulatedState::SyncFile(InodeNumber file) {
  SimulatedInode* const inode = Edit(file);
  if (!inode->lost_writes) {
    inode->durable = inode->bytes;
  } else {
    for (const SimulatedInode::Write& write : inode->writes) {
      Apply(write, Own(&inode->durable));
    }
    // The size is metadata, which the failed sync did not lose.
    Own(&inode->durable)->resize(inode->bytes->size());
  }
  inode->writes.clear();
  inode->durable_mode = inode->mode;
  inode->durable_mtime_ns = inode->mtime_ns;
}

void SimulatedState::DropWrites(InodeNumber file) {
  SimulatedInode* const inode = Edit(file);
  if (inode->writes.empty()) return;
  inode->writes.clear();
  inode->lost_writes = true;
}

std::string SimulatedState::DeviceBytes(InodeNumber file) const {
  const SimulatedInode& inode = *Find(file);
  if (!inode.lost_writes) return *inode.bytes;
  std::string bytes = *inode.durable;
  for (const SimulatedInode::Write& write : inode.writes) Apply(write, &bytes);
  bytes.resize(inode.bytes->size());
  return bytes;
}

void SimulatedState::Count(InodeNumber number, int difference) {
  if (number == 0) return;
  SimulatedInode* const inode = Edit(number);
  inode->links =
      static_cast<uint32_t>(static_cast<int>(inode->links) + difference);
}

void SimulatedState::ChangeEntries(std::vector<EntryChange> changes,
                                   int64_t now_ns) {
  Operation operation;
  for (const EntryChange& change : changes) {
    SimulatedInode* const directory = Edit(change.directory);
    const auto before = directory->entries.find(change.name);
    const InodeNumber old =
        before == directory->entries.end() ? 0 : before->second;
    if (change.now == 0) {
      directory->entries.erase(change.name);
    } else {
      directory->entries[change.name] = change.now;
    }
    directory->mtime_ns = directory->ctime_ns = now_ns;
    Count(change.now, 1);
    Count(old, -1);
    for (const InodeNumber moved : {change.now, old}) {
      if (moved != 0) Edit(moved)->ctime_ns = now_ns;
    }
    if (!Names(operation.unsynced, change.directory)) {
      operation.unsynced.push_back(change.directory);
    }
  }
  operation.changes = std::move(changes);
  operations_.push_back(std::move(operation));
}

// Makes the operations durable whose directories are all synced. An operation
// waits if an older one that waits concerns the same directory.
void SimulatedState::FoldSynced() {
  std::set<InodeNumber> blocked;
  std::vector<Operation> rest;
  for (Operation& operation : operations_) {
    bool free = operation.unsynced.empty();
    for (const EntryChange& change : operation.changes) {
      free = free && blocked.count(change.directory) == 0;
    }
    for (const EntryChange& change : operation.changes) {
      if (!free) {
        blocked.insert(change.directory);
        continue;
      }
      auto& entries = Edit(change.directory)->durable_entries;
      entries.erase(change.name);
      if (change.now != 0) entries[change.name] = change.now;
    }
    if (!free) rest.push_back(std::move(operation));
  }
  operations_ = std::move(rest);
}

void SimulatedState::SyncDirectory(InodeNumber directory) {
  for (Operation& operation : operations_) {
    std::erase(operation.unsynced, directory);
  }
  SimulatedInode* const inode = Edit(directory);
  inode->durable_mode = inode->mode;
  inode->durable_mtime_ns = inode->mtime_ns;
  FoldSynced();
}

void SimulatedState::SyncAll() {
  std::vector<InodeNumber> numbers;
  for (const auto& [number, inode] : inodes_) numbers.push_back(number);
  for (const InodeNumber number : numbers) {
    if (Find(number)->type == FileType::kDirectory) {
      SyncDirectory(number);
    } else {
      SyncFile(number);
      SimulatedInode* const inode = Edit(number);
      inode->durable = inode->bytes;
      inode->lost_writes = false;
    }
  }
}

bool SimulatedState::HasUnsynced() const {
  if (!operations_.empty()) return true;
  return std::any_of(inodes_.begin(), inodes_.end(), [](const auto& entry) {
    const SimulatedInode& inode = *entry.second;
    return !inode.writes.empty() || inode.lost_writes ||
           inode.mode != inode.durable_mode;
  });
}

void SimulatedState::LoseEntries(uint64_t seed) {
  Random random(seed);
  std::map<InodeNumber, uint64_t> unsynced;
  for (const Operation& operation : operations_) {
    for (const InodeNumber directory : operation.unsynced) {
      ++unsynced[directory];
    }
  }
  std::map<InodeNumber, uint64_t> keeps;  // how many operations
  for (const auto& [directory, count] : unsynced) {
    keeps[directory] = Choose(seed, count, &random);
  }
  for (const Operation& operation : operations_) {
    bool kept = true;
    for (const InodeNumber directory : operation.unsynced) {
      kept = kept && keeps[directory] > 0;
    }
    for (const InodeNumber directory : operation.unsynced) {
      if (kept) --keeps[directory];
    }
    if (!kept) {
      // No later unsynced change of these directories is kept either.
      for (const EntryChange& change : operation.changes) {
        keeps[change.directory] = 0;
      }
      continue;
    }
    for (const EntryChange& change : operation.changes) {
      auto& entries = Edit(change.directory)->durable_entries;
      entries.erase(change.name);
      if (change.now != 0) entries[change.name] = change.now;
    }
  }
  operations_.clear();
}

void SimulatedState::LoseBytes(InodeNumber number, uint64_t seed) {
  const SimulatedInode& before = *Find(number);
  const bool clean = before.writes.empty() && !before.lost_writes &&
                     before.mode == before.durable_mode &&
                     before.mtime_ns == before.durable_mtime_ns;
  if (clean) return;
  Random random(seed * 1'000'003 + number);
  SimulatedInode* const inode = Edit(number);
  if (!inode->writes.empty()) {
    inode->durable =
        std::make_shared<std::string>(TornBytes(*inode, seed, &random));
  }
  inode->bytes = inode->durable;
  inode->writes.clear();
  inode->lost_writes = false;
  if (Choose(seed, 1, &random) == 0) {
    inode->mode = inode->durable_mode;
    inode->mtime_ns = inode->durable_mtime_ns;
  }
  inode->durable_mode = inode->mode;
  inode->durable_mtime_ns = inode->mtime_ns;
}

void SimulatedState::LosePower(uint64_t seed) {
  LoseEntries(seed);
  // An inode that can't be reached any more is gone.
  std::map<InodeNumber, uint32_t> links = {{kRoot, 1}};
  std::vector<InodeNumber> open = {kRoot};
  while (!open.empty()) {
    const InodeNumber number = open.back();
    open.pop_back();
    for (const auto& [name, child] : Find(number)->durable_entries) {
      if (++links[child] == 1) open.push_back(child);
    }
  }
  std::erase_if(inodes_,
                [&](const auto& e) { return !links.contains(e.first); });
  for (const auto& [number, count] : links) {
    LoseBytes(number, seed);
    const SimulatedInode& inode = *Find(number);
    if (inode.links == count && inode.entries == inode.durable_entries) {
      continue;
    }
    SimulatedInode* const changed = Edit(number);
    changed->links = count;
    changed->entries = changed->durable_entries;
  }
}

void SimulatedState::DescribeBelow(
    InodeNumber directory, const std::string& path,
    std::map<std::string, std::string>* lines) const {
  for (const auto& [name, number] : Find(directory)->entries) {
    const SimulatedInode& inode = *Find(number);
    const std::string child = path + "/" + name;
    if (inode.type == FileType::kDirectory) {
      (*lines)[child + "/"] = std::to_string(inode.mode);
      DescribeBelow(number, child, lines);
      continue;
    }
    (*lines)[child] = std::to_string(inode.mode) + " " +
                      std::to_string(inode.bytes->size()) + " bytes " +
                      std::to_string(Crc32c(0, *inode.bytes));
  }
}

std::map<std::string, std::string> SimulatedState::Describe() const {
  std::map<std::string, std::string> lines;
  DescribeBelow(kRoot, "", &lines);
  return lines;
}

}  // namespace levelkeep::test
