// Follows LevelDB's writes to a log or MANIFEST, a new one or a continued one,
// and reports them to the HotDatabase after the base Env has flushed them.
// Private to the module.

#ifndef LEVELKEEP_SNAPSHOT_RECORDER_H_
#define LEVELKEEP_SNAPSHOT_RECORDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "snapshot/hot_database.h"

namespace levelkeep {

// Thread safety: only the thread that writes the file may call a Recorder.
class Recorder {
 public:
  // The file has `size_bytes` already, which end with a complete record.
  Recorder(std::shared_ptr<HotDatabase> database,
           std::shared_ptr<RecordedFile> file, uint64_t size_bytes)
      : database_(std::move(database)),
        file_(std::move(file)),
        tracker_(size_bytes) {}
  virtual ~Recorder() = default;
  void Written(std::string_view bytes) { tracker_.Feed(bytes); }
  // All bytes written so far have left the base Env's buffer.
  virtual void Flushed() = 0;
  void Failed(const std::string& reason) {
    database_->SetProblem(file_.get(), reason);
  }

 protected:
  const std::shared_ptr<HotDatabase> database_;
  const std::shared_ptr<RecordedFile> file_;
  LogTracker tracker_;
};

// Records a write-ahead log: publishes its mark without a lock.
class LogRecorder : public Recorder {
 public:
  LogRecorder(std::shared_ptr<HotDatabase> database,
              const std::shared_ptr<HotLog>& log, uint64_t size_bytes)
      : Recorder(std::move(database), log, size_bytes),
        mark_(log->mark),
        published_(size_bytes) {}
  void Flushed() override;

 private:
  LogMark& mark_;
  uint64_t published_;
};

// Records a MANIFEST: applies its edits to the Version.
class ManifestRecorder : public Recorder {
 public:
  ManifestRecorder(std::shared_ptr<HotDatabase> database,
                   const std::shared_ptr<HotManifest>& manifest,
                   uint64_t size_bytes);
  void Flushed() override;

 private:
  void AddRecord(std::string_view record);

  HotManifest& manifest_;
  std::vector<VersionEdit> edits_;  // complete, not yet flushed
};

// A log or MANIFEST that LevelDB writes: exactly one of the pointers is set.
struct WrittenFile {
  uint64_t size_bytes = 0;
  std::shared_ptr<HotLog> log;
  std::shared_ptr<HotManifest> manifest;
};

// kUnsupported if the file ends with a torn record: LevelDB would append behind
// that record and never read what follows (google/leveldb#1287). On this error
// LevelDB starts a new file. kNotFound if the file does not exist.
Result<WrittenFile> InspectForAppend(FileSystem* fs, const std::string& name);

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_RECORDER_H_
