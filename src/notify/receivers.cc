#include "notify/receivers.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "net/http_client.h"
#include "net/mail.h"
#include "notify/texts.h"

namespace levelkeep {

namespace {

using Hope = Delivery::Hope;

constexpr std::chrono::seconds kHttpTimeout{30};
constexpr size_t kMailsPerHour = 5;
constexpr size_t kCallsPerHour = 30;
constexpr size_t kFolderDigits = 12;

// The seconds in Retry-After, within an hour; a date is not understood.
std::optional<std::chrono::seconds> RetryAfter(const HttpResponse& response) {
  const auto header = response.headers.find("retry-after");
  if (header == response.headers.end()) return std::nullopt;
  const auto seconds = ParseUint64(header->second);
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::clamp<uint64_t>(*seconds, 1, 3600));
}

Delivery DeliveryOf(const Result<HttpResponse>& response,
                    const std::string& place) {
  if (!response.ok()) {
    const bool useless =
        response.status().code() == StatusCode::kInvalidArgument;
    return {response.status(), useless ? Hope::kRefused : Hope::kLater};
  }
  const long status = response->status;
  if (status >= 200 && status < 300) return {Status::Ok()};
  Delivery delivery;
  delivery.status = Status(
      StatusCode::kIoError,
      place + " answered " + std::to_string(status) +
          (status >= 300 && status < 400 ? ", and redirects are not followed"
                                         : ""));
  delivery.retry_after = RetryAfter(*response);
  if (status == 410) {
    delivery.hope = Hope::kGone;
  } else if (status < 500 && status != 408 && status != 429) {
    delivery.hope = Hope::kRefused;
  }
  return delivery;
}

SmtpServer ServerOf(const NotifyOptions::Mail& mail) {
  SmtpServer server;
  server.host = mail.host;
  server.port = mail.port;
  server.tls = mail.tls;
  server.user = mail.user;
  server.password = mail.password;
  server.ca_file = mail.ca_file;
  return server;
}

std::string SenderOf(const NotifyOptions::Mail& mail) {
  if (!mail.from.empty()) return mail.from;
  const std::string own = "levelkeep@" + HostName();
  return IsMailAddress(own) ? own : "levelkeep@localhost";
}

Receiver MailReceiver(const NotifyOptions::Mail& options,
                      const std::string& address, Clock* clock) {
  Receiver receiver;
  receiver.name = "mail-" + Sha256Hex(address).substr(0, kFolderDigits);
  receiver.called = "mail to " + address;
  receiver.limits.most_per_hour = kMailsPerHour;
  receiver.deliver = [server = ServerOf(options), from = SenderOf(options),
                      all = options.to, address, clock](
                         const Notice& notice, const std::stop_token& stop) {
    const Status sent =
        SendMail(server,
                 {.from = from,
                  .to = {address},
                  .text = MailOf(notice, from, all, clock->Now())},
                 stop);
    const StatusCode code = sent.code();
    const bool refused = code == StatusCode::kRefused ||
                         code == StatusCode::kPermissionDenied ||
                         code == StatusCode::kInvalidArgument;
    return Delivery{sent, refused ? Hope::kRefused : Hope::kLater};
  };
  return receiver;
}

Receiver WebhookReceiver(const NotifyOptions::Webhook& options, Clock* clock) {
  Receiver receiver;
  receiver.name = "webhook";
  receiver.called = "the webhook " + PlaceOfUrl(options.url);
  receiver.limits.most_per_hour = kCallsPerHour;
  receiver.deliver = [options, clock](const Notice& notice,
                                      const std::stop_token& stop) {
    HttpRequest request;
    request.method = "POST";
    request.url = options.url;
    request.timeout = kHttpTimeout;
    request.body = WebhookJsonOf(notice);
    const std::string timestamp =
        std::to_string(std::chrono::floor<std::chrono::seconds>(
                           clock->Now().time_since_epoch())
                           .count());
    request.headers = {{"Content-Type", "application/json"},
                       {"X-LevelKeep-Event", std::string(NameOf(notice.kind))},
                       {"X-LevelKeep-Id", notice.id},
                       {"X-LevelKeep-Timestamp", timestamp}};
    if (!options.secret.empty()) {
      request.headers.emplace_back(
          "X-LevelKeep-Signature",
          "sha256=" +
              HmacSha256Hex(options.secret, timestamp + "." + request.body));
    }
    return DeliveryOf(SendHttp(request, stop), PlaceOfUrl(options.url));
  };
  return receiver;
}

}  // namespace

std::vector<Receiver> NoticeReceivers(const NotifyOptions& options,
                                      Clock* clock) {
  std::vector<Receiver> receivers;
  if (options.mail.enabled) {
    for (const std::string& address : options.mail.to) {
      receivers.push_back(MailReceiver(options.mail, address, clock));
    }
  }
  if (!options.webhook.url.empty()) {
    receivers.push_back(WebhookReceiver(options.webhook, clock));
  }
  return receivers;
}

// A query stays behind the path: "https://host/ping?x=1" has
// "https://host/ping/start?x=1".
Receiver HeartbeatReceiver(const std::string& name, const std::string& url) {
  Receiver receiver;
  receiver.name = "heartbeat-" + name;
  receiver.called = "the heartbeat of " + name + " " + PlaceOfUrl(url);
  receiver.limits.newest_counts = true;
  receiver.limits.give_up_after = std::chrono::hours(1);
  receiver.deliver = [url](const Notice& notice, const std::stop_token& stop) {
    const size_t query = std::min(url.find('?'), url.size());
    std::string path = url.substr(0, query);
    while (path.ends_with('/')) path.pop_back();
    HttpRequest request;
    request.method = "POST";
    request.timeout = kHttpTimeout;
    if (notice.kind == NoticeKind::kStarted) path += "/start";
    if (notice.kind == NoticeKind::kFailure) path += "/fail";
    request.url = path + url.substr(query);
    request.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
    request.body = Printable(
        notice.message.empty() ? notice.backup : notice.message, 1000);
    return DeliveryOf(SendHttp(request, stop), PlaceOfUrl(url));
  };
  return receiver;
}

}  // namespace levelkeep
