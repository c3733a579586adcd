// The place where backups are kept: a folder; later also S3 and SFTP. Code
// above this header does not know which.
//
// A destination holds objects. An object has a name and bytes. An object
// appears complete or not at all, and nobody changes or replaces it: a name
// stands for the same bytes until the object is removed. So a destination has
// no index, no pointer and no "latest", which somebody would have to replace.

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
  // Distinguishes this object from earlier and later objects of the same name.
  // Opaque printable ASCII of at most 255 bytes, so that records can store it.
  std::string version;
  // The digest of the bytes in hex, if the destination knows it without reading
  // them; else empty.
  std::string sha256;

  bool operator==(const StoredObject&) const = default;
};

// What a destination can do beyond the required operations. It is found out by
// trying, never by the name of a product.
struct Abilities {
  // Of two simultaneous Puts of one name, exactly one succeeds. Without this
  // ability both may succeed, and the object is all of one or all of the other.
  bool exclusive_put = false;
  // SharedRanges are copied within the destination and not sent.
  bool shares_ranges = false;
  // An interrupted Put continues from its PutRecord.
  bool resumes_put = false;
};

// A range of a new object whose bytes another object of the same destination
// already has.
struct SharedRange {
  uint64_t offset = 0;  // in the new object
  uint64_t size_bytes = 0;
  std::string object;  // name and version of the other object
  std::string version;
  uint64_t object_offset = 0;
};

// The bytes to put. Does not own `bytes`.
struct PutSource {
  const ByteSource* bytes = nullptr;  // all of them, shared ones included
  uint64_t size_bytes = 0;            // at least 1
  std::string sha256;  // in hex; empty: not known, and the Put can't resume
  // By offset, without overlaps. If the object of a range is missing or has
  // another version, the range is sent like the rest.
  std::vector<SharedRange> shared;
};

// The state that an interrupted Put left behind, as a text that only its
// destination understands. The caller stores it where it survives the process.
// Thread safety: one thread at a time.
class PutRecord {
 public:
  virtual ~PutRecord() = default;
  // The text of the last Save; empty: nothing was saved, or an empty text.
  virtual Result<std::string> Load() = 0;
  // Durable on return. An empty text means that nothing is left behind.
  virtual Status Save(const std::string& text) = 0;
};

// Thread safety: all methods may be called concurrently, also from several
// processes.
//
// Errors of all methods: kInvalidArgument for a name that no object can have
// (RequireObjectName); kIoError for faults that may pass, so that another try
// makes sense (RetryingDestination tries again); kPermissionDenied; kCancelled,
// soon after a stop. A failed method has changed nothing that other methods
// show, except that a Put or Remove that fails with kIoError may have
// succeeded. If the name belongs to something that is not an object (a folder,
// a link), Stat, Open and Remove return kRefused.
class Destination {
 public:
  virtual ~Destination() = default;

  // A text for people and records, without secrets. It stays the same as long
  // as the place does. "folder:/var/backups".
  virtual std::string Id() const = 0;
  virtual Abilities abilities() const = 0;

  // Sorted by name. Leaves out what is not an object (an unfinished Put, a
  // folder, a link). kNotFound if the destination itself does not exist:
  // callers must not treat that as an empty destination.
  virtual Result<std::vector<StoredObject>> List(const Work& work) = 0;
  // kNotFound if there is no such object.
  virtual Result<StoredObject> Stat(const std::string& name,
                                    const Work& work) = 0;
  // For reading exactly that version, by ranges, from several threads. Each
  // read gives bytes of that version or fails; a stop of `work` also ends
  // reads. kNotFound; kBusy if the object of that name has another version now.
  virtual Result<std::unique_ptr<ByteSource>> Open(const std::string& name,
                                                   const std::string& version,
                                                   const Work& work) = 0;
  // Creates the object, complete and durable, and returns it. After any failure
  // or crash the object is absent. kAlreadyExists if an object has that name;
  // it stays unchanged. kNoSpace. Without `record` (null), nothing is left
  // behind. With it, a Put that ended with kIoError, kCancelled or the process
  // continues when it is called again with the same name and bytes. A record of
  // another Put is overwritten.
  virtual Result<StoredObject> Put(const std::string& name,
                                   const PutSource& source, PutRecord* record,
                                   const Work& work) = 0;
  // Durable on return. Ok if there is no such object.
  virtual Status Remove(const std::string& name, const Work& work) = 0;
};

// 1 to 200 characters A-Z a-z 0-9 . _ -, not beginning with . or -. Every file
// system and store accepts such a name, with room for a suffix.
Status RequireObjectName(const std::string& name);

// kInvalidArgument if there are no bytes, or the shared ranges are not in
// order.
Status RequirePutSource(const PutSource& source);

// How many bytes at the start of both sources are equal: all `size_bytes`, or
// whole steps up to the first difference. Reads both sources.
Result<uint64_t> CountEqualBytes(const ByteSource& a, const ByteSource& b,
                                 uint64_t size_bytes, const Work& work);

}  // namespace levelkeep

#endif  // LEVELKEEP_DESTINATION_DESTINATION_H_
