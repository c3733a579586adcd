// How often a check reads the bytes of an archive: never more than necessary.
// Reads of levelkeep-check are not counted here.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/verify_named.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

class ReadsTest : public ::testing::Test {
 protected:
  ReadsTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.resources.reserve_bytes = 0;
    options_.archive.compression = false;
    std::filesystem::create_directories(options_.storage_dir);
    test::BuildOptions build;
    build.value_bytes = 1000;
    build.write_buffer_bytes = 1 << 20;
    test::BuildDatabase(options_.storage_path(), 20'000, build);
    engine_ = std::make_unique<Engine>(options_, Platform{.fs = &disk_});
    const auto made = engine_->Create({});
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    if (made.ok()) archive_ = made->path;
  }

  // How often the operation since Reset() read the whole archive.
  double Passes(const std::string& archive) {
    const auto size = std::filesystem::file_size(archive);
    EXPECT_GE(size, 1u << 20) << "too small to tell";
    return static_cast<double>(disk_.bytes_read(archive)) /
           static_cast<double>(size);
  }
  double PassesOf(const std::string& source, VerifyDepth depth) {
    disk_.Reset();
    const auto report = test::VerifyNamed(engine_.get(), source, depth);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return Passes(source.find('/') == source.npos ? archive_ : source);
  }

  test::TempDir dir_;
  BackupOptions options_;
  test::FaultFileSystem disk_{FileSystem::Posix()};
  std::unique_ptr<Engine> engine_;
  std::string archive_;
};

// The table of contents is read at the opening, and once more for the digest.
constexpr double kOnce = 1.1;

// Regression: the SHA-256 of the file was read first, then the members.
TEST_F(ReadsTest, VerificationReadsAnArchiveOnce) {
  EXPECT_LT(PassesOf("latest", VerifyDepth::kStructure), 0.1);
  EXPECT_LT(PassesOf("latest", VerifyDepth::kChecksums), kOnce);
  EXPECT_GE(PassesOf("latest", VerifyDepth::kChecksums), 1.0);
  EXPECT_LT(PassesOf("latest", VerifyDepth::kFull), kOnce);
  EXPECT_GE(PassesOf("latest", VerifyDepth::kFull), 1.0);
}

// The device reads a foreign archive only once, too; the digest of a block is
// taken from the page cache while the next block is inflated (InflateAhead).
TEST_F(ReadsTest, ArchivesOfOthersAreNotReadOnceMoreForTheirDigest) {
  constexpr double kTwice = 2.1;
  const std::string foreign = dir_.Sub("foreign.tar.gz");
  ASSERT_EQ(0, test::Shell("tar -C " + options_.storage_dir + " -cf - " +
                           options_.db_name + " | gzip -1 > " + foreign));
  EXPECT_LT(PassesOf(foreign, VerifyDepth::kChecksums), kTwice);
  EXPECT_LT(PassesOf(foreign, VerifyDepth::kFull), kTwice);
}

TEST_F(ReadsTest, RestoreReadsAnArchiveOnce) {
  const auto backup = engine_->Find("latest");
  ASSERT_TRUE(backup.ok());
  disk_.Reset();
  const auto restored = engine_->Restore(*backup, {});
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_LT(Passes(archive_), kOnce);
}

// A path may lead to a backup, or to a copy of a backup under the same name.
TEST_F(ReadsTest, AVerifiedArchiveIsNotScannedAgainHoweverItIsNamed) {
  int scans = 0;
  Platform platform{.fs = &disk_};
  platform.store_checker = [&](const std::string&, const std::string&,
                               std::stop_token) -> Result<StoreCheck> {
    ++scans;
    StoreCheck check;
    check.entries = check.last_sequence = 20'000;
    return check;
  };
  Engine engine(options_, platform);
  const auto scans_of = [&](const std::string& source) {
    scans = 0;
    const auto backup = engine.Locate(source);
    EXPECT_TRUE(backup.ok()) << source;
    const std::string target = dir_.Sub("target");
    const auto report = engine.Extract(*backup, target, {});
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    std::filesystem::remove_all(target);
    return scans;
  };
  const std::string name = std::filesystem::path(archive_).filename();
  const std::string copy = dir_.Sub("usb/" + name);
  const std::string renamed = dir_.Sub("usb/x.tar.gz");
  std::filesystem::create_directory(dir_.Sub("usb"));
  std::filesystem::copy(archive_, copy);
  std::filesystem::copy(archive_, renamed);
  EXPECT_EQ(scans_of("latest"), 1);
  EXPECT_EQ(scans_of(archive_), 1);
  ASSERT_TRUE(test::VerifyNamed(&engine, "latest", VerifyDepth::kFull).ok());
  EXPECT_EQ(scans_of("latest"), 0);
  EXPECT_EQ(scans_of(archive_), 0);
  EXPECT_EQ(scans_of(copy), 0);
  EXPECT_EQ(scans_of(renamed), 1);
  // Other bytes under the name of a backup.
  test::WriteFile(copy, test::ReadFile(archive_) + std::string(512, '\0'));
  scans = 0;
  const auto backup = engine.Locate(copy);
  ASSERT_TRUE(backup.ok());
  const auto report = engine.Extract(*backup, dir_.Sub("target"), {});
  EXPECT_TRUE(!report.ok() || scans == 1);
}

// The copy into restore/ is not counted: it does not look at the bytes.
TEST_F(ReadsTest, StagingReadsAnArchiveOnce) {
  const auto backup = engine_->Find("latest");
  ASSERT_TRUE(backup.ok());
  disk_.Reset();
  const auto staged = engine_->Stage(*backup, {});
  ASSERT_TRUE(staged.ok()) << staged.status().ToString();
  EXPECT_FALSE(staged->applied);
  EXPECT_LT(Passes(archive_), kOnce);
}

// If the archive differs from its sidecar, that is the reported reason.
TEST_F(ReadsTest, ADamagedArchiveIsComparedWithItsSidecarAllTheSame) {
  std::string bytes = test::ReadFile(archive_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  test::WriteFile(archive_, bytes);
  for (const VerifyDepth depth :
       {VerifyDepth::kChecksums, VerifyDepth::kFull}) {
    disk_.Reset();
    const auto report = test::VerifyNamed(engine_.get(), "latest", depth);
    EXPECT_EQ(report.status().code(), StatusCode::kCorruption);
    EXPECT_NE(report.status().message().find("its SHA-256 is not the one in"),
              std::string::npos)
        << report.status().message();
    // The damaged backup can't be found as "latest" until its record is
    // removed.
    test::WriteFile(archive_, bytes);
    std::filesystem::remove_all(options_.backup_dir + "/.levelkeep");
  }
  ASSERT_TRUE(FileSystem::Posix()->RemoveFile(archive_ + ".sha256").ok());
  const auto report =
      test::VerifyNamed(engine_.get(), archive_, VerifyDepth::kChecksums);
  EXPECT_EQ(report.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(report.status().message().find("its SHA-256"), std::string::npos)
      << report.status().message();
}

}  // namespace
}  // namespace levelkeep
