// A catalog over real archives, on a disk that counts and fails.

#ifndef LEVELKEEP_TESTS_CATALOG_CATALOG_FIXTURE_H_
#define LEVELKEEP_TESTS_CATALOG_CATALOG_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "archive/archive_writer.h"
#include "base/hash.h"
#include "catalog/catalog.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

inline constexpr char kFirst[] = "backup_2024-12-27_120000.tar.gz";
inline constexpr char kSecond[] = "backup_2024-12-27_130000_label.tar.gz";
inline constexpr char kThird[] = "backup_2024-12-27_140000.tar.gz";

inline Time At(const char* text) { return ParseTime(text).value(); }

// A real file that seems to belong to another user.
class FileOfAnother : public File {
 public:
  FileOfAnother(std::unique_ptr<File> file, uint32_t owner)
      : file_(std::move(file)), owner_(owner) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return file_->ReadAt(offset, buffer, size);
  }
  Status Append(std::string_view data) override { return file_->Append(data); }
  Status WriteAt(uint64_t offset, std::string_view data) override {
    return file_->WriteAt(offset, data);
  }
  Status Sync() override { return file_->Sync(); }
  Result<FileInfo> Stat() const override {
    auto info = file_->Stat();
    if (info.ok()) info->owner = owner_;
    return info;
  }
  Status CopyRangeTo(File* target, uint64_t offset,
                     uint64_t size) const override {
    return file_->CopyRangeTo(target, offset, size);
  }
  Status Close() override { return file_->Close(); }

 private:
  const std::unique_ptr<File> file_;
  const uint32_t owner_;
};

// Passes everything on and counts how often an archive is opened.
class CountingFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    if (path.ends_with(".tar.gz")) archives_opened_++;
    if (path == unreadable_) {
      return Status(StatusCode::kIoError, path + ": I/O error");
    }
    auto file = real_->Open(path, mode);
    if (!file.ok() || path != given_away_) return file;
    return std::unique_ptr<File>(
        std::make_unique<FileOfAnother>(std::move(*file), kAnother));
  }
  Result<FileInfo> Stat(const std::string& p) override {
    auto info = real_->Stat(p);
    if (info.ok() && p == given_away_) info->owner = kAnother;
    return info;
  }
  Result<FileInfo> StatFollowing(const std::string& p) override {
    return real_->StatFollowing(p);
  }
  Result<std::vector<std::string>> List(const std::string& p) override {
    return real_->List(p);
  }
  Status CreateDirectory(const std::string& p) override {
    return real_->CreateDirectory(p);
  }
  Status RemoveFile(const std::string& p) override {
    removed_.push_back(BaseName(p));
    if (removed_.size() == fail_removal_) {
      return Status(StatusCode::kIoError, p + ": I/O error");
    }
    return real_->RemoveFile(p);
  }
  Status RemoveDirectory(const std::string& p) override {
    return real_->RemoveDirectory(p);
  }
  Status Rename(const std::string& a, const std::string& b) override {
    return real_->Rename(a, b);
  }
  Status RenameNoReplace(const std::string& a, const std::string& b) override {
    return real_->RenameNoReplace(a, b);
  }
  Status Exchange(const std::string& a, const std::string& b) override {
    return real_->Exchange(a, b);
  }
  Status Link(const std::string& a, const std::string& b) override {
    return real_->Link(a, b);
  }
  Status SetMode(const std::string& p, uint32_t mode) override {
    return real_->SetMode(p, mode);
  }
  Status SyncDirectory(const std::string& p) override {
    return real_->SyncDirectory(p);
  }
  Result<uint64_t> FreeSpace(const std::string& p) override {
    return real_->FreeSpace(p);
  }
  Result<uint64_t> DiskSize(const std::string& p) override {
    return real_->DiskSize(p);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& p) override {
    return real_->Lock(p);
  }

  int archives_opened() const { return archives_opened_; }
  const std::vector<std::string>& removed() const { return removed_; }
  void set_unreadable(const std::string& path) { unreadable_ = path; }
  // This path belongs to another user, who is not root.
  void set_given_away(const std::string& path) { given_away_ = path; }
  // The n-th removal from the start fails; 0: no removal fails.
  void set_fail_removal(size_t n) { fail_removal_ = n; }

 private:
  FileSystem* const real_ = FileSystem::Posix();
  std::atomic<int> archives_opened_{0};
  std::vector<std::string> removed_;
  std::string unreadable_;
  static constexpr uint32_t kAnother = 4'000'000;
  std::string given_away_;
  size_t fail_removal_ = 0;
};

class CatalogFixture : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return dir_.Sub(name); }

  // An archive as LevelKeep writes it, of one small file.
  void MakeBackup(const std::string& name, uint64_t sequence,
                  const std::string& epoch = std::string(32, 'e')) {
    const BackupName parsed = ParseBackupName(name).value();
    ArchiveInput input;
    input.name = "event_registry_db/CURRENT";
    const std::string content = "MANIFEST-000001\n";
    input.size_bytes = content.size();
    input.open = [content]() -> Result<std::unique_ptr<ByteSource>> {
      return NewStringSource(content);
    };
    ArchiveWriteOptions options;
    options.mtime = parsed.time;
    const auto make_manifest = [&](const std::vector<TocFile>& files) {
      Manifest manifest;
      manifest.id = std::string(32, '1');
      manifest.created = parsed.time;
      manifest.label = parsed.label;
      manifest.trigger = "manual";
      manifest.snapshot_method = "hot";
      manifest.db_name = "event_registry_db";
      manifest.db_epoch = epoch;
      manifest.comparator = "leveldb.BytewiseComparator";
      manifest.last_sequence = sequence;
      for (const TocFile& file : files) {
        manifest.files.push_back(
            {BaseName(file.name), file.size_bytes, file.sha256});
      }
      return Result<std::string>(EncodeManifest(manifest));
    };
    auto file = fs_.Open(Path(name), OpenMode::kCreateNew);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    const auto summary =
        WriteArchive({input}, make_manifest, options, file->get());
    ASSERT_TRUE(summary.ok()) << summary.status().ToString();
    ASSERT_TRUE((*file)->Close().ok());
    ASSERT_TRUE(
        catalog_.WriteSidecar(name, DigestKind::kSha256, summary->sha256).ok());
  }

  CatalogEntry Find(const std::string& name) {
    auto entry = catalog_.Find(name);
    EXPECT_TRUE(entry.ok()) << entry.status().ToString();
    return entry.ok() ? *entry : CatalogEntry();
  }

  // The names of the state files, one for each backup that has one.
  std::vector<std::string> Remembered() {
    std::vector<std::string> names;
    for (const std::string& name : *fs_.List(Path(".levelkeep"))) {
      if (name.ends_with(".json")) names.push_back(name);
    }
    return names;
  }

  std::vector<std::string> Listed() {
    std::vector<std::string> names;
    const auto entries = catalog_.List();
    EXPECT_TRUE(entries.ok()) << entries.status().ToString();
    if (!entries.ok()) return names;
    for (const auto& entry : (*entries)->entries()) {
      names.push_back(entry->name);
    }
    return names;
  }

  static VerifyRecord Record(VerifyDepth depth, bool passed,
                             const std::string& message = "") {
    VerifyRecord record;
    record.depth = depth;
    record.passed = passed;
    record.at = At("2024-12-28T00:00:00Z");
    record.message = message;
    return record;
  }

  TempDir dir_;
  CountingFileSystem fs_;
  Catalog catalog_{&fs_, dir_.path()};
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_CATALOG_CATALOG_FIXTURE_H_
