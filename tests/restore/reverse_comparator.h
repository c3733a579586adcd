// Keys in reverse order: a comparator that levelkeep-check does not know.

#ifndef LEVELKEEP_TESTS_RESTORE_REVERSE_COMPARATOR_H_
#define LEVELKEEP_TESTS_RESTORE_REVERSE_COMPARATOR_H_

#include <string>

#include "leveldb/comparator.h"
#include "leveldb/slice.h"

namespace levelkeep::test {

class ReverseComparator : public leveldb::Comparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    return b.compare(a);
  }
  const char* Name() const override { return "test.Reverse"; }
  void FindShortestSeparator(std::string* /*start*/,
                             const leveldb::Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_RESTORE_REVERSE_COMPARATOR_H_
