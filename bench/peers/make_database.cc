// make_database DIR --size BYTES [--append] [--seed N]
//
// Fills a LevelDB with events until its files take BYTES on the disk, or
// BYTES more than before. It closes the database when LevelDB's own compactions
// have ended: an interrupted compaction leaves files that nobody needs, and
// copying them would count against programs that copy all files.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "leveldb/env.h"
#include "peers/support.h"

namespace {

using levelkeep::Result;
using levelkeep::Status;

// About as many events as one request of a busy application brings.
constexpr uint64_t kEventsPerBatch = 20;
// Looking at all files after each batch would take longer than writing.
constexpr uint64_t kBatchesPerLook = 100;
// If a compaction runs, it makes or removes a file well within this time.
constexpr std::chrono::milliseconds kRest{1000};

struct Arguments {
  std::string dir;
  uint64_t size = 0;
  bool append = false;
  uint64_t seed = 1;
};

uint64_t FileBytes(const std::string& dir) {
  leveldb::Env* const env = leveldb::Env::Default();
  std::vector<std::string> names;
  uint64_t total = 0;
  if (!env->GetChildren(dir, &names).ok()) return 0;
  for (const std::string& name : names) {
    uint64_t size = 0;
    // A file that a compaction has just removed does not count.
    if (env->GetFileSize(dir + "/" + name, &size).ok() && name[0] != '.') {
      total += size;
    }
  }
  return total;
}

std::vector<std::string> FileNames(const std::string& dir) {
  std::vector<std::string> names;
  if (!leveldb::Env::Default()->GetChildren(dir, &names).ok()) return {};
  std::sort(names.begin(), names.end());
  return names;
}

void WaitForRest(const std::string& dir) {
  std::vector<std::string> before;
  std::vector<std::string> now = FileNames(dir);
  while (now != before) {
    before = std::move(now);
    std::this_thread::sleep_for(kRest);
    now = FileNames(dir);
  }
}

Status Fill(const Arguments& arguments) {
  leveldb::Options options;
  options.create_if_missing = true;
  options.error_if_exists = !arguments.append;
  auto db = levelkeep::bench::OpenDatabase(options, arguments.dir);
  if (!db.ok()) return db.status();
  const auto last = levelkeep::bench::LastEvent(db->get(), arguments.dir);
  if (!last.ok()) return last.status();
  WaitForRest(arguments.dir);
  uint64_t next = *last + 1;
  const uint64_t wanted =
      arguments.size + (arguments.append ? FileBytes(arguments.dir) : 0);
  // Compactions make the database smaller, so that several rounds may follow.
  while (FileBytes(arguments.dir) < wanted) {
    while (FileBytes(arguments.dir) < wanted) {
      for (uint64_t i = 0; i < kBatchesPerLook; ++i) {
        const Status status = levelkeep::bench::AppendEvents(
            db->get(), arguments.seed, next, kEventsPerBatch);
        if (!status.ok()) return status;
        next += kEventsPerBatch;
      }
    }
    WaitForRest(arguments.dir);
  }
  std::printf("%llu events\n", static_cast<unsigned long long>(next - 1));
  return Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Makes a LevelDB of events.");
  app.add_option("dir", arguments.dir, "the database's folder")->required();
  app.add_option("--size", arguments.size, "bytes of its files")->required();
  app.add_flag("--append", arguments.append, "so many bytes more");
  app.add_option("--seed", arguments.seed, "other events");
  CLI11_PARSE(app, argc, argv);
  return levelkeep::bench::ExitCode("make_database", Fill(arguments));
}
