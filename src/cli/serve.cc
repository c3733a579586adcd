// levelkeep serve

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <optional>

#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "cli/application.h"
#include "cli/reload.h"
#include "cli/session.h"
#include "cli/supervision.h"

namespace levelkeep::cli {

namespace {

constexpr char kServeTag[] = "Server";

constexpr char kServeHelp[] =
    "Runs the event store: LevelDB, scheduled backups and the HTTP API.\n"
    "\n"
    "Usage: levelkeep serve\n"
    "\n"
    "At the start, serve restores a backup from RESTORE_DIR. It prints a "
    "line\nwhen it is ready. SIGTERM and SIGINT stop it within 30 s; a second "
    "signal\nstops it at once. SIGHUP reads the settings again, SIGUSR1 writes "
    "its state\nto the log.\n";

void PrintReady(Session* session, const std::string& url) {
  const BackupOptions& backup = session->settings().backup;
  const std::string line = std::string("levelkeep ") + LevelKeepVersion() +
                           " listening on " + url + " (database " +
                           backup.storage_path() + ", backups " +
                           backup.backup_dir + ")";
  LogInfo(kServeTag, "ready");
  session->console->Print(line + "\n");
  if (!session->console->json()) return;
  const nlohmann::ordered_json json = {{"success", true},
                                       {"version", LevelKeepVersion()},
                                       {"url", url},
                                       {"pid", getpid()}};
  session->console->PrintJson(DumpJson(json));
  session->result_printed = true;
}

// If standard output can't be written, serve still runs.
void SayReady(Session* session, const std::string& url) {
  PrintReady(session, url);
  const Status said = session->console->TakeOutputFailure();
  if (!said.ok()) LogWarn(kServeTag, "ready at " + url + ": " + said.message());
}

std::string TimeOf(const std::optional<Time>& time) {
  return time ? FormatTime(*time) : "none";
}

// A short report for a user who can't, or may not, ask over HTTP.
void LogState(const HealthReport& health) {
  LogInfo(kServeTag,
          std::string("state: the database is ") +
              (health.store_usable ? "open" : "not open for writes") + ", " +
              std::to_string(health.unsaved_writes) +
              " writes are in no backup; running: " +
              (health.running ? JobTypeName(*health.running) : "nothing"));
  LogInfo(kServeTag,
          "state: " + std::to_string(health.count) +
              " backups, the newest is " +
              (health.latest ? health.latest->name + " (" +
                                   std::string(NameOf(health.latest->status)) +
                                   ") of " + FormatTime(health.latest->created)
                             : "none") +
              "; next run: " + TimeOf(health.next_run));
  for (const HealthReason& reason : health.reasons) {
    LogWarn(kServeTag, "state: degraded: " + reason.text);
  }
}

// Answers questions until the stop.
void Serve(const World& world, Application* application, Reloader* reloader) {
  while (!world.stop.stop_requested()) {
    if (world.questions == nullptr) {
      world.clock->SleepFor(std::chrono::hours(1), world.stop);
      continue;
    }
    const auto wish = world.questions->Wait(world.stop);
    if (wish == Wish::kReport) LogState(application->Health());
    if (wish == Wish::kReload) reloader->Reload();
  }
}

// By default glibc creates up to eight heaps per core for the threads of
// connections, and each heap keeps the memory that one large request needed.
void KeepMemoryTogether() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
#endif
}

Status RunServe(Session* session) {
  KeepMemoryTogether();
  Supervision supervision(session->world.supervisor);
  supervision.Starting();
  // Remembers the sources as they are at the start.
  Application* running = nullptr;
  Reloader reloader(
      session, &supervision,
      {.check = CheckApi, .apply = [&running](const Settings& settings) {
         running->Reload(settings);
       }});
  Application application(session->settings(), session->world.fs,
                          session->world.clock, &supervision);
  const Status started = application.Start(session->world.stop);
  if (started.code() == StatusCode::kCancelled &&
      session->world.stop.stop_requested()) {
    LogInfo(kServeTag, "stopped before the start was complete");
    return Status::Ok();
  }
  if (!started.ok()) {
    LogError(kServeTag, "start failed: " + started.ToString());
    supervision.Describe("start failed: " + started.message());
    return started;
  }
  SayReady(session, application.url());
  supervision.Ready("listening on " + application.url(),
                    [&application](std::chrono::milliseconds patience,
                                   const std::stop_token& stop) {
                      return application.CheckSelf(patience, stop);
                    });
  {
    const StopReports stop_reports{&supervision};
    running = &application;
    Serve(session->world, &application, &reloader);
  }
  application.Stop();
  LogInfo(kServeTag, "stopped");
  return Status::Ok();
}

}  // namespace

const Verb kServeVerb = {
    .name = "serve",
    .summary = "run the event store with backups and HTTP API",
    .help = kServeHelp,
    .run = RunServe,
    .is_service = true,
    .names_place = false};

}  // namespace levelkeep::cli
