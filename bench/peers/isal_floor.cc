// isal_floor DIR [--threads N]: reads the database's files and deflates them
// with ISA-L at level 1, in pieces of 1 MiB, and writes nothing. No program can
// make an archive faster with this compressor.

#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "levelkeep/status.h"
#include "peers/support.h"

namespace {

using levelkeep::Result;
using levelkeep::Status;
using levelkeep::StatusCode;

constexpr size_t kPieceBytes = 1 << 20;

// A part of a file; the files stay open until the process ends.
struct Piece {
  int fd = -1;
  off_t offset = 0;
  size_t size = 0;
};

Result<std::vector<Piece>> FindPieces(const std::string& dir) {
  std::vector<Piece> pieces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dir, error)) {
    struct stat found {};
    const int fd = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &found) != 0) {
      return Status(StatusCode::kIoError,
                    entry.path().string() + ": cannot be read");
    }
    if (!S_ISREG(found.st_mode)) continue;
    for (off_t at = 0; at < found.st_size;
         at += static_cast<off_t>(kPieceBytes)) {
      pieces.push_back(
          {fd, at,
           std::min(kPieceBytes, static_cast<size_t>(found.st_size - at))});
    }
  }
  if (error) {
    return Status(StatusCode::kNotFound, dir + ": " + error.message());
  }
  return pieces;
}

// Returns the deflated size; 0 if reading or deflating failed.
uint64_t Deflate(const Piece& piece, std::vector<uint8_t>* in,
                 std::vector<uint8_t>* out, std::vector<uint8_t>* level) {
  if (pread(piece.fd, in->data(), piece.size, piece.offset) !=
      static_cast<ssize_t>(piece.size)) {
    return 0;
  }
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = level->data();
  stream.level_buf_size = static_cast<uint32_t>(level->size());
  stream.end_of_stream = 1;
  stream.next_in = in->data();
  stream.avail_in = static_cast<uint32_t>(piece.size);
  stream.next_out = out->data();
  stream.avail_out = static_cast<uint32_t>(out->size());
  if (isal_deflate_stateless(&stream) != COMP_OK) return 0;
  return out->size() - stream.avail_out;
}

Status DeflateAll(const std::string& dir, int threads) {
  const auto pieces = FindPieces(dir);
  if (!pieces.ok()) return pieces.status();
  std::atomic<size_t> next = 0;
  std::atomic<uint64_t> total = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    std::vector<uint8_t> in(kPieceBytes);
    std::vector<uint8_t> out(2 * kPieceBytes);
    std::vector<uint8_t> level(ISAL_DEF_LVL1_LARGE);
    for (size_t i = next++; i < pieces->size(); i = next++) {
      const uint64_t size = Deflate((*pieces)[i], &in, &out, &level);
      if (size == 0) failed = true;
      total += size;
    }
  };
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) workers.emplace_back(work);
  workers.clear();
  if (failed) {
    return Status(StatusCode::kIoError, dir + ": a piece was not deflated");
  }
  std::printf("{\"output_bytes\":%llu}\n",
              static_cast<unsigned long long>(total.load()));
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  std::string dir;
  int threads = 2;
  CLI::App app("The least time that ISA-L takes for a database.");
  app.add_option("dir", dir, "the database's folder")->required();
  app.add_option("--threads", threads, "how many deflate")
      ->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  return levelkeep::bench::ExitCode("isal_floor", DeflateAll(dir, threads));
}
