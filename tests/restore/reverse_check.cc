// levelkeep-check as an application with a comparator of its own builds it.

#include "levelkeep/check.h"
#include "restore/reverse_comparator.h"

int main(int argc, char** argv) {
  static const levelkeep::test::ReverseComparator comparator;
  return levelkeep::RunCheck(argc, argv, &comparator);
}
