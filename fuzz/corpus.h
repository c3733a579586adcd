// Writes the start corpus: FOLDER/<fuzzer>/<name>.

#ifndef LEVELKEEP_FUZZ_CORPUS_H_
#define LEVELKEEP_FUZZ_CORPUS_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "restore_flags.h"
#include "support.h"

namespace levelkeep::fuzz {

// The folder of the seeds.
class Corpus {
 public:
  explicit Corpus(std::string folder) : folder_(std::move(folder)) {}
  void Add(const std::string& fuzzer, const std::string& name,
           std::string_view content) const {
    const std::string folder = folder_ + "/" + fuzzer;
    std::filesystem::create_directories(folder);
    WriteFile(folder + "/" + name, content);
  }

 private:
  const std::string folder_;
};

// A first byte that chooses what is fuzzed, then the rest.
inline std::string Chosen(char choice, std::string_view rest) {
  return std::string(1, choice) + std::string(rest);
}

inline std::string Join(const std::vector<std::string>& pieces) {
  std::string text;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) text += FuzzedBytes::kCut;
    text += pieces[i];
  }
  return text;
}

// A seed of the restore fuzzer, without interruptions; `flags` are WorldFlags.
std::string RestoreSeed(RestoreInput what, int flags, std::string_view rest);

// Parts of the corpus that have a source file of their own.
void AddRestores(const Corpus& corpus);
void AddHostileArchives(const Corpus& corpus);

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_CORPUS_H_
