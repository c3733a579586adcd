// The service's settings, which the installed program finds from anywhere.

#include <gmock/gmock.h>

#include "config/settings_fixture.h"

namespace levelkeep {
namespace {

using testing::HasSubstr;

// The service's own file, with the folders of the service.
class SystemFileTest : public SettingsTest {
 protected:
  SystemFileTest() {
    sources_.system_file = dir_.Sub("system.env");
    test::WriteFile(sources_.system_file,
                    "STORAGE_DIR=/srv/s\nBACKUP_DIR=/srv/b\n"
                    "RESTORE_DIR=/srv/r\nMAX_BACKUPS=77\nLANG=C\n");
  }
  void ExpectUnused(const std::string& why) {
    const LoadedSettings loaded = Load();
    EXPECT_NE(loaded.settings.backup.storage_dir, "/srv/s");
    EXPECT_NE(loaded.settings.backup.retention.max_backups, 77)
        << "a part of it is used";
    EXPECT_THAT(loaded.system_file, HasSubstr(why));
  }
};

TEST_F(SystemFileTest, IsUsedFromAnyDirectory) {
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.backup.storage_path(), "/srv/s/event_registry_db");
  EXPECT_EQ(loaded.settings.backup.retention.max_backups, 77);
  EXPECT_EQ(OriginOf(loaded, "BACKUP_DIR").origin,
            "file " + sources_.system_file + " line 2");
  EXPECT_EQ(loaded.system_file, sources_.system_file + " is used");
}

TEST_F(SystemFileTest, EverythingElseBeatsIt) {
  sources_.environment["MAX_BACKUPS"] = "5";
  test::WriteFile(".env", "DB_NAME=mine\n");
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.backup.retention.max_backups, 5);
  EXPECT_EQ(loaded.settings.backup.storage_path(), "/srv/s/mine");
}

// Folders of two installations must not be mixed.
TEST_F(SystemFileTest, IsLeftOutAsAWholeWhereAFolderIsSetElsewhere) {
  sources_.environment["BACKUP_STORAGE_DIR"] = "/mnt/b";
  ExpectUnused("BACKUP_DIR comes from environment BACKUP_STORAGE_DIR");
  sources_.environment.clear();
  sources_.flags["STORAGE_DIR"] = "here";
  ExpectUnused("STORAGE_DIR comes from flag --storage-dir");
  sources_.flags.clear();
  test::WriteFile(".env", "RESTORE_DIR=./restore\n");
  ExpectUnused("RESTORE_DIR comes from file .env line 1");
  std::filesystem::remove(".env");
  test::WriteFile("named.env", "API_PORT=7\n");
  sources_.config_file = "named.env";
  ExpectUnused("--config names a file");
}

TEST_F(SystemFileTest, OneThatIsNotThereIsFine) {
  std::filesystem::remove(sources_.system_file);
  const LoadedSettings loaded = Load();
  EXPECT_EQ(loaded.settings.backup.storage_dir, "./storage");
  EXPECT_THAT(loaded.system_file, HasSubstr("does not exist"));
}

TEST_F(SystemFileTest, OneThatCannotBeReadIsAProblem) {
  std::filesystem::remove(sources_.system_file);
  std::filesystem::create_directory(sources_.system_file);
  EXPECT_THAT(LoadProblems(), HasSubstr(sources_.system_file));
}

TEST_F(SystemFileTest, SetsAllFoldersOrNone) {
  test::WriteFile(sources_.system_file, "STORAGE_DIR=/srv/s\nAPI_PORT=5051\n");
  EXPECT_THAT(LoadProblems(), HasSubstr("not all: set all three there"));
  test::WriteFile(sources_.system_file, "API_PORT=5051\n");
  EXPECT_TRUE(LoadSettings(sources_).ok());
}

TEST_F(SystemFileTest, ItsFoldersAreAbsolute) {
  test::WriteFile(
      sources_.system_file,
      "STORAGE_DIR=storage\nBACKUP_STORAGE_DIR=./b\nMAX_BACKUP=3\n");
  const std::string problems = LoadProblems();
  EXPECT_THAT(problems, HasSubstr("STORAGE_DIR is \"storage\""));
  EXPECT_THAT(problems, HasSubstr("BACKUP_STORAGE_DIR is \"./b\""));
  EXPECT_THAT(problems, HasSubstr("did you mean MAX_BACKUPS?"));
}

}  // namespace
}  // namespace levelkeep
