#include "http/request_policy.h"

#include "base/hash.h"
#include "base/host_name.h"
#include "base/text.h"

namespace levelkeep::http {

namespace {

bool ChangesSomething(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

Response Unauthorized(std::string_view detail, std::string_view challenge) {
  Response response = ErrorResponse(
      401, "unauthorized", detail,
      "send the header \"Authorization: Bearer TOKEN\" with the API_TOKEN "
      "of the server");
  response.headers["WWW-Authenticate"] = challenge;
  return response;
}

}  // namespace

RequestPolicy::RequestPolicy(const ApiOptions& options) {
  for (const std::string& host : options.allowed_hosts) {
    if (const auto name = HostOfAuthority(host)) hosts_.insert(*name);
  }
  hosts_.insert(Lower(options.host));
  if (!options.token.empty()) token_digest_ = Sha256Hex(options.token);
}

std::optional<Response> RequestPolicy::CheckHost(const Request& request) const {
  const std::string* header = request.FindHeader("host");
  // Only HTTP/1.0 requests have no Host; browsers always send it.
  if (header == nullptr) return std::nullopt;
  const auto host = HostOfAuthority(*header);
  if (host && (IsLoopbackHost(*host) || hosts_.count(*host) > 0)) {
    return std::nullopt;
  }
  return ErrorResponse(
      403, "host_not_allowed",
      "this server does not answer to the Host of this request",
      "add the name to API_ALLOWED_HOSTS if it is yours");
}

std::optional<Response> RequestPolicy::CheckOrigin(
    const Request& request) const {
  if (!ChangesSomething(request.method)) return std::nullopt;
  const auto refused = [] {
    return ErrorResponse(403, "cross_origin",
                         "a page of another origin may not change anything",
                         "call the API from the server's own pages, or "
                         "without a browser");
  };
  if (const std::string* site = request.FindHeader("sec-fetch-site")) {
    if (*site != "same-origin" && *site != "none") return refused();
  }
  const std::string* origin = request.FindHeader("origin");
  if (origin == nullptr) return std::nullopt;
  const std::string* host = request.FindHeader("host");
  if (host == nullptr) return refused();
  const std::string lower = Lower(*origin);
  const std::string own = Lower(*host);
  if (lower == "http://" + own || lower == "https://" + own) {
    return std::nullopt;
  }
  return refused();
}

std::optional<Response> RequestPolicy::CheckToken(
    const Request& request) const {
  if (token_digest_.empty()) return std::nullopt;
  constexpr std::string_view kScheme = "bearer ";
  const std::string* header = request.FindHeader("authorization");
  if (header == nullptr ||
      Lower(header->substr(0, kScheme.size())) != kScheme) {
    return Unauthorized("this server asks for a token",
                        "Bearer realm=\"levelkeep\"");
  }
  std::string_view token = std::string_view(*header).substr(kScheme.size());
  while (!token.empty() && token[0] == ' ') token.remove_prefix(1);
  // Compares digests, so that the time shows neither length nor content.
  if (!ConstantTimeEquals(Sha256Hex(token), token_digest_)) {
    return Unauthorized("the token is not the one of this server",
                        "Bearer realm=\"levelkeep\", error=\"invalid_token\"");
  }
  return std::nullopt;
}

}  // namespace levelkeep::http
