// Waits until another process puts a file into a folder.

#ifndef LEVELKEEP_BASE_FOLDER_WATCH_H_
#define LEVELKEEP_BASE_FOLDER_WATCH_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "levelkeep/status.h"

namespace levelkeep {

// A watch by the kernel (inotify): no wake-up while nothing happens.
// Thread safety: one thread.
class FolderWatch {
 public:
  // kUnsupported: the kernel has no watch left, or the folder is on a file
  // system on which other machines work, too (NFS, SMB, FUSE): the kernel would
  // not tell of their changes. kNotFound: there is no such folder.
  static Result<std::unique_ptr<FolderWatch>> Open(const std::string& folder);

  // Returns the names of files that were renamed into the folder since Open or
  // the last call; none after `stop`. "" stands for names that the kernel had
  // to forget. kNotFound: the folder is gone.
  Result<std::vector<std::string>> Wait(const std::stop_token& stop);

 private:
  FolderWatch(UniqueFd watch, UniqueFd wake, std::string folder)
      : watch_(std::move(watch)),
        wake_(std::move(wake)),
        folder_(std::move(folder)) {}

  Result<std::vector<std::string>> Read() const;

  const UniqueFd watch_;
  const UniqueFd wake_;  // an eventfd
  const std::string folder_;
};

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_FOLDER_WATCH_H_
