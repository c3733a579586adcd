// Where backups are kept: a folder; later S3 and SFTP. Nothing above this
// header knows which.
//
// A destination holds objects. An object has a name and bytes. It appears
// whole or not at all, and nobody changes or replaces it: a name stands for
// the same bytes until the object is removed. So nothing here is an index, a
// pointer or a "latest", which somebody would have to replace.

#ifndef LEVELKEEP_DESTINATION_DESTINATION_H_
#define LEVELKEEP_DESTINATION_DESTINATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/work.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Value type.
struct StoredObject {
  std::string name;
  uint64_t size_bytes = 0;
  // Tells this object from others that had its name, or will have it. Opaque;
  // printable ASCII of at most 255 bytes, so that records can keep it.
  std::string version;
  // Of the bytes, in hex, where the destination knows it without reading them;
  // else empty.
  std::string sha256;

  bool operator==(const StoredObject&) const = default;
};

// What a destination can do beyond what every destination must do. It is found
// out by trying, never by the name of a product.
struct Abilities {
  // Of two Puts of one name at the same time exactly one succeeds. Without it
  // both may, and the object is the whole one of either.
  bool exclusive_put = false;
  // SharedRanges are taken from where they stand, and not sent.
  bool shares_ranges = false;
  // An interrupted Put goes on from its PutRecord.
  bool resumes_put = false;
};

// A range of a new object whose bytes stand in another object of the same
// destination already.
struct SharedRange {
  uint64_t offset = 0;  // in the new object
  uint64_t size_bytes = 0;
  std::string object;  // the other one: its name and its version
  std::string version;
  uint64_t object_offset = 0;
};

// What is to be put. Does not own `bytes`.
struct PutSource {
  const ByteSource* bytes = nullptr;  // all of them, shared ones included
  uint64_t size_bytes = 0;            // at least 1
  std::string sha256;  // in hex; empty: nobody knows it. A Put without it does
                       // not resume
  // By offset, without overlaps. Never trusted further than the versions: a
  // range whose object is gone or another one is sent like the others.
  std::vector<SharedRange> shared;
};

// What an interrupted Put left behind, in words that only its destination
// understands. The caller keeps it where it survives the process.
// Thread safety: one thread at a time.
class PutRecord {
 public:
  virtual ~PutRecord() = default;
  // What Save was given last; empty: nothing, or an empty text.
  virtual Result<std::string> Load() = 0;
  // Durable on return. An empty text: nothing is left behind any more.
  virtual Status Save(const std::string& text) = 0;
};

// Thread safety: all methods may be called concurrently, from several
// processes, too.
//
// All methods: kInvalidArgument for a name that is no object's
// (RequireObjectName); kIoError for what may pass by itself, so that another
// try is worth it (RetryingDestination makes them); kPermissionDenied; and
// kCancelled, soon after a stop. A method that fails has changed nothing that
// another one shows, but for a Put or Remove that ends with kIoError: it may
// have been done all the same. Where something that is no object has the name
// (a folder, a link), Stat, Open and Remove are kRefused.
class Destination {
 public:
  virtual ~Destination() = default;

  // For people and for records: the same as long as the place is the same, and
  // without secrets. "folder:/var/backups".
  virtual std::string Id() const = 0;
  virtual Abilities abilities() const = 0;

  // By name. What is no object (an unfinished Put, a folder, a link) is left
  // out. kNotFound: the destination itself is not there, which nobody may take
  // for an empty one.
  virtual Result<std::vector<StoredObject>> List(const Work& work) = 0;
  // kNotFound.
  virtual Result<StoredObject> Stat(const std::string& name,
                                    const Work& work) = 0;
  // For reading exactly that version: ranges, from several threads. Each read
  // gives bytes of that version, or fails; a stop of `work` ends reads, too.
  // kNotFound; kBusy: the name is another version's now.
  virtual Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   const std::string& version,
                                                   const Work& work) = 0;
  // Makes the object, whole and durable, and returns it; at any failure, and
  // at any crash, it is absent. kAlreadyExists: there is an object of that
  // name, and it stays as it was. kNoSpace. `record` may be null: then nothing
  // is left behind. With a record a Put that ended with kIoError, kCancelled or
  // the process goes on where it was, if it is called again with the same name
  // and bytes; a record of something else is overwritten.
  virtual Result<StoredObject> Put(const std::string& name,
                                   const PutSource& source, PutRecord* record,
                                   const Work& work) = 0;
  // Durable on return. Ok if there is none.
  virtual Status Remove(const std::string& name, const Work& work) = 0;
};

// 1 to 200 characters A-Z a-z 0-9 . _ -, the first of them none of ". -": what
// every file system and store takes, with room for a suffix.
Status RequireObjectName(const std::string& name);

// kInvalidArgument: there are no bytes, or the shared ranges are not in order.
Status RequirePutSource(const PutSource& source);

// How many bytes, from the first one on, are equal in both: all `size_bytes`,
// or whole steps up to the first difference. Reads both.
Result<uint64_t> CountEqualBytes(const ByteSource& a, const ByteSource& b,
                                 uint64_t size_bytes, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_DESTINATION_H_
