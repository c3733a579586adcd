#include <gtest/gtest.h>

#include <filesystem>

#include "api/report_json.h"
#include "base/json.h"

namespace levelkeep::api {
namespace {

const Time kNow = ParseTime("2025-01-30T00:00:00Z").value();

BackupInfo Backup(const std::string& folder, const std::string& name) {
  BackupInfo backup;
  backup.name = name;
  backup.path = folder + name;
  backup.size_bytes = 123'456'789'012;
  backup.created = ParseTime("2024-12-27T12:00:00.5Z").value();
  backup.status = BackupStatus::kUnverified;
  backup.trigger = "manual";
  return backup;
}

std::string Text(const std::vector<BackupInfo>& backups) {
  std::string text = "before";
  BackupArrayText array(kNow, &text);
  for (const BackupInfo& backup : backups) array.Add(backup);
  EXPECT_EQ(array.size(), backups.size());
  array.Finish();
  EXPECT_TRUE(text.starts_with("before"));
  return text.substr(6);
}

TEST(BackupJsonTest, TheTextIsTheTreesText) {
  std::vector<BackupInfo> backups;
  EXPECT_EQ(Text(backups), "[]");
  for (const char* folder :
       {"/srv/backups/", "backups/", "./", "", "/a//b/../c/", "/a/./"}) {
    backups.push_back(Backup(folder, "backup_2024-12-27_120000.tar.gz"));
    backups.push_back(Backup(folder, "backup_2024-12-27_130000_x.tar.gz"));
  }
  backups.back().created = kNow + std::chrono::hours(1000);
  for (const char* odd : {"a \"quoted\" \\ path", "line\nbreak\ttab\x01\x7f",
                          "Grüße 日本", "\xff\xfe not UTF-8", "/"}) {
    BackupInfo backup = Backup("/srv/backups/", "backup");
    backup.problem = odd;
    backup.label = odd;
    backup.path = std::string("/srv/") + odd + "/backup";
    backup.pinned = true;
    backup.size_bytes = 0;
    backups.push_back(backup);
  }
  BackupInfo longest = Backup("/srv/backups/", "backup");
  // Long texts in which each byte is escaped.
  longest.label = longest.problem = std::string(70'000, '\x1f');
  longest.size_bytes = UINT64_MAX;
  backups.insert(backups.begin() + 1, longest);
  EXPECT_EQ(Text(backups), DumpJson(BackupsToJson(backups, kNow)));
}

TEST(BackupJsonTest, PathsAreAbsolute) {
  const std::string here = std::filesystem::current_path().string();
  const std::string name = "backup_2024-12-27_120000.tar.gz";
  EXPECT_EQ(BackupToJson(Backup("backups/", name), kNow)["path"],
            here + "/backups/" + name);
  EXPECT_EQ(BackupToJson(Backup("./", name), kNow)["path"], here + "/" + name);
  EXPECT_EQ(BackupToJson(Backup("/a/../b/", name), kNow)["path"], "/b/" + name);
}

}  // namespace
}  // namespace levelkeep::api
