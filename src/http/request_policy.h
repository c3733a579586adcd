// Decides who may send requests: Host, Origin and token. Pure functions.

#ifndef LEVELKEEP_HTTP_REQUEST_POLICY_H_
#define LEVELKEEP_HTTP_REQUEST_POLICY_H_

#include <optional>
#include <set>
#include <string>

#include "http/message.h"
#include "levelkeep/options.h"

namespace levelkeep::http {

// Each check returns the error response, or nullopt.
// Thread safety: immutable.
class RequestPolicy {
 public:
  // Uses host, allowed_hosts and token.
  explicit RequestPolicy(const ApiOptions& options);

  // Against DNS rebinding: a page that a browser loaded from evil.example can
  // reach this server under that name, but not under an allowed name.
  std::optional<Response> CheckHost(const Request& request) const;
  // Against cross-site requests: a page of another origin can post forms.
  // Checks only requests that change something.
  std::optional<Response> CheckOrigin(const Request& request) const;
  std::optional<Response> CheckToken(const Request& request) const;

 private:
  std::set<std::string> hosts_;
  std::string token_digest_;  // empty: no token needed
};

}  // namespace levelkeep::http

#endif  // LEVELKEEP_HTTP_REQUEST_POLICY_H_
