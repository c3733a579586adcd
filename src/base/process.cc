#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "base/posix_error.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

extern char** environ;

namespace levelkeep {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Only for a kernel without pidfd_open: the delay until an end is noticed.
constexpr milliseconds kPollInterval{20};

// The settings of posix_spawn for the child, freed on every path.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  // Returns an errno; only ENOMEM is expected.
  int Prepare(int output, bool with_errors) {
    constexpr char kNull[] = "/dev/null";
    auto* actions = &actions_;
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    int error = 0;
    const auto step = [&error](int result) {
      if (error == 0) error = result;
    };
    step(::posix_spawn_file_actions_addopen(actions, STDIN_FILENO, kNull,
                                            O_RDONLY, 0));
    step(::posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO));
    step(with_errors ? ::posix_spawn_file_actions_adddup2(actions, output,
                                                          STDERR_FILENO)
                     : ::posix_spawn_file_actions_addopen(
                           actions, STDERR_FILENO, kNull, O_WRONLY, 0));
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    // Our descriptors are close-on-exec; the host's may not be.
    step(::posix_spawn_file_actions_addclosefrom_np(actions, 3));
#endif
    // Its own process group, so that its children are killed with it; and none
    // of the host's signal settings.
    step(::posix_spawnattr_setpgroup(&attributes_, 0));
    step(::posix_spawnattr_setsigmask(&attributes_, &none));
    step(::posix_spawnattr_setsigdefault(&attributes_, &all));
    step(::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP |
                                                      POSIX_SPAWN_SETSIGMASK |
                                                      POSIX_SPAWN_SETSIGDEF));
    return error;
  }

  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

// A running child. The destructor kills its group and reaps it.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {
    ended_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  }
  ~Child() { Kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Becomes readable when the child ends; -1 if the kernel does not support it.
  int ended_fd() const { return ended_.get(); }

  // True after the child has ended; never waits.
  bool HasEnded() {
    siginfo_t info = {};
    // WNOWAIT: until the child is reaped, its group's number can't be reused,
    // and the group can be killed safely.
    const int result = RetryOnInterrupt([&] {
      return ::waitid(P_PID, static_cast<id_t>(pid_), &info,
                      WEXITED | WNOHANG | WNOWAIT);
    });
    return result != 0 || info.si_pid == pid_;
  }

  // Kills the group and reaps the child. False if its status is lost.
  bool Kill() {
    if (pid_ < 0) return true;
    ::kill(-pid_, SIGKILL);
    const pid_t reaped =
        RetryOnInterrupt([&] { return ::waitpid(pid_, &wait_status_, 0); });
    const bool known = reaped == pid_;
    pid_ = -1;
    return known;
  }

  int wait_status() const { return wait_status_; }

 private:
  pid_t pid_;
  UniqueFd ended_;
  int wait_status_ = 0;
};

// Reads the bytes in the pipe now. Returns false at its end.
bool Drain(int pipe, size_t limit, std::string* output) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t count = RetryOnInterrupt(
        [&] { return ::read(pipe, buffer.data(), buffer.size()); });
    if (count < 0) return true;  // EAGAIN: no more bytes now
    if (count == 0) return false;
    const size_t room = limit - output->size();
    output->append(buffer.data(), std::min(room, static_cast<size_t>(count)));
  }
}

// The form in which the system takes a list of texts.
std::vector<char*> PointersTo(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> Spawn(const ProgramCall& run, int output) {
  const std::string& name = run.arguments[0];
  SpawnPlan plan;
  const int prepared = plan.Prepare(output, run.with_errors);
  if (prepared != 0) return PosixError(prepared, "prepare", name);
  const std::vector<char*> argv = PointersTo(run.arguments);
  std::vector<char*> environment;
  if (run.environment) environment = PointersTo(*run.environment);
  pid_t pid = -1;
  const int error = ::posix_spawnp(
      &pid, argv[0], plan.actions(), plan.attributes(), argv.data(),
      run.environment ? environment.data() : environ);
  if (error != 0) return PosixError(error, "run", name);
  return pid;
}

// Returns when the child has ended, the time is up or a stop was requested.
void WaitForEnd(Child* child, int pipe, int stopped,
                steady_clock::time_point deadline, size_t limit,
                std::string* output) {
  std::array<pollfd, 3> events = {{{pipe, POLLIN, 0},
                                   {child->ended_fd(), POLLIN, 0},
                                   {stopped, POLLIN, 0}}};
  while (!child->HasEnded()) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0 || (events[2].revents & POLLIN) != 0) return;
    const milliseconds longest =
        child->ended_fd() >= 0 ? milliseconds(INT_MAX) : kPollInterval;
    ::poll(events.data(), events.size(),
           static_cast<int>(std::min(left, longest).count()));
    if (events[0].fd >= 0 && events[0].revents != 0 &&
        !Drain(pipe, limit, output)) {
      events[0].fd = -1;  // the child closed its output and continues
    }
  }
}

steady_clock::time_point DeadlineAfter(milliseconds timeout) {
  constexpr milliseconds kLongest = std::chrono::hours(24 * 365);
  return steady_clock::now() + std::min(timeout, kLongest);
}

