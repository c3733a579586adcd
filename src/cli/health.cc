// levelkeep health

#include <httplib.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "cli/application.h"
#include "cli/session.h"

namespace levelkeep::cli {

namespace {

constexpr char kHealthHelp[] =
    "Asks a running levelkeep serve how it is.\n"
    "\n"
    "Usage: levelkeep health [--live] [--url URL] [--timeout MS]\n"
    "\n"
    "The exit code is 0 if the status is ok and nothing is degraded, 7 if\n"
    "something is (a line each), 1 if the store is not usable or nobody\n"
    "answers. With --live it is 0 if the process answers, whatever it would\n"
    "say: for HEALTHCHECK of containers, and whatever else restarts it. It\n"
    "needs no other program, and uses API_TOKEN.\n";

// A report has some fifty values. Who answers may be anybody.
constexpr JsonRules kAnswerRules = {16, 10'000, 1u << 20};
constexpr size_t kMaxReason = 2000;  // characters shown of one
constexpr uint64_t kMaxTimeoutMs = 600'000;

constexpr VerbOption kHealthOptions[] = {
    {"--live", nullptr, "ask only whether the process answers",
     &VerbArguments::live},
    {"--url", "URL", "default: http://127.0.0.1:5050, by API_HOST, API_PORT",
     &VerbArguments::url},
    {"--timeout", "MS", "how long to wait for an answer (default 5000)",
     NumberTarget{&VerbArguments::timeout_ms, 1, kMaxTimeoutMs}},
};

// A server that listens everywhere is asked where it is sure to listen.
std::string UrlFor(const ApiSettings& api) {
  std::string host = api.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::" || host == "[::]") host = "::1";
  return UrlOf(host, api.port);
}

Status NoAnswer(const std::string& url, const httplib::Result& answer) {
  return Status(
      StatusCode::kIoError,
      "no answer from " + url + ": " + httplib::to_string(answer.error()),
      "is levelkeep serve running there?");
}

// A member as text; "?" if it is missing, whatever else the server says.
std::string TextOf(const nlohmann::ordered_json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end()) return "?";
  return Printable(it->is_string() ? it->get<std::string>() : DumpJson(*it));
}

// What is degraded, for people.
std::vector<std::string> ReasonsOf(const nlohmann::ordered_json& health) {
  std::vector<std::string> reasons;
  const auto backup = health.find("backup");
  if (backup == health.end() || !backup->is_object()) return reasons;
  const auto degraded = backup->find("degraded");
  if (degraded == backup->end() || !degraded->is_array()) return reasons;
  for (const auto& reason : *degraded) {
    if (!reason.is_string()) continue;
    reasons.push_back(Printable(reason.get<std::string>(), kMaxReason));
  }
  return reasons;
}

void PrintHealth(Session* session, const nlohmann::ordered_json& health) {
  const std::string status = TextOf(health, "status");
  const auto reasons = ReasonsOf(health);
  std::string text = session->console->Red(status);
  if (status == "ok") {
    text = reasons.empty() ? session->console->Green(status)
                           : session->console->Yellow("degraded");
  }
  const auto backup = health.find("backup");
  if (backup != health.end() && backup->is_object()) {
    text += ": " + TextOf(*backup, "count") + " backups, " +
            TextOf(*backup, "totalSizeMB") + " MB";
    const auto latest = backup->find("latest");
    if (latest != backup->end() && latest->is_object()) {
      text += ", latest " + TextOf(*latest, "name") + " of " +
              TextOf(*latest, "created");
    }
  }
  session->console->Print(text + "\n");
  for (const std::string& reason : reasons) {
    session->console->Print("degraded: " + reason + "\n");
  }
}

Status AskLive(Session* session, const std::string& url,
               httplib::Client* client) {
  const httplib::Result answer = client->Get("/livez");
  if (!answer) return NoAnswer(url, answer);
  if (answer->status != 200) {
    return Status(StatusCode::kIoError,
                  url + "/livez answered " + std::to_string(answer->status),
                  "is it levelkeep serve?");
  }
  session->result["live"] = true;
  session->console->Print("live\n");
  return Status::Ok();
}

Status AskHealth(Session* session, const std::string& url,
                 httplib::Client* client) {
  const httplib::Result answer = client->Get("/api/health");
  if (!answer) return NoAnswer(url, answer);

  const auto parsed =
      ParseJsonInOrder(answer->body, "the answer", kAnswerRules);
  const auto health =
      parsed.ok() ? parsed.value() : nlohmann::ordered_json::object();
  if (!health.is_object() || !health.contains("status") ||
      !health["status"].is_string()) {
    return Status(StatusCode::kIoError,
                  url + " answered " + std::to_string(answer->status) +
                      " and not with a health report",
                  answer->status == 401 ? "set API_TOKEN to the server's token"
                                        : "is it levelkeep serve?");
  }
  session->result = health;
  PrintHealth(session, health);
  if (health["status"] != "ok") {
    return Status(StatusCode::kIoError,
                  "the status of " + url + " is " + TextOf(health, "status"),
                  "levelkeep health --json says more");
  }
  const size_t reasons = ReasonsOf(health).size();
  if (reasons == 0) return Status::Ok();
  return Status(
      StatusCode::kDegraded,
      url + " serves, but something is degraded: " + std::to_string(reasons) +
          (reasons == 1 ? " reason" : " reasons"),
      "the report names each, and what to do");
}

Status RunHealth(Session* session) {
  const VerbArguments& arguments = session->arguments();
  const ApiSettings& api = session->settings().api;
  const std::string url = arguments.url.empty() ? UrlFor(api) : arguments.url;
  if (url.rfind("http://", 0) != 0) {
    return Status(
        StatusCode::kInvalidArgument,
        "--url is \"" + Printable(url) + "\": allowed is http://HOST:PORT");
  }
  httplib::Client client(url);
  const std::chrono::milliseconds timeout(arguments.timeout_ms);
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  if (!api.token.empty()) client.set_bearer_token_auth(api.token.c_str());
  return arguments.live ? AskLive(session, url, &client)
                        : AskHealth(session, url, &client);
}

}  // namespace

const Verb kHealthVerb = {.name = "health",
                          .summary = "ask a running server how it is",
                          .help = kHealthHelp,
                          .run = RunHealth,
                          .options = kHealthOptions,
                          .names_place = false};

}  // namespace levelkeep::cli
