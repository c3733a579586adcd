#include "peers/support.h"

#include <cstdio>
#include <cstdlib>

#include "eventstore/event.h"
#include "leveldb/write_batch.h"
#include "support/event_data.h"

namespace levelkeep::bench {
int ExitCode(const std::string& program, const Status& status) {
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s: %s\n", program.c_str(), status.ToString().c_str());
  return EXIT_FAILURE;
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
    batch.Put(levelkeep::EventKey(sequence), EventRecord(seed, sequence));
  }
  batch.Put(kEventHeadKey, EncodeEventHead(first + count - 1));
  return FromLevelDb(db->Write(leveldb::WriteOptions(), &batch),
                     "append of event " + std::to_string(first));
}

}  // namespace levelkeep::bench
