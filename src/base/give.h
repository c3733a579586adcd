// What people and root put into a service's folders, given to the service.

#ifndef LEVELKEEP_BASE_GIVE_H_
#define LEVELKEEP_BASE_GIVE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep {

struct GiveRequest {
  std::string folder;
  uint32_t user = 0;  // its id
  // The folder's own, if it is given away; its group and its setgid and sticky
  // bits stay.
  uint32_t mode = 0700;
  // Which of the names in the folder; of a folder all that is in it.
  std::function<bool(const std::string& name)> wanted;
};

struct GiveReport {
  std::vector<std::string> given;  // paths
  // What stays whose it is, and why. kPermissionDenied: the system does not let
  // this process give files away (it is not root, or the file system knows
  // better); kRefused: the folder is a link.
  std::vector<Status> left;
};

// 1. the folder itself, unless the user may list, enter and write it already
// 2. what is wanted of it
// Groups stay. No link is followed in the folder or at its own name, and what
// has several names stays whose it is: whoever may write there must not get
// anything that lies elsewhere. Goes on behind what can't be given. Nothing is
// done for a folder that is not there.
GiveReport GiveFolder(const GiveRequest& request);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_GIVE_H_
