#include "restore/drop_place.h"

#include "base/new_name.h"
#include "base/status_macros.h"
#include "restore/drop_check.h"

namespace levelkeep {
namespace {

constexpr int kMaxSameNames = 10'000;
constexpr uint64_t kMaxNoteBytes = 1 << 20;
constexpr size_t kMaxNameBytes = 255;  // Linux's limit
constexpr size_t kMaxDropName = kMaxNameBytes - kAppliedNote.size();
static_assert(kReasonNote.size() <= kAppliedNote.size());

// Cuts to at most `size` bytes, between two UTF-8 characters.
std::string Shortened(std::string_view text, size_t size) {
  if (text.size() <= size) return std::string(text);
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0u) == 0x80) {
    --size;
  }
  return std::string(text.substr(0, size));
}

// Moves the digests before the drop: a digest left behind would judge the next
// drop of that name. If we die here: they are where the drop will go next time.
Status MoveSidecars(const RestoreContext& context, const std::string& name,
                    const std::string& target) {
  LEVELKEEP_ASSIGN_OR_RETURN(const auto sidecars, SidecarsOf(context, name));
  for (const std::string& sidecar : sidecars) {
    const Status moved = context.fs->Rename(
        context.InDrop(sidecar), target + sidecar.substr(name.size()));
    if (moved.code() != StatusCode::kNotFound) {
      LEVELKEEP_RETURN_IF_ERROR(moved);
    }
  }
  return Status::Ok();
}

// Removes the empty file that a crash in this same move left. It is identified
// by its note, whose first two lines have the name and the time.
Status DropOwnClaim(FileSystem* fs, const std::string& target,
                    const std::string& note_path, std::string_view note) {
  const std::string_view head =
      note.substr(0, note.find('\n', note.find('\n') + 1));
  const auto found = ReadFile(fs, note_path, kMaxNoteBytes);
  if (!found.ok() || !found->starts_with(head)) return Status::Ok();
  return RemoveClaim(fs, target);
}

bool IsStillThere(const RestoreContext& context, const DropIdentity& drop,
                  const std::string& path) {
  const auto info = context.fs->Stat(path);
  return info.ok() && IdentifyDrop(drop.name, *info).LooksLike(drop);
}

// If another file came between the check and the rename, moves it back.
Status MoveThatFile(const RestoreContext& context, const DropIdentity& drop,
                    const std::string& target) {
  FileSystem* const fs = context.fs;
  const std::string path = context.InDrop(drop.name);
  if (!IsStillThere(context, drop, path)) {
    return Status(StatusCode::kNotFound, path + " is another file now");
  }
  LEVELKEEP_RETURN_IF_ERROR(MoveSidecars(context, drop.name, target));
  LEVELKEEP_RETURN_IF_ERROR(MoveToNewName(fs, path, target));
  if (IsStillThere(context, drop, target)) return Status::Ok();
  LEVELKEEP_RETURN_IF_ERROR(MoveToNewName(fs, target, path));
  return Status(StatusCode::kNotFound, path + " is another file now");
}

}  // namespace

std::string NumberedDropName(const std::string& name, int number) {
  const std::string_view stem = StemOfDrop(name);
  const std::string suffix = (number == 1 ? "" : "-" + std::to_string(number)) +
                             name.substr(stem.size());
  return Shortened(stem, kMaxDropName - suffix.size()) + suffix;
}

Result<std::string> MoveDrop(const RestoreContext& context,
                             const DropIdentity& drop,
                             const std::string& folder,
                             std::string_view note_suffix,
                             const std::string& note) {
  FileSystem* const fs = context.fs;
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, folder));
  for (int number = 1; number <= kMaxSameNames; ++number) {
    const std::string name = NumberedDropName(drop.name, number);
    const std::string target = JoinPath(folder, name);
    const std::string note_path = target + std::string(note_suffix);
    LEVELKEEP_RETURN_IF_ERROR(DropOwnClaim(fs, target, note_path, note));
    if (PathExists(fs, target)) continue;
    LEVELKEEP_RETURN_IF_ERROR(WriteFileDurably(fs, note_path, note));
    // If we die here: a note without its archive, which follows next time.
    const Status moved = MoveThatFile(context, drop, target);
    if (moved.code() == StatusCode::kAlreadyExists) continue;
    if (moved.code() == StatusCode::kNotFound) (void)fs->RemoveFile(note_path);
    LEVELKEEP_RETURN_IF_ERROR(moved);
    // If we die here: the archive is in exactly one of the two folders.
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(folder));
    LEVELKEEP_RETURN_IF_ERROR(fs->SyncDirectory(context.options.restore_dir));
    return name;
  }
  return Status(StatusCode::kAlreadyExists,
                folder + " holds too many files named like " + drop.name,
                "remove some of them");
}

}  // namespace levelkeep
