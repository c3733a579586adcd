// levelkeep health

#include <httplib.h>
#include <netdb.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/application.h"
#include "cli/server_link.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kHealthHelp[] =
    "Shows the health of a running levelkeep serve.\n"
    "\n"
    "Usage: levelkeep health [--live] [--url URL] [--timeout MS]\n"
    "\n"
    "It asks the server that manages the database over its socket; if there is "
    "none,\nor with --url, --host or --port, it asks over HTTP.\n\n"
    "The exit code is 0 if the status is ok and nothing is degraded, 7 "
    "if\nsomething is degraded (one line per reason), 1 if the store is not "
    "usable\nor the server does not answer. With --live it is 0 if the process "
    "answers\nat all: for HEALTHCHECK of containers and other programs that "
    "restart the\nserver. health needs no other program, and uses API_TOKEN.\n";

// A report has about fifty values; an unknown server may answer anything.
constexpr JsonRules kAnswerRules = {16, 10'000, 1u << 20};
constexpr size_t kMaxText = 100;     // characters shown of a value
constexpr size_t kMaxReason = 2000;  // characters shown of one reason
constexpr uint64_t kMaxTimeoutMs = 600'000;

constexpr VerbOption kHealthOptions[] = {
    {"--live", nullptr, "only check whether the process answers",
     &VerbArguments::live},
    {"--url", "URL",
     "default: from API_HOST and API_PORT, http://127.0.0.1:5050",
     &VerbArguments::url},
    {"--timeout", "MS", "how long to wait for an answer (default 5000)",
     NumberTarget{&VerbArguments::timeout_ms, 1, kMaxTimeoutMs}},
};

// The server to ask, and how long to wait.
struct Asked {
  std::string url;   // in the form for httplib
  std::string host;  // without brackets
  std::chrono::milliseconds timeout;
};

// Accepts "http://HOST" and "http://HOST:PORT", with or without a final slash.
// No value for any other text.
std::optional<Asked> ParseUrl(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  constexpr uint64_t kMaxPort = 65535;
  if (!url.starts_with(kScheme)) return std::nullopt;
  std::string_view rest = std::string_view(url).substr(kScheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const bool bracketed = rest.starts_with('[');
  const size_t end = bracketed ? rest.find(']') : rest.find(':');
  if (bracketed && end == std::string_view::npos) return std::nullopt;
  const std::string_view host =
      bracketed ? rest.substr(1, end - 1) : rest.substr(0, end);
  if (host.empty() || host.find_first_of("/?#@[] \\") != host.npos) {
    return std::nullopt;
  }
  const std::string_view behind =
      end == std::string_view::npos ? "" : rest.substr(end + bracketed);
  if (!behind.empty()) {
    const auto port = ParseUint64(behind.substr(1));
    if (behind[0] != ':' || !port || *port == 0 || *port > kMaxPort) {
      return std::nullopt;
    }
  }
  return Asked{std::string(kScheme) + std::string(rest), std::string(host), {}};
}

// Why the name can't be resolved. Empty: it can, or is an address.
std::string WhyUnknown(const std::string& host) {
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, nullptr, &found);
  if (error == 0) ::freeaddrinfo(found);
  return error == 0 ? "" : ::gai_strerror(error);
}

// Explains httplib's error code.
Status NoAnswer(const Asked& asked, httplib::Error error,
                std::chrono::steady_clock::duration waited) {
  std::string why;
  std::string hint = "is levelkeep serve running there?";
  const bool timed_out = waited >= asked.timeout;
  const std::string limit =
      " within " + std::to_string(asked.timeout.count()) + " ms";
  if (error == httplib::Error::Connection ||
      error == httplib::Error::ConnectionTimeout) {
    const std::string unknown = WhyUnknown(asked.host);
    if (!unknown.empty()) {
      why = "the host " + asked.host + " is not found (" + unknown + ")";
      hint = "check the name in API_HOST or --url";
    } else {
      why = timed_out ? "no connection" + limit : "no server listens there";
    }
  } else if (error == httplib::Error::Read && timed_out) {
    why = "the server accepted the connection but did not answer" + limit;
    hint = "the server hangs or is busy: try again, or with a longer --timeout";
  } else if (error == httplib::Error::Read) {
    why = "the server closed the connection without an answer";
    hint = "is this server levelkeep serve, over HTTP?";
  } else {
    why = httplib::to_string(error);
  }
  return Status(StatusCode::kIoError,
                "no answer from " + asked.url + ": " + why, hint);
}

// One answer of a server.
struct Answer {
  int status = 0;
  std::string body;
};

// Asks one server: the answer of a route, or why there is none.
using Asking = std::function<Result<Answer>(const char* path)>;

// The response to one request, or why there is none.
Result<Answer> Ask(const Asked& asked, const std::string& token,
                   const char* path) {
  httplib::Client client(asked.url);
  client.set_connection_timeout(asked.timeout);
  client.set_read_timeout(asked.timeout);
  client.set_write_timeout(asked.timeout);
  if (!token.empty()) client.set_bearer_token_auth(token.c_str());
  const auto begin = std::chrono::steady_clock::now();
  const httplib::Result answer = client.Get(path);
  if (answer) return Answer{answer->status, answer->body};
  return NoAnswer(asked, answer.error(),
                  std::chrono::steady_clock::now() - begin);
}

using Json = nlohmann::ordered_json;

// A value as text; "?" if it is missing.
std::string TextOf(const Json& health, const char* pointer,
                   size_t limit = kMaxText) {
  const Json::json_pointer at(pointer);
  if (!health.contains(at)) return "?";
  const Json& value = health[at];
  return Printable(
      value.is_string() ? value.get<std::string>() : DumpJson(value), limit);
}

// The reasons for a degraded status, as text.
std::vector<std::string> ReasonsOf(const Json& health) {
  std::vector<std::string> reasons;
  // A server of 0.1.0 has the texts alone.
  const Json::json_pointer all("/backup/reasons"), texts("/backup/degraded");
  for (const Json& reason :
       health.contains(all) ? health[all] : health.value(texts, Json())) {
    if (reason.is_string()) {
      reasons.push_back(Printable(reason.get<std::string>(), kMaxReason));
    } else if (reason.is_object()) {
      reasons.push_back(TextOf(reason, "/text", kMaxReason) + " (" +
                        TextOf(reason, "/doc", kMaxReason) + ")");
    }
  }
  return reasons;
}

void PrintDrill(Session* session, const Json& health) {
  const Json::json_pointer last("/backup/lastDrill");
  if (!health.contains(last) || !health[last].is_object()) return;
  const Json& drill = health[last];
  std::string text = "last drill " + TextOf(drill, "/at") +
                     (TextOf(drill, "/ok") == "true" ? ": ok" : ": failed");
  const Json::json_pointer seconds("/backup/predictedRestoreSeconds");
  if (health.contains(seconds) && health[seconds].is_number()) {
    text += "; a restore takes about " +
            FormatSeconds(health[seconds].get<double>());
  }
  session->console->Print(text + "\n");
}

void PrintHealth(Session* session, const Json& health) {
  const std::string status = TextOf(health, "/status");
  const auto reasons = ReasonsOf(health);
  std::string text = session->console->Red(status);
  if (status == "ok") {
    text = reasons.empty() ? session->console->Green(status)
                           : session->console->Yellow("degraded");
  }
  if (health.contains("backup")) {
    text += ": " + TextOf(health, "/backup/count") + " backups, " +
            TextOf(health, "/backup/totalSizeMB") + " MB";
  }
  if (health.contains(Json::json_pointer("/backup/latest/name"))) {
    text += ", latest " + TextOf(health, "/backup/latest/name") + " of " +
            TextOf(health, "/backup/latest/created");
  }
  session->console->Print(text + "\n");
  PrintDrill(session, health);
  for (const std::string& reason : reasons) {
    session->console->Print("degraded: " + reason + "\n");
  }
}

Status AskLive(Session* session, const std::string& url, const Asking& ask) {
  LEVELKEEP_ASSIGN_OR_RETURN(const Answer answer, ask("/livez"));
  if (answer.status != 200) {
    return Status(StatusCode::kIoError,
                  url + "/livez answered " + std::to_string(answer.status),
                  "is this server levelkeep serve?");
  }
  session->result["live"] = true;
  session->console->Print("live\n");
  return Status::Ok();
}

std::string HintAt(const Answer& answer, const Settings& settings) {
  if (answer.status != 401) return "is this server levelkeep serve?";
  return settings.api_token_problem.empty()
             ? "set API_TOKEN to the server's token"
             : settings.api_token_problem;
}

Status AskHealth(Session* session, const std::string& url, const Asking& ask) {
  LEVELKEEP_ASSIGN_OR_RETURN(const Answer answer, ask("/api/health"));
  const auto parsed = ParseJsonInOrder(answer.body, "the answer", kAnswerRules);
  const Json health = parsed.ok() ? parsed.value() : Json::object();
  if (!health.is_object() || !health.contains("status") ||
      !health["status"].is_string()) {
    return Status(StatusCode::kIoError,
                  url + " answered " + std::to_string(answer.status) +
                      ", which is not a health report",
                  HintAt(answer, session->settings()));
  }
  session->result.update(health);
  PrintHealth(session, health);
  if (health["status"] != "ok") {
    return Status(StatusCode::kIoError,
                  "the status of " + url + " is " + TextOf(health, "/status"),
                  "levelkeep health --json shows the report");
  }
  const size_t reasons = ReasonsOf(health).size();
  if (reasons == 0) return Status::Ok();
  return Status(
      StatusCode::kDegraded,
      url + " serves, but something is degraded: " + std::to_string(reasons) +
          (reasons == 1 ? " reason" : " reasons"),
      "each line above names its entry in the documentation");
}

Status RunOver(Session* session, ServerLink* server) {
  const Asking ask = [&](const char* path) -> Result<Answer> {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto answer, server->Ask(path));
    return Answer{answer.status, DumpJson(answer.body)};
  };
  return session->arguments().live ? AskLive(session, server->socket(), ask)
                                   : AskHealth(session, server->socket(), ask);
}

