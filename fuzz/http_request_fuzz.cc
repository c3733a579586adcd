// What a client can send. The first byte says what is fuzzed:
//   0  the bytes of a connection
//   1  the authority of a Host header
//   2  a request target
//   3  a Range header and a file's size
//   4  a JSON body
//   5  a time
// The requests and the refusal of a connection must not depend on how its bytes
// are cut.

#include <ctime>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "api/call.h"
#include "base/host_name.h"
#include "base/json.h"
#include "base/text.h"
#include "http/message.h"
#include "http/request_head.h"
#include "http/request_reader.h"
#include "http/router.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

using http::Request;
using http::RequestHead;
using http::RequestReader;
using State = RequestReader::State;

constexpr size_t kBodyLimit = 1000;
constexpr char kToken[] = "token-0123456789";

std::string Describe(const RequestHead& head) {
  const Request& request = head.request;
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.query) {
    text += "?" + name + "=" + value + "\n";
  }
  for (const auto& [name, value] : request.headers) {
    text += name + ":" + value + "\n";
  }
  text += head.http_1_0 ? "1.0 " : "1.1 ";
  text += head.keep_alive ? "alive\n" : "close\n";
  return text + request.body;
}

struct Outcome {
  std::vector<std::string> requests;
  std::vector<Request> parsed;
  std::string refusal;  // empty: none
  State state = State::kIdle;
};

// `steps` are the sizes of the pieces, in turn.
Outcome Read(std::string_view bytes, const std::vector<size_t>& steps) {
  RequestReader reader([](const Request* request) -> size_t {
    return request->method == "GET" ? 0 : kBodyLimit;
  });
  Outcome outcome;
  for (size_t i = 0; !bytes.empty(); ++i) {
    const std::string_view piece = bytes.substr(0, steps[i % steps.size()]);
    bytes.remove_prefix(piece.size());
    State state = reader.Append(piece);
    while (state == State::kRequest) {
      const RequestHead& head = reader.head();
      Require(head.request.body.size() <= kBodyLimit,
              "a body is not longer than its route takes");
      outcome.requests.push_back(Describe(head));
      outcome.parsed.push_back(head.request);
      state = reader.Next();
    }
    if (state == State::kBody) {
      Require(reader.head().request.body.size() <= kBodyLimit,
              "a body in the making is not longer than its route takes");
    }
  }
  outcome.state = reader.state();
  if (outcome.state == State::kRefused) {
    outcome.refusal =
        std::to_string(reader.refusal().status) + " " + reader.refusal().code;
  }
  return outcome;
}

void CheckHeaders(const Request& request) {
  size_t bytes = 0;
  for (const auto& [name, value] : request.headers) {
    bytes += name.size() + value.size();
    for (const char c : name + value) {
      Require(c == '\t' || static_cast<unsigned char>(c) >= 0x20,
              "a header holds no control character");
    }
  }
  Require(bytes <= http::kMaxHeadBytes + 2 * http::kMaxHeaderLines,
          "the headers are not longer than allowed");
  Require(request.path.starts_with('/'), "a path is absolute");
}

void CheckPolicy(const Request& request) {
  http::ApiOptions options;
  options.token = kToken;
  options.allowed_hosts = {"backup.example"};
  const http::RequestPolicy policy(options);
  const auto host = request.headers.find("host");
  if (host != request.headers.end() && !policy.CheckHost(request)) {
    const auto name = HostOfAuthority(host->second);
    Require(name && (IsLoopbackHost(*name) || *name == "backup.example"),
            "only our own hosts are let in");
  }
  const auto sent = request.headers.find("authorization");
  const bool right = sent != request.headers.end() &&
                     sent->second.ends_with(std::string(" ") + kToken);
  Require(right || policy.CheckToken(request).has_value(),
          "nobody comes in without the token");
  const auto origin = request.headers.find("origin");
  if (origin != request.headers.end() && request.method == "POST" &&
      !policy.CheckOrigin(request)) {
    Require(host != request.headers.end() &&
                origin->second.size() >= host->second.size() + 7,
            "only our own pages change something");
  }
}

void CheckConnection(FuzzedBytes input) {
  const std::vector<size_t> steps = {size_t{input.Byte()} + 1,
                                     size_t{input.Byte()} * 31 + 1};
  const std::string_view bytes = input.Rest();
  const Outcome whole = Read(bytes, {bytes.size() + 1});
  for (const auto& cut : {steps, std::vector<size_t>{1}}) {
    const Outcome pieces = Read(bytes, cut);
    Require(pieces.requests == whole.requests,
            "the requests do not depend on how they arrive");
    Require(pieces.state == whole.state && pieces.refusal == whole.refusal,
            "a refusal does not depend on how the bytes arrive: " +
                whole.refusal + " and " + pieces.refusal);
  }
  using Kind = api::Field::Kind;
  api::Route route;
  route.query = {{.name = "limit", .kind = Kind::kNumber}};
  route.body = api::Body{
      .fields = {{.name = "label"}, {.name = "dryRun", .kind = Kind::kFlag}}};
  for (const Request& request : whole.parsed) {
    CheckHeaders(request);
    CheckPolicy(request);
    const api::Call call(route, request);
    if (!call.status().ok()) continue;
    (void)call.Text("label");
    (void)call.Flag("dryRun");
    (void)call.Number("limit");
  }
}

