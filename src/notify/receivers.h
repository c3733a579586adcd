// Makes the receivers that the settings name.

#ifndef LEVELKEEP_NOTIFY_RECEIVERS_H_
#define LEVELKEEP_NOTIFY_RECEIVERS_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "levelkeep/notify.h"
#include "levelkeep/reports.h"
#include "notify/lane.h"

namespace levelkeep {

// One receiver for each mail address, so that a refused one keeps the mail from
// no other, and one for the webhook. `clock` must outlive them.
std::vector<Receiver> NoticeReceivers(const NotifyOptions& options,
                                      Clock* clock);
// Pings `url`/start, `url` and `url`/fail; the text of a failure is the body.
// `name` is of its folder.
Receiver HeartbeatReceiver(const std::string& name, const std::string& url);

}  // namespace levelkeep

#endif  // LEVELKEEP_NOTIFY_RECEIVERS_H_
