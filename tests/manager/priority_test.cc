// Which threads of a create, a verification and a restore are low or idle,
// according to the kernel, for all threads that touch the disk.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "leveldb/db.h"
#include "levelkeep/backup_manager.h"
#include "manager/backup_manager_access.h"
#include "restore/restorer.h"
#include "support/fault_file_system.h"
#include "support/leveldb_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

// A thread's scheduling and I/O class.
struct Class {
  int policy = 0;
  int io = 0;
  bool operator==(const Class&) const = default;
  bool operator<(const Class& other) const {
    return std::pair(policy, io) < std::pair(other.policy, other.io);
  }
};
using Classes = std::set<Class>;

std::ostream& operator<<(std::ostream& out, const Class& value) {
  return out << "policy " << value.policy << ", I/O " << value.io;
}

pid_t ThisThread() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

Class ClassOf(pid_t thread) {
  constexpr int kWhoProcess = 1;
  return {::sched_getscheduler(thread),
          static_cast<int>(::syscall(SYS_ioprio_get, kWhoProcess, thread))};
}

// The I/O class is best effort, whatever the scheduling class.
constexpr int kBestEffortLowest = 2 << 13 | 7;
constexpr Class kLowClass = {SCHED_BATCH, kBestEffortLowest};
constexpr Class kIdleClass = {SCHED_IDLE, kBestEffortLowest};

std::map<pid_t, Class> AllThreads() {
  std::map<pid_t, Class> threads;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    const pid_t thread = std::stoi(entry.path().filename().string());
    threads[thread] = ClassOf(thread);
  }
  return threads;
}

