// Seeds from the archives of tests/hostile: the archives, the tars in them, the
// texts of our format, and the databases.

#include <cstdlib>
#include <optional>

#include "archive/archive_reader.h"
#include "archive/gzip_format.h"
#include "archive/tar_format.h"
#include "changed_database.h"
#include "corpus.h"
#include "format/manifest.h"
#include "format/toc.h"
#include "hostile/hostile_case.h"
#include "restore_flags.h"
#include "support/simulated_disk.h"

namespace levelkeep::fuzz {
namespace {

// Below the -max_len in run.sh.
constexpr size_t kMaxArchive = 19'000;
constexpr size_t kMaxText = 7'900;

// The archive's tar, up to the place of a damage.
std::string Inflated(const std::string& archive) {
  Verdict verdict((std::stop_token()));
  const auto source = NewStringSource(archive);
  GzipStream stream(source.get(), archive.size(), &verdict);
  std::string content;
  char buffer[4096];
  while (content.size() < 4 * kMaxArchive) {
    const auto count = stream.Read(buffer, sizeof buffer);
    if (!count.ok() || *count == 0) break;
    content.append(buffer, *count);
  }
  return content;
}

// The content of the entry whose last part of the name is `name`.
std::string EntryOf(const std::string& tar, std::string_view name) {
  constexpr size_t kSizeField = 124;
  constexpr size_t kMagicField = 257;
  for (size_t at = 0; at + kTarBlockBytes <= tar.size(); at += kTarBlockBytes) {
    const std::string header = tar.substr(at, kTarBlockBytes);
    const std::string path = header.c_str();
    if (!path.ends_with(name) ||
        !header.substr(kMagicField).starts_with("ustar"))
      continue;
    const size_t size =
        std::strtoul(header.substr(kSizeField, 12).c_str(), nullptr, 8);
    return tar.substr(at + kTarBlockBytes, size);
  }
  return "";
}

// The database in an archive that can be read.
std::optional<Files> DatabaseIn(const std::string& archive) {
  test::SimulatedDisk disk;
  FileSystem* const fs = disk.file_system();
  RequireOk(WriteFileDurably(fs, "/a.tar.gz", archive), "an archive is there");
  RequireOk(fs->CreateDirectory("/db"), "a folder is there");
  ArchiveReadOptions options;
  options.threads = 1;
  options.limits.max_total_bytes = 4 * kMaxArchive;
  const auto reader = ArchiveReader::Open(fs, "/a.tar.gz");
  if (!reader.ok() || !(*reader)->Extract("/db", options).ok()) {
    return std::nullopt;
  }
  Files files;
  const test::SimulatedState state = disk.Save();
  for (const auto& [name, number] : state.At("/db")->entries) {
    files[name] = *state.Find(number)->bytes;
  }
  return files;
}

void AddTexts(const Corpus& corpus, const std::string& name,
              const std::string& tar) {
  const std::string manifest = EntryOf(tar, kManifestEntryName);
  const std::string toc = EntryOf(tar, kTocEntryName);
  if (!manifest.empty() && manifest.size() < kMaxText) {
    corpus.Add("manifest", name, Chosen(7, manifest));
    corpus.Add("own_index", name + "_manifest", Chosen(2, manifest));
  }
  if (!toc.empty() && toc.size() < kMaxText) {
    corpus.Add("own_index", name + "_toc", Chosen(1, toc));
  }
}

void AddDatabase(const Corpus& corpus, const std::string& name,
                 const std::string& archive) {
  const auto files = DatabaseIn(archive);
  if (!files) return;
  const auto changes = ChangesTo(*files);
  if (!changes || changes->size() > kMaxText) return;
  corpus.Add("store", name, Chosen(1, *changes));
  corpus.Add("restore", name + "_own",
             RestoreSeed(kDatabaseInOurs, kOpens, *changes));
}

}  // namespace

void AddHostileArchives(const Corpus& corpus) {
  for (const test::HostileCase& one : test::AllHostileCases()) {
    if (one.name.starts_with("large_")) continue;
    const std::string archive = one.bytes();
    if (archive.size() > kMaxArchive) continue;
    corpus.Add("restore", one.name, RestoreSeed(kArchiveFile, kOpens, archive));
    const std::string tar = Inflated(archive);
    if (one.own || tar.find(kTocEntryName) != tar.npos) {
      corpus.Add("own_index", one.name, Chosen(0, archive));
      AddTexts(corpus, one.name, tar);
      continue;
    }
    corpus.Add("foreign_archive", one.name, Chosen(0, archive));
    if (!tar.empty() && tar.size() < kMaxArchive) {
      corpus.Add("foreign_archive", one.name + "_tar", Chosen(1, tar));
    }
    if (one.verdict != test::Verdict::kRefused) {
      AddDatabase(corpus, one.name, archive);
    }
  }
}

}  // namespace levelkeep::fuzz
