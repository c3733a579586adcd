#include "crash/simulated_check.h"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "check/file_checks.h"
#include "check/overlay_env.h"
#include "check/store_scan.h"

namespace levelkeep::test {
namespace {

// Unlike in levelkeep-check, the DB is closed again: its pending background
// work must run then, or its destructor would wait for ever.
class ClosableOverlay : public check::OverlayEnv {
 public:
  using OverlayEnv::OverlayEnv;

  void Schedule(void (*function)(void*), void* argument) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) {
      target()->Schedule(function, argument);
    } else {
      waiting_.emplace_back(function, argument);
    }
  }
  // From this call on, only the destructor of the DB is at work.
  void StartClosing() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    for (const auto& [function, argument] : waiting_) {
      target()->Schedule(function, argument);
    }
  }

 private:
  std::mutex mutex_;
  bool closing_ = false;
  std::vector<std::pair<void (*)(void*), void*>> waiting_;
};

Entries ReadAll(leveldb::DB* db) {
  Entries entries;
  const std::unique_ptr<leveldb::Iterator> entry(
      db->NewIterator(leveldb::ReadOptions()));
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    entries.emplace_hint(entries.end(), entry->key().ToString(),
                         entry->value().ToString());
  }
  return entries;
}

// Does the work of src/check/check.cc. `entries` may be null.
Result<StoreCheck> Check(FileSystem* fs, leveldb::Env* env,
                         const check::StoreFiles& files,
                         const std::string& database,
                         const std::string& scratch_dir, Entries* entries) {
  LEVELKEEP_ASSIGN_OR_RETURN(const check::FileFindings findings,
                             check::FileChecks(&files).Run());
  ClosableOverlay overlay(env, fs, &files, database, scratch_dir);
  check::SilentLogger log;
  leveldb::DB* raw = nullptr;
  const leveldb::Comparator* const comparator = leveldb::BytewiseComparator();
  const Status opened =
      check::OpenStore(&overlay, database, comparator, &log, &raw);
  std::unique_ptr<leveldb::DB> db(raw);
  const Result<uint64_t> scanned =
      opened.ok() ? check::ScanSpans(db.get(), comparator, {{}}, 1,
                                     /*verify_checksums=*/true)
                  : opened;
  if (scanned.ok() && entries != nullptr) *entries = ReadAll(db.get());
  overlay.StartClosing();
  db.reset();
  if (!scanned.ok()) return scanned.status();
  return StoreCheck{*scanned,
                    findings.last_sequence,
                    findings.tables,
                    findings.torn_tails,
                    findings.comparator,
                    /*order_checked=*/true};
}

// Reduces a failure as the report of the child process does.
Result<StoreCheck> AsReported(Result<StoreCheck> check) {
  switch (check.status().code()) {
    case StatusCode::kOk:
    case StatusCode::kCorruption:
    case StatusCode::kUnsupported:
    case StatusCode::kNoSpace:
    case StatusCode::kIoError:
    case StatusCode::kPermissionDenied:
      return check;
    default:
      return Status(StatusCode::kNotChecked, check.status().message());
  }
}

Result<StoreCheck> CheckArchive(FileSystem* fs, leveldb::Env* env,
                                const std::string& path,
                                const std::string& scratch_dir,
                                Entries* entries) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto view, ArchiveView::Open(fs, path));
  const check::ArchiveFiles files(std::move(view));
  return Check(fs, env, files, path, scratch_dir, entries);
}

}  // namespace

StoreChecker SimulatedStoreChecker(FileSystem* fs, leveldb::Env* env) {
  return [fs, env](const std::string& database, const std::string& scratch_dir,
                   std::stop_token /*stop*/) {
    const check::FolderFiles files(fs, database);
    return AsReported(Check(fs, env, files, database, scratch_dir, nullptr));
  };
}

StoreChecker SimulatedArchiveChecker(FileSystem* fs, leveldb::Env* env) {
  return [fs, env](const std::string& database, const std::string& scratch_dir,
                   std::stop_token /*stop*/) {
    return AsReported(CheckArchive(fs, env, database, scratch_dir, nullptr));
  };
}

Result<Content> ReadArchivedEntries(FileSystem* fs, leveldb::Env* env,
                                    const std::string& archive_path,
                                    const std::string& scratch_dir) {
  LEVELKEEP_RETURN_IF_ERROR(fs->CreateDirectory(scratch_dir));
  auto entries = std::make_shared<Entries>();
  const auto check =
      CheckArchive(fs, env, archive_path, scratch_dir, entries.get());
  LEVELKEEP_RETURN_IF_ERROR(RemoveTree(fs, scratch_dir));
  if (!check.ok()) return check.status();
  return Content(std::move(entries));
}

}  // namespace levelkeep::test
