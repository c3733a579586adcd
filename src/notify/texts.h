// The words of notices: mails, and the JSON of the webhook.

#ifndef LEVELKEEP_NOTIFY_TEXTS_H_
#define LEVELKEEP_NOTIFY_TEXTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "notify/notice.h"

namespace levelkeep {

// "Database Backup SUCCESS"
std::string SubjectOf(const Notice& notice);
// Lines for people, in UTF-8, each with a line feed at its end.
std::string BodyOf(const Notice& notice);
// The whole message for SMTP: headers, an empty line and the body, with CRLF.
// REQUIRES: the addresses are plain (IsMailAddress).
std::string MailOf(const Notice& notice, const std::string& from,
                   const std::vector<std::string>& to, Time now);
// The value of a header in RFC 2047's form if it is not plain ASCII. No value
// can begin another header.
std::string HeaderValue(std::string_view text);
// RFC 2045's quoted-printable, with CRLF at the end of each line.
std::string QuotedPrintable(std::string_view text);

// One JSON object in one line; docs/notifications.md describes it.
std::string WebhookJsonOf(const Notice& notice);

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_TEXTS_H_
