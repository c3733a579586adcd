// many_tables DIR --tables N: makes a LevelDB of very many small tables, which
// an application would need a long time for, to measure the memory and time
// that each file costs.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "dbfiles/version.h"
#include "leveldb/comparator.h"
#include "leveldb/env.h"
#include "leveldb/options.h"
#include "leveldb/table_builder.h"
#include "peers/support.h"

namespace levelkeep::bench {
namespace {

constexpr uint64_t kFirstTable = 10;
constexpr uint64_t kManifest = 4;
constexpr uint64_t kLog = 5;

std::string Key(uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "key%012llu",
                static_cast<unsigned long long>(number));
  return text;
}

// The key as in tables and MANIFEST: followed by sequence number and type.
std::string InternalKey(uint64_t number) {
  std::string key = Key(number);
  const uint64_t trailer = (number + 1) << 8 | 1;
  for (int i = 0; i < 8; i++) {
    key += static_cast<char>(trailer >> (8 * i) & 0xff);
  }
  return key;
}

// LevelDB expects whole internal keys in a table's index, too.
class WholeKeys : public leveldb::Comparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    return a.compare(b);
  }
  const char* Name() const override { return "levelkeep.WholeKeys"; }
  void FindShortestSeparator(std::string* /*start*/,
                             const leveldb::Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}
};

// Writes a table of one entry; all tables are on one level.
Result<TableMeta> WriteTable(const std::string& dir, uint64_t index) {
  TableMeta table;
  table.level = 3;
  table.number = kFirstTable + index;
  table.smallest = table.largest = InternalKey(index);
  const std::string path = dir + "/" + TableFileName(table.number);
  leveldb::Env* const env = leveldb::Env::Default();
  leveldb::WritableFile* raw = nullptr;
  LEVELKEEP_RETURN_IF_ERROR(
      FromLevelDb(env->NewWritableFile(path, &raw), path));
  const std::unique_ptr<leveldb::WritableFile> file(raw);
  static const WholeKeys whole_keys;
  leveldb::Options options;
  options.comparator = &whole_keys;
  leveldb::TableBuilder builder(options, file.get());
  builder.Add(table.smallest,
              std::string(1000, static_cast<char>('a' + index % 26)));
  LEVELKEEP_RETURN_IF_ERROR(FromLevelDb(builder.Finish(), path));
  table.size_bytes = builder.FileSize();
  LEVELKEEP_RETURN_IF_ERROR(FromLevelDb(file->Close(), path));
  return table;
}

Status MakeTables(const std::string& dir, uint64_t count) {
  FileSystem* const fs = FileSystem::Posix();
  LEVELKEEP_RETURN_IF_ERROR(CreateDirectories(fs, dir));
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = kLog;
  edit.previous_log_number = 0;
  edit.next_file_number = kFirstTable + count;
  edit.last_sequence = count;
  for (uint64_t i = 0; i < count; i++) {
    LEVELKEEP_ASSIGN_OR_RETURN(TableMeta table, WriteTable(dir, i));
    edit.added_tables.push_back(std::move(table));
  }
  LEVELKEEP_RETURN_IF_ERROR(
      WriteFileDurably(fs, dir + "/" + LogFileName(kLog), ""));
  const std::string manifest = ManifestFileName(kManifest);
  LEVELKEEP_RETURN_IF_ERROR(
      WriteFileDurably(fs, dir + "/" + manifest, FrameAsLog(edit.Encode())));
  return WriteFileDurably(fs, dir + "/CURRENT", manifest + "\n");
}

}  // namespace
}  // namespace levelkeep::bench

int main(int argc, char** argv) {
  std::string dir;
  uint64_t tables = 100'000;
  CLI::App app("Makes a LevelDB of very many small tables.");
  app.add_option("dir", dir, "the database's folder")->required();
  app.add_option("--tables", tables, "how many");
  CLI11_PARSE(app, argc, argv);
  using levelkeep::bench::ExitCode;
  return ExitCode("many_tables", levelkeep::bench::MakeTables(dir, tables));
}
