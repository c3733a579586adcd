#include "manager/open_check.h"

#include <memory>
#include <utility>

#include "base/status_macros.h"
#include "leveldb/db.h"
#include "manager/platform.h"
#include "restore/restorer.h"

namespace levelkeep {

namespace {

constexpr char kBytewise[] = "leveldb.BytewiseComparator";

}  // namespace

Status OpenAndClose(const BackupOptions& options, leveldb::Env* env,
                    const std::string& db_dir) {
  if (options.comparator_name != kBytewise) return Status::Ok();
  leveldb::Options open;
  open.env = env;
  leveldb::DB* raw = nullptr;
  const leveldb::Status status = leveldb::DB::Open(open, db_dir, &raw);
  const std::unique_ptr<leveldb::DB> db(raw);
  if (status.ok()) return Status::Ok();
  // The disk's failure is not the database's: see IsArchiveFault.
  return Status(
      status.IsIOError() ? StatusCode::kIoError : StatusCode::kCorruption,
      "LevelDB can't open " + db_dir + ": " + status.ToString());
}

Result<RestorerOptions> ToRestorerOptions(const BackupOptions& options,
                                          const Platform& platform) {
  RestorerOptions result;
  result.storage_dir = options.storage_dir;
  result.db_name = options.db_name;
  result.restore_dir = options.restore_dir;
  result.comparator_name = options.comparator_name;
  result.reserve_bytes = options.reserve_bytes;
  result.threads = options.threads;
  result.store_checker = platform.store_checker;
  result.archive_checker = platform.archive_checker;
  if (result.store_checker) return result;
  LEVELKEEP_ASSIGN_OR_RETURN(
      result.check_program,
      FindCheckProgram(platform.fs, options.check_program));
  return result;
}

}  // namespace levelkeep
