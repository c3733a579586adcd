// levelkeep-hostile-archives DIR: writes each hostile archive to a file of
// its name, for other programs and as the beginning of a corpus.

#include <cstdio>
#include <string>

#include "hostile/hostile_case.h"
#include "support/temp_dir.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: levelkeep-hostile-archives DIR\n");
    return 2;
  }
  const auto& cases = levelkeep::test::AllHostileCases();
  for (const auto& one : cases) {
    levelkeep::test::WriteFile(
        std::string(argv[1]) + "/" + one.name + ".tar.gz", one.bytes());
  }
  std::printf("%zu archives\n", cases.size());
  return 0;
}
