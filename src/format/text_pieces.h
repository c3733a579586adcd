// A text that is read piece by piece. Private to archive.

#ifndef LEVELKEEP_FORMAT_TEXT_PIECES_H_
#define LEVELKEEP_FORMAT_TEXT_PIECES_H_

#include <string_view>
#include <utility>

#include "levelkeep/status.h"

namespace levelkeep {

// Thread safety: one thread at a time.
class TextPieces {
 public:
  virtual ~TextPieces() = default;
  // The next piece, which lives until the next call; empty at the end.
  virtual Result<std::string_view> Next() = 0;
};

// A text that is in memory.
class WholeText : public TextPieces {
 public:
  explicit WholeText(std::string_view text) : text_(text) {}
  Result<std::string_view> Next() override {
    return std::exchange(text_, std::string_view());
  }

 private:
  std::string_view text_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_FORMAT_TEXT_PIECES_H_
