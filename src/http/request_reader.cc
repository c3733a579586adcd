#include "http/request_reader.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr size_t kMaxEmptyLines = 16;

Refusal TooLarge() {
  return {413, "too_large", "the request body is larger than this route takes"};
}

// True if there is a line feed without its carriage return in [begin, end).
bool HasBareLineFeed(const std::string& text, size_t begin, size_t end) {
  for (size_t at = text.find('\n', begin); at < end;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

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
  return std::ranges::none_of(
      text, [](char c) { return IsAsciiControl(c) && c != '\t'; });
}

}  // namespace

RequestReader::State RequestReader::Append(std::string_view bytes) {
  if (state_ == State::kRefused) return state_;
  input_.append(bytes);
  return state_ == State::kRequest ? state_ : Advance();
}

RequestReader::State RequestReader::Next() {
  state_ = State::kIdle;
  head_ = RequestHead();
  chunks_.reset();
  continue_wanted_ = false;
  empty_lines_ = 0;
  return Advance();
}

bool RequestReader::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  state_ = State::kRefused;
  input_ = std::string();
  head_.request.body = std::string();
  return false;
}

RequestReader::State RequestReader::Advance() {
  if (state_ == State::kIdle) {
    // Older clients send an empty line before a request.
    size_t begin = 0;
    while (input_.compare(begin, 2, "\r\n") == 0) {
      begin += 2;
      empty_lines_++;
    }
    input_.erase(0, begin);
    if (empty_lines_ > kMaxEmptyLines) {
      Refuse({400, "bad_request", "there are empty lines before the request"});
      return state_;
    }
    if (input_.empty() || input_ == "\r") return state_;
    state_ = State::kHead;
    scanned_ = 0;
  }
  if (state_ == State::kHead && !ReadHead()) return state_;
  if (state_ == State::kBody) ReadBody();
  return state_;
}

bool RequestReader::ReadHead() {
  const size_t line_end = input_.find("\r\n");
  const size_t end = input_.find("\r\n\r\n", scanned_);
  const bool complete = end != std::string::npos;
  // The end of the request line itself may not have arrived yet.
  const bool long_line = line_end > kMaxRequestLineBytes &&
                         input_.size() >= kMaxRequestLineBytes + 2;
  // Bytes behind a limit are ignored: the refusal must not depend on how many
  // of them have arrived. Bare line feeds are refused at once; otherwise such a
  // client would wait for its timeout.
  const size_t seen = long_line ? kMaxRequestLineBytes + 2 : kMaxHeadBytes;
  if (HasBareLineFeed(input_, scanned_,
                      std::min(complete ? end : input_.size(), seen))) {
    return Refuse({400, "bad_request", "a line does not end in CR LF"});
  }
  if (long_line) {
    return Refuse(
        {414, "uri_too_long", "the request line is longer than 8 KiB"});
  }
  if (complete ? end + 4 > kMaxHeadBytes : input_.size() > kMaxHeadBytes) {
    return Refuse({431, "headers_too_large",
                   "the head of the request is larger than 32 KiB"});
  }
  if (!complete) {
    scanned_ = input_.size() < 3 ? 0 : input_.size() - 3;
    return false;
  }
  auto parsed = ParseRequestHead(std::string_view(input_).substr(0, end + 4));
  if (const Refusal* refusal = std::get_if<Refusal>(&parsed)) {
    return Refuse(*refusal);
  }
  head_ = std::move(std::get<RequestHead>(parsed));
  input_.erase(0, end + 4);
  const size_t limit = on_head_(&head_.request);
  if (head_.content_length > limit) return Refuse(TooLarge());
  if (head_.chunked) chunks_.emplace(limit);
  // A client that has sent part of the body does not wait.
  continue_wanted_ = head_.expects_continue && input_.empty() &&
                     (head_.chunked || head_.content_length > 0);
  state_ = State::kBody;
  return true;
}

bool RequestReader::ReadBody() {
  std::string& body = head_.request.body;
  if (chunks_) {
    switch (chunks_->Consume(&input_, &body)) {
      case ChunkedBody::State::kMore:
        return false;
      case ChunkedBody::State::kMalformed:
        return Refuse({400, "bad_request", "the chunked body is malformed"});
      case ChunkedBody::State::kTooLarge:
        return Refuse(TooLarge());
      case ChunkedBody::State::kDone:
        break;
    }
  } else {
    // At most the limit, which was checked before.
    const size_t missing =
        static_cast<size_t>(head_.content_length) - body.size();
    const size_t size = std::min(missing, input_.size());
    body.append(input_, 0, size);
    input_.erase(0, size);
    if (size < missing) return false;
  }
  continue_wanted_ = false;
  state_ = State::kRequest;
  return true;
}

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
