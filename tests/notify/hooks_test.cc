// The hooks around a backup, with real commands.

#include "notify/hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "base/log.h"
#include "notify/notice_fixture.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;

class HooksTest : public ::testing::Test {
 protected:
  HooksTest() { EXPECT_EQ(::setenv("HOOK_SECRET", "geheim", 1), 0); }
  ~HooksTest() override { EXPECT_EQ(::unsetenv("HOOK_SECRET"), 0); }

  std::unique_ptr<Hooks> Open() {
    auto hooks =
        std::make_unique<Hooks>(options_, FileSystem::Posix(), Clock::System(),
                                std::vector<std::string>{"HOOK_SECRET"});
    hooks->Open(folder_);
    return hooks;
  }
  std::string Notes() {
    const std::string path = dir_.Sub("notes");
    return PathExists(FileSystem::Posix(), path) ? test::ReadFile(path) : "";
  }
  std::string Note(const std::string& text) {
    return "echo \"" + text + "\" >> " + dir_.Sub("notes");
  }
  std::vector<std::string> Marks() {
    auto names = FileSystem::Posix()->List(folder_);
    return names.ok() ? *names : std::vector<std::string>();
  }

  test::TempDir dir_;
  const std::string folder_ = dir_.Sub(".levelkeep/db/notify/hooks");
  NotifyOptions::Hooks options_;
};

TEST_F(HooksTest, BothKnowTheFactsAndNoSecrets) {
  options_.pre = Note("$LEVELKEEP_HOOK $LEVELKEEP_LABEL [$HOOK_SECRET]");
  options_.post = Note("$LEVELKEEP_HOOK $LEVELKEEP_STATUS [$HOOK_SECRET]");
  const auto hooks = Open();
  EXPECT_TRUE(hooks->Before("job1", {{"LEVELKEEP_LABEL", "a b"}}, {}).ok());
  EXPECT_EQ(Notes(), "pre a b []\n");
  EXPECT_EQ(Marks().size(), 2u);
  hooks->After("job1", {{"LEVELKEEP_STATUS", "success"}});
  hooks->Close(seconds(20));
  EXPECT_EQ(Notes(), "pre a b []\npost success []\n");
  EXPECT_TRUE(Marks().empty());
}

TEST_F(HooksTest, AFailureOfThePreHookIsToldWithItsCode) {
  options_.pre = "echo broken >&2; exit 3";
  const auto hooks = Open();
  const Status failed = hooks->Before("job1", {}, {});
  EXPECT_EQ(failed.code(), StatusCode::kIoError);
  EXPECT_EQ(failed.message(), "the pre hook ended with code 3");
}

TEST_F(HooksTest, ATimeoutEndsTheWholeGroup) {
  options_.pre = "(sleep 307; " + Note("late") + ") & sleep 307 | cat";
  options_.timeout_seconds = 1;
  const auto hooks = Open();
  const auto begin = steady_clock::now();
  const Status failed = hooks->Before("job1", {}, {});
  EXPECT_LT(steady_clock::now() - begin, seconds(20));
  EXPECT_THAT(failed.message(), HasSubstr("did not end within"));
  std::string left;
  test::Shell("pgrep -f '^sleep 307$'", &left);
  EXPECT_EQ(left, "");
}

TEST_F(HooksTest, AStopEndsThePreHook) {
  options_.pre = "sleep 300";
  const auto hooks = Open();
  std::stop_source stop;
  std::jthread later([&stop] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  EXPECT_EQ(hooks->Before("job1", {}, stop.get_token()).code(),
            StatusCode::kCancelled);
}

TEST_F(HooksTest, ThePostHookDelaysNobodyButTheNextPreHook) {
  options_.pre = Note("pre");
  options_.post = "sleep 0.3; " + Note("post");
  const auto hooks = Open();
  EXPECT_TRUE(hooks->Before("job1", {}, {}).ok());
  const auto begin = steady_clock::now();
  hooks->After("job1", {});
  EXPECT_LT(steady_clock::now() - begin, milliseconds(250));
  EXPECT_TRUE(hooks->Before("job2", {}, {}).ok());
  EXPECT_EQ(Notes(), "pre\npost\npre\n");
  hooks->After("job2", {});
  hooks->Close(seconds(20));
  EXPECT_EQ(Notes(), "pre\npost\npre\npost\n");
}

// A process is killed between its hooks, another one lives.
TEST_F(HooksTest, ANewProcessRunsThePostHookOfADeadOne) {
  options_.pre = Note("pre");
  options_.post =
      Note("post $LEVELKEEP_JOB_ID $LEVELKEEP_STATUS $LEVELKEEP_MESSAGE");
  const auto living = Open();
  EXPECT_TRUE(living->Before("job1", {{"LEVELKEEP_JOB_ID", "job1"}}, {}).ok());
  {
    const auto dead = Open();
    EXPECT_TRUE(dead->Before("job2", {{"LEVELKEEP_JOB_ID", "job2"}}, {}).ok());
  }
  const auto next = Open();
  next->Close(seconds(20));
  EXPECT_EQ(Notes(),
            "pre\npre\npost job2 interrupted the process ended before the "
            "backup or its post hook did\n");
  living->After("job1", {{"LEVELKEEP_STATUS", "success"}});
  living->Close(seconds(20));
  EXPECT_THAT(Notes(), HasSubstr("success"));
  EXPECT_TRUE(Marks().empty());
}

TEST_F(HooksTest, APostHookThatAStopCutRunsAgain) {
  options_.post = Note("begin") + "; sleep 300; " + Note("end");
  {
    const auto hooks = Open();
    EXPECT_TRUE(hooks->Before("job1", {}, {}).ok());
    hooks->After("job1", {});
    ASSERT_TRUE(Eventually([&] { return Notes() == "begin\n"; }));
    hooks->Close(milliseconds(0));
  }
  options_.post = Note("again");
  const auto hooks = Open();
  hooks->Close(seconds(20));
  EXPECT_EQ(Notes(), "begin\nagain\n");
}

TEST_F(HooksTest, TheOutputIsBounded) {
  options_.pre = "yes | head -c 100000000; exit 1";
  const auto hooks = Open();
  EXPECT_EQ(hooks->Before("job1", {}, {}).message(),
            "the pre hook ended with code 1");
}

}  // namespace
}  // namespace levelkeep
