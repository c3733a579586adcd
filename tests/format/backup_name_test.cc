#include "format/backup_name.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace levelkeep {
namespace {

Time At(const char* text) { return ParseTime(text).value(); }

struct GoodName {
  const char* text;
  const char* time;
  int counter;
  const char* label;
};

TEST(BackupNameTest, ParsesAndFormatsWhatTheGrammarAllows) {
  const GoodName cases[] = {
      {"backup_2024-12-27_120000.tar.gz", "2024-12-27T12:00:00Z", 1, ""},
      {"backup_2024-12-27_120000-2.tar.gz", "2024-12-27T12:00:00Z", 2, ""},
      {"backup_2024-12-27_120000-999999999.tar.gz", "2024-12-27T12:00:00Z",
       999999999, ""},
      {"backup_2024-12-27_120000_manual-backup.tar.gz", "2024-12-27T12:00:00Z",
       1, "manual-backup"},
      {"backup_2024-12-27_120000-10_a_b.c-d.tar.gz", "2024-12-27T12:00:00Z", 10,
       "a_b.c-d"},
      {"backup_2024-02-29_235959_0.tar.gz", "2024-02-29T23:59:59Z", 1, "0"},
      {"backup_1970-01-01_000000.tar.gz", "1970-01-01T00:00:00Z", 1, ""},
      {"backup_2024-12-27_120000_x.tar.tar.gz", "2024-12-27T12:00:00Z", 1,
       "x.tar"},
  };
  for (const GoodName& c : cases) {
    const auto name = ParseBackupName(c.text);
    ASSERT_TRUE(name.has_value()) << c.text;
    EXPECT_EQ(name->time, At(c.time)) << c.text;
    EXPECT_EQ(name->counter, c.counter) << c.text;
    EXPECT_EQ(name->label, c.label) << c.text;
    EXPECT_EQ(FormatBackupName(*name), c.text);
    EXPECT_TRUE(RequireBackupName(c.text).ok()) << c.text;
  }
}

TEST(BackupNameTest, RefusesEverythingElse) {
  const std::string cases[] = {
      "",
      "backup_",
      "backup_.tar.gz",
      "backup_2024-12-27_120000",
      "backup_2024-12-27_120000.tgz",
      "backup_2024-12-27_120000.tar.gz.sha256",
      "backup_2024-12-27_120000.tar.gz.tar.gz",
      "backup_2024-12-27_120000.tar.gz ",
      " backup_2024-12-27_120000.tar.gz",
      "Backup_2024-12-27_120000.tar.gz",
      "backup_2024-13-27_120000.tar.gz",
      "backup_2024-02-30_120000.tar.gz",
      "backup_2023-02-29_120000.tar.gz",
      "backup_2024-12-27_240000.tar.gz",
      "backup_2024-12-27_126000.tar.gz",
      "backup_2024-12-27_120060.tar.gz",
      "backup_1969-12-31_235959.tar.gz",
      "backup_9999-12-31_235959.tar.gz",
      "backup_2024-12-27-120000.tar.gz",
      "backup_2024-12-27_120000-.tar.gz",
      "backup_2024-12-27_120000-0.tar.gz",
      "backup_2024-12-27_120000-1.tar.gz",
      "backup_2024-12-27_120000-02.tar.gz",
      "backup_2024-12-27_120000-1000000000.tar.gz",
      "backup_2024-12-27_120000-x.tar.gz",
      "backup_2024-12-27_120000-2x.tar.gz",
      "backup_2024-12-27_120000_.tar.gz",
      "backup_2024-12-27_120000_-x.tar.gz",
      "backup_2024-12-27_120000_.x.tar.gz",
      "backup_2024-12-27_120000_a b.tar.gz",
      "backup_2024-12-27_120000_a/b.tar.gz",
      "backup_2024-12-27_120000_x.tar.gz.tar.gz",
      "../backup_2024-12-27_120000.tar.gz",
      "backup_2024-12-27_120000/../x.tar.gz",
      "/backup_2024-12-27_120000.tar.gz",
      std::string("backup_2024-12-27_120000\0.tar.gz", 32),
      std::string("backup_2024-12-27_120000.tar.gz\0", 32),
      "backup_2024-12-27_120000_" + std::string(65, 'a') + ".tar.gz",
      "backup_2024-12-27_120000_\xc3\xa9.tar.gz",
      "..",
      "latest",
  };
  for (const std::string& text : cases) {
    EXPECT_FALSE(ParseBackupName(text).has_value()) << text;
    EXPECT_EQ(RequireBackupName(text).code(), StatusCode::kInvalidArgument);
  }
}

TEST(BackupNameTest, MutatedNamesEitherFailOrComeBackTheSame) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string base = "backup_2024-12-27_120000-12_label.x.tar.gz";
  for (int round = 0; round < 20000; round++) {
    std::string text = base;
    for (auto edits = random() % 3; edits-- > 0;) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, "0129-_./a"[random() % 9]);
      }
    }
    const auto name = ParseBackupName(text);
    if (!name) continue;
    EXPECT_EQ(FormatBackupName(*name), text);
    EXPECT_EQ(text.find('/'), std::string::npos);
  }
}

TEST(BackupNameTest, FormatsWholeSecondsOnly) {
  BackupName name;
  name.time = At("2024-12-27T12:00:00.999Z");
  EXPECT_EQ(FormatBackupName(name), "backup_2024-12-27_120000.tar.gz");
}

TEST(BackupNameTest, LabelsAreCheckedWithAReason) {
  for (const char* good : {"", "a", "0", "migration-export", "a.b_c-D9"}) {
    EXPECT_TRUE(ValidateLabel(good).ok()) << good;
  }
  EXPECT_TRUE(ValidateLabel(std::string(64, 'x')).ok());
  const std::pair<std::string, std::string> bad[] = {
      {std::string(65, 'x'), "is longer than 64 characters"},
      {"-a", "does not start with a letter or digit"},
      {".", "does not start with a letter or digit"},
      {"a b", "holds a character that is not allowed"},
      {"a/b", "holds a character that is not allowed"},
      {"caf\xc3\xa9", "holds a character that is not allowed"},
      {"x.tar.gz", "ends in \".tar.gz\""},
  };
  for (const auto& [label, reason] : bad) {
    const Status status = ValidateLabel(label);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << label;
    EXPECT_NE(status.message().find(reason), std::string::npos)
        << status.message();
    EXPECT_FALSE(status.hint().empty());
  }
}

}  // namespace
}  // namespace levelkeep
