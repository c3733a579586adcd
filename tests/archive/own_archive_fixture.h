// A LevelKeep archive, and ways to falsify it.

#ifndef LEVELKEEP_TESTS_ARCHIVE_OWN_ARCHIVE_FIXTURE_H_
#define LEVELKEEP_TESTS_ARCHIVE_OWN_ARCHIVE_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "archive/archive_fixture.h"
#include "archive/gzip_format.h"
#include "format/document_fixture.h"
#include "format/toc.h"
#include "hostile/own_archive.h"

namespace levelkeep::test {

inline Files SmallDatabase() {
  Files files = test::MakeDatabase();
  files["000009.log"] = "";
  return files;
}

class OwnArchiveFixture : public testing::Test {
 protected:
  // The archive's bytes.
  std::string Make(
      const Files& files,
      const std::function<std::string(Manifest)>& encode = EncodeManifest) {
    const std::string path = dir_.Sub("made" + std::to_string(++number_));
    EXPECT_TRUE(WriteTestArchive(path, files, WriteOptions(),
                                 FileSystem::Posix(), encode)
                    .ok());
    return ReadFile(path);
  }
  Result<ExtractedDatabase> Check(const std::string& bytes,
                                  const ArchiveReadOptions& options = {}) {
    const std::string path = dir_.Sub("checked");
    WriteFile(path, bytes);
    return CheckArchive(path, options);
  }
  // The table of contents, its offset, and the archive with a changed table.
  static uint64_t TocOffset(const std::string& archive) {
    return DecodeFooter(
               std::string_view(archive).substr(archive.size() - kFooterBytes))
        .value();
  }
  std::string TocText(const std::string& archive) {
    const std::string path = dir_.Sub("toc");
    WriteFile(path, archive);
    std::string text;
    EXPECT_EQ(Shell("tar xzOf '" + path + "' stargz.index.json", &text), 0);
    return text;
  }
  static std::string WithToc(const std::string& archive,
                             const std::string& text) {
    const uint64_t offset = TocOffset(archive);
    return archive.substr(0, offset) + OwnMember(TocTar(text)) +
           EncodeFooter(offset);
  }
  void ExpectCorrupt(const std::string& what, const std::string& bytes,
                     const std::string& message) {
    const Result<ExtractedDatabase> database = Check(bytes);
    ASSERT_FALSE(database.ok()) << what;
    EXPECT_EQ(database.status().code(), StatusCode::kCorruption) << what;
    EXPECT_NE(database.status().message().find(message), std::string::npos)
        << what << ": " << database.status().message();
  }

  TempDir dir_;
  int number_ = 0;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_ARCHIVE_OWN_ARCHIVE_FIXTURE_H_
