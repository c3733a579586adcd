#include "cli/server_link.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>

#include "api/control_socket.h"
#include "api/report_json.h"
#include "base/json.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/unix_socket.h"
#include "restore/context.h"

namespace levelkeep::cli {

namespace {

using Json = ServerLink::Json;

constexpr std::chrono::seconds kAnswerLimit{5};
constexpr std::chrono::milliseconds kLookDelay{100};
constexpr uint64_t kMaxLockFile = 4096;
constexpr JsonRules kServerRules = {32, 2'000'000, 64u << 20};
constexpr char kRestartHint[] =
    "restart the service, so that it runs this version";

std::string TextAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>()
                                                   : "";
}

// The socket that the lock file names; empty: none. Who can't read the file
// can't work on the database either, and the work itself says why.
std::string NamedSocket(FileSystem* fs, const std::string& folder) {
  const auto content =
      ReadFile(fs, JoinPath(folder, kInstanceLock), kMaxLockFile);
  return content.ok() ? api::SocketIn(*content) : "";
}

// The server works by its own settings. A flag that it can't obey must not be
// ignored.
Status RefuseFlags(const Session& session) {
  static constexpr std::string_view kOwn[] = {
      "STORAGE_DIR", "DB_NAME",    "BACKUP_DIR", "RESTORE_DIR",
      "LOG_LEVEL",   "LOG_FORMAT", "LOG_DIR",    "LOG_RETENTION_DAYS"};
  for (const auto& [variable, value] : session.line.settings) {
    if (std::ranges::find(kOwn, variable) != std::end(kOwn)) continue;
    return Status(StatusCode::kInvalidArgument,
                  "the running server works by its own settings, so the flag "
                  "for " +
                      variable + " can't be obeyed",
                  "leave the flag out, or change the server's setting");
  }
  return Status::Ok();
}

// Empty: there is no such folder.
std::string MarkOf(FileSystem* fs, const std::string& folder) {
  const auto info = fs->StatFollowing(folder);
  return info.ok() ? api::FolderMark(*info) : "";
}

Status NoAnswerFrom(const std::string& socket, httplib::Error error) {
  return Status(StatusCode::kIoError,
                "the process that manages the database does not answer at " +
                    socket + ": " + httplib::to_string(error),
                "look at that process: it hangs, is stopped, or is overloaded. "
                "levelkeep does not work behind its back; stop it first");
}

Status ErrorIn(const Json& answer, int status) {
  const std::string detail = TextAt(answer, "detail");
  return Status(
      StatusCodeNamed(TextAt(answer, "code")),
      detail.empty() ? "the server answered " + std::to_string(status) : detail,
      TextAt(answer, "hint"));
}

}  // namespace

// 1. the path in the lock file   2. does anybody listen?   3. is it the manager
// of this folder, and not of the original of a copy?
Result<std::unique_ptr<ServerLink>> ServerLink::Find(Session* session) {
  const BackupOptions& options = session->settings().backup;
  const std::string folder = WorkDirOf(options.storage_dir, options.db_name);
  std::unique_ptr<ServerLink> link;
  const std::string socket = NamedSocket(session->world.fs, folder);
  session->result["via"] = "folders";
  const SocketState state =
      socket.empty() ? SocketState::kNone : ProbeSocket(socket);
  if (state == SocketState::kForbidden) {
    return Status(StatusCode::kPermissionDenied,
                  "the database is managed by a process of another user, whose "
                  "socket is " +
                      socket,
                  "run levelkeep as that user, or as root");
  }
  if (state != SocketState::kListening) return link;
  link.reset(new ServerLink(session, socket));
  const Status greeted =
      link->Greet(MarkOf(session->world.fs, folder),
                  MarkOf(session->world.fs, options.backup_dir));
  if (greeted.code() == StatusCode::kNotFound) {
    link.reset();
    return link;
  }
  LEVELKEEP_RETURN_IF_ERROR(greeted);
  LEVELKEEP_RETURN_IF_ERROR(RefuseFlags(*session));
  session->result["via"] = "server";
  return link;
}

