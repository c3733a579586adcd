#include "crash/crash_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

#include "base/text.h"

namespace levelkeep::test {
namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
constexpr int kMostProblems = 3;

struct FaultKind {
  const char* name;
  int error;  // 0: a short write
};
constexpr FaultKind kFaults[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC},
                                 {"EINTR", EINTR},   {"EMFILE", EMFILE},
                                 {"EACCES", EACCES}, {"short", 0}};

std::string FromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string Number(uint64_t number) { return std::to_string(number); }

void Arm(SimulatedDisk* disk, uint64_t n, const FaultKind& kind) {
  if (kind.error == 0) {
    disk->ShortWriteAt(n);
  } else {
    disk->FailAt(n, kind.error);
  }
}

}  // namespace

CrashLoop::CrashLoop(const Scenario& scenario, DiskKind kind)
    : scenario_(scenario),
      kind_(kind),
      exhaustive_(FromEnvironment("LEVELKEEP_CRASH_EXHAUSTIVE") == "1"),
      inspection_(&machine_),
      replay_(FromEnvironment("LEVELKEEP_CRASH_REPLAY")),
      name_(scenario.name + (kind == DiskKind::kFull ? "" : ", plain names")),
      started_(std::chrono::steady_clock::now()) {
  seed_ = ParseUint64(FromEnvironment("LEVELKEEP_CRASH_SEED")).value_or(1);
  const std::string shard = FromEnvironment("LEVELKEEP_CRASH_SHARD");
  if (const size_t slash = shard.find('/'); slash != std::string::npos) {
    shard_ = ParseUint64(shard.substr(0, slash)).value_or(0);
    shards_ = ParseUint64(shard.substr(slash + 1)).value_or(1);
  }
  machine_.set_tries_folders(scenario.tries_folders);
  machine_.disk()->set_plain_names(kind == DiskKind::kPlainNames);
  machine_.disk()->Restore(TheInstallation().disk);
  first_view_ = scenario.prepare(&machine_);
  machine_.disk()->SyncAll();
  first_ = machine_.disk()->Save();
  inspection_.set_backup_afterwards(scenario.backup_afterwards);
  EXPECT_FALSE(first_view_.live.empty()) << "the first state was not reached";
}

CrashLoop::~CrashLoop() {
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - started_;
  std::printf("%s: %llu states in %.1f s (seed %llu)\n", name_.c_str(),
              static_cast<unsigned long long>(states_),  // NOLINT: printf's
              taken.count(),
              static_cast<unsigned long long>(seed_));  // NOLINT
}

bool CrashLoop::Enough() const { return problems_ >= kMostProblems; }

bool CrashLoop::Wanted(const std::string& id) const {
  return replay_.empty() || replay_ == id.substr(0, id.find(" ("));
}

void CrashLoop::Report(const std::string& id, const std::string& problem) {
  ++problems_;
  const ::testing::TestInfo* const test =
      ::testing::UnitTest::GetInstance()->current_test_info();
  ADD_FAILURE() << name_ << ", " << id << ": " << problem
                << "\nagain: LEVELKEEP_CRASH_SEED=" << seed_
                << (exhaustive_ ? " LEVELKEEP_CRASH_EXHAUSTIVE=1" : "")
                << " LEVELKEEP_CRASH_REPLAY='" << id.substr(0, id.find(" ("))
                << "' crash_test --gtest_filter=" << test->test_suite_name()
                << "." << test->name();
}

CrashLoop::Life CrashLoop::Record(const std::function<void()>& arm) {
  SimulatedDisk* const disk = machine_.disk();
  disk->Restore(first_);
  Life life{{}, Ledger(disk, first_view_)};
  arm();
  disk->Record();
  scenario_.act(&machine_, &life.ledger);
  life.moments = disk->TakeMoments();
  return life;
}

CrashLoop::Views CrashLoop::ViewsAt(const Life& life, size_t index) const {
  const bool last = index + 1 == life.moments.size();
  return life.ledger.Between(life.moments[index].operation,
                             last ? kNever : life.moments[index + 1].operation);
}

void CrashLoop::EachLoss(const SimulatedState& state, uint64_t seeds,
                         const std::function<void(uint64_t seed)>& look) {
  if (!state.HasUnsynced()) seeds = 1;
  for (uint64_t k = 0; k < seeds && !Enough(); ++k) {
    // All unsynced bytes are lost, then none, then a random part of them.
    const uint64_t seed = k < 2 ? k : seed_ * 1'000 + k;
    machine_.disk()->Restore(state);
    machine_.disk()->Reboot(seed);
    look(seed);
  }
}

void CrashLoop::Inspect(const Views& views,
                        const std::function<std::string()>& id) {
  if (!replay_.empty() && !Wanted(id())) return;
  ++states_;
  const std::string problem = inspection_.Run(views);
  if (!problem.empty()) Report(id(), problem);
}

