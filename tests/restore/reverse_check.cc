// levelkeep-check, built as an application with its own comparator builds it.

#include <stdexcept>

#include "levelkeep/check.h"
#include "restore/reverse_comparator.h"

namespace {

// A comparator that does not accept all keys.
class PickyComparator : public levelkeep::test::ReverseComparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    if (a == "unknown" || b == "unknown") {
      throw std::runtime_error("what is this key?");
    }
    return ReverseComparator::Compare(a, b);
  }
};

}  // namespace

int main(int argc, char** argv) {
  static const PickyComparator comparator;
  return levelkeep::RunCheck(argc, argv, &comparator);
}
