#include "http/chunked_body.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/ascii.h"
#include "http/request_head.h"

namespace levelkeep::http {

namespace {

constexpr size_t kMaxLineBytes = 512;
constexpr size_t kMaxSizeDigits = 8;
// What is neither content nor the plain size lines.
constexpr size_t kMaxOverheadBytes = 4 << 10;

// What may stand behind the size: nothing, or ";" and no control character.
// Whoever passes the request on could take a carriage return for the end of
// the line, and blanks and digits for another size.
bool IsExtension(std::string_view text) {
  if (text.empty()) return true;
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos || text[begin] != ';') return false;
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

}  // namespace

// kDone: `line` is complete, without CR LF.
ChunkedBody::State ChunkedBody::ReadLine(const std::string& input,
                                         size_t* position, std::string* line) {
  const size_t end = input.find('\n', *position);
  if (end == std::string::npos) {
    return input.size() - *position > kMaxLineBytes ? State::kMalformed
                                                    : State::kMore;
  }
  if (end == *position || input[end - 1] != '\r' ||
      end - *position > kMaxLineBytes) {
    return State::kMalformed;
  }
  *line = input.substr(*position, end - 1 - *position);
  *position = end + 1;
  return State::kDone;
}

ChunkedBody::State ChunkedBody::TakeSize(const std::string& line) {
  size_t digits = 0;
  while (digits < line.size() && HexDigit(Lower(line[digits])) >= 0) digits++;
  if (digits == 0 || digits > kMaxSizeDigits ||
      !IsExtension(std::string_view(line).substr(digits))) {
    return State::kMalformed;
  }
  overhead_bytes_ += line.size() - digits;
  if (overhead_bytes_ > kMaxOverheadBytes) return State::kMalformed;
  std::from_chars(line.data(), line.data() + digits, left_in_chunk_, 16);
  if (left_in_chunk_ > limit_bytes_ - total_bytes_) return State::kTooLarge;
  step_ = left_in_chunk_ == 0 ? Step::kTrailer : Step::kData;
  return State::kMore;
}

ChunkedBody::State ChunkedBody::Consume(std::string* input, std::string* body) {
  size_t position = 0;
  State state = State::kMore;
  while (state == State::kMore) {
    if (step_ == Step::kData) {
      const size_t size = static_cast<size_t>(
          std::min<uint64_t>(left_in_chunk_, input->size() - position));
      body->append(*input, position, size);
      position += size;
      total_bytes_ += size;
      left_in_chunk_ -= size;
      if (left_in_chunk_ > 0) break;
      step_ = Step::kDataEnd;
      continue;
    }
    std::string line;
    const State read = ReadLine(*input, &position, &line);
    if (read != State::kDone) {
      state = read;
      break;
    }
    if (step_ == Step::kSize) {
      state = TakeSize(line);
    } else if (step_ == Step::kDataEnd) {
      if (!line.empty()) state = State::kMalformed;
      step_ = Step::kSize;
    } else if (line.empty()) {
      state = State::kDone;
    } else {
      overhead_bytes_ += line.size();
      if (overhead_bytes_ > kMaxOverheadBytes || !IsHeaderLine(line)) {
        state = State::kMalformed;
      }
    }
  }
  input->erase(0, position);
  return state;
}

}  // namespace levelkeep::http
