#include "restore/scanned.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr size_t kMostScanned = 1000;
constexpr uint64_t kMaxScannedBytes = 1u << 20;
constexpr uint32_t kOthersMayWrite = 022;

std::string ScannedPath(const RestoreContext& context) {
  return context.InWork("scanned");
}

// One digest a line, the newest last. What somebody else may have written does
// not count.
Result<std::vector<std::string>> LoadScanned(const RestoreContext& context) {
  const std::string path = ScannedPath(context);
  const auto file = context.fs->Open(path, OpenMode::kRead);
  if (file.status().code() == StatusCode::kNotFound) {
    return std::vector<std::string>();
  }
  LEVELKEEP_RETURN_IF_ERROR(file.status());
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo info, (*file)->Stat());
  if (!IsOurOwn(context.fs, info, context.work_dir()) ||
      (info.mode & kOthersMayWrite) != 0) {
    return std::vector<std::string>();
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string text,
                             ReadAll(**file, path, kMaxScannedBytes));
  std::vector<std::string> digests;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) digests.emplace_back(line);
  }
  return digests;
}

}  // namespace

Status AddScanned(const RestoreContext& context, const std::string& sha256) {
  const auto storage = context.fs->StatFollowing(context.options.storage_dir);
  if (storage.status().code() == StatusCode::kNotFound) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(storage.status());
  // Root's belongs to that one then.
  const uint32_t user = EffectiveUser();
  if (user != 0 && storage->owner != user) return Status::Ok();
  LEVELKEEP_ASSIGN_OR_RETURN(auto digests, LoadScanned(context));
  if (!digests.empty() && digests.back() == sha256) return Status::Ok();
  std::erase(digests, sha256);
  digests.push_back(sha256);
  const size_t first =
      digests.size() > kMostScanned ? digests.size() - kMostScanned : 0;
  std::string text;
  for (size_t i = first; i < digests.size(); ++i) text += digests[i] + "\n";
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(context.fs, context.work_dir()));
  // If we die here: the old record; a restore scans once more.
  return WriteFileDurably(context.fs, ScannedPath(context), text);
}

bool WasScanned(const RestoreContext& context, const std::string& sha256) {
  const auto digests = LoadScanned(context);
  return digests.ok() && !sha256.empty() &&
         std::find(digests->begin(), digests->end(), sha256) != digests->end();
}

}  // namespace levelkeep
