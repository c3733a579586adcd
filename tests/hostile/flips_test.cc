// Every bit of a small archive is flipped, and every length is cut, for one of
// our archives and for a foreign one. The damage is found, or it is harmless:
// the same database comes out.

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "archive/archive_reader.h"
#include "base/text.h"
#include "hostile/hostile_site.h"
#include "hostile/own_archive.h"
#include "leveldb/db.h"

namespace levelkeep::test {
namespace {

const Entries kFew = {{"a", "1"}};
constexpr uint64_t kFewSequence = 1;

// As few bytes as a database can have: one write, in the log.
Files SmallestFiles() {
  const TempDir dir;
  FillDb(dir.Sub("db"), kFew);
  Files files;
  const auto names = FileSystem::Posix()->List(dir.Sub("db"));
  for (const std::string& name : *names) {
    if (!IsBackedUp(ParseDbFileName(name).kind)) continue;
    files[name] = ReadFile(dir.Sub("db/" + name));
  }
  return files;
}

// A number from the environment: the distance between the flips that a run
// restores, or the seed that moves them.
uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  return ParseUint64(text).value_or(otherwise);
}

class FlipsTest : public HostileSite,
                  public ::testing::WithParamInterface<bool> {
 protected:
  FlipsTest()
      : archive_(GetParam() ? OwnArchive(SmallestFiles(), kFewSequence)
                            : Foreign(SmallestFiles())),
        path_(temp_.Sub("canary/x.tar.gz")) {}

  // Everything that a restore uses, in one text; "" if the archive is refused.
  std::string Content() const {
    auto reader = ArchiveReader::Open(FileSystem::Posix(), path_);
    const Result<ExtractedDatabase> read =
        reader.ok() ? (*reader)->Check({}) : reader.status();
    if (!read.ok()) {
      EXPECT_TRUE(read.status().code() == StatusCode::kCorruption ||
                  read.status().code() == StatusCode::kUnsupported)
          << read.status().ToString();
      return "";
    }
    std::string text = read->own ? "own\n" : "foreign\n";
    if (read->manifest != nullptr) text += EncodeManifest(*read->manifest);
    for (const ManifestFile& file : read->files) {
      text += file.name + " " + file.sha256.Hex() + "\n";
    }
    return text;
  }
  std::string Flipped(size_t bit) const {
    std::string bytes = archive_;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    return bytes;
  }
  void ExpectIncomplete(const DropOutcome& outcome, const std::string& bytes) {
    const std::string reason = ExpectLeft(outcome, bytes);
    EXPECT_NE(reason.find("incomplete or still being copied"),
              std::string::npos)
        << reason;
  }
  // Expects the old or the new database, and nothing in between.
  void ExpectOldOrNew(const std::string& bytes) {
    const DropOutcome outcome = StartWith(bytes);
    if (outcome.applied.has_value()) {
      EXPECT_EQ(ReadDb(Live()), kFew);
      WriteLive();
    } else if (outcome.rejected.empty()) {
      // A flipped bit can hide the end of the data.
      ExpectIncomplete(outcome, bytes);
    } else {
      ExpectRejected(outcome, bytes);
      std::filesystem::remove_all(Drop("rejected"));
    }
  }

  const std::string archive_;
  const std::string path_;
};

TEST_P(FlipsTest, EveryBitIsFoundOrHarmless) {
  WriteFile(path_, archive_);
  const std::string honest = Content();
  ASSERT_NE(honest, "");
  auto file = FileSystem::Posix()->Open(path_, OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  size_t harmless = 0;
  for (size_t bit = 0; bit < archive_.size() * 8; ++bit) {
    const std::string_view good(&archive_[bit / 8], 1);
    const char bad = static_cast<char>(good[0] ^ 1 << bit % 8);
    ASSERT_TRUE((*file)->WriteAt(bit / 8, {&bad, 1}).ok());
    const std::string content = Content();
    ASSERT_TRUE((*file)->WriteAt(bit / 8, good).ok());
    if (content.empty()) continue;
    ++harmless;
    ASSERT_EQ(content, honest) << "bit " << bit;
  }
  EXPECT_EQ(Content(), honest);
  std::printf("%zu bits, %zu harmless\n", archive_.size() * 8, harmless);
  // Times and names in gzip headers; deflate can express some data in two ways.
  EXPECT_LT(harmless, archive_.size());
}

TEST_P(FlipsTest, EveryLengthIsFound) {
  WriteFile(path_, archive_);
  for (size_t size = archive_.size(); size-- > 0;) {
    std::filesystem::resize_file(path_, size);
    ASSERT_EQ(Content(), "") << size;
  }
}

TEST_P(FlipsTest, RestoresOfFlippedOnesAreOldOrNew) {
  const uint64_t seed = Setting("LEVELKEEP_HOSTILE_SEED", 1);
  const uint64_t stride = Setting("LEVELKEEP_HOSTILE_STRIDE", 97);
  std::printf(
      "seed %llu (LEVELKEEP_HOSTILE_SEED), every %lluth bit "
      "(LEVELKEEP_HOSTILE_STRIDE)\n",
      static_cast<unsigned long long>(seed),
      static_cast<unsigned long long>(stride));
  for (size_t bit = seed % stride; bit < archive_.size() * 8; bit += stride) {
    SCOPED_TRACE("bit " + std::to_string(bit));
    ExpectOldOrNew(Flipped(bit));
    if (HasFailure()) return;
  }
}

TEST_P(FlipsTest, CutOnesStay) {
  for (size_t size = 0; size < archive_.size(); size += 61) {
    SCOPED_TRACE("length " + std::to_string(size));
    const std::string bytes = archive_.substr(0, size);
    ExpectIncomplete(StartWith(bytes), bytes);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Archives, FlipsTest, ::testing::Bool(),
                         [](const auto& one) {
                           return one.param ? "Ours" : "Foreign";
                         });

}  // namespace
}  // namespace levelkeep::test
