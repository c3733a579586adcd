// The kernel tells of files that others put into a folder.

#include "base/folder_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>

#include "support/temp_dir.h"

namespace levelkeep {
namespace {

namespace fs = std::filesystem;

class FolderWatchTest : public ::testing::Test {
 protected:
  // As StoreRecord does.
  void PutFile(const std::string& name) {
    test::WriteFile(dir_.Sub("part"), "x");
    fs::rename(dir_.Sub("part"), dir_.Sub(name));
  }

  test::TempDir dir_;
};

TEST_F(FolderWatchTest, TellsOfFilesThatAreRenamedIntoTheFolder) {
  PutFile("before");
  const auto watch = FolderWatch::Open(dir_.path());
  ASSERT_TRUE(watch.ok()) << watch.status().ToString();
  PutFile("one");
  std::stop_source stop;
  EXPECT_EQ(*(*watch)->Wait(stop.get_token()), std::vector<std::string>{"one"});
  std::jthread other([&] { PutFile("two"); });
  EXPECT_EQ(*(*watch)->Wait(stop.get_token()), std::vector<std::string>{"two"});
}

TEST_F(FolderWatchTest, TellsOfManyFilesAtOnce) {
  const auto watch = FolderWatch::Open(dir_.path());
  ASSERT_TRUE(watch.ok());
  std::set<std::string> expected, seen;
  for (int i = 0; i < 500; ++i) {
    const std::string name(100, static_cast<char>('a' + i % 26));
    PutFile(name + std::to_string(i));
    expected.insert(name + std::to_string(i));
  }
  while (seen.size() < expected.size()) {
    const auto names = (*watch)->Wait({});
    ASSERT_TRUE(names.ok());
    ASSERT_FALSE(names->empty());
    seen.insert(names->begin(), names->end());
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(FolderWatchTest, EndsAfterAStop) {
  const auto watch = FolderWatch::Open(dir_.path());
  ASSERT_TRUE(watch.ok());
  std::stop_source stop;
  std::jthread other([&] { stop.request_stop(); });
  const auto names = (*watch)->Wait(stop.get_token());
  ASSERT_TRUE(names.ok());
  EXPECT_TRUE(names->empty());
}

TEST_F(FolderWatchTest, TellsThatTheFolderIsGone) {
  const std::string folder = dir_.Sub("folder");
  for (const bool moved : {false, true}) {
    fs::create_directory(folder);
    const auto watch = FolderWatch::Open(folder);
    ASSERT_TRUE(watch.ok());
    if (moved) {
      fs::rename(folder, dir_.Sub("elsewhere"));
    } else {
      fs::remove(folder);
    }
    EXPECT_EQ((*watch)->Wait({}).status().code(), StatusCode::kNotFound);
  }
}

TEST_F(FolderWatchTest, NeedsAFolder) {
  EXPECT_EQ(FolderWatch::Open(dir_.Sub("none")).status().code(),
            StatusCode::kNotFound);
  test::WriteFile(dir_.Sub("file"), "x");
  EXPECT_FALSE(FolderWatch::Open(dir_.Sub("file")).ok());
}

}  // namespace
}  // namespace levelkeep
