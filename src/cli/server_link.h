// The way of a verb to the process that manages the database, if one runs:
// over its control socket (api/control_socket.h). Without one, verbs work on
// the folders themselves.

#ifndef LEVELKEEP_CLI_SERVER_LINK_H_
#define LEVELKEEP_CLI_SERVER_LINK_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/session.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"

namespace levelkeep::cli {

// Thread safety: one thread.
class ServerLink {
 public:
  using Json = nlohmann::ordered_json;

  // Looks for a process at the socket that the lock file of the database names,
  // and makes sure that it manages this very folder and speaks our protocol.
  // Null: no such process. kIoError: it does not answer within 5 s;
  // kPermissionDenied: the socket belongs to another user; kUnsupported: it is
  // of a version with another protocol. Says to the user which way is taken.
  static Result<std::unique_ptr<ServerLink>> Find(Session* session);

  struct Answer {
    int status = 0;
    Json body;
  };
  // The answer to a GET, also if its status is an error.
  Result<Answer> Ask(const std::string& target);
  // One exchange. `body` null: none. An error answer becomes its Status.
  Result<Json> Call(const std::string& method, const std::string& target,
                    const Json& body = nullptr);
  // For a route that answers before its job is done. Shows the
  // progress beside `label` and returns the job when it has ended; its failure
  // is an error. A stop of the program cancels the job.
  Result<Json> RunJob(const std::string& label, const std::string& method,
                      const std::string& target, const Json& body = nullptr);
  // Only begins that job, and returns its id.
  Result<std::string> Submit(const std::string& method,
                             const std::string& target,
                             const Json& body = nullptr);

  const std::string& socket() const { return socket_; }

 private:
  ServerLink(Session* session, std::string socket)
      : session_(session), socket_(std::move(socket)) {}

  Status Greet(const std::string& work_mark, const std::string& backups_mark);
  Result<Answer> Send(const std::string& method, const std::string& target,
                      const Json& body, bool in_background);
  Result<Json> Exchange(const std::string& method, const std::string& target,
                        const Json& body, bool in_background);
  Result<Json> Follow(const std::string& label, const std::string& id);

  Session* const session_;
  const std::string socket_;
};

// The report of a restore or an undo, from its job.
RestoreReport RestoreReportOf(const ServerLink::Json& job);
// "/api/backup/NAME"
std::string BackupTarget(const std::string& name);

}  // namespace levelkeep::cli

#endif  // LEVELKEEP_CLI_SERVER_LINK_H_
