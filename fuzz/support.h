// Shared by all fuzzers: the input in pieces, a verdict, a scratch folder.

#ifndef LEVELKEEP_FUZZ_SUPPORT_H_
#define LEVELKEEP_FUZZ_SUPPORT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep::fuzz {

// Ends the program, so that the fuzzer keeps the input, unless `condition`.
// `sentence` says what must hold.
void Require(bool condition, std::string_view sentence);
// The same for a Status, whose message tells more.
void RequireOk(const Status& status, std::string_view sentence);

// The fuzzer's input, taken piece by piece from the front. Pieces that may
// hold anything are separated by kCut, so that a seed can be written by hand
// and a mutation in one piece does not move the others.
// Thread safety: one thread at a time.
class FuzzedBytes {
 public:
  static constexpr std::string_view kCut = "\n~~~\n";

  FuzzedBytes(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  // The next byte; 0 at the end.
  uint8_t Byte();
  // The next eight bytes, little-endian; missing bytes at the end count as 0.
  uint64_t Number();
  // The bytes up to the next kCut, which is taken as well, or to the end.
  std::string_view Piece();
  std::string_view Rest();

 private:
  std::string_view rest_;
};

// A folder of this process in memory (/dev/shm) or under $TMPDIR; removed
// when the program ends normally.
// Thread safety: one thread at a time.
class Scratch {
 public:
  // The one folder for all runs of a fuzzer: making folders is expensive.
  static Scratch& Get();

  const std::string& path() const { return path_; }
  std::string Sub(std::string_view name) const;
  // Makes it empty.
  void Clear();

 private:
  Scratch();
  std::string path_;
};

using Files = std::map<std::string, std::string>;  // path -> content

void WriteFile(const std::string& path, std::string_view content);
std::string ReadFile(const std::string& path);
// All files below `folder`, and its folders as "path/" without content.
// Requires that there is nothing else: links and devices are never written.
Files ReadTree(const std::string& folder);

// Turns the product's log off, which would be most of a fuzzer's work.
void BeQuiet();

// Tests one input. Each <name>_fuzz.cc defines its own Run; main.cc calls it.
void Run(FuzzedBytes input);

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_SUPPORT_H_
