#include "support/leveldb_fixture.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/status_macros.h"
#include "leveldb/db.h"
#include "support/made_up_bytes.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr size_t kReadSize = 1 << 20;

void DieUnless(const leveldb::Status& status, const std::string& what) {
  if (status.ok()) return;
  std::fprintf(stderr, "test support: %s: %s\n", what.c_str(),
               status.ToString().c_str());
  std::abort();
}

}  // namespace

std::string EventKey(uint64_t number) {
  char key[32];
  std::snprintf(key, sizeof(key), "evt:%020" PRIu64, number);
  return key;
}

std::string EventValue(uint64_t number, size_t value_bytes) {
  std::string value = "{\"id\":" + std::to_string(number) + ",\"data\":\"";
  if (value.size() + 2 < value_bytes) {
    value += RandomLetters(number, value_bytes - value.size() - 2);
  }
  return value + "\"}";
}

void BuildDatabase(const std::string& dir, uint64_t events,
                   const BuildOptions& options) {
  leveldb::Options db_options;
  db_options.create_if_missing = true;
  db_options.write_buffer_size = options.write_buffer_bytes;
  if (options.env != nullptr) db_options.env = options.env;
  leveldb::DB* raw = nullptr;
  DieUnless(leveldb::DB::Open(db_options, dir, &raw), "open " + dir);
  const std::unique_ptr<leveldb::DB> db(raw);
  for (uint64_t i = 0; i < events; i++) {
    const uint64_t number = options.first_event + i;
    DieUnless(db->Put(leveldb::WriteOptions(), EventKey(number),
                      EventValue(number, options.value_bytes)),
              "write " + dir);
  }
}

std::map<std::string, std::string> ReadDatabase(const std::string& dir,
                                                std::string* problem) {
  std::map<std::string, std::string> entries;
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::DB* raw = nullptr;
  leveldb::Status status = leveldb::DB::Open(options, dir, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  if (status.ok()) {
    leveldb::ReadOptions read_options;
    read_options.verify_checksums = true;
    const std::unique_ptr<leveldb::Iterator> it(db->NewIterator(read_options));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      entries.emplace_hint(entries.end(), it->key().ToString(),
                           it->value().ToString());
    }
    status = it->status();
  }
  *problem = status.ok() ? "" : status.ToString();
  return entries;
}

std::string CheckDatabase(const std::string& dir, uint64_t events,
                          size_t value_bytes) {
  std::string problem;
  const auto entries = ReadDatabase(dir, &problem);
  if (!problem.empty()) return problem;
  uint64_t expected = 1;
  for (const auto& [key, value] : entries) {
    if (key != EventKey(expected)) {
      return "expected " + EventKey(expected) + ", found " + key;
    }
    if (value != EventValue(expected, value_bytes)) {
      return key + " has another value";
    }
    expected++;
  }
  if (expected == events + 1) return "";
  return "holds " + std::to_string(expected - 1) + " events, not " +
         std::to_string(events);
}

Status Materialise(const Snapshot& snapshot, const std::string& dir) {
  std::filesystem::create_directories(dir);
  const std::vector<SnapshotFile>& files = snapshot.info().files;
  for (size_t i = 0; i < files.size(); i++) {
    LEVELKEEP_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source,
                               snapshot.Open(i));
    std::string contents;
    while (true) {
      std::string piece(kReadSize, '\0');
      LEVELKEEP_ASSIGN_OR_RETURN(
          const size_t count,
          source->ReadAt(contents.size(), piece.data(), piece.size()));
      contents.append(piece, 0, count);
      if (count < piece.size()) break;
    }
    if (contents.size() != files[i].size_bytes) {
      return Status(StatusCode::kCorruption,
                    files[i].name + " has " + std::to_string(contents.size()) +
                        " bytes, not " + std::to_string(files[i].size_bytes));
    }
    WriteFile(dir + "/" + files[i].name, contents);
  }
  return Status::Ok();
}

}  // namespace levelkeep::test
