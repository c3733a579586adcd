#include "support/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/simulated_file_system.h"

namespace levelkeep::test {
namespace {

// No real disk has this number.
constexpr uint64_t kDevice = 0x51d15c00;
// 2024-12-27T12:00:00Z; each change comes a little later than the last, so that
// no two changes have the same time.
constexpr int64_t kFirstTimeNs = int64_t{1'735'300'800} * 1'000'000'000;
constexpr int64_t kTickNs = 1'000'003;

}  // namespace

SimulatedDisk::SimulatedDisk()
    : file_system_(NewSimulatedFileSystem(this)), now_ns_(kFirstTimeNs) {}

SimulatedDisk::~SimulatedDisk() = default;

FileSystem* SimulatedDisk::file_system() { return file_system_.get(); }

SimulatedState SimulatedDisk::Save() const {
  MutexLock lock(&mutex_);
  return state_;
}

void SimulatedDisk::EndProcesses() {
  ++boot_;
  locked_.clear();
  operations_ = 0;
  action_ = "nothing";
  path_.clear();
  more_.clear();
  fault_ = FaultKind::kNone;
  fired_ = false;
  faulty_operation_.clear();
  trace_.clear();
}

void SimulatedDisk::Restore(const SimulatedState& state) {
  MutexLock lock(&mutex_);
  state_ = state;
  EndProcesses();
}

void SimulatedDisk::Reboot(uint64_t seed) {
  MutexLock lock(&mutex_);
  state_.LosePower(seed);
  EndProcesses();
}

void SimulatedDisk::SyncAll() {
  MutexLock lock(&mutex_);
  state_.SyncAll();
}

void SimulatedDisk::Record() {
  MutexLock lock(&mutex_);
  recording_ = true;
  moments_ = {{operations_, "the beginning", state_}};
}

std::vector<SimulatedDisk::Moment> SimulatedDisk::TakeMoments() {
  MutexLock lock(&mutex_);
  recording_ = false;
  return std::move(moments_);
}

void SimulatedDisk::Arm(uint64_t n, FaultKind kind, int error) {
  MutexLock lock(&mutex_);
  fault_ = kind;
  fault_at_ = n;
  fault_on_.clear();
  error_ = error;
  fired_ = false;
}

void SimulatedDisk::FailOn(const std::string& text, int error, uint64_t nth) {
  Arm(nth, FaultKind::kError, error);
  MutexLock lock(&mutex_);
  fault_on_ = text;
}

void SimulatedDisk::FailAt(uint64_t n, int error) {
  Arm(n, FaultKind::kError, error);
}

void SimulatedDisk::ShortWriteAt(uint64_t n) {
  Arm(n, FaultKind::kShortWrite, ENOSPC);
}

void SimulatedDisk::CrashAt(uint64_t n) { Arm(n, FaultKind::kCrash, EIO); }

bool SimulatedDisk::fired() const {
  MutexLock lock(&mutex_);
  return fired_;
}

uint64_t SimulatedDisk::operations() const {
  MutexLock lock(&mutex_);
  return operations_;
}

std::string SimulatedDisk::Describe() const {
  std::string text = std::string(action_) + " " + path_;
  if (!more_.empty()) text += " to " + more_;
  return text;
}

std::string SimulatedDisk::last_operation() const {
  MutexLock lock(&mutex_);
  return fired_ ? faulty_operation_ : Describe();
}

void SimulatedDisk::set_trace(bool on) {
  MutexLock lock(&mutex_);
  tracing_ = on;
}

std::vector<std::string> SimulatedDisk::trace() const {
  MutexLock lock(&mutex_);
  return trace_;
}

void SimulatedDisk::set_free_space(uint64_t bytes) {
  MutexLock lock(&mutex_);
  free_space_ = bytes;
}

void SimulatedDisk::set_exchange_supported(bool supported) {
  MutexLock lock(&mutex_);
  exchange_supported_ = supported;
}

void SimulatedDisk::set_plain_names(bool plain) {
  MutexLock lock(&mutex_);
  plain_names_ = plain;
}

bool SimulatedDisk::IsFaulty() {
  if (fault_ == FaultKind::kNone || fired_) return false;
  if (fault_on_.empty()) return operations_ == fault_at_;
  return Describe().find(fault_on_) != std::string::npos && --fault_at_ == 0;
}

int SimulatedDisk::Begin(const char* action, const std::string& path,
                         const std::string& more) {
  if (fired_ && fault_ == FaultKind::kCrash) return EIO;
  ++operations_;
  action_ = action;
  path_ = path;
  more_ = more;
  if (tracing_) trace_.push_back(Describe());
  now_ns_ += kTickNs;
  if (!IsFaulty()) return 0;
  fired_ = true;
  faulty_operation_ = Describe();
  return error_;
}

void SimulatedDisk::Done() {
  if (recording_) moments_.push_back({operations_, Describe(), state_});
}

int SimulatedDisk::Walk(const std::string& path, Place* place) const {
  if (path.empty() || path.front() != '/') return ENOENT;
  std::vector<Place> way = {{SimulatedState::kRoot, "", SimulatedState::kRoot}};
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty() || name == ".") continue;
    const InodeNumber here = way.back().inode;
    const SimulatedInode* const directory = state_.Find(here);
    if (directory == nullptr) return ENOENT;
    if (directory->type != FileType::kDirectory) return ENOTDIR;
    if (name == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    const auto found = directory->entries.find(name);
    way.push_back(
        {here, name, found == directory->entries.end() ? 0 : found->second});
  }
  *place = std::move(way.back());
  return 0;
}

int SimulatedDisk::CheckHandle(Handle handle) const {
  return handle.boot == boot_ ? 0 : EBADF;
}

int SimulatedDisk::CheckWritable(InodeNumber directory) const {
  return (state_.Find(directory)->mode & 0200) != 0 ? 0 : EACCES;
}

FileInfo SimulatedDisk::InfoOf(InodeNumber number) const {
  const SimulatedInode& inode = *state_.Find(number);
  FileInfo info;
  info.type = inode.type;
  info.size_bytes =
      inode.type == FileType::kRegular ? inode.bytes->size() : 4096;
  info.device = kDevice;
  info.inode = number;
  info.mtime_ns = inode.mtime_ns;
  info.ctime_ns = inode.ctime_ns;
  info.mode = inode.mode;
  info.links = inode.links;
  return info;
}

int SimulatedDisk::Change(std::vector<SimulatedState::EntryChange> changes) {
  state_.ChangeEntries(std::move(changes), now_ns_);
  Done();
  return 0;
}

int SimulatedDisk::OpenPlace(const Place& place, int flags, uint32_t mode,
                             Handle* handle) {
  if (place.name.empty()) return EISDIR;
  *handle = {place.inode, boot_};
  if (place.inode == 0) {
    if ((flags & kCreate) == 0) return ENOENT;
    if (const int error = CheckWritable(place.directory)) return error;
    handle->inode = state_.Add(FileType::kRegular, mode, now_ns_);
    return Change({{place.directory, place.name, handle->inode}});
  }
  if ((flags & kExclusive) != 0) return EEXIST;
  const SimulatedInode& inode = *state_.Find(place.inode);
  if (inode.type != FileType::kRegular) return EISDIR;
  if ((flags & kTruncate) != 0 && !inode.bytes->empty()) {
    state_.Truncate(place.inode, 0, now_ns_);
    Done();
  }
  return 0;
}

int SimulatedDisk::Open(const std::string& path, int flags, uint32_t mode,
                        Handle* handle) {
  MutexLock lock(&mutex_);
  const char* const action = (flags & kCreate) != 0 ? "create" : "open";
  if (const int error = Begin(action, path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  return OpenPlace(place, flags, mode, handle);
}

int SimulatedDisk::ReadBytes(const std::string& bytes, uint64_t offset,
                             char* buffer, size_t size, size_t* count) const {
  const size_t begin = std::min<uint64_t>(offset, bytes.size());
  *count = std::min(size, bytes.size() - begin);
  std::memcpy(buffer, bytes.data() + begin, *count);
  return 0;
}

int SimulatedDisk::Read(Handle handle, const std::string& path, uint64_t offset,
                        char* buffer, size_t size, size_t* count) {
  *count = 0;
  MutexLock lock(&mutex_);
  if (const int error = Begin("read", path, "")) return error;
  if (const int error = CheckHandle(handle)) return error;
  return ReadBytes(*state_.Find(handle.inode)->bytes, offset, buffer, size,
                   count);
}

int SimulatedDisk::ReadFromDevice(Handle handle, const std::string& path,
                                  uint64_t offset, char* buffer, size_t size,
                                  size_t* count) {
  *count = 0;
  MutexLock lock(&mutex_);
  if (const int error = Begin("read from device", path, "")) return error;
  if (const int error = CheckHandle(handle)) return error;
  return ReadBytes(state_.DeviceBytes(handle.inode), offset, buffer, size,
                   count);
}

int SimulatedDisk::Write(Handle handle, const std::string& path,
                         std::optional<uint64_t> offset,
                         std::string_view data) {
  MutexLock lock(&mutex_);
  const bool alive = !fired_;
  const int error = Begin("write", path, "");
  if (const int stale = CheckHandle(handle)) return stale;
  const bool tears = alive && (fault_ == FaultKind::kShortWrite ||
                               fault_ == FaultKind::kCrash);
  if (error != 0 && !tears) return error;
  if (error != 0) data = data.substr(0, data.size() / 2);
  const SimulatedInode& inode = *state_.Find(handle.inode);
  state_.WriteBytes(handle.inode, offset.value_or(inode.bytes->size()), data,
                    now_ns_);
  Done();
  return error;
}

int SimulatedDisk::Sync(Handle handle, const std::string& path) {
  MutexLock lock(&mutex_);
  const int error = Begin("sync", path, "");
  if (const int stale = CheckHandle(handle)) return stale;
  if (error != 0) {
    const bool lost = fault_ != FaultKind::kCrash && error != EINTR;
    if (lost) state_.DropWrites(handle.inode);
    return error;
  }
  state_.SyncFile(handle.inode);
  Done();
  return 0;
}

int SimulatedDisk::WaitForWriteback(Handle handle, const std::string& path) {
  MutexLock lock(&mutex_);
  const int error = Begin("write back", path, "");
  if (const int stale = CheckHandle(handle)) return stale;
  if (error != 0 && fault_ != FaultKind::kCrash) {
    state_.DropWrites(handle.inode);
  }
  return error;
}

int SimulatedDisk::StatHandle(Handle handle, const std::string& path,
                              FileInfo* info) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("stat open", path, "")) return error;
  if (const int error = CheckHandle(handle)) return error;
  *info = InfoOf(handle.inode);
  return 0;
}

int SimulatedDisk::Close(Handle handle, const std::string& path) {
  MutexLock lock(&mutex_);
  if (CheckHandle(handle) != 0) return EBADF;
  return Begin("close", path, "");
}

int SimulatedDisk::Lock(const std::string& path, Handle* handle) {
  MutexLock lock(&mutex_);
  if (const int error = Begin("lock", path, "")) return error;
  Place place;
  if (const int error = Walk(path, &place)) return error;
  if (const int error = OpenPlace(place, kCreate, 0644, handle)) return error;
  return locked_.insert(handle->inode).second ? 0 : EAGAIN;
}

void SimulatedDisk::Unlock(Handle handle) {
  MutexLock lock(&mutex_);
  if (CheckHandle(handle) == 0) locked_.erase(handle.inode);
}

}  // namespace levelkeep::test
