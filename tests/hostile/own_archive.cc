#include "hostile/own_archive.h"

#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"

namespace levelkeep::test {
namespace {

class OwnBuilder {
 public:
  explicit OwnBuilder(const OwnLies& lies) : lies_(lies) {}

  // `path` is the name in the tar.
  void Add(const std::string& name, const std::string& path,
           const std::string& content) {
    std::string header =
        EncodeTarHeader(path, content.size(), kOwnTime).value();
    if (lies_.header) lies_.header(name, &header);
    archive_ += OwnMember(header);
    TocFile file;
    file.name = path;
    file.size_bytes = content.size();
    file.sha256 = Sha256::Of(content);
    for (size_t at = 0; at < content.size(); at += kChunkBytes) {
      AddChunk(name, content, at, &file);
    }
    toc_.files.push_back(std::move(file));
  }

  std::string Finish() {
    if (lies_.toc) lies_.toc(&toc_);
    std::string text = EncodeToc(toc_);
    if (lies_.toc_text) lies_.toc_text(&text);
    std::string tar = TocTar(text);
    if (lies_.toc_tar) lies_.toc_tar(&tar);
    uint64_t offset = archive_.size();
    if (lies_.footer) lies_.footer(&offset);
    archive_ += OwnMember(tar) + EncodeFooter(offset);
    if (lies_.archive) lies_.archive(&archive_);
    return std::move(archive_);
  }

  Toc* toc() { return &toc_; }

 private:
  void AddChunk(const std::string& name, const std::string& content, size_t at,
                TocFile* file) {
    std::string chunk = content.substr(at, kChunkBytes);
    TocChunk entry;
    entry.archive_offset = archive_.size();
    entry.sha256 = Sha256::Of(chunk);
    if (at + chunk.size() == content.size()) chunk += TarPad(content.size());
    if (lies_.content) lies_.content(name, &chunk);
    std::string member = OwnMember(chunk);
    if (lies_.member) lies_.member(name, &member);
    archive_ += member;
    file->chunks.push_back(entry);
  }

  const OwnLies& lies_;
  std::string archive_;
  Toc toc_{kOwnTime, {}};
};

}  // namespace

std::string OwnArchive(const Files& files, uint64_t last_sequence,
                       const OwnLies& lies) {
  Manifest manifest;
  manifest.id = std::string(32, 'a');
  manifest.created = Time(std::chrono::seconds(kOwnTime));
  manifest.trigger = "manual";
  manifest.hostname = "host";
  manifest.levelkeep_version = "0.1.0";
  manifest.snapshot_method = "hot";
  manifest.db_name = kOwnFolder;
  manifest.db_epoch = std::string(32, 'b');
  manifest.comparator = "leveldb.BytewiseComparator";
  manifest.last_sequence = last_sequence;
  OwnBuilder builder(lies);
  for (const auto& [name, content] : files) {
    builder.Add(name, std::string(kOwnFolder) + "/" + name, content);
    manifest.source_bytes += content.size();
    manifest.files.push_back({name, content.size(), Sha256::Of(content)});
  }
  if (lies.manifest) lies.manifest(&manifest);
  std::string text = EncodeManifest(manifest);
  if (lies.manifest_text) lies.manifest_text(&text);
  const std::string name(kManifestEntryName);
  builder.Add(name, name, text);
  return builder.Finish();
}

}  // namespace levelkeep::test