// kNotFound: that process manages another database, or has its backups
// elsewhere.
Status ServerLink::Greet(const std::string& work_mark,
                         const std::string& backups_mark) {
  const auto about = Exchange("GET", api::kControlRoute, nullptr, false);
  if (about.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kUnsupported,
                  "the running server is of a version that this program can't "
                  "talk to",
                  kRestartHint);
  }
  LEVELKEEP_RETURN_IF_ERROR(about.status());
  if (TextAt(*about, "workFolder") != work_mark) {
    return Status(StatusCode::kNotFound, "another database's");
  }
  if (about->value("protocol", uint64_t{0}) != api::kControlProtocol) {
    return Status(StatusCode::kUnsupported,
                  "the running server is levelkeep " +
                      TextAt(*about, "version") + ", this program is " +
                      LevelKeepVersion() +
                      ", and they do not understand each other",
                  kRestartHint);
  }
  if (TextAt(*about, "backupDir") != backups_mark) {
    session_->console->Say(
        "the running server has another BACKUP_DIR: working beside it");
    return Status(StatusCode::kNotFound, "another BACKUP_DIR's");
  }
  session_->console->Say("the running server does it (process " +
                         std::to_string(about->value("pid", 0)) + ", " +
                         socket_ + ")");
  return Status::Ok();
}

Result<ServerLink::Answer> ServerLink::Send(const std::string& method,
                                            const std::string& target,
                                            const Json& body,
                                            bool in_background) {
  httplib::ClientImpl client(socket_, 80);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(kAnswerLimit);
  client.set_read_timeout(kAnswerLimit);
  client.set_write_timeout(kAnswerLimit);
  httplib::Request request;
  request.method = method;
  request.path = target;
  request.headers.emplace("Host", "localhost");
  request.headers.emplace("X-LevelKeep-Client", "cli");
  if (in_background) request.headers.emplace("Prefer", "respond-async");
  if (!body.is_null()) {
    request.body = DumpJson(body);
    request.headers.emplace("Content-Type", "application/json");
  }
  const httplib::Result answer = client.send(request);
  if (!answer) return NoAnswerFrom(socket_, answer.error());
  auto json =
      ParseJsonInOrder(answer->body, "the server's answer", kServerRules);
  return Answer{answer->status, json.ok() ? *json : Json::object()};
}

Result<Json> ServerLink::Exchange(const std::string& method,
                                  const std::string& target, const Json& body,
                                  bool in_background) {
  LEVELKEEP_ASSIGN_OR_RETURN(Answer answer,
                             Send(method, target, body, in_background));
  if (answer.status >= 400) return ErrorIn(answer.body, answer.status);
  return std::move(answer.body);
}

Result<ServerLink::Answer> ServerLink::Ask(const std::string& target) {
  return Send("GET", target, nullptr, false);
}

Result<Json> ServerLink::Call(const std::string& method,
                              const std::string& target, const Json& body) {
  return Exchange(method, target, body, false);
}

Result<std::string> ServerLink::Submit(const std::string& method,
                                       const std::string& target,
                                       const Json& body) {
  LEVELKEEP_ASSIGN_OR_RETURN(const Json accepted,
                             Exchange(method, target, body, true));
  return TextAt(accepted, "id");
}

Result<Json> ServerLink::RunJob(const std::string& label,
                                const std::string& method,
                                const std::string& target, const Json& body) {
  LEVELKEEP_ASSIGN_OR_RETURN(const std::string id,
                             Submit(method, target, body));
  return Follow(label, id);
}

// 1. look at the job from time to time   2. on a stop, cancel it, and wait for
// its end
Result<Json> ServerLink::Follow(const std::string& label,
                                const std::string& id) {
  Progress progress(session_->console, label);
  bool cancelled = false;
  for (;;) {
    LEVELKEEP_ASSIGN_OR_RETURN(const Json answer,
                               Call("GET", "/api/jobs/" + id));
    const Json job = answer.value("job", Json::object());
    const std::string status = TextAt(job, "status");
    if (status == "completed") return job;
    if (status == "failed" || status == "cancelled") {
      return Status(StatusCodeNamed(TextAt(job, "code")),
                    TextAt(job, "message"), TextAt(job, "hint"));
    }
    progress.Update(job.value("progress", 0.0));
    if (!cancelled && session_->world.stop.stop_requested()) {
      cancelled = true;
      (void)Call("DELETE", "/api/jobs/" + id);
    }
    Clock::System()->SleepFor(kLookDelay, {});  // the server's time is real
  }
}

RestoreReport RestoreReportOf(const Json& job) {
  return api::RestoreReportOf(
      job.value("result", std::map<std::string, std::string>()));
}

std::string BackupTarget(const std::string& name) {
  return "/api/backup/" + name;
}

}  // namespace levelkeep::cli
