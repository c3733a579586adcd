#include "http/request_reader.h"

#include <algorithm>

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

}  // namespace

RequestReader::RequestReader(OnHead on_head) : on_head_(std::move(on_head)) {}

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

bool RequestReader::TakeContinue() {
  return std::exchange(continue_wanted_, false);
}

bool RequestReader::Refuse(const Refusal& refusal) {
  refusal_ = refusal;
  state_ = State::kRefused;
  input_ = std::string();
  head_.request.body = std::string();
  return false;
}

// Does one step. Returns whether another step is possible.
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

}  // namespace levelkeep::http
