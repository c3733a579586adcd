// levelkeep-hostile-archives DIR [NAME...]: writes the hostile archives of
// these names, or all, to files DIR/NAME.tar.gz: for other programs, and as a
// first corpus.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "hostile/hostile_case.h"
#include "support/temp_dir.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: levelkeep-hostile-archives DIR [NAME...]\n");
    return 2;
  }
  const std::vector<std::string> wanted(argv + 2, argv + argc);
  size_t written = 0;
  for (const auto& one : levelkeep::test::AllHostileCases()) {
    if (!wanted.empty() &&
        std::find(wanted.begin(), wanted.end(), one.name) == wanted.end()) {
      continue;
    }
    levelkeep::test::WriteFile(
        std::string(argv[1]) + "/" + one.name + ".tar.gz", one.bytes());
    ++written;
  }
  std::printf("%zu archives\n", written);
  // An unknown name is a mistake of the caller.
  return wanted.empty() || written == wanted.size() ? 0 : 1;
}
