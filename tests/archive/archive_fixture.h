// Helpers of the archive tests: databases and archives.

#ifndef LEVELKEEP_TESTS_ARCHIVE_ARCHIVE_FIXTURE_H_
#define LEVELKEEP_TESTS_ARCHIVE_ARCHIVE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive_reader.h"
#include "archive/archive_writer.h"
#include "archive/tar_format.h"
#include "base/hash.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "support/made_up_bytes.h"
#include "support/tar_bytes.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

inline constexpr char kDbName[] = "event_registry_db";

// A database with a valid structure: the MANIFEST names its files.
inline Files MakeDatabase(uint64_t seed = 1) {
  Files files;
  files["000005.ldb"] = EventText(seed, 3000);
  files["000007.ldb"] = RandomBytes(seed, 700);
  files["000008.log"] = EventText(seed + 1, 100);
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 8;
  edit.previous_log_number = 0;
  edit.next_file_number = 9;
  edit.last_sequence = 42;
  for (const uint64_t number : {uint64_t{5}, uint64_t{7}}) {
    TableMeta table;
    table.level = 1;
    table.number = number;
    table.size_bytes = number == 5 ? 3000 : 700;
    table.smallest = std::string(number == 5 ? "a" : "m") + "\1\0\0\0\0\0\0\0";
    table.largest = std::string(number == 5 ? "b" : "n") + "\1\0\0\0\0\0\0\0";
    table.smallest.resize(9, '\0');
    table.largest.resize(9, '\0');
    edit.added_tables.push_back(table);
  }
  files["MANIFEST-000004"] = FrameAsLog(edit.Encode());
  files["CURRENT"] = "MANIFEST-000004\n";
  return files;
}

inline void WriteFiles(const std::string& directory, const Files& files) {
  ASSERT_EQ(Shell("mkdir -p '" + directory + "'"), 0);
  for (const auto& [name, content] : files) {
    WriteFile(directory + "/" + name, content);
  }
}

inline Files ReadFiles(const std::string& directory) {
  Files files;
  const auto names = FileSystem::Posix()->List(directory);
  EXPECT_TRUE(names.ok()) << directory;
  if (!names.ok()) return files;
  for (const std::string& name : *names) {
    files[name] = ReadFile(directory + "/" + name);
  }
  return files;
}

inline std::vector<ArchiveInput> InputsOf(const Files& files) {
  std::vector<ArchiveInput> inputs;
  for (const auto& [name, content] : files) {
    inputs.push_back(
        {std::string(kDbName) + "/" + name, content.size(),
         [content = &content]() -> Result<std::unique_ptr<ByteSource>> {
           return NewStringSource(*content);
         }});
  }
  return inputs;
}

inline Manifest ManifestFor(const std::vector<TocFile>& written) {
  Manifest manifest;
  manifest.id = std::string(32, 'a');
  manifest.created = ParseTime("2024-12-27T12:00:00.123Z").value();
  manifest.trigger = "manual";
  manifest.snapshot_method = "hot";
  manifest.db_name = kDbName;
  manifest.db_epoch = std::string(32, 'b');
  manifest.comparator = "leveldb.BytewiseComparator";
  manifest.last_sequence = 42;
  const size_t skip = std::string_view(kDbName).size() + 1;
  for (const TocFile& file : written) {
    manifest.source_bytes += file.size_bytes;
    manifest.files.push_back(
        {file.name.substr(skip), file.size_bytes, file.sha256});
  }
  return manifest;
}

inline ArchiveWriteOptions WriteOptions(int threads = 2) {
  ArchiveWriteOptions options;
  options.threads = threads;
  options.mtime = ParseTime("2024-12-27T12:00:00Z").value();
  return options;
}

// Writes an archive of `files`, with the true manifest unless `encode` changes
// it.
inline Result<ArchiveSummary> WriteTestArchive(
    const std::string& path, const Files& files,
    const ArchiveWriteOptions& options = WriteOptions(),
    FileSystem* fs = FileSystem::Posix(),
    const std::function<std::string(Manifest)>& encode = EncodeManifest) {
  Result<std::unique_ptr<File>> file = fs->Open(path, OpenMode::kCreateNew);
  if (!file.ok()) return file.status();
  return WriteArchive(
      InputsOf(files),
      [&](const std::vector<TocFile>& written) -> Result<std::string> {
        return encode(ManifestFor(written));
      },
      options, file->get());
}

inline Result<ExtractedDatabase> CheckArchive(
    const std::string& path, const ArchiveReadOptions& options = {}) {
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  if (!reader.ok()) return reader.status();
  return (*reader)->Check(options);
}

// Extracts into the new directory `target`.
inline Result<ExtractedDatabase> ExtractArchive(
    const std::string& path, const std::string& target,
    const ArchiveReadOptions& options = {}) {
  const Status created = FileSystem::Posix()->CreateDirectory(target);
  if (!created.ok()) return created;
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  if (!reader.ok()) return reader.status();
  return (*reader)->Extract(target, options);
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_ARCHIVE_ARCHIVE_FIXTURE_H_
