#include "cli/application.h"

#include <httplib.h>

#include <chrono>
#include <utility>

#include "api/events/event_routes.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "engine/database.h"
#include "manager/backup_manager_access.h"

namespace levelkeep::cli {

namespace {

constexpr char kApplicationTag[] = "Server";
// How long running requests may continue after a stop.
constexpr std::chrono::seconds kGrace{5};

// Versions up to 0.1.0 let LevelDB create the folder readable for everybody.
void CloseToOthers(FileSystem* fs, const std::string& database) {
  constexpr uint32_t kOthers = 07;
  const auto info = fs->Stat(database);
  if (!info.ok() || info->type != FileType::kDirectory ||
      (info->mode & kOthers) == 0) {
    return;
  }
  const Status closed = fs->SetMode(database, info->mode & ~kOthers);
  if (closed.ok()) {
    LogInfo(kApplicationTag, database +
                                 " was open to all users of this host: now "
                                 "only its owner and group have access");
  } else {
    LogWarn(kApplicationTag, "all users of this host can enter " + database +
                                 ": " + closed.ToString());
  }
}

EventBusOptions BusOptions(const Settings& settings) {
  EventBusOptions options;
  options.db_dir = settings.backup.storage_path();
  options.sync = settings.storage_sync;
  return options;
}

}  // namespace

Status CheckApi(const Settings& settings) {
  for (const std::string& problem :
       {settings.api_token_problem, settings.notify_secret_problem}) {
    if (problem.empty()) continue;
    return Status(StatusCode::kInvalidArgument, problem,
                  "run this as the service's user, or as root");
  }
  const Status valid = settings.api.Validate();
  // The settings are wrong even if the refusal has another code.
  return valid.ok() ? valid
                    : Status(StatusCode::kInvalidArgument, valid.message(),
                             valid.hint());
}

std::string UrlOf(const std::string& host, int port) {
  const bool bare =
      host.find(':') != std::string::npos && !host.starts_with('[');
  return "http://" + (bare ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

std::string UrlToAsk(const std::string& host, int port) {
  if (host == "0.0.0.0") return UrlOf("127.0.0.1", port);
  if (host == "::" || host == "[::]") return UrlOf("::1", port);
  return UrlOf(host, port);
}

Application::Application(const Settings& settings, FileSystem* fs, Clock* clock,
                         Supervision* supervision)
    : settings_(settings),
      live_(settings),
      fs_(fs),
      clock_(clock),
      manager_(BackupManagerAccess::Make(
          settings.backup,
          {.fs = fs,
           .clock = clock,
           .drop_progress =
               [supervision](const std::string& name, double fraction) {
                 supervision->DescribeProgress("restoring " + name, fraction);
               }})),
      bus_(BusOptions(settings), manager_.env(), fs, clock) {
  if (!supervision->is_watched()) return;
  manager_.AddJobListener(
      [supervision](const Job& job) { supervision->DescribeJob(job); });
}

Application::~Application() { Stop(); }

// 1. manager: restore, recover, prepare the folder   2. database   3. schedule
// 4. socket   5. HTTP
Status Application::Start(std::stop_token stop) {
  LEVELKEEP_RETURN_IF_ERROR(CheckApi(settings_));
  LEVELKEEP_RETURN_IF_ERROR(manager_.Initialize(std::move(stop)).status());
  manager_.SetRestoreHooks({.close =
                                [this] {
                                  DetachAndClose();
                                  return Status::Ok();
                                },
                            .reopen = [this] { return OpenAndAttach(); }});
  manager_.SetEventCounter([this] { return bus_.Count(); });
  LEVELKEEP_RETURN_IF_ERROR(OpenAndAttach());
  Status listening = OpenControlSocket();
  if (listening.ok() && settings_.api.port >= 0) listening = StartServer();
  if (listening.ok()) return listening;
  control_.reset();
  DetachAndClose();
  return listening;
}

// Without the socket, the program works beside this process, as it does beside
// an application that has none.
Status Application::OpenControlSocket() {
  control_ = std::make_unique<api::ControlSocket>(&manager_, &live_);
  control_->Add(api::EventRoutes(&bus_, clock_));
  const Status opened = control_->Open();
  if (opened.ok() || settings_.api.port < 0) return opened;
  LogWarn(
      kApplicationTag,
      "levelkeep on this machine can't ask this process: " + opened.ToString());
  return Status::Ok();
}

// Also opens a database that a restore or an undo put in place.
Status Application::OpenAndAttach() {
  CloseToOthers(fs_, settings_.backup.storage_path());
  LEVELKEEP_RETURN_IF_ERROR(bus_.Open());
  auto attached = manager_.Attach(bus_.db());
  if (!attached.ok()) {
    // The caller may swap the old database back, which requires a closed one.
    bus_.Close();
    return attached.status();
  }
  MutexLock lock(&mutex_);
  attachment_ = std::move(attached).value();
  return Status::Ok();
}

void Application::Detach() {
  MutexLock lock(&mutex_);
  attachment_.reset();
}

void Application::DetachAndClose() {
  Detach();
  bus_.Close();
}

Status Application::StartServer() {
  api_ = std::make_unique<api::Api>(&manager_, settings_.api, &live_);
  api_->Add(api::EventRoutes(&bus_, clock_));
  http::ServerOptions options;
  options.host = settings_.api.host;
  options.port = settings_.api.port;
  options.stop_grace = kGrace;
  options.cancel = [this] { manager_.StopJobs(); };
  server_ = std::make_unique<http::Server>(api_->router(), options);
  return server_->Start();
}

// A supervisor kills the process after 30 s.
void Application::Stop() {
  if (api_) api_->StartDraining();
  bus_.Shutdown();  // event streams end, so that nobody waits for events
  // Its jobs get kGrace before they are cancelled.
  if (server_) server_->Stop();
  if (control_) control_->Close();
  server_.reset();
  DetachAndClose();  // cancels a scheduled backup
}

void Application::Reload(const Settings& settings) {
  live_.Set(settings);
  BackupManagerAccess::Reload(&manager_, settings.backup);
  if (api_) api_->SetAccess(settings.api);
}

Status Application::CheckSelf(std::chrono::milliseconds patience,
                              const std::stop_token& stop) {
  bus_.Touch();
  if (!BackupManagerAccess::JobsTurn(&manager_, patience, stop)) {
    return Status(StatusCode::kInternal,
                  "the thread that begins jobs does not answer");
  }
  const auto answers = [&](auto* client) {
    client->set_connection_timeout(patience);
    client->set_read_timeout(patience);
    client->set_write_timeout(patience);
    const std::stop_callback give_up(stop, [client] { client->stop(); });
    // Not /livez, which is answered even while no handler has a place. Any
    // answer will do: there is no such route, and no token comes with it.
    return static_cast<bool>(client->Get("/watchdog", {{"Host", "localhost"}}));
  };
  bool answered = false;
  if (server_ != nullptr) {
    httplib::Client client(UrlToAsk(settings_.api.host, server_->port()));
    answered = answers(&client);
  } else {
    httplib::ClientImpl client(control_->path(), 80);
    client.set_address_family(AF_UNIX);
    answered = answers(&client);
  }
  if (answered) return Status::Ok();
  return Status(StatusCode::kInternal, "the HTTP server does not answer");
}

std::string Application::url() const {
  if (server_ == nullptr) return control_->path();
  return UrlOf(settings_.api.host, server_->port());
}

}  // namespace levelkeep::cli
