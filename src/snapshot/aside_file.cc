#include "snapshot/aside_file.h"

#include <atomic>
#include <set>
#include <utility>

#include "base/file_system.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "dbfiles/file_name.h"

namespace levelkeep {
namespace {

constexpr std::string_view kMarker = ".pin";

// All AsideFiles of this process, whichever SnapshotEnv made them.
struct Registry {
  Mutex mutex;
  std::multiset<std::pair<uint64_t, uint64_t>> living GUARDED_BY(mutex);
};

Registry& TheRegistry() {
  static Registry* const registry = new Registry;  // outlives all statics
  return *registry;
}

bool IsLiving(const FileInfo& info) {
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mutex);
  return registry.living.count({info.device, info.inode}) > 0;
}

}  // namespace

AsideFile::AsideFile(FileSystem* fs, std::string path, const FileInfo& info)
    : fs_(fs),
      path_(std::move(path)),
      device_(info.device),
      inode_(info.inode) {}

Result<std::shared_ptr<AsideFile>> AsideFile::Make(FileSystem* fs,
                                                   const std::string& path,
                                                   bool keep_name) {
  static std::atomic<uint64_t> next_number{1};
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, fs->Stat(path));
  while (true) {
    const std::string target =
        path + std::string(kMarker) + std::to_string(next_number++);
    // If we die here: the next attach finds the file and removes it; LevelDB
    // wanted it gone (or, with keep_name, still has its own name for it).
    const Status made =
        keep_name ? fs->Link(path, target) : MoveToNewName(fs, path, target);
    if (made.code() == StatusCode::kAlreadyExists) continue;
    LEVELKEEP_RETURN_IF_ERROR(made);
    std::shared_ptr<AsideFile> file(new AsideFile(fs, target, info));
    Registry& registry = TheRegistry();
    MutexLock lock(&registry.mutex);
    registry.living.insert({info.device, info.inode});
    return file;
  }
}

AsideFile::~AsideFile() {
  const Status removed = fs_->RemoveFile(path_);
  if (!removed.ok()) {
    LogWarn("Snapshot", "released file stays: " + removed.ToString());
  }
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mutex);
  registry.living.erase(registry.living.find({device_, inode_}));
}

bool IsAsideFileName(std::string_view name) {
  const size_t at = name.rfind(kMarker);
  if (at == std::string_view::npos) return false;
  const DbFileKind kind = ParseDbFileName(name.substr(0, at)).kind;
  if (kind != DbFileKind::kTable && kind != DbFileKind::kLog) return false;
  return ParseUint64(name.substr(at + kMarker.size())).has_value();
}

void RemoveLeftOverAsideFiles(FileSystem* fs, const std::string& db_dir) {
  const Result<std::vector<std::string>> names = fs->List(db_dir);
  if (!names.ok()) return;  // a new database
  for (const std::string& name : *names) {
    if (!IsAsideFileName(name)) continue;
    const std::string path = JoinPath(db_dir, name);
    const Result<FileInfo> info = fs->Stat(path);
    if (!info.ok() || IsLiving(*info)) continue;
    const Status removed = fs->RemoveFile(path);
    if (!removed.ok()) {
      LogWarn("Snapshot", "left-over file stays: " + removed.ToString());
    }
  }
}

}  // namespace levelkeep
