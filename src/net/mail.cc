#include "net/mail.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/host_name.h"
#include "base/text.h"
#include "net/transfer.h"

namespace levelkeep {

namespace {

constexpr int kTlsAtOncePort = 465;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using TextList = std::unique_ptr<curl_slist, FreeList>;

std::string PlaceOf(const SmtpServer& server) {
  return Printable(server.host, 255) + ":" + std::to_string(server.port);
}

std::string UrlOf(const SmtpServer& server, const TlsPlan& plan) {
  const bool bare_ipv6 = server.host.find(':') != std::string::npos &&
                         !server.host.starts_with('[');
  return (plan.at_once ? "smtps://" : "smtp://") +
         (bare_ipv6 ? "[" + server.host + "]" : server.host) + ":" +
         std::to_string(server.port);
}

curl_usessl StartTlsOf(const TlsPlan& plan) {
  if (!plan.starttls) return CURLUSESSL_NONE;
  return plan.required ? CURLUSESSL_ALL : CURLUSESSL_TRY;
}

// The part of the text that is not sent yet.
size_t GiveText(char* buffer, size_t size, size_t count, void* source) {
  auto* const rest = static_cast<std::string_view*>(source);
  const size_t bytes = std::min(size * count, rest->size());
  std::memcpy(buffer, rest->data(), bytes);
  rest->remove_prefix(bytes);
  return bytes;
}

Status Timeout(const SmtpServer& server, const TlsPlan& plan,
               const Transfer& transfer) {
  const std::string limit = std::to_string(server.timeout.count()) + " ms";
  if (transfer.Connected() && transfer.ReplyCode() == 0 && !plan.at_once) {
    return Status(StatusCode::kIoError,
                  PlaceOf(server) +
                      " accepted the connection and then said nothing for " +
                      limit + ": probably the port speaks TLS at once",
                  "set SMTP_TLS=tls, or use the port for STARTTLS (often 587)");
  }
  return Status(StatusCode::kIoError,
                PlaceOf(server) + " did not take the mail within " + limit);
}

Status NoTls(CURLcode code, const SmtpServer& server, const TlsPlan& plan,
             const Transfer& transfer) {
  if (code == CURLE_USE_SSL_FAILED) {
    return Status(StatusCode::kRefused,
                  PlaceOf(server) +
                      " offers no STARTTLS, and the mail must not be sent "
                      "in the clear",
                  "use a port with TLS, or set SMTP_TLS=none if the network is "
                  "trusted");
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return Status(StatusCode::kIoError,
                  "the certificate of " + PlaceOf(server) +
                      " is not trusted: " + transfer.Detail(code),
                  "name the authority's certificate in SMTP_CA_FILE");
  }
  return Status(StatusCode::kIoError,
                "no TLS with " + PlaceOf(server) + ": " + transfer.Detail(code),
                plan.at_once ? "if the port begins in plain text, set "
                               "SMTP_TLS=starttls"
                             : "");
}

Status Explain(CURLcode code, const SmtpServer& server, const TlsPlan& plan,
               const Transfer& transfer) {
  const long reply = transfer.ReplyCode();
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Status(StatusCode::kCancelled,
                    "the mail to " + PlaceOf(server) + " was stopped");
    case CURLE_OPERATION_TIMEDOUT:
      return Timeout(server, plan, transfer);
    case CURLE_LOGIN_DENIED:
      return Status(reply >= 400 && reply < 500 ? StatusCode::kIoError
                                                : StatusCode::kPermissionDenied,
                    PlaceOf(server) + " refused SMTP_USER and SMTP_PASSWORD",
                    "correct them; a server may also allow the login over TLS "
                    "only");
    case CURLE_USE_SSL_FAILED:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
      return NoTls(code, server, plan, transfer);
    default:
      break;
  }
  if (reply >= 500) {
    return Status(
        StatusCode::kRefused,
        PlaceOf(server) + " refused the mail: " + transfer.Detail(code));
  }
  return Status(
      StatusCode::kIoError,
      PlaceOf(server) + " did not take the mail: " + transfer.Detail(code));
}

Status CheckAddresses(const Mail& mail) {
  const bool usable =
      IsMailAddress(mail.from) && !mail.to.empty() &&
      std::all_of(mail.to.begin(), mail.to.end(), IsMailAddress);
  if (usable) return Status::Ok();
  return Status(StatusCode::kInvalidArgument,
                "an address of the mail has characters that SMTP forbids");
}

TextList Recipients(const Mail& mail) {
  TextList list;
  for (const std::string& address : mail.to) {
    curl_slist* const longer =
        curl_slist_append(list.get(), ("<" + address + ">").c_str());
    if (longer == nullptr) return nullptr;
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

}  // namespace

TlsPlan PlanTls(const SmtpServer& server) {
  TlsPlan plan;
  if (server.tls == SmtpTls::kNone) return plan;
  const bool automatic = server.tls == SmtpTls::kAuto;
  plan.at_once = server.tls == SmtpTls::kTls ||
                 (automatic && server.port == kTlsAtOncePort);
  if (plan.at_once) return plan;
  const bool loopback = IsLoopbackHost(server.host);
  plan.starttls = true;
  plan.required = !automatic || (!loopback && !server.user.empty());
  plan.checked = !automatic || !loopback || !server.ca_file.empty();
  return plan;
}

Status SendMail(const SmtpServer& server, const Mail& mail,
                std::stop_token stop) {
  if (Status usable = CheckAddresses(mail); !usable.ok()) return usable;
  Transfer transfer(server.timeout, server.ca_file);
  const TextList recipients = Recipients(mail);
  if (!transfer.valid() || recipients == nullptr) return NoTransfer();
  const TlsPlan plan = PlanTls(server);
  const std::string url = UrlOf(server, plan);
  const std::string sender = "<" + mail.from + ">";
  std::string_view rest = mail.text;
  transfer.Allow("smtp,smtps");
  transfer.Set(CURLOPT_URL, url.c_str());
  transfer.Set(CURLOPT_USE_SSL, static_cast<long>(StartTlsOf(plan)));
  if (!plan.checked) {
    transfer.Set(CURLOPT_SSL_VERIFYPEER, 0L);
    transfer.Set(CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!server.user.empty()) {
    transfer.Set(CURLOPT_USERNAME, server.user.c_str());
    transfer.Set(CURLOPT_PASSWORD, server.password.c_str());
  }
  transfer.Set(CURLOPT_MAIL_FROM, sender.c_str());
  transfer.Set(CURLOPT_MAIL_RCPT, recipients.get());
  transfer.Set(CURLOPT_UPLOAD, 1L);
  transfer.Set(CURLOPT_READFUNCTION, GiveText);
  transfer.Set(CURLOPT_READDATA, static_cast<void*>(&rest));
  const CURLcode code = transfer.Perform(stop);
  if (code == CURLE_OK) return Status::Ok();
  return Explain(code, server, plan, transfer);
}

bool IsMailAddress(std::string_view text) {
  const size_t at = text.rfind('@');
  return text.size() <= 254 && at != text.npos && at > 0 &&
         at + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > 0x20 && c < 0x7f &&
                  std::string_view("<>()[]\",;:\\").find(c) ==
                      std::string_view::npos;
         });
}

}  // namespace levelkeep
