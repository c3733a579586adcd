// A check program for an application with its own comparator.

#include <string>

#include "leveldb/comparator.h"
#include "leveldb/slice.h"
#include "levelkeep/check.h"

namespace {

// The application's comparator; it would be in a header that both include.
class NewestFirst : public leveldb::Comparator {
 public:
  int Compare(const leveldb::Slice& a, const leveldb::Slice& b) const override {
    return b.compare(a);
  }
  const char* Name() const override { return "example.NewestFirst"; }
  void FindShortestSeparator(std::string* /*start*/,
                             const leveldb::Slice& /*limit*/) const override {}
  void FindShortSuccessor(std::string* /*key*/) const override {}
};

}  // namespace

int main(int argc, char** argv) {
  static const NewestFirst comparator;
  return levelkeep::RunCheck(argc, argv, &comparator);
}
