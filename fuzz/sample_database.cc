#include "sample_database.h"

#include <filesystem>
#include <memory>

#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "leveldb/db.h"
#include "leveldb/env.h"

namespace levelkeep::fuzz {
namespace {

class SilentLogger : public leveldb::Logger {
 public:
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

std::string Event(uint64_t number) {
  return "{\"sequence\":" + std::to_string(number) +
         ",\"type\":\"order.placed\",\"stream\":\"orders\",\"time\":"
         "\"2024-12-27T12:00:00.000Z\",\"data\":{\"amount\":17}}";
}

std::unique_ptr<leveldb::DB> Open(const std::string& folder) {
  static SilentLogger logger;
  leveldb::Options options;
  options.create_if_missing = true;
  // The bytes must not depend on LevelDB's optional libraries.
  options.compression = leveldb::kNoCompression;
  options.info_log = &logger;
  leveldb::DB* db = nullptr;
  const leveldb::Status opened = leveldb::DB::Open(options, folder, &db);
  Require(opened.ok(), "LevelDB can make a database");
  return std::unique_ptr<leveldb::DB>(db);
}

Files Make() {
  const std::string folder = Scratch::Get().Sub("sample");
  uint64_t next = 1;
  // Each opening turns the previous log into a table.
  for (int opening = 0; opening < 3; ++opening) {
    const auto db = Open(folder);
    for (int i = 0; i < 4; ++i, ++next) {
      const std::string digits = std::to_string(next);
      const std::string key =
          "event:" + std::string(20 - digits.size(), '0') + digits;
      Require(db->Put(leveldb::WriteOptions(), key, Event(next)).ok(),
              "LevelDB can write");
    }
  }
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!IsBackedUp(ParseDbFileName(name).kind)) continue;
    files[name] = ReadFile(entry.path().string());
  }
  std::filesystem::remove_all(folder);
  return files;
}

}  // namespace

const Files& SampleDatabase() {
  static const Files* const files = new Files(Make());
  return *files;
}

Files TinyDatabase() {
  Files files;
  files["000005.ldb"] = "this is no table";
  files["000008.log"] = "";
  VersionEdit edit;
  edit.comparator = kComparator;
  edit.log_number = 8;
  edit.previous_log_number = 0;
  edit.next_file_number = 9;
  edit.last_sequence = 42;
  TableMeta table;
  table.level = 1;
  table.number = 5;
  table.size_bytes = files["000005.ldb"].size();
  table.smallest = std::string("a\1\0\0\0\0\0\0\0", 9);
  table.largest = std::string("b\1\0\0\0\0\0\0\0", 9);
  edit.added_tables.push_back(table);
  files["MANIFEST-000004"] = FrameAsLog(edit.Encode());
  files["CURRENT"] = "MANIFEST-000004\n";
  return files;
}

}  // namespace levelkeep::fuzz
