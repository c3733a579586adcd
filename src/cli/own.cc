// levelkeep own

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/file_system.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "cli/session.h"
#include "format/backup_name.h"
#include "restore/drop_scan.h"

namespace levelkeep::cli {

namespace {

constexpr char kOwnHelp[] =
    "Gives the folders to the user that the service runs as.\n"
    "\n"
    "Usage: levelkeep own --user NAME\n"
    "\n"
    "Run it as root before the service starts; the systemd unit and the "
    "image\ndo so. Then the service can read and replace the files that other "
    "users\nput into RESTORE_DIR, BACKUP_DIR and STORAGE_DIR: archives, their "
    "digests,\nthe database. Other files keep their owner. The folders keep "
    "their group,\nwhich may list backups and drop archives; a folder that the "
    "user can use\nalready is not changed. Links are not followed. A file that "
    "can't be given\nis named, and this is no error. ./.env is not read: the "
    "service may own it.\n";

constexpr VerbOption kOwnOptions[] = {
    {"--user", "NAME", "the service's user, by name or number",
     &VerbArguments::user},
};

Result<uint32_t> FindUser(const std::string& name) {
  if (const auto id = ParseUint64(name); id && *id < UINT32_MAX) {
    return static_cast<uint32_t>(*id);
  }
  std::array<char, 4096> buffer = {};
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(),
                   &found) == 0 &&
      found != nullptr) {
    return found->pw_uid;
  }
  return Status(StatusCode::kInvalidArgument,
                "there is no user " + Printable(name),
                "name the user that the service runs as");
}

bool IsDropOrDigest(const std::string& name) {
  const bool digest = DigestKindOfName(name).has_value();
  return IsDropName(digest ? name.substr(0, name.rfind('.')) : name) ||
         IsTemporaryName(name) || name == "applied" || name == "rejected";
}

bool IsOfBackups(const std::string& name) {
  return ParseBackupName(name).has_value() || !BackupOfSidecar(name).empty() ||
         IsTemporaryName(name) || name == ".levelkeep";
}

Status RunOwn(Session* session) {
  const std::string& name = session->arguments().user;
  if (name.empty()) {
    return Status(StatusCode::kInvalidArgument, "no user is named",
                  "name the user that the service runs as: --user NAME");
  }
  LEVELKEEP_ASSIGN_OR_RETURN(const uint32_t user, FindUser(name));
  if (::geteuid() != 0) {
    return Status(StatusCode::kPermissionDenied,
                  "only root may give files away", "run it as root");
  }
  const BackupOptions& options = session->settings().backup;
  // Users who could enter a folder before keep access by its group; only the
  // service needs access to the database.
  const GiveRequest requests[] = {
      {options.storage_dir, user, 0700,
       [&options](const std::string& entry) {
         return entry == ".levelkeep" || entry == options.db_name;
       }},
      {options.backup_dir, user, 0770, IsOfBackups},
      {options.restore_dir, user, 0770, IsDropOrDigest},
  };
  auto given = nlohmann::ordered_json::array();
  auto left = nlohmann::ordered_json::array();
  for (const GiveRequest& request : requests) {
    const GiveReport report = GiveFolder(request);
    // The service may still be able to use such a file; if not, it reports that
    // itself.
    for (const Status& why : report.left) {
      left.push_back(why.ToString());
      session->console->Warn(why.ToString());
    }
    for (const std::string& path : report.given) {
      given.push_back(path);
      session->console->Print("given to " + name + ": " + Printable(path, 500) +
                              "\n");
    }
  }
  session->result["given"] = std::move(given);
  session->result["left"] = std::move(left);
  return Status::Ok();
}

}  // namespace

const Verb kOwnVerb = {"own",
                       "give the folders to the service's user",
                       kOwnHelp,
                       RunOwn,
                       kOwnOptions,
                       /*is_service=*/false,
                       /*names_place=*/true,
                       /*reads_env_file=*/false};

}  // namespace levelkeep::cli