// A flag names another server than the one of the folders.
Status RunHealth(Session* session) {
  const VerbArguments& arguments = session->arguments();
  const http::ApiOptions& api = session->settings().api;
  const auto& flags = session->line.settings;
  if (arguments.url.empty() && !flags.contains("API_HOST") &&
      !flags.contains("API_PORT")) {
    LEVELKEEP_ASSIGN_OR_RETURN(const auto server, ServerLink::Find(session));
    if (server != nullptr) return RunOver(session, server.get());
  }
  session->result.erase("via");
  if (arguments.url.empty() && api.port < 0) {
    return Status(StatusCode::kIoError,
                  "no server answers: API_PORT is none, and nobody listens at "
                  "the socket of " +
                      session->settings().backup.storage_path(),
                  "start levelkeep serve, or name another server with --url");
  }
  const std::string url =
      arguments.url.empty() ? UrlToAsk(api.host, api.port) : arguments.url;
  auto asked = ParseUrl(url);
  if (!asked) {
    return Status(StatusCode::kInvalidArgument,
                  (arguments.url.empty() ? "API_HOST and API_PORT make \""
                                         : "--url is \"") +
                      Printable(url) + "\": allowed is http://HOST:PORT",
                  "without a path; a port is a number from 1 to 65535");
  }
  asked->timeout = std::chrono::milliseconds(arguments.timeout_ms);
  const Asking ask = [&](const char* path) {
    return Ask(*asked, session->settings().api.token, path);
  };
  return arguments.live ? AskLive(session, asked->url, ask)
                        : AskHealth(session, asked->url, ask);
}

}  // namespace

const Verb kHealthVerb = {.name = "health",
                          .summary = "show the health of a running server",
                          .help = kHealthHelp,
                          .run = RunHealth,
                          .options = kHealthOptions,
                          .names_place = false};

}  // namespace levelkeep::cli
