#include "base/work.h"

#include <exception>
#include <memory>
#include <new>
#include <string>

#include "base/log.h"

namespace levelkeep {
namespace {

constexpr char kHostLogTag[] = "BackupManager";

}  // namespace

Status ThrownByHost(std::string_view what) {
  const std::string begin = std::string(what) + " raised an exception";
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kNoSpace, begin + ": not enough memory",
                  "raise the memory limit of this process");
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, begin + ": " + error.what(),
                  "it is an error of the application");
  } catch (...) {
    return Status(StatusCode::kInternal, begin + " that is no std::exception",
                  "it is an error of the application");
  }
}

std::function<void(double)> HostProgress(
    std::function<void(double fraction)> progress) {
  if (!progress) return nullptr;
  // Shared by the copies of the function; called by one thread at a time.
  const auto failed = std::make_shared<bool>(false);
  return [progress = std::move(progress), failed](double fraction) {
    if (*failed) return;
    const Status called = CallHost("the progress callback", [&] {
      progress(fraction);
      return Status::Ok();
    });
    if (called.ok()) return;
    *failed = true;
    LogWarn(kHostLogTag, called.ToString() + "; it is not called again");
  };
}

}  // namespace levelkeep
