// A LevelDB database for the real levelkeep-check.

#ifndef LEVELKEEP_TESTS_RESTORE_STORE_CHECK_FIXTURE_H_
#define LEVELKEEP_TESTS_RESTORE_STORE_CHECK_FIXTURE_H_

#include <string>

#include "restore/restore_fixture.h"
#include "restore/store_check.h"
#include "support/made_up_bytes.h"

namespace levelkeep::test {

class StoreCheckTest : public ::testing::Test {
 protected:
  StoreCheckTest() {
    context_.fs = FileSystem::Posix();
    context_.options.comparator_name = "leveldb.BytewiseComparator";
    db_ = temp_.Sub("db");
    Entries entries;
    for (int i = 0; i < 200; ++i) {
      entries[std::string("key") + std::to_string(i)] = std::string(100, 'v');
    }
    FillDb(db_, entries, true);                    // in a table
    FillDb(db_, {{"key7", "again"}, {"z", "z"}});  // in a log
  }

  Result<StoreCheck> Check() {
    return CheckStore(context_, db_, temp_.Sub("scratch"), {});
  }
  // The message, or "ok".
  std::string Verdict() {
    const auto check = Check();
    return check.ok() ? "ok" : check.status().message();
  }
  std::string Fingerprint() {
    std::string output;
    EXPECT_EQ(Shell("cd '" + db_ +
                        "' && ls -lnR --time-style=full-iso && "
                        "sha256sum *",
                    &output),
              0);
    return output;
  }
  // Large enough for several threads, each with its own tables.
  void MakeLarge() {
    Entries entries;
    for (uint64_t i = 0; i < 25'000; ++i) {
      entries["large" + std::to_string(100'000 + i)] = RandomBytes(i, 1000);
    }
    FillDb(db_, entries, true);
  }
  // The path of the only, or largest, file of that kind.
  std::string PathOf(DbFileKind kind) {
    std::string found;
    uint64_t size = 0;
    const auto names = FileSystem::Posix()->List(db_);
    for (const std::string& name : *names) {
      if (ParseDbFileName(name).kind != kind) continue;
      const auto info = FileSystem::Posix()->Stat(db_ + "/" + name);
      if (!found.empty() && info->size_bytes <= size) continue;
      found = db_ + "/" + name;
      size = info->size_bytes;
    }
    EXPECT_FALSE(found.empty());
    return found;
  }
  void Overwrite(const std::string& path, size_t offset,
                 const std::string& bytes) {
    std::string content = ReadFile(path);
    ASSERT_LE(offset + bytes.size(), content.size());
    content.replace(offset, bytes.size(), bytes);
    WriteFile(path, content);
  }

  TempDir temp_;
  RestoreContext context_;
  std::string db_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_RESTORE_STORE_CHECK_FIXTURE_H_
