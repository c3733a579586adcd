// Hands one mail to an SMTP server.

#ifndef LEVELKEEP_NET_MAIL_H_
#define LEVELKEEP_NET_MAIL_H_

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "levelkeep/options.h"
#include "levelkeep/status.h"

namespace levelkeep {

struct SmtpServer {
  std::string host;
  int port = 25;
  // kAuto: port 465 speaks TLS at once. On other ports STARTTLS is used where
  // it is offered, and is required where a password would be sent to another
  // host. On a loopback host, the certificate is checked only with a `ca_file`:
  // nobody can listen there, and mail servers have no certificate for it.
  SmtpTls tls = SmtpTls::kAuto;
  std::string user = {};  // empty: without a login
  std::string password = {};
  std::string ca_file = {};                   // see HttpRequest
  std::chrono::milliseconds timeout{30'000};  // for everything together
};

struct Mail {
  std::string from;             // a plain address
  std::vector<std::string> to;  // plain addresses; the first refused one is an
                                // error, and nobody gets the mail
  std::string text;             // headers and body, lines end with CRLF
};

// How TLS is used with a server.
struct TlsPlan {
  bool at_once = false;
  bool starttls = false;
  bool required = false;  // no mail without STARTTLS
  bool checked = true;    // the certificate
};
TlsPlan PlanTls(const SmtpServer& server);

// Ok: the server has taken the mail. Messages name host and port, and the cause
// where it is known ("the port speaks TLS at once"), never the password.
// kPermissionDenied: the login was refused; kRefused: the server refused the
// mail for good (5xx), or a password would have to be sent in the clear;
// kInvalidArgument: an address has characters that SMTP forbids; kCancelled:
// `stop`, which ends it within milliseconds; kIoError: anything else, which may
// succeed later.
// Thread safety: any thread.
Status SendMail(const SmtpServer& server, const Mail& mail,
                std::stop_token stop);

// True for "user@host" in printable ASCII, without blanks, brackets, quotes
// and commas.
bool IsMailAddress(std::string_view text);

}  // namespace levelkeep

#endif  // LEVELKEEP_NET_MAIL_H_
