// Runs of `levelkeep worker` that end by themselves; serve_test.cc has the runs
// that go on.

#include "cli_fixture.h"

namespace levelkeep::cli {
namespace {

using WorkerTest = CliTest;

TEST_F(WorkerTest, OnceReportsTheDamaged) {
  AppendEvents(2000);  // so that the middle is data, not the manifest
  const std::string good = CreateBackup();
  const std::string bad = CreateBackup();
  FlipByte(BackupPath(bad));
  const Outcome once = RunCli({"worker", "--once"});
  EXPECT_EQ(once.code, 3) << once.err;
  EXPECT_EQ(once.out, "1 verified, 1 damaged\n");
  const auto again = RunCli({"worker", "--once", "--json"}).json();
  EXPECT_EQ(again.at("completed"), 0);
}

TEST_F(WorkerTest, OnceThatIsStoppedSaysSo) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  stop_.request_stop();
  const Outcome stopped = RunCli({"worker", "--once", "--json"});
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_EQ(stopped.json().at("success"), false);
  EXPECT_EQ(stopped.json().at("code"), "cancelled");
  EXPECT_EQ(stopped.json().at("completed"), 0);
  EXPECT_NE(stopped.err.find(name + " was not verified"), std::string::npos);
  stop_ = std::stop_source();
  EXPECT_EQ(RunCli({"worker", "--once"}).code, 0);
  stop_.request_stop();
  EXPECT_EQ(RunCli({"worker", "--once"}).code, 0) << "nothing is left to do";
}

TEST_F(WorkerTest, SweepsWhatAKilledOneLeft) {
  AppendEvents(1);
  CreateBackup();
  const std::string scratch =
      dir_.Sub("backups/.levelkeep/scratch-1b7cc21cacbbd6e5f344222be5978bcd");
  ASSERT_EQ(test::Shell("mkdir '" + scratch + "'"), 0);
  EXPECT_EQ(RunCli({"worker", "--once"}).code, 0);
  EXPECT_NE(test::Shell("test -e '" + scratch + "'"), 0);
}

TEST_F(WorkerTest, ADisabledOneEnds) {
  environment_["BACKUP_WORKER_ENABLED"] = "false";
  EXPECT_EQ(RunCli({"worker"}).code, 0);
}

}  // namespace
}  // namespace levelkeep::cli
