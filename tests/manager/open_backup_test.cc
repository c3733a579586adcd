// BackupReader: the bytes of a backup, for programs that send it elsewhere.

#include <gtest/gtest.h>

#include <string>

#include "manager/manager_fixture.h"

namespace levelkeep {
namespace {

class OpenBackupTest : public test::ManagerFixture {};

TEST_F(OpenBackupTest, ABackupCanBeReadAndStaysWhatItIs) {
  test::App app(options_);
  ASSERT_TRUE(app.Start().ok());
  app.Put(0, 1000);
  const BackupInfo made = app.Create();
  const std::string bytes = test::ReadFile(made.path);
  const auto reader = app.manager_.OpenBackup("latest");
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((*reader)->backup().name, made.name);
  EXPECT_EQ((*reader)->size_bytes(), bytes.size());
  EXPECT_EQ((*reader)->version(), made.sha256);
  // Removed and replaced while somebody reads it.
  ASSERT_TRUE(app.manager_.DeleteBackup(made.name, true).ok());
  test::WriteFile(made.path, "another file");
  std::string read(bytes.size() + 1, '\0');
  EXPECT_EQ(*(*reader)->ReadAt(0, read.data(), read.size()), bytes.size());
  read.resize(bytes.size());
  EXPECT_TRUE(read == bytes);
  const auto other = app.manager_.OpenBackup(made.name);
  ASSERT_TRUE(other.ok()) << other.status().ToString();
  EXPECT_NE((*other)->version(), made.sha256);
  EXPECT_EQ(app.manager_.OpenBackup("backup_2020-01-01_000000.tar.gz")
                .status()
                .code(),
            StatusCode::kNotFound);
  EXPECT_EQ(app.manager_.OpenBackup(made.name.substr(0, 10)).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace levelkeep
