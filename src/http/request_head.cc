#include "http/request_head.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"

namespace levelkeep::http {

namespace {

using Headers = std::map<std::string, std::string>;

Refusal Bad(std::string detail) {
  return {400, "bad_request", std::move(detail)};
}

bool IsToken(std::string_view text) {
  return !text.empty() && IsMadeOf(text, "!#$%&'*+-.^_`|~");
}

// Headers that can't be joined with a comma. If one of them is repeated, a
// proxy may see another request than we do.
bool IsSingle(const std::string& name) {
  static const auto* const kSingle = new std::set<std::string>{
      "authorization", "content-encoding", "content-length",
      "content-type",  "expect",           "host",
      "if-range",      "last-event-id",    "origin",
      "range",         "sec-fetch-site",   "transfer-encoding",
      "x-request-id"};
  return kSingle->count(name) > 0;
}

std::optional<Refusal> ParseRequestLine(std::string_view line,
                                        RequestHead* head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Bad("the request line is not \"METHOD target HTTP/1.1\"");
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || method.size() > 20) {
    return Bad("the method is malformed");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.substr(0, 5) != "HTTP/") {
      return Bad("the request line is not \"METHOD target HTTP/1.1\"");
    }
    return Refusal{505, "version_not_supported",
                   "this server speaks HTTP/1.1 and HTTP/1.0"};
  }
  const bool printable =
      std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f'; });
  std::string repeated;
  auto parsed = printable ? ParseTarget(target, &repeated) : std::nullopt;
  if (!repeated.empty()) {
    return Bad("the query parameter \"" + Printable(repeated) +
               "\" is given twice");
  }
  if (!parsed) return Bad("the request target is malformed");
  head->request.method = method;
  head->request.path = std::move(parsed->path);
  head->request.query = std::move(parsed->query);
  head->http_1_0 = version == "HTTP/1.0";
  return std::nullopt;
}

std::optional<Refusal> ParseHeaderLine(std::string_view line,
                                       Headers* headers) {
  if (line[0] == ' ' || line[0] == '\t') {
    return Bad("a header is folded over two lines");
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return Bad("a header has a malformed name");
  }
  const std::string_view value = Trim(line.substr(colon + 1));
  for (const char c : value) {
    if (IsAsciiControl(c) && c != '\t') {
      return Bad("a header holds a control character");
    }
  }
  const std::string name = Lower(line.substr(0, colon));
  const auto [it, inserted] = headers->emplace(name, value);
  if (inserted) return std::nullopt;
  if (IsSingle(name)) return Bad("a header that must be single is repeated");
  it->second.append(", ").append(value);
  return std::nullopt;
}

std::optional<Refusal> ReadFraming(RequestHead* head) {
  const std::string* length = head->request.FindHeader("content-length");
  const std::string* encoding = head->request.FindHeader("transfer-encoding");
  if (encoding != nullptr) {
    if (length != nullptr) {
      return Bad("Content-Length and Transfer-Encoding exclude each other");
    }
    if (head->http_1_0) return Bad("HTTP/1.0 has no Transfer-Encoding");
    if (Lower(*encoding) != "chunked") {
      return Refusal{501, "not_implemented",
                     "the only known Transfer-Encoding is chunked"};
    }
    head->chunked = true;
  }
  if (length != nullptr) {
    const auto number = ParseUint64(*length);
    if (!number) return Bad("Content-Length is not a number");
    head->content_length = *number;
  }
  return std::nullopt;
}

bool ConnectionHas(const Request& request, std::string_view token) {
  const std::string* const header = request.FindHeader("connection");
  if (header == nullptr) return false;
  return std::ranges::any_of(Split(*header, ','), [&](std::string_view item) {
    return Lower(Trim(item)) == token;
  });
}

std::optional<Refusal> ReadConnection(RequestHead* head) {
  const Request& request = head->request;
  if (!head->http_1_0 && request.FindHeader("host") == nullptr) {
    return Bad("the Host header is missing");
  }
  head->keep_alive = head->http_1_0 ? ConnectionHas(request, "keep-alive")
                                    : !ConnectionHas(request, "close");
  const std::string* coding = request.FindHeader("content-encoding");
  if (coding != nullptr && Lower(*coding) != "identity") {
    return Refusal{415, "unsupported_encoding",
                   "request bodies are taken uncompressed only"};
  }
  if (const std::string* expect = request.FindHeader("expect")) {
    if (Lower(*expect) != "100-continue") {
      return Refusal{417, "expectation_failed",
                     "the only known expectation is 100-continue"};
    }
    head->expects_continue = !head->http_1_0;
  }
  return std::nullopt;
}

