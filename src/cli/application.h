// The reference application behind `levelkeep serve`: manager, event bus and
// HTTP server, connected as in any application.

#ifndef LEVELKEEP_CLI_APPLICATION_H_
#define LEVELKEEP_CLI_APPLICATION_H_

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "api/api.h"
#include "api/control_socket.h"
#include "base/clock.h"
#include "base/file_system.h"
#include "base/live_value.h"
#include "base/mutex.h"
#include "cli/supervision.h"
#include "config/settings.h"
#include "eventstore/event_bus.h"
#include "http/server.h"
#include "levelkeep/backup_manager.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

// Ok, or kInvalidArgument: no server may listen with these settings.
Status CheckApi(const Settings& settings);

// "http://127.0.0.1:5050", "http://[::1]:5050". `host` is an API_HOST value; an
// IPv6 address may have brackets or not.
std::string UrlOf(const std::string& host, int port);

// The address at which a client on this machine reaches the server: the
// loopback one if it listens on all.
std::string UrlToAsk(const std::string& host, int port);

// Thread safety: Start and Stop by one thread; the restore hooks run in the
// threads of the server; the other methods by any thread between the two.
class Application {
 public:
  // `fs`, `clock` and `supervision` must outlive this object.
  Application(const Settings& settings, FileSystem* fs, Clock* clock,
              Supervision* supervision);
  ~Application();  // Stop()
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  // Restores a dropped backup, opens the database, starts the schedule, then
  // listens. After an error nothing runs: kInvalidArgument (settings), kBusy
  // (the database or the port is in use), and the errors of
  // BackupManager::Initialize and EventBus::Open.
  Status Start(std::stop_token stop);
  // Ends readiness, accepts no more requests, lets running ones finish, cancels
  // jobs that take longer, closes the database.
  void Stop();

  HealthReport Health() { return manager_.Health(); }
  // Puts those settings in force that can be reloaded. A running job goes on
  // with the old ones. REQUIRES: CheckApi(settings) is ok; one call at a time.
  void Reload(const Settings& settings);
  // For the watchdog: ok if the mutexes of the store, of LevelDB and of the
  // manager are free, the thread that begins jobs turns, and the HTTP server
  // accepts a connection and has a place for a request. A job, however long,
  // and a failed one, a full disk or an overloaded server (503) are no fault.
  // In a deadlock it returns kInternal, or never.
  Status CheckSelf(std::chrono::milliseconds patience,
                   const std::stop_token& stop);
  // "http://127.0.0.1:5050"; the path of the socket with API_PORT=none.
  // REQUIRES: Start() succeeded.
  std::string url() const;

 private:
  Status OpenAndAttach() EXCLUDES_LOCK(mutex_);
  void DetachAndClose() EXCLUDES_LOCK(mutex_);
  void Detach() EXCLUDES_LOCK(mutex_);
  Status StartServer();
  Status OpenControlSocket();

  const Settings settings_;  // of the start
  LiveValue<Settings> live_;
  FileSystem* const fs_;
  Clock* const clock_;
  BackupManager manager_;
  EventBus bus_;
  std::unique_ptr<api::Api> api_;
  std::unique_ptr<http::Server> server_;  // null: API_PORT=none
  std::unique_ptr<api::ControlSocket> control_;

  Mutex mutex_;
  std::unique_ptr<Attachment> attachment_ GUARDED_BY(mutex_);
};

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_APPLICATION_H_
