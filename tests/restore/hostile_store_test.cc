// Databases made to do harm, with correct checksums. LevelDB crashes on them;
// LevelKeep must report that and continue.

#include "base/hash.h"
#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "leveldb/comparator.h"
#include "leveldb/env.h"
#include "leveldb/table_builder.h"
#include "restore/restore_fixture.h"
#include "restore/store_check.h"

namespace levelkeep::test {
namespace {

class HostileStoreTest : public ::testing::Test {
 protected:
  HostileStoreTest() {
    context_.fs = FileSystem::Posix();
    db_ = temp_.Sub("db");
    EXPECT_TRUE(context_.fs->CreateDirectory(db_).ok());
  }

  // Writes a table with exactly these keys, in this order.
  void WriteTable(uint64_t number, const std::vector<std::string>& keys) {
    leveldb::WritableFile* raw = nullptr;
    ASSERT_TRUE(leveldb::Env::Default()
                    ->NewWritableFile(db_ + "/" + TableFileName(number), &raw)
                    .ok());
    const std::unique_ptr<leveldb::WritableFile> file(raw);
    leveldb::Options options;
    options.compression = leveldb::kNoCompression;
    leveldb::TableBuilder builder(options, file.get());
    for (const std::string& key : keys) {
      builder.Add(key, std::string(100, 'v'));
    }
    ASSERT_TRUE(builder.Finish().ok());
    ASSERT_TRUE(file->Close().ok());
  }
  // Writes CURRENT, MANIFEST and an empty log for the tables.
  void WriteManifest(const std::vector<uint64_t>& tables) {
    VersionEdit edit;
    edit.comparator = "leveldb.BytewiseComparator";
    edit.log_number = 3;
    edit.next_file_number = 10;
    edit.last_sequence = 5;
    for (const uint64_t number : tables) {
      TableMeta meta;
      meta.number = number;
      meta.size_bytes =
          context_.fs->Stat(db_ + "/" + TableFileName(number))->size_bytes;
      meta.smallest = InternalKey("a");
      meta.largest = InternalKey("z");
      edit.added_tables.push_back(meta);
    }
    WriteFile(db_ + "/MANIFEST-000002", FrameAsLog(edit.Encode()));
    WriteFile(db_ + "/CURRENT", "MANIFEST-000002\n");
    WriteFile(db_ + "/000003.log", "");
  }
  static std::string InternalKey(const std::string& user_key) {
    return user_key + std::string("\x01\x05\0\0\0\0\0\0", 8);
  }
  // Checks the folder; an archive of it must get the same verdict.
  Result<StoreCheck> Check() {
    ArchiveSpec spec;
    spec.last_sequence = 5;
    const std::string archive = temp_.Sub("archive-" + RandomId());
    WriteOwnArchive(db_, archive, spec);
    const auto archived =
        CheckArchivedStore(context_, archive, 0, temp_.Sub("scratch"), {});
    auto check = CheckStore(context_, db_, temp_.Sub("scratch"), {});
    EXPECT_EQ(archived.status().code(), check.status().code())
        << archived.status().ToString();
    return check;
  }

  TempDir temp_;
  RestoreContext context_;
  std::string db_;
};

TEST_F(HostileStoreTest, FilesThatLevelDbSpellsOtherwiseAreFound) {
  WriteTable(5, {InternalKey("a"), InternalKey("b")});
  WriteManifest({5});
  // The batch begins at write 100: writes 6 to 99 are missing.
  std::string batch;
  PutFixed<uint64_t>(&batch, 100);
  PutFixed<uint32_t>(&batch, 1);
  batch += std::string("\x01\x01k\x01v");
  WriteFile(db_ + "/000003.log", FrameAsLog(batch));
  EXPECT_EQ(Check().status().message(),
            "writes are missing before or within log 000003.log");
  WriteFile(db_ + "/3.log", "");
  EXPECT_EQ(Check().status().message(),
            "3.log is not how LevelDB spells 000003.log");
  WriteManifest({5});
  ASSERT_TRUE(context_.fs->RemoveFile(db_ + "/3.log").ok());
  ASSERT_TRUE(
      context_.fs->Rename(db_ + "/000005.ldb", db_ + "/0000005.sst").ok());
  EXPECT_EQ(Check().status().message(),
            "0000005.sst is not how LevelDB spells 000005.ldb");
  ASSERT_TRUE(
      context_.fs->Rename(db_ + "/0000005.sst", db_ + "/000005.sst").ok());
  EXPECT_TRUE(Check().ok());
}

}  // namespace
}  // namespace levelkeep::test
