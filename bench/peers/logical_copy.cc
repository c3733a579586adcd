// logical_copy DIR FILE: the backup that an application might write by itself.
// It writes all records, read by an iterator, into one gzip file of level 1.

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <string>

#include "leveldb/iterator.h"
#include "peers/support.h"

namespace {

using levelkeep::Status;
using levelkeep::StatusCode;

constexpr unsigned kBufferBytes = 1 << 20;

Status Failed(const std::string& file) {
  return Status(StatusCode::kIoError, file + ": cannot be written");
}

bool WriteField(gzFile out, const leveldb::Slice& field) {
  std::array<unsigned char, 4> length{};
  for (size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<unsigned char>(field.size() >> (8 * i));
  }
  const auto size = static_cast<unsigned>(field.size());
  return gzwrite(out, length.data(), length.size()) > 0 &&
         (size == 0 || gzwrite(out, field.data(), size) > 0);
}

Status WriteRecords(leveldb::DB* db, const std::string& dir, gzFile out,
                    const std::string& file) {
  leveldb::ReadOptions options;
  options.fill_cache = false;
  options.verify_checksums = true;
  const std::unique_ptr<leveldb::Iterator> it(db->NewIterator(options));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    if (!WriteField(out, it->key()) || !WriteField(out, it->value())) {
      return Failed(file);
    }
  }
  return levelkeep::bench::FromLevelDb(it->status(), dir);
}

Status Copy(const std::string& dir, const std::string& file) {
  auto db = levelkeep::bench::OpenDatabase(leveldb::Options(), dir);
  if (!db.ok()) return db.status();
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
  if (fd < 0) return Failed(file);
  // gzclose closes the descriptor that it was given.
  const int sync_fd = dup(fd);
  gzFile out = gzdopen(fd, "wb1");
  gzbuffer(out, kBufferBytes);
  Status status = WriteRecords(db->get(), dir, out, file);
  if (gzclose(out) != Z_OK && status.ok()) status = Failed(file);
  if ((sync_fd < 0 || fsync(sync_fd) != 0) && status.ok()) {
    status = Failed(file);
  }
  if (sync_fd >= 0) close(sync_fd);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  std::string dir;
  std::string file;
  CLI::App app("Copies all records of a LevelDB into a gzip file.");
  app.add_option("dir", dir, "the database's folder")->required();
  app.add_option("file", file, "the new file")->required();
  CLI11_PARSE(app, argc, argv);
  return levelkeep::bench::ExitCode("logical_copy", Copy(dir, file));
}