class PriorityTest : public ::testing::TestWithParam<ThreadPriority> {
 protected:
  PriorityTest() {
    options_.storage_dir = dir_.Sub("storage");
    options_.backup_dir = dir_.Sub("backups");
    options_.restore_dir = dir_.Sub("restore");
    options_.schedule.enabled = false;
    options_.verification.after_backup = false;
    options_.archive.compression =
        false;  // large enough for the thread that reads back
    options_.resources.threads = 2;
    options_.resources.reserve_bytes = 1 << 20;
    options_.resources.priority = GetParam();
    std::filesystem::create_directories(options_.storage_dir);
    BuildOptions build;
    build.write_buffer_bytes = 2 << 20;
    build.value_bytes = 1000;
    BuildDatabase(options_.storage_path(), 30'000, build);
    UseWatchedCheck();
    disk_.set_observer([this](const std::string& what) { Note(what); });
  }
  ~PriorityTest() override {
    Close();
    manager_.reset();
    EXPECT_EQ(ClassOf(caller_), before_) << "the caller's thread was changed";
  }

  void Start() {
    manager_.reset(
        new BackupManager(BackupManagerAccess::Make(options_, {.fs = &disk_})));
    manager_->SetRestoreHooks({[this] {
                                 Close();
                                 return Status::Ok();
                               },
                               [this] { return Open(); }});
    const auto report = manager_->Initialize();
    ASSERT_TRUE(report.ok()) << report.status().ToString();
    const Status opened = Open();
    ASSERT_TRUE(opened.ok()) << opened.ToString();
  }
  Status Open() {
    leveldb::Options options;
    options.env = manager_->env();
    leveldb::DB* db = nullptr;
    const auto opened =
        leveldb::DB::Open(options, options_.storage_path(), &db);
    if (!opened.ok()) return Status(StatusCode::kIoError, opened.ToString());
    db_.reset(db);
    auto attachment = manager_->Attach(db);
    if (!attachment.ok()) return attachment.status();
    attachment_ = std::move(attachment).value();
    return Status::Ok();
  }
  void Close() {
    attachment_.reset();
    db_.reset();
  }

  // The class that the setting asks for.
  static Class Wanted() {
    return GetParam() == ThreadPriority::kIdle ? kIdleClass : kLowClass;
  }
  // The classes of all threads but the caller's that did something whose name
  // begins with `operation` and holds `place`.
  Classes Others(const std::string& operation, const std::string& place) {
    MutexLock lock(&mutex_);
    Classes classes;
    for (const auto& [what, who] : seen_) {
      if (!what.starts_with(operation + " ")) continue;
      if (what.find(place) == std::string::npos) continue;
      classes.insert(who.begin(), who.end());
    }
    return classes;
  }
  // The scheduling class of the levelkeep-check that ran last.
  int ChildPolicy() { return std::stoi("0" + ReadFile(dir_.Sub("policy"))); }
  // Waits some minutes for a backup that is verified.
  bool BecomesVerified() {
    for (int i = 0; i < 30'000; ++i) {
      const auto backups = manager_->ListBackups();
      if (backups.ok() && !backups->empty() &&
          backups->front().status == BackupStatus::kVerified) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  TempDir dir_;
  BackupOptions options_;
  const pid_t caller_ = ThisThread();
  const Class before_ = ClassOf(caller_);
  FaultFileSystem disk_{FileSystem::Posix(), FaultFileSystem::Count::kAll};
  std::unique_ptr<BackupManager> manager_;
  std::unique_ptr<leveldb::DB> db_;
  std::unique_ptr<Attachment> attachment_;

 private:
  void Note(const std::string& what) {
    const pid_t thread = ThisThread();
    if (thread == caller_) return;
    const Class now = ClassOf(thread);
    MutexLock lock(&mutex_);
    seen_[what].insert(now);
  }

  // Runs the real program from a shell script, which reads the program's
  // scheduling class (the 41st word of its stat) until the program has ended
  // and nothing can change the class, and writes it down.
  void UseWatchedCheck() {
    const auto program = FindCheckProgram(FileSystem::Posix(), "");
    ASSERT_TRUE(program.ok()) << program.status().ToString();
    options_.verification.check_program = dir_.Sub("watched");
    WriteFile(options_.verification.check_program,
              "#!/bin/sh\n'" + *program +
                  "' \"$@\" &\n"
                  "while read -r now 2>/dev/null </proc/$!/stat; do\n"
                  "  stat=$now\n"
                  "  case $stat in *') Z '*) break ;; esac\n"
                  "done\n"
                  "child=$!\n"
                  "set -- ${stat##*) }\n"
                  "echo \"${39}\" >'" +
                  dir_.Sub("policy") +
                  "'\n"
                  "wait $child\n");
    ASSERT_EQ(Shell("chmod +x '" + options_.verification.check_program + "'"),
              0);
  }

  Mutex mutex_;
  std::map<std::string, Classes> seen_ GUARDED_BY(mutex_);
};

std::string NameOf(const testing::TestParamInfo<ThreadPriority>& info) {
  return info.param == ThreadPriority::kIdle ? "Idle" : "Low";
}

INSTANTIATE_TEST_SUITE_P(Setting, PriorityTest,
                         testing::Values(ThreadPriority::kLow,
                                         ThreadPriority::kIdle),
                         NameOf);

TEST_P(PriorityTest, WorkersAndReadBackOfACreateHaveIt) {
  Start();
  const std::map<pid_t, Class> host = AllThreads();
  CreateRequest request;
  int looks = 0;
  request.progress = [&](double) {
    ++looks;
    EXPECT_EQ(ThisThread(), caller_);
    const auto now = AllThreads();
    for (const auto& [thread, was] : host) {
      const auto found = now.find(thread);
      if (found == now.end()) continue;
      EXPECT_EQ(found->second, was);
    }
  };
  const auto made = manager_->CreateBackup(request);
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  EXPECT_GT(looks, 0);
  EXPECT_EQ(Others("ReadAt", ".ldb"), Classes{Wanted()});
  EXPECT_EQ(Others("ReadFromDevice", ".part"), Classes{Wanted()});
}

TEST_P(PriorityTest, VerificationHasItWithTheChild) {
  Start();
  const auto made = manager_->CreateBackup(CreateRequest());
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const auto report = manager_->VerifyBackup(made->name, VerifyDepth::kFull);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(report->entries, 30'000u);
  EXPECT_EQ(Others("ReadAt", "/" + made->name), Classes{Wanted()})
      << "the digest of the archive";
  EXPECT_EQ(Others("Lock", "verify.lock"), Classes{}) << "the caller locks it";
  EXPECT_EQ(ChildPolicy(), Wanted().policy);
}

TEST_P(PriorityTest, ChecksumsHaveIt) {
  Start();
  const auto made = manager_->CreateBackup(CreateRequest());
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  const auto report =
      manager_->VerifyBackup(made->name, VerifyDepth::kChecksums);
  ASSERT_TRUE(report.ok()) << report.status().ToString();
  EXPECT_EQ(Others("ReadAt", "/" + made->name), Classes{Wanted()});
}

// The threads of the schedule and of the background verification hold locks
// that others wait for: they are low at the lowest, even if their workers are
// idle.
TEST_P(PriorityTest, ScheduleAndItsVerificationWorkWithItAndStayLow) {
  options_.schedule.enabled = true;
  options_.schedule.interval = std::chrono::seconds(1);
  options_.verification.after_backup = true;
  Start();
  ASSERT_TRUE(BecomesVerified());
  Close();
  EXPECT_EQ(Others("ReadAt", ".ldb"), Classes{Wanted()});
  EXPECT_EQ(Others("ReadFromDevice", ".part"), Classes{Wanted()});
  EXPECT_EQ(ChildPolicy(), Wanted().policy);
  for (const char* lock : {"create.lock", "verify.lock", "state.lock"}) {
    EXPECT_EQ(Others("Lock", lock), Classes{kLowClass}) << lock;
  }
}

TEST_P(PriorityTest, RestoreThatSomebodyWaitsForIsLow) {
  Start();
  const auto made = manager_->CreateBackup(CreateRequest());
  ASSERT_TRUE(made.ok()) << made.status().ToString();
  RestoreRequest request;
  request.source = made->name;
  const auto restored = manager_->RestoreBackup(request);
  ASSERT_TRUE(restored.ok()) << restored.status().ToString();
  EXPECT_TRUE(restored->applied);
  EXPECT_EQ(Others("WriteAt", "/staging-"), Classes{kLowClass});
  EXPECT_EQ(ChildPolicy(), SCHED_BATCH);
}

}  // namespace
}  // namespace levelkeep::test
