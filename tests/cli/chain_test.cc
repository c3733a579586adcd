// levelkeep verify --chain

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "cli_fixture.h"

namespace levelkeep::cli {
namespace {

using ChainVerbTest = CliTest;

TEST_F(ChainVerbTest, SaysWhatIsProven) {
  AppendEvents(1);
  std::vector<std::string> names;
  for (int i = 0; i < 5; ++i) names.push_back(CreateBackup());
  environment_["MAX_BACKUPS"] = "3";
  ASSERT_EQ(RunCli({"rotate"}).code, 0);
  const auto normal = [this](const std::string& text) {
    return std::regex_replace(Normalize(text),
                              std::regex("process [0-9]+ on [^ ]+ at"),
                              "process PID on HOST at");
  };
  const Outcome whole = RunCli({"verify", "--chain"});
  EXPECT_EQ(whole.code, 0) << whole.err;
  ExpectGolden("verify-chain.txt", normal(whole.out));
  EXPECT_EQ(whole.err,
            "3 proven, 2 rotated, 0 missing, 0 contradicting, 0 unprovable\n");
  ASSERT_TRUE(std::filesystem::remove(BackupPath(names[3])));
  const Outcome broken = RunCli({"verify", "--chain", "--json"});
  EXPECT_EQ(broken.code, 3) << broken.err;
  ExpectGolden("verify-chain.json", normal(broken.json().dump(2)) + "\n");
  const Outcome deep = RunCli({"verify", "--chain", "--depth", "checksums"});
  EXPECT_EQ(deep.code, 3);
  EXPECT_NE(deep.out.find(names[4] + ": ok"), std::string::npos) << deep.out;
  EXPECT_NE(deep.err.find("the chain of backups is broken: 1 missing, 0 "
                          "contradicting"),
            std::string::npos)
      << deep.err;
  EXPECT_EQ(RunCli({"verify", "--chain", "latest"}).code, 2);
  EXPECT_EQ(RunCli({"verify", "--chain", "--all"}).code, 2);
  EXPECT_EQ(RunCli({"verify", "--chain", "--depth", "deep"}).code, 2);
}

}  // namespace
}  // namespace levelkeep::cli
