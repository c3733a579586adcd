// Root gives what it makes to whom the folder belongs to; private to the
// posix_*.cc files.

#ifndef LEVELKEEP_BASE_POSIX_OWNER_H_
#define LEVELKEEP_BASE_POSIX_OWNER_H_

#include <sys/types.h>

#include <string>

#include "base/unique_fd.h"

namespace levelkeep {

// As open(2), which sets errno. A file that root makes belongs to whom the
// folder belongs to.
UniqueFd OpenOrMake(const std::string& path, int flags, mode_t mode);

// As root, unless `model` is not there or is root's: gives the file or folder
// to whom `model` belongs to, unless it has several names. False: there is
// nobody to give it to, and nothing was done.
bool GiveToOwnerOf(const std::string& model, const std::string& path);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_POSIX_OWNER_H_
