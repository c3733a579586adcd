// The operator's tool: the same operations as BackupManager's, from a
// process that does not hold the database.

#ifndef LEVELKEEP_MANAGER_OFFLINE_TOOL_H_
#define LEVELKEEP_MANAGER_OFFLINE_TOOL_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "format/manifest.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/options.h"
#include "levelkeep/status.h"
#include "manager/backup_set.h"
#include "manager/platform.h"
#include "restore/restorer.h"

namespace levelkeep {

struct InspectReport {
  std::string path;
  uint64_t size_bytes = 0;
  bool own = false;
  std::shared_ptr<const Manifest> manifest;  // ours, and re-packed ones of ours
  // Names and sizes; of foreign archives after reading them through.
  std::vector<ManifestFile> files;
};

// Sources are a backup's name, an unambiguous beginning of one, "latest", or
// a path (anything with a slash, or an existing file).
// Thread safety: one thread at a time.
class OfflineTool {
 public:
  using Progress = std::function<void(double)>;

  // `fs`, `clock` and what `platform` points to outlive it. Does nothing yet.
  OfflineTool(const BackupOptions& options, FileSystem* fs, Clock* clock);
  OfflineTool(const BackupOptions& options, const Platform& platform);

  // Of the closed database, or of one that another process has open (the
  // order of reading makes it consistent). `way` gets a sentence about it:
  // "database is closed: offline snapshot", "database is open in another
  // process (pid 412): external snapshot".
  Result<BackupInfo> Create(const CreateRequest& request, std::string* way);

  Result<std::vector<BackupInfo>> List() { return set_.List(); }
  Result<BackupInfo> Find(const std::string& name) { return set_.Find(name); }
  Result<InspectReport> Inspect(const std::string& source,
                                std::stop_token stop);
  Result<VerifyReport> Verify(const std::string& source, VerifyDepth depth,
                              std::stop_token stop, const Progress& progress);
  Result<std::vector<RotationDecision>> Rotate(bool dry_run);

  // What a restore would do; changes nothing.
  Result<RestorePreview> PreviewRestore(const std::string& source);
  // kBusy with the pid while any process has the database open.
  Result<RestoreReport> Restore(const std::string& source, std::stop_token stop,
                                const Progress& progress);
  Result<RestoreReport> Undo(UndoScope scope = UndoScope::kLast);
  // Extracts a verified database into `target_dir`, which must not exist or
  // be empty; touches nothing else.
  Result<RestoreReport> ExtractTo(const std::string& source,
                                  const std::string& target_dir,
                                  std::stop_token stop,
                                  const Progress& progress);

 private:
  Result<BackupInfo> Locate(const std::string& source);
  // Takes the instance lock and finishes what a crash interrupted.
  Status PrepareRestorer();
  Result<std::unique_ptr<Restorer>> NewRestorer();
  Result<std::unique_ptr<Snapshot>> TakeSnapshot(std::string* way);
  Status OpenAndClose(const std::string& db_dir);

  const BackupOptions options_;
  const Platform platform_;
  FileSystem* const fs_;
  Clock* const clock_;
  BackupSet set_;
  std::unique_ptr<Restorer> restorer_;  // once PrepareRestorer succeeded
};

}  // namespace levelkeep

#endif  // LEVELKEEP_MANAGER_OFFLINE_TOOL_H_
