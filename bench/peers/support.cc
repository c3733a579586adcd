#include "peers/support.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "eventstore/event.h"
#include "leveldb/write_batch.h"
#include "peers/event_data.h"

namespace levelkeep::bench {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) * 1e-6;
}

}  // namespace

int ExitCode(const std::string& program, const Status& status) {
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s: %s\n", program.c_str(), status.ToString().c_str());
  return EXIT_FAILURE;
}

Status FromLevelDb(const leveldb::Status& status, const std::string& dir) {
  if (status.ok()) return Status::Ok();
  return Status(StatusCode::kIoError, dir + ": " + status.ToString());
}

Result<std::unique_ptr<leveldb::DB>> OpenDatabase(
    const leveldb::Options& options, const std::string& dir) {
  leveldb::DB* opened = nullptr;
  const Status status =
      FromLevelDb(leveldb::DB::Open(options, dir, &opened), dir);
  if (!status.ok()) return status;
  return std::unique_ptr<leveldb::DB>(opened);
}

Result<uint64_t> LastEvent(leveldb::DB* db, const std::string& dir) {
  std::string head;
  const auto status = db->Get(leveldb::ReadOptions(), kEventHeadKey, &head);
  if (status.IsNotFound()) return uint64_t{0};
  if (!status.ok()) return FromLevelDb(status, dir);
  return DecodeEventHead(head);
}

Status AppendEvents(leveldb::DB* db, uint64_t seed, uint64_t first,
                    uint64_t count) {
  leveldb::WriteBatch batch;
  for (uint64_t sequence = first; sequence < first + count; ++sequence) {
    batch.Put(EventKey(sequence), EventRecord(seed, sequence));
  }
  batch.Put(kEventHeadKey, EncodeEventHead(first + count - 1));
  return FromLevelDb(db->Write(leveldb::WriteOptions(), &batch),
                     "append of event " + std::to_string(first));
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Seconds(usage.ru_utime) + Seconds(usage.ru_stime);
}

}  // namespace levelkeep::bench
