#include "api/control_socket.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "base/unix_socket.h"
#include "levelkeep/http.h"
#include "manager/backup_manager_access.h"

namespace levelkeep::api {

namespace {

constexpr char kControlTag[] = "Control";
constexpr std::string_view kSocketWord = "socket ";
constexpr std::chrono::seconds kControlGrace{5};
// People and scripts of one machine.
constexpr size_t kControlConnections = 64;

}  // namespace

std::string FolderMark(const FileInfo& folder) {
  return std::to_string(folder.device) + ":" + std::to_string(folder.inode);
}

std::string SocketIn(const std::string& lock_content) {
  for (const std::string_view line : Split(lock_content, '\n')) {
    if (line.starts_with(kSocketWord)) {
      return std::string(line.substr(kSocketWord.size()));
    }
  }
  return "";
}

ControlSocket::ControlSocket(BackupManager* manager,
                             const LiveValue<Settings>* program)
    : manager_(manager),
      fs_(FileSystem::Posix()),
      api_(manager, http::ApiOptions(), program) {
  api_.Add({{.method = "GET",
             .path = kControlRoute,
             .summary = "which process answers",
             .scope = Scope::kRead,
             .answers = {200},
             .handler = [this](const Call&) { return Describe(); },
             .is_urgent = true}});
}

ControlSocket::~ControlSocket() { Close(); }

Response ControlSocket::Describe() const {
  const auto folder = fs_->Stat(BackupManagerAccess::WorkFolder(*manager_));
  const auto backups = fs_->StatFollowing(manager_->options().backup_dir);
  return SuccessResponse(
      {{"protocol", kControlProtocol},
       {"version", LevelKeepVersion()},
       {"pid", getpid()},
       {"workFolder", folder.ok() ? Json(FolderMark(*folder)) : Json()},
       {"backupDir", backups.ok() ? Json(FolderMark(*backups)) : Json()}});
}

// 1. listen at the first path that works   2. write the path into the lock file
Status ControlSocket::Open() {
  const std::string folder = BackupManagerAccess::WorkFolder(*manager_);
  Status opened(StatusCode::kUnsupported,
                "no folder has a path that is short enough for a socket",
                "set RUNTIME_DIRECTORY, or use a shorter STORAGE_DIR");
  for (const std::string& path : SocketPathsFor(folder)) {
    opened = OpenAt(path);
    if (opened.ok() || opened.code() == StatusCode::kBusy) break;
  }
  if (!opened.ok()) return opened;
  const Status named = BackupManagerAccess::WriteLockFile(
      manager_, std::string(kSocketWord) + path_ + "\n");
  if (!named.ok()) Close();
  return named;
}

Status ControlSocket::OpenAt(const std::string& path) {
  switch (ProbeSocket(path)) {
    case SocketState::kNone:
      break;
    case SocketState::kDead:
      LEVELKEEP_RETURN_IF_ERROR(fs_->RemoveFile(path));
      break;
    case SocketState::kOther:
      return Status(StatusCode::kAlreadyExists, path + " is no socket",
                    "move it away");
    case SocketState::kListening:
    case SocketState::kForbidden:
      return Status(StatusCode::kBusy, "another process listens at " + path);
  }
  http::ServerOptions options;
  options.unix_path = path;
  options.max_connections = kControlConnections;
  options.stop_grace = kControlGrace;
  options.cancel = [this] { manager_->StopJobs(); };
  server_ = std::make_unique<http::Server>(api_.router(), options);
  const Status started = server_->Start();
  if (!started.ok()) {
    server_.reset();
    return started;
  }
  path_ = path;
  LogInfo(kControlTag,
          "levelkeep on this machine reaches this process at " + path);
  return Status::Ok();
}

void ControlSocket::Close() {
  if (server_ == nullptr) return;
  server_->Stop();
  server_.reset();
  (void)BackupManagerAccess::WriteLockFile(manager_, "");
  (void)fs_->RemoveFile(path_);
  path_.clear();
}

}  // namespace levelkeep::api

namespace levelkeep::http {

Result<std::shared_ptr<void>> OpenControlSocket(BackupManager* manager) {
  auto socket = std::make_shared<api::ControlSocket>(manager, nullptr);
  LEVELKEEP_RETURN_IF_ERROR(socket->Open());
  return std::shared_ptr<void>(std::move(socket));
}

}  // namespace levelkeep::http