std::optional<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == '%') {
      const int byte = HexByte(Lower(text.substr(i + 1, 2)));
      if (byte < 0) return std::nullopt;
      c = static_cast<char>(byte);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (IsAsciiControl(c)) return std::nullopt;
    decoded += c;
  }
  if (!IsValidUtf8(decoded)) return std::nullopt;
  return decoded;
}

bool ParseQuery(std::string_view text,
                std::map<std::string, std::string>* query,
                std::string* repeated) {
  for (const std::string_view pair : Split(text, '&')) {
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = Decode(pair.substr(0, equals), true);
    const auto value = Decode(
        equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return false;
    if (query->emplace(*name, *value).second) continue;
    if (repeated != nullptr) *repeated = *name;
    return false;
  }
  return true;
}

// A number above 64 bits means "to the end".
bool ParsePosition(std::string_view text, uint64_t* position) {
  const bool digits =
      text.find_first_not_of("0123456789") == std::string_view::npos;
  if (text.empty() || !digits) return false;
  *position = ParseUint64(text).value_or(UINT64_MAX);
  return true;
}

}  // namespace

bool IsHeaderLine(std::string_view line) {
  Headers scratch;
  return !ParseHeaderLine(line, &scratch);
}

std::variant<RequestHead, Refusal> ParseRequestHead(std::string_view text) {
  RequestHead head;
  for (size_t number = 0;; ++number) {  // 0: the request line
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return Bad("the head is incomplete");
    if (end == 0 || text[end - 1] != '\r') {
      return Bad("a line does not end in CR LF");
    }
    const std::string_view line = text.substr(0, end - 1);
    text.remove_prefix(end + 1);
    if (line.empty() && number > 0) break;
    std::optional<Refusal> refusal;
    if (number == 0) {
      refusal = ParseRequestLine(line, &head);
    } else if (number > kMaxHeaderLines) {
      refusal = {431, "too_many_headers",
                 "the request has more than 100 header lines"};
    } else {
      refusal = ParseHeaderLine(line, &head.request.headers);
    }
    if (refusal) return *refusal;
  }
  if (auto refusal = ReadFraming(&head)) return *refusal;
  if (auto refusal = ReadConnection(&head)) return *refusal;
  return head;
}

std::optional<Target> ParseTarget(std::string_view target,
                                  std::string* repeated) {
  if (target.empty() || target[0] != '/') return std::nullopt;
  if (target.find('#') != std::string_view::npos) return std::nullopt;
  const size_t question = target.find('?');
  const auto path = Decode(target.substr(0, question), false);
  if (!path) return std::nullopt;
  Target result;
  result.path = *path;
  if (question != std::string_view::npos &&
      !ParseQuery(target.substr(question + 1), &result.query, repeated)) {
    return std::nullopt;
  }
  return result;
}

ByteRange ParseRange(std::string_view header, uint64_t total_size) {
  constexpr std::string_view kUnit = "bytes=";
  const ByteRange whole{RangeKind::kWhole, 0, total_size};
  if (header.substr(0, kUnit.size()) != kUnit) return whole;
  const std::string_view text = Trim(header.substr(kUnit.size()));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos ||
      text.find(',') != std::string_view::npos) {
    return whole;
  }
  const std::string_view first_text = Trim(text.substr(0, dash));
  const std::string_view last_text = Trim(text.substr(dash + 1));
  uint64_t first = 0;
  uint64_t last = UINT64_MAX;
  if (first_text.empty()) {  // the last N bytes
    uint64_t suffix = 0;
    if (!ParsePosition(last_text, &suffix)) return whole;
    if (suffix == 0 || total_size == 0) {
      return {RangeKind::kUnsatisfiable, 0, 0};
    }
    const uint64_t size = std::min(suffix, total_size);
    return {RangeKind::kPart, total_size - size, size};
  }
  if (!ParsePosition(first_text, &first)) return whole;
  if (!last_text.empty() && !ParsePosition(last_text, &last)) return whole;
  if (last < first) return whole;
  if (first >= total_size) return {RangeKind::kUnsatisfiable, 0, 0};
  return {RangeKind::kPart, first, std::min(last, total_size - 1) - first + 1};
}

bool EtagListed(std::string_view list, std::string_view etag,
                EtagComparison comparison) {
  if (Trim(list) == "*") return true;
  for (std::string_view item : Split(list, ',')) {
    item = Trim(item);
    const bool weak = item.starts_with("W/");
    if (weak && comparison == EtagComparison::kWeak) item.remove_prefix(2);
    if (item == etag) return true;
  }
  return false;
}

}  // namespace levelkeep::http
