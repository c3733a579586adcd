#include "support/database.h"

#include <iostream>

#include "base/status_macros.h"
#include "support/event_data.h"

namespace levelkeep::bench {

Status FromLevelDb(const leveldb::Status& status, const std::string& where) {
  if (status.ok()) return Status::Ok();
  return Status(StatusCode::kIoError, where + ": " + status.ToString());
}

Result<std::unique_ptr<leveldb::DB>> OpenDatabase(
    const leveldb::Options& options, const std::string& dir) {
  leveldb::DB* db = nullptr;
  LEVELKEEP_RETURN_IF_ERROR(
      FromLevelDb(leveldb::DB::Open(options, dir, &db), dir));
  return std::unique_ptr<leveldb::DB>(db);
}

Result<std::unique_ptr<leveldb::DB>> OpenDatabase(const std::string& dir,
                                                  leveldb::Env* env) {
  leveldb::Options options;
  options.create_if_missing = true;
  if (env != nullptr) options.env = env;
  return OpenDatabase(options, dir);
}

Result<uint64_t> MakeDatabase(const std::string& dir, uint64_t bytes) {
  constexpr size_t kValueSize = 600;
  std::cerr << "making a database of " << (bytes >> 20) << " MiB in " << dir
            << " ..." << std::endl;
  LEVELKEEP_ASSIGN_OR_RETURN(auto db, OpenDatabase(dir, nullptr));
  LEVELKEEP_ASSIGN_OR_RETURN(uint64_t events,
                             FillWithEvents(db.get(), bytes, kValueSize, 0));
  // Without this, the next user of the database would pay for its compactions.
  db->CompactRange(nullptr, nullptr);
  return events;
}

}  // namespace levelkeep::bench
