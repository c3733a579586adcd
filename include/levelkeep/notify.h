// How LevelKeep tells others about backups: e-mail, webhook, heartbeat and
// hooks. Value types. docs/notifications.md says what each of them receives.

#ifndef LEVELKEEP_NOTIFY_H_
#define LEVELKEEP_NOTIFY_H_

#include <string>
#include <vector>

namespace levelkeep {

// kAuto: TLS at once on port 465, else STARTTLS (src/net/mail.h says when).
enum class SmtpTls { kAuto, kTls, kStartTls, kNone };

// Comments name the environment variables, of which docs/cli.md says more.
struct NotifyOptions {
  // BACKUP_NOTIFY_ON: the events of which mails and the webhook tell.
  std::vector<std::string> on = {"success", "failure", "recovered", "absence"};
  // BACKUP_ABSENCE_HOURS, 0 .. 87600: a backup is missing after so long; 0:
  // after two intervals of the schedule and an hour.
  int absence_hours = 0;
  struct Mail {
    bool enabled = false;            // BACKUP_EMAIL_NOTIFY
    std::vector<std::string> to;     // BACKUP_EMAIL_TO
    std::string from;                // SMTP_FROM; empty: levelkeep@HOST
    std::string host = "127.0.0.1";  // SMTP_HOST
    int port = 25;                   // SMTP_PORT
    SmtpTls tls = SmtpTls::kAuto;    // SMTP_TLS
    std::string user, password;      // SMTP_USER, SMTP_PASSWORD
    std::string ca_file;             // SMTP_CA_FILE; empty: the system's
  } mail;
  struct Webhook {
    std::string url;     // BACKUP_WEBHOOK_URL; empty: none
    std::string secret;  // BACKUP_WEBHOOK_SECRET; empty: no signature
  } webhook;
  // BACKUP_HEARTBEAT_URL, VERIFY_HEARTBEAT_URL, ROTATE_HEARTBEAT_URL: a job
  // pings URL/start and then URL or URL/fail; empty: no ping.
  struct Heartbeat {
    std::string backup, verify, rotate;
  } heartbeat;
  struct Hooks {
    std::string pre, post;      // BACKUP_HOOK_PRE, BACKUP_HOOK_POST: for sh -c
    bool pre_required = false;  // HOOK_PRE_REQUIRED: no backup if it fails
    int timeout_seconds = 60;   // BACKUP_HOOK_TIMEOUT, 1 .. 3600; of each
  } hooks;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_H_