// The system gives a new file the lowest free number.
void OccupyStandardDescriptors() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDONLY);
    // Some root folders have no /dev.
    if (fd < 0) fd = ::open("/", O_RDONLY | O_DIRECTORY);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
}

void RaiseOpenFileLimit() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<ProgramOutcome> RunProgram(const std::vector<std::string>& arguments,
                                  milliseconds timeout,
                                  size_t output_limit_bytes,
                                  std::stop_token stop) {
  return RunProgram({.arguments = arguments,
                     .timeout = timeout,
                     .output_limit_bytes = output_limit_bytes,
                     .stop = std::move(stop)});
}

Result<ProgramOutcome> RunProgram(const ProgramCall& run) {
  if (run.arguments.empty() || run.arguments[0].empty()) {
    return Status(StatusCode::kInvalidArgument, "no program to run is named");
  }
  const std::string& name = run.arguments[0];
  const auto deadline = DeadlineAfter(run.timeout);
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return PosixError(errno, "make a pipe for", name);
  }
  UniqueFd pipe(ends[0]);
  UniqueFd child_output(ends[1]);
  ::fcntl(pipe.get(), F_SETFL, O_NONBLOCK);
  UniqueFd stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stopped.valid()) return PosixError(errno, "prepare to stop", name);
  std::stop_callback wake(run.stop, [fd = stopped.get()] {
    [[maybe_unused]] const int result = ::eventfd_write(fd, 1);
  });
  LEVELKEEP_ASSIGN_OR_RETURN(const pid_t pid, Spawn(run, child_output.get()));
  child_output.Reset();
  Child child(pid);

  ProgramOutcome outcome;
  WaitForEnd(&child, pipe.get(), stopped.get(), deadline,
             run.output_limit_bytes, &outcome.output);
  const bool ended = child.HasEnded();
  const bool known = child.Kill();
  if (!ended && run.stop.stop_requested()) {
    return Status(StatusCode::kCancelled, name + " was stopped");
  }
  if (!known) {
    return Status(StatusCode::kIoError,
                  "the outcome of " + name + " is unknown",
                  "the host must not ignore SIGCHLD or reap our children");
  }
  Drain(pipe.get(), run.output_limit_bytes, &outcome.output);
  const int status = child.wait_status();
  outcome.timed_out = !ended;
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

bool StartThread(std::jthread* thread, const char* tag, const std::string& what,
                 std::function<void(std::stop_token)> body) {
  try {
    if (thread->joinable()) thread->join();
    *thread = std::jthread(std::move(body));
    return true;
  } catch (const std::system_error& error) {
    LogWarn(tag, "no thread for " + what + ": " + error.what());
    return false;
  }
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    variables.emplace_back(*entry);
  }
  return variables;
}

std::string ExecutablePath() {
  std::array<char, PATH_MAX> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0 || static_cast<size_t>(size) >= path.size()) return "";
  return std::string(path.data(), static_cast<size_t>(size));
}

std::string HostName() {
  std::array<char, HOST_NAME_MAX + 1> name = {};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.data();
}

uint32_t EffectiveUser() { return ::geteuid(); }

void LowerThreadPriority(ThreadPriority priority) {
  // Threads inherit the policy, so nothing is to do if the parent is low
  // already or was started with SCHED_IDLE.
  const int policy = ::sched_getscheduler(0);
  const bool low = policy == SCHED_BATCH;
  const bool idle = priority == ThreadPriority::kIdle;
  if (policy == SCHED_IDLE || (low && !idle)) return;
  // On Linux, all of these calls affect only the calling thread.
  sched_param parameters = {};
  if (!low) {
    ::sched_setscheduler(0, SCHED_BATCH, &parameters);
    const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
    const int nice = ::getpriority(PRIO_PROCESS, thread);
    ::setpriority(PRIO_PROCESS, thread, std::min(nice + 10, 19));
  }
  // Set explicitly, because the default I/O class of a SCHED_IDLE thread is
  // idle: other threads would wait for a journal that it holds.
  constexpr int kWhoProcess = 1;
  constexpr int kBestEffortLowest = 2 << 13 | 7;
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kBestEffortLowest);
  if (idle) ::sched_setscheduler(0, SCHED_IDLE, &parameters);
}

bool IsIdleThread() { return ::sched_getscheduler(0) == SCHED_IDLE; }

void SettleOwnProcess() {
  OccupyStandardDescriptors();
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGXFSZ, SIG_IGN);
  (void)::signal(SIGUSR1, SIG_IGN);
  (void)::signal(SIGCHLD, SIG_DFL);
  RaiseOpenFileLimit();
}

bool FewFilesMayBeOpen() {
  constexpr rlim_t kFew = 256;
  struct rlimit limit = {};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < kFew;
}

std::optional<uint64_t> FileSizeLimit() {
  struct rlimit limit = {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 ||
      limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return uint64_t{limit.rlim_cur};
}

const char* LevelKeepVersion() { return LEVELKEEP_VERSION; }

}  // namespace levelkeep
