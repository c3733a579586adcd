// What a start says of a database that is not whole.

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "manager/manager_fixture.h"

namespace levelkeep {
namespace {

using test::App;

class LookFirstTest : public test::ManagerFixture {
 protected:
  LookFirstTest() {
    for (const int first : {0, 10}) {
      App app(options_);
      EXPECT_TRUE(app.Start().ok());
      app.Put(first, first + 10);
    }
  }
  std::string db_dir() const { return options_.storage_path(); }
};

TEST_F(LookFirstTest, AStartOfADatabaseThatLacksFilesIsRefused) {
  std::filesystem::remove(db_dir() + "/CURRENT");
  options_.restore.allow_new_database = true;  // the folder has tables
  App app(options_);
  const Status refused = app.Start();
  EXPECT_EQ(refused.code(), StatusCode::kCorruption) << refused.ToString();
  EXPECT_NE(refused.message().find("CURRENT"), std::string::npos);
}

TEST_F(LookFirstTest, WritesThatAreMissingAreInTheReport) {
  FileSystem* const fs = FileSystem::Posix();
  const std::string manifest = ReadCurrent(fs, db_dir()).value();
  const Version version = ReadVersion(fs, db_dir(), manifest).value();
  ASSERT_EQ(version.last_sequence(), 10u);
  {
    App whole(options_);
    const auto report = whole.manager_.Initialize();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    EXPECT_EQ(report->gap, "");
  }
  VersionEdit edit = *VersionEdit::Decode(version.EncodeAsEdit());
  edit.last_sequence = 5;
  test::WriteFile(db_dir() + "/" + manifest, FrameAsLog(edit.Encode()));
  App app(options_);
  ASSERT_TRUE(app.Start().ok());
  EXPECT_EQ(app.report_.gap, LogFileName(version.log_number()));
  EXPECT_EQ(app.Count(), 20);
}

}  // namespace
}  // namespace levelkeep
