#include "restore/layout.h"

#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

constexpr uint64_t kMaxMountInfoBytes = 4u << 20;

// "\040" is how the kernel writes a blank.
std::string UnescapeOctal(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [&](size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) &&
        is_octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 +
                                 (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool SameFile(const FileInfo& a, const FileInfo& b) {
  return a.device == b.device && a.inode == b.inode;
}

// A bind mount of the same file system has the same device number, so the
// device alone does not tell.
bool IsMountPoint(const RestoreContext& context, const FileInfo& live) {
  FileSystem* const fs = context.fs;
  const auto text = ReadFile(fs, "/proc/self/mountinfo", kMaxMountInfoBytes);
  const auto parent = fs->StatFollowing(context.options.storage_dir);
  if (!text.ok() || !parent.ok()) return false;
  for (const std::string& point : ParseMountPoints(*text)) {
    if (BaseName(point) != context.options.db_name) continue;
    const auto info = fs->StatFollowing(point);
    const auto above = fs->StatFollowing(ParentPath(point));
    if (info.ok() && above.ok() && SameFile(*info, live) &&
        SameFile(*above, *parent)) {
      return true;
    }
  }
  return false;
}

Status CannotExchange(const RestoreContext& context, const std::string& why) {
  return Status(StatusCode::kUnsupported,
                "the database directory " + context.db_dir() + " " + why +
                    ", so that a restore could not exchange it",
                "mount the volume at " + context.options.storage_dir +
                    " or above it, not at the database directory itself");
}

Status CreateWorkDir(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  const std::string work = context.work_dir();
  const auto info = fs->Stat(work);
  if (info.ok() && info->type != FileType::kDirectory) {
    return Status(StatusCode::kRefused, work + " is not a directory",
                  "move it away, then start again");
  }
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, work));
  if (info.ok() && info->mode == 0700) return Status::Ok();
  return fs->SetMode(work, 0700);
}

}  // namespace

Status CreateLayout(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, context.options.storage_dir));
  LEVELKEEP_RETURN_IF_ERROR(CreateWorkDir(context));
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, context.options.restore_dir));
  for (const std::string& folder :
       {context.applied_dir(), context.rejected_dir()}) {
    const Status made = CreateDirectories(fs, folder);
    if (made.code() == StatusCode::kPermissionDenied) {
      LogWarn(kRestoreLogTag,
              context.options.restore_dir +
                  " is read-only: archives in it are applied once, but can't "
                  "be moved away");
      return Status::Ok();
    }
    LEVELKEEP_RETURN_IF_ERROR(made);
  }
  return Status::Ok();
}

Status CheckExchangeable(const RestoreContext& context) {
  FileSystem* const fs = context.fs;
  const auto live = fs->Stat(context.db_dir());
  if (live.status().code() == StatusCode::kNotFound) return Status::Ok();
  if (!live.ok()) return live.status();
  if (live->type == FileType::kSymlink) {
    return Status(StatusCode::kRefused,
                  "the database directory " + context.db_dir() +
                      " is a symbolic link, which a restore would replace",
                  "set STORAGE_DIR and DB_NAME to where the link leads");
  }
  if (live->type != FileType::kDirectory) {
    return Status(StatusCode::kRefused,
                  context.db_dir() + " is not a directory",
                  "move it away, then start again");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const FileInfo work, fs->Stat(context.work_dir()));
  if (work.device != live->device) {
    return CannotExchange(context, "is on another file system than " +
                                       context.options.storage_dir);
  }
  if (IsMountPoint(context, *live)) {
    return CannotExchange(context, "is a mount point");
  }
  return Status::Ok();
}

std::vector<std::string> ParseMountPoints(std::string_view mountinfo) {
  constexpr int kMountPointField = 4;
  std::vector<std::string> points;
  while (!mountinfo.empty()) {
    const size_t end = mountinfo.find('\n');
    std::string_view line = mountinfo.substr(0, end);
    mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size()
                                                          : end + 1);
    for (int field = 0; field < kMountPointField; ++field) {
      const size_t blank = line.find(' ');
      line.remove_prefix(blank == std::string_view::npos ? line.size()
                                                         : blank + 1);
    }
    const std::string_view point = line.substr(0, line.find(' '));
    if (!point.empty()) points.push_back(UnescapeOctal(point));
  }
  return points;
}

}  // namespace levelkeep