void CrashLoop::EveryMoment() {
  const Life life = Record([] {});
  if (!life.ledger.complaint().empty()) {
    Report("no fault at all", life.ledger.complaint());
  }
  const uint64_t seeds = exhaustive_ ? 60 : 3;
  for (size_t i = 0; i < life.moments.size() && !Enough(); ++i) {
    if (!InShard(i)) continue;
    const SimulatedDisk::Moment& moment = life.moments[i];
    const Views views = ViewsAt(life, i);
    EachLoss(moment.state, seeds, [&](uint64_t seed) {
      Inspect(views, [&] {
        return "crash " + Number(i) + "/" + Number(seed) + " (after " +
               moment.name + ")";
      });
    });
  }
}

// REQUIRES: the disk is as the first power loss left it.
void CrashLoop::CrashRecovery(const Views& views, uint64_t index,
                              uint64_t operation, uint64_t seed) {
  SimulatedDisk* const disk = machine_.disk();
  disk->Record();
  if (scenario_.recover) {
    scenario_.recover(&machine_);
  } else {
    (void)Application(&machine_).Start();
  }
  const auto moments = disk->TakeMoments();
  const uint64_t seeds = exhaustive_ ? 4 : 1;
  // The quick slice: every eleventh moment, from another first one each time.
  const uint64_t step = exhaustive_ ? 1 : 11;
  for (size_t j = 1 + (index + seed) % step; j < moments.size() && !Enough();
       j += step) {
    EachLoss(moments[j].state, seeds, [&](uint64_t second) {
      Inspect(views, [&] {
        return "crash " + Number(index) + "/" + Number(seed) + " and " +
               Number(j) + "/" + Number(second) + " (after operation " +
               Number(operation) + ", then " + moments[j].name + ")";
      });
    });
  }
}

void CrashLoop::EveryPairOfMoments() {
  const Life life = Record([] {});
  const uint64_t seeds = exhaustive_ ? 4 : 1;
  for (size_t i = 0; i < life.moments.size() && !Enough(); ++i) {
    if (!InShard(i)) continue;
    const Views views = ViewsAt(life, i);
    EachLoss(life.moments[i].state, seeds, [&](uint64_t seed) {
      CrashRecovery(views, i, life.moments[i].operation, seed);
    });
  }
}

// Each operation fails in one way, and the next operation in another way. On
// kPlainNames, only every fourth operation fails: the run on kFull covers the
// rest.
bool CrashLoop::InQuickSlice(uint64_t n, size_t kind) const {
  const uint64_t step = kind_ == DiskKind::kFull ? 1 : 4;
  return n % step == 0 && (n / step + kind) % std::size(kFaults) == 0;
}

// Returns false if there is no n-th operation.
bool CrashLoop::FailOnce(uint64_t n, size_t kind, const std::string& id) {
  SimulatedDisk* const disk = machine_.disk();
  disk->Restore(first_);
  Ledger ledger(disk, first_view_);
  Arm(disk, n, kFaults[kind]);
  scenario_.act(&machine_, &ledger);
  if (!disk->fired()) return false;
  const std::string where = " (" + disk->last_operation() + ")";
  if (!ledger.complaint().empty()) Report(id + where, ledger.complaint());
  const SimulatedState after = disk->Save();
  EachLoss(after, exhaustive_ ? 4 : 1, [&](uint64_t seed) {
    Inspect({&ledger.now()}, [&] { return id + "/" + Number(seed) + where; });
  });
  return true;
}

void CrashLoop::EveryFault() {
  bool more = true;
  for (uint64_t n = 1; more && !Enough(); ++n) {
    if (!InShard(n)) {
      // Other shards find the last operation.
      if (n > 100'000) break;
      continue;
    }
    for (size_t kind = 0; kind < std::size(kFaults) && more; ++kind) {
      if (!exhaustive_ && !InQuickSlice(n, kind)) continue;
      more = FailOnce(n, kind,
                      std::string(kFaults[kind].name) + " at " + Number(n));
    }
  }
}

void CrashLoop::EveryFaultAndMoment() {
  bool more = true;
  const uint64_t step = exhaustive_ ? 3 : 40;
  for (uint64_t n = 1; more && !Enough(); ++n) {
    const FaultKind& kind = kFaults[n % std::size(kFaults)];
    const uint64_t skip = kind_ == DiskKind::kFull ? 7 : 19;
    if (!InShard(n) || (!exhaustive_ && n % skip != 0)) continue;
    const Life life = Record([&] { Arm(machine_.disk(), n, kind); });
    more = machine_.disk()->fired();
    for (size_t i = n % step; i < life.moments.size() && !Enough(); i += step) {
      if (life.moments[i].operation < n) continue;
      const Views views = ViewsAt(life, i);
      EachLoss(life.moments[i].state, exhaustive_ ? 2 : 1, [&](uint64_t seed) {
        Inspect(views, [&] {
          return std::string(kind.name) + " at " + Number(n) + ", crash " +
                 Number(i) + "/" + Number(seed) + " (after " +
                 life.moments[i].name + ")";
        });
      });
    }
  }
}

}  // namespace levelkeep::test
