// Conversions between LevelDB's Status and ours. Private to snapshot.

#ifndef LEVELKEEP_SNAPSHOT_LEVELDB_STATUS_H_
#define LEVELKEEP_SNAPSHOT_LEVELDB_STATUS_H_

#include "leveldb/status.h"
#include "levelkeep/status.h"

namespace levelkeep {

// The hint becomes the second part of LevelDB's message.
inline leveldb::Status ToLevelDbStatus(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return leveldb::Status::OK();
    case StatusCode::kNotFound:
      return leveldb::Status::NotFound(status.message(), status.hint());
    case StatusCode::kCorruption:
      return leveldb::Status::Corruption(status.message(), status.hint());
    case StatusCode::kUnsupported:
      return leveldb::Status::NotSupported(status.message(), status.hint());
    case StatusCode::kInvalidArgument:
      return leveldb::Status::InvalidArgument(status.message(), status.hint());
    default:
      return leveldb::Status::IOError(status.message(), status.hint());
  }
}

inline Status FromLevelDbStatus(const leveldb::Status& status) {
  if (status.ok()) return Status::Ok();
  StatusCode code = StatusCode::kIoError;
  if (status.IsNotFound()) code = StatusCode::kNotFound;
  if (status.IsCorruption()) code = StatusCode::kCorruption;
  if (status.IsNotSupportedError()) code = StatusCode::kUnsupported;
  if (status.IsInvalidArgument()) code = StatusCode::kInvalidArgument;
  return Status(code, status.ToString());
}

}  // namespace levelkeep

#endif  // LEVELKEEP_SNAPSHOT_LEVELDB_STATUS_H_
