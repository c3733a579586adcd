// The comparator of an application, which may throw. LevelDB is compiled
// without exceptions: an exception that passes through LevelDB would look like
// a crash, and a crash looks like a damaged database.

#ifndef LEVELKEEP_CHECK_HOST_COMPARATOR_H_
#define LEVELKEEP_CHECK_HOST_COMPARATOR_H_

#include <string>

#include "base/host_call.h"
#include "leveldb/comparator.h"

namespace levelkeep::check {

// Thread safety: that of `own`.
class HostComparator : public leveldb::Comparator {
 public:
  // `own` outlives this object. `end` gets the exception and must not return.
  HostComparator(const leveldb::Comparator* own, void (*end)(const Status&))
      : own_(own), end_(end) {}

  const char* Name() const override { return own_->Name(); }
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    int order = 0;
    Guard([&] { order = own_->Compare(a, b); });
    return order;
  }
  void FindShortestSeparator(std::string* start,
                             const leveldb::Slice& limit) const override {
    Guard([&] { own_->FindShortestSeparator(start, limit); });
  }
  void FindShortSuccessor(std::string* key) const override {
    Guard([&] { own_->FindShortSuccessor(key); });
  }

 private:
  template <typename Call>
  void Guard(const Call& call) const {
    const Status called = CallHost("the application's comparator", [&] {
      call();
      return Status::Ok();
    });
    if (!called.ok()) end_(called);
  }

  const leveldb::Comparator* const own_;
  void (*const end_)(const Status&);
};

}  // namespace levelkeep::check

#endif  // LEVELKEEP_CHECK_HOST_COMPARATOR_H_
