// Decides who may send requests: Host, Origin and token. Pure functions.

#ifndef LEVELKEEP_HTTP_REQUEST_POLICY_H_
#define LEVELKEEP_HTTP_REQUEST_POLICY_H_

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace levelkeep::http {

struct PolicyOptions {
  std::string host = "127.0.0.1";          // listened on; permitted as Host
  std::vector<std::string> allowed_hosts;  // other permitted Hosts
  std::string token;                       // empty: no token is needed
};

// Each check returns the error response, or nullopt.
// Thread safety: immutable.
class RequestPolicy {
 public:
  explicit RequestPolicy(const PolicyOptions& options);

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
