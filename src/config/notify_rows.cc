// The settings of notifications and hooks.

#include <algorithm>

#include "base/host_name.h"
#include "base/text.h"
#include "config/setting_row_makers.h"

namespace levelkeep {
namespace {

// The verbs that tell others of their jobs, and those that make backups.
constexpr char kTelling[] = "serve worker create";
constexpr char kMaking[] = "serve create";
constexpr char kVerifying[] = "serve worker";
constexpr char kWatching[] = "serve";
constexpr uint64_t kMostHours = 87'600;

// The path is up to the receiver; a fragment would not be sent.
bool IsHttpUrlOrNothing(std::string_view text) {
  if (text.empty()) return true;
  const size_t scheme = text.starts_with("https://")  ? 8
                        : text.starts_with("http://") ? 7
                                                      : 0;
  if (scheme == 0 || text.size() > 2048 || text.find('#') != text.npos ||
      !std::all_of(text.begin(), text.end(),
                   [](char c) { return c > 0x20 && c < 0x7f; })) {
    return false;
  }
  std::string_view authority = text.substr(scheme);
  authority = authority.substr(0, authority.find_first_of("/?"));
  const size_t user = authority.rfind('@');
  if (user != authority.npos) authority.remove_prefix(user + 1);
  return HostOfAuthority(authority).has_value();
}

// A list has no empty parts; an empty text is none.
bool IsAddressOrNothing(std::string_view text) {
  constexpr std::string_view kForbidden = "<>()[]\",;:\\";
  if (text.empty()) return true;
  const size_t at = text.rfind('@');
  return text.size() <= 254 && at != text.npos && at > 0 &&
         at + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return c > 0x20 && c < 0x7f && kForbidden.find(c) == kForbidden.npos;
         });
}

bool IsEvent(std::string_view text) {
  return text == "success" || text == "failure" || text == "recovered" ||
         text == "absence";
}

SettingRow Url(const Id& id, Field field, const char* help) {
  return Secret(
      OrNothing(Text(id, SettingKind::kText, IsHttpUrlOrNothing,
                     "an http:// or https:// URL", std::move(field), help)));
}

}  // namespace

std::vector<SettingRow> NotificationRows() {
  return {
      OrNothing(Text({kTelling, "BACKUP_NOTIFY_ON", "notifyOn"},
                     SettingKind::kList, IsEvent,
                     "success, failure, recovered and absence, separated by "
                     "commas",
                     LEVELKEEP_AT(backup.notify.on),
                     "Events of which mails and the webhook tell.")),
      Number({kWatching, "BACKUP_ABSENCE_HOURS", "absenceHours"}, 0, kMostHours,
             LEVELKEEP_AT(backup.notify.absence_hours),
             "Hours without a backup until that is told; 0: by the schedule."),
      Url({kTelling, "BACKUP_WEBHOOK_URL", "webhookUrl"},
          LEVELKEEP_AT(backup.notify.webhook.url),
          "URL that gets a POST with JSON for each event."),
      Secret(OrNothing(
          Text({kTelling, "BACKUP_WEBHOOK_SECRET", "webhookSecret"},
               SettingKind::kText, IsText, "a text without control characters",
               LEVELKEEP_AT(backup.notify.webhook.secret),
               "Key of the webhook's signature."))),
      Url({kTelling, "BACKUP_HEARTBEAT_URL", "backupHeartbeat"},
          LEVELKEEP_AT(backup.notify.heartbeat.backup),
          "URL that each backup pings: /start, then the URL or /fail."),
      Url({kVerifying, "VERIFY_HEARTBEAT_URL", "verifyHeartbeat"},
          LEVELKEEP_AT(backup.notify.heartbeat.verify),
          "The same for each verification."),
      Url({kWatching, "ROTATE_HEARTBEAT_URL", "rotateHeartbeat"},
          LEVELKEEP_AT(backup.notify.heartbeat.rotate),
          "The same for each rotation that somebody asks for.")};
}

std::vector<SettingRow> MailRows() {
  return {
      Switch({kTelling, "BACKUP_EMAIL_NOTIFY", "emailNotify"},
             LEVELKEEP_AT(backup.notify.mail.enabled), "Send mails."),
      OrNothing(Text({kTelling, "BACKUP_EMAIL_TO", "emailTo"},
                     SettingKind::kList, IsAddressOrNothing,
                     "mail addresses, separated by commas",
                     LEVELKEEP_AT(backup.notify.mail.to),
                     "Addresses that get the mails.")),
      OrNothing(Text({kTelling, "SMTP_FROM", "smtpFrom"}, SettingKind::kText,
                     IsAddressOrNothing, "a mail address",
                     LEVELKEEP_AT(backup.notify.mail.from),
                     "Sender of the mails, if not levelkeep@HOST.")),
      Text({kTelling, "SMTP_HOST", "smtpHost"}, SettingKind::kText, IsHost,
           "a host name or address", LEVELKEEP_AT(backup.notify.mail.host),
           "Mail server."),
      Number({kTelling, "SMTP_PORT", "smtpPort"}, 1, 65535,
             LEVELKEEP_AT(backup.notify.mail.port), "Port of the mail server."),
      Choice({kTelling, "SMTP_TLS", "smtpTls"},
             {"auto", "tls", "starttls", "none"},
             LEVELKEEP_AT(backup.notify.mail.tls),
             "TLS to the mail server; auto: at once on port 465, else "
             "STARTTLS."),
      OrNothing(Text({kTelling, "SMTP_USER", "smtpUser"}, SettingKind::kText,
                     IsText, "a text without control characters",
                     LEVELKEEP_AT(backup.notify.mail.user),
                     "User at the mail server.")),
      Secret(OrNothing(Text({kTelling, "SMTP_PASSWORD", "smtpPassword"},
                            SettingKind::kText, IsText,
                            "a text without control characters",
                            LEVELKEEP_AT(backup.notify.mail.password),
                            "Password of SMTP_USER."))),
      OrNothing(Text({kTelling, "SMTP_CA_FILE", "smtpCaFile"},
                     SettingKind::kPath, IsText, "a path",
                     LEVELKEEP_AT(backup.notify.mail.ca_file),
                     "Certificates (PEM) that the mail server's must lead "
                     "to."))};
}

std::vector<SettingRow> HookRows() {
  const char* const kCommand = "a command without control characters";
  return {OrNothing(Text({kMaking, "BACKUP_HOOK_PRE", "hookPre"},
                         SettingKind::kText, IsText, kCommand,
                         LEVELKEEP_AT(backup.notify.hooks.pre),
                         "Command (sh) that runs before each backup.")),
          Switch({kMaking, "HOOK_PRE_REQUIRED", "hookPreRequired"},
                 LEVELKEEP_AT(backup.notify.hooks.pre_required),
                 "Make no backup if BACKUP_HOOK_PRE fails."),
          OrNothing(Text({kMaking, "BACKUP_HOOK_POST", "hookPost"},
                         SettingKind::kText, IsText, kCommand,
                         LEVELKEEP_AT(backup.notify.hooks.post),
                         "Command (sh) that runs after each backup, however it "
                         "ended.")),
          Number({kMaking, "BACKUP_HOOK_TIMEOUT", "hookTimeout"}, 1, 3600,
                 LEVELKEEP_AT(backup.notify.hooks.timeout_seconds),
                 "Seconds that each hook may take.")};
}

}  // namespace levelkeep
