#include "destination/limited_destination.h"

#include <utility>

#include "base/status_macros.h"

namespace levelkeep {

LimitedDestination::LimitedDestination(std::unique_ptr<Destination> inner,
                                       Clock* clock, uint64_t bytes_per_second)
    : WrappedDestination(std::move(inner)), limiter_(clock, bytes_per_second) {}

GuardedSource::Guard LimitedDestination::Limit(const Work& work) {
  return [this, stop = work.stop](
             size_t size, const GuardedSource::Read& read) -> Result<size_t> {
    LEVELKEEP_RETURN_IF_ERROR(limiter_.Take(size, stop));
    return read();
  };
}

Result<std::unique_ptr<ByteSource>> LimitedDestination::Open(
    const std::string& name, const std::string& version, const Work& work) {
  LEVELKEEP_ASSIGN_OR_RETURN(auto source, inner()->Open(name, version, work));
  return std::unique_ptr<ByteSource>(
      std::make_unique<GuardedSource>(std::move(source), Limit(work)));
}

Result<StoredObject> LimitedDestination::Put(const std::string& name,
                                             const PutSource& source,
                                             PutRecord* record,
                                             const Work& work) {
  LEVELKEEP_RETURN_IF_ERROR(RequirePutSource(source));
  const GuardedSource limited(source.bytes, Limit(work));
  PutSource slow = source;
  slow.bytes = &limited;
  return inner()->Put(name, slow, record, work);
}

}  // namespace levelkeep
