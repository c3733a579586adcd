// first_get DIR: opens a LevelDB and reads its first event. Every restore that
// is measured ends with this.

#include <CLI/CLI.hpp>
#include <string>

#include "eventstore/event.h"
#include "peers/support.h"

namespace {

using levelkeep::Status;

Status FirstGet(const std::string& dir) {
  auto db = levelkeep::bench::OpenDatabase(leveldb::Options(), dir);
  if (!db.ok()) return db.status();
  std::string record;
  return levelkeep::bench::FromLevelDb(
      (*db)->Get(leveldb::ReadOptions(), levelkeep::EventKey(1), &record), dir);
}

}  // namespace

int main(int argc, char** argv) {
  std::string dir;
  CLI::App app("Opens a LevelDB and reads one event.");
  app.add_option("dir", dir, "the database's folder")->required();
  CLI11_PARSE(app, argc, argv);
  return levelkeep::bench::ExitCode("first_get", FirstGet(dir));
}
