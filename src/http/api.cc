#include "http/api.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "http/backup_routes.h"
#include "http/request_policy.h"
#include "http/router.h"

namespace levelkeep::http {

namespace {

constexpr char kTag[] = "Http";
constexpr size_t kMaxRequestIdLength = 64;

// The client's own id if it can be written to a log and a header as it is.
std::string RequestIdFor(const Request& request) {
  const auto it = request.headers.find("x-request-id");
  if (it == request.headers.end()) return RandomId();
  const std::string& id = it->second;
  const bool fine = !id.empty() && id.size() <= kMaxRequestIdLength &&
                    std::all_of(id.begin(), id.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                             (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                             c == '.';
                    });
  return fine ? id : RandomId();
}

Response NoSuchRoute(const Router::Match& match) {
  if (match.allowed_methods.empty()) {
    return ErrorResponse(404, "not_found", "there is no such route",
                         "docs/http-api.md lists the routes");
  }
  const std::string allowed = Join(match.allowed_methods, ", ");
  Response response =
      ErrorResponse(405, "method_not_allowed",
                    "this route does not know that method", "use " + allowed);
  response.headers["Allow"] = allowed;
  return response;
}

// A body that would have to be inflated could become any size.
bool IsEncoded(const Request& request) {
  const auto it = request.headers.find("content-encoding");
  return it != request.headers.end() && !it->second.empty() &&
         it->second != "identity";
}

}  // namespace

struct Api::Impl {
  explicit Impl(const ApiOptions& options) : policy(options) {}

  // Sets the parameters of `request`.
  Response Dispatch(Request* request) const;

  const RequestPolicy policy;
  Router router;
  JobControl control;
};

Response Api::Impl::Dispatch(Request* incoming) const {
  const Request& request = *incoming;
  const Router::Match match = router.Find(request.method, request.path);
  const bool open = match.route != nullptr && !match.route->options.needs_token;
  if (!open) {
    // Health checks of supervisors come under whatever address they know.
    if (auto refusal = policy.CheckHost(request)) return *refusal;
    if (auto refusal = policy.CheckToken(request)) return *refusal;
  }
  if (match.route == nullptr) return NoSuchRoute(match);
  if (auto refusal = policy.CheckOrigin(request)) return *refusal;
  if (IsEncoded(request)) {
    return ErrorResponse(415, "unsupported_encoding",
                         "request bodies are taken uncompressed only",
                         "leave out Content-Encoding");
  }
  if (request.body.size() > match.route->options.max_body_bytes) {
    return ErrorResponse(413, "too_large",
                         "the request body is larger than " +
                             FormatBytes(match.route->options.max_body_bytes),
                         "send less at once");
  }
  incoming->parameters = match.parameters;
  return match.route->handler(request);
}

Api::Api(BackupManager* manager, ApiOptions options)
    : impl_(std::make_unique<Impl>(options)) {
  AddBackupRoutes(this, manager, &impl_->control);
}

Api::~Api() = default;

void Api::AddRoute(const std::string& method, const std::string& pattern,
                   Handler handler, RouteOptions options) {
  impl_->router.Add(method, pattern, std::move(handler), options);
}

Response Api::Handle(Request request) {
  const auto started = std::chrono::steady_clock::now();
  const std::string id = RequestIdFor(request);
  Response response;
  std::string problem;
  try {
    response = impl_->Dispatch(&request);
  } catch (const std::exception& error) {
    problem = error.what();
  } catch (...) {
    problem = "unknown exception";
  }
  if (!problem.empty()) {
    LogError(kTag, "request " + id + " failed: " + Printable(problem, 300));
    response = ErrorResponse(500, "internal", "the request failed",
                             "the server's log says why");
  }
  response.headers.emplace("X-Request-Id", id);
  response.headers.emplace("X-Content-Type-Options", "nosniff");
  response.headers.emplace("Cache-Control", "no-store");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started);
  LogDebug(kTag, Printable(request.method, 16) + " " + Printable(request.path) +
                     " " + std::to_string(response.status) + " " +
                     std::to_string(took.count()) + " ms " + id);
  return response;
}

size_t Api::MaxBodyBytes(const std::string& method, const std::string& path) {
  const Router::Match match = impl_->router.Find(method, path);
  return match.route == nullptr ? RouteOptions().max_body_bytes
                                : match.route->options.max_body_bytes;
}

bool Api::IsUrgent(const std::string& method, const std::string& path) {
  const Router::Match match = impl_->router.Find(method, path);
  return match.route != nullptr && match.route->options.is_urgent;
}

void Api::StartDraining() { impl_->control.draining = true; }

void Api::CancelJobs() { impl_->control.stop.request_stop(); }

}  // namespace levelkeep::http