void CheckAuthority(std::string_view text) {
  const auto host = HostOfAuthority(text);
  if (!host) return;
  Require(!host->empty() && host->find_first_of("/@?#\\[] ") == host->npos,
          "a host is a name or an address");
  const bool address = host->find(':') != host->npos;
  const auto again = HostOfAuthority(address ? "[" + *host + "]" : *host);
  Require(again == host, "a host is its own authority");
}

void CheckTarget(std::string_view text) {
  const auto target = http::ParseTarget(text);
  if (!target) return;
  Require(target->path.starts_with('/'), "a path is absolute");
  std::string all = target->path;
  for (const auto& [name, value] : target->query) all += name + value;
  Require(IsValidUtf8(all), "a target is UTF-8");
  for (const char c : all) {
    const auto byte = static_cast<unsigned char>(c);
    Require(byte >= 0x20 && byte != 0x7f,
            "a target holds no control character");
  }
  http::Router router;
  const auto handler = [](const Request&) { return http::Response(); };
  router.Add("GET", "/api/backup/{name}", handler);
  router.Add("GET", "/api/backup/list", handler);
  Request request;
  request.method = "GET";
  request.path = target->path;
  router.Resolve(&request);
  for (const auto& [name, value] : request.parameters) {
    Require(!value.empty() && value.find('/') == value.npos,
            "a parameter is one segment of the path");
  }
}

void CheckRange(FuzzedBytes input) {
  const uint64_t total = input.Number();
  const std::string_view header = input.Rest();
  const http::ByteRange range = http::ParseRange(header, total);
  switch (range.kind) {
    case http::RangeKind::kWhole:
      Require(range.offset == 0 && range.size == total,
              "without a range it is the whole file");
      break;
    case http::RangeKind::kPart:
      Require(range.size > 0 && range.offset < total &&
                  range.size <= total - range.offset,
              "a range is inside of the file");
      break;
    case http::RangeKind::kUnsatisfiable:
      Require(range.size == 0, "what can't be satisfied has no bytes");
  }
  Require(!http::EtagListed(header, "\"not in there\"") ||
              header.find('*') != header.npos ||
              header.find("\"not in there\"") != header.npos,
          "an ETag is listed if it is in the list");
}

// Finds, with another parser, whatever ParseBody must refuse.
class StrictReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override { return Open(); }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Open(); }
  bool end_array() override { return Close(); }
  bool key(string_t& name) override {
    twice |= !keys_.back().insert(name).second;
    return true;
  }
  bool parse_error(size_t, const std::string&,
                   const nlohmann::detail::exception&) override {
    return false;
  }

  bool twice = false;
  size_t depth = 0;

 private:
  bool Open() {
    keys_.emplace_back();
    depth = std::max(depth, keys_.size());
    return true;
  }
  bool Close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string>> keys_;
};

void CheckBody(const std::string& text) {
  const auto body = api::ParseBody(text);
  if (text.find_first_not_of(" \t\r\n") == text.npos) {
    Require(body.ok() && body->is_object() && body->empty(),
            "no body is an empty object");
    return;
  }
  StrictReader reader;
  // StrictReader's parser takes a NUL for the end of the text.
  const bool valid = text.find('\0') == text.npos &&
                     nlohmann::json::sax_parse(text, &reader) &&
                     !reader.twice && reader.depth <= 32;
  Require(body.ok() == valid, "a body is taken if it is strict JSON");
  if (!body.ok()) return;
  const auto again = api::ParseBody(DumpJson(*body));
  Require(again.ok() && *again == *body, "a body comes back as it was");
}

void CheckDate(FuzzedBytes input) {
  const auto time = static_cast<std::time_t>(input.Number());
  (void)http::HttpDate(time);  // any number does no harm
  constexpr std::time_t kYear10000 = 253402300800;
  const std::time_t near = time % kYear10000;
  if (near < -62135596800) return;  // before the year 1
  const std::string text = http::HttpDate(near);
  std::tm parsed = {};
  const char* const end =
      ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parsed);
  Require(end != nullptr && *end == '\0' && ::timegm(&parsed) == near,
          "a date can be read by others");
}

}  // namespace

void Run(FuzzedBytes input) {
  switch (input.Byte() % 6) {
    case 0:
      return CheckConnection(input);
    case 1:
      return CheckAuthority(input.Rest());
    case 2:
      return CheckTarget(input.Rest());
    case 3:
      return CheckRange(input);
    case 4:
      return CheckBody(std::string(input.Rest()));
    default:
      return CheckDate(input);
  }
}

}  // namespace levelkeep::fuzz
