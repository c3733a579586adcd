// Databases that make LevelDB crash, run for ever or ask for all memory: the
// child that opens them dies of it, and nobody else.

#include "hostile/database_case.h"
#include "hostile/hostile_site.h"
#include "hostile/memory_peak.h"
#include "restore/store_check.h"

namespace levelkeep::test {
namespace {

KeyValues OneKey() { return {{InternalKey("a", 1), "1"}}; }

class CheckChildTest : public HostileSite {
 protected:
  CheckChildTest() { context_.fs = FileSystem::Posix(); }

  // As a database of ours is checked.
  Result<StoreCheck> Check(const Files& files) {
    const std::string db = temp_.Sub("canary/db");
    EXPECT_TRUE(context_.fs->CreateDirectory(db).ok());
    for (const auto& [name, content] : files) {
      WriteFile(db + "/" + name, content);
    }
    return CheckStore(context_, db, temp_.Sub("canary/scratch"), {});
  }
  Result<StoreCheck> CheckTable(const TableLies& lies,
                                const KeyValues& entries = OneKey()) {
    return Check(
        CraftedFiles({{TableBytes(entries, lies), entries.front().first,
                       entries.back().first, 0}}));
  }
  // levelkeep-check by way of a shell with these limits.
  void UseLimits(const std::string& limits) {
    const auto program = FindCheckProgram(context_.fs, "");
    ASSERT_TRUE(program.ok());
    context_.options.check_program = temp_.Sub("canary/limited");
    WriteFile(context_.options.check_program,
              "#!/bin/sh\n" + limits + "\nexec '" + *program + "' \"$@\"\n");
    ASSERT_EQ(Shell("chmod +x '" + context_.options.check_program + "'"), 0);
  }

  RestoreContext context_;
};

TEST_F(CheckChildTest, SoundOneIsFine) {
  const auto check = CheckTable({});
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(check->entries, 1u);
}

// Two tables of one level that overlap: LevelDB asserts that none do.
TEST_F(CheckChildTest, DeathIsToldByItsSignal) {
  const auto table = [](const std::string& first, const std::string& last) {
    return CraftedTable{
        TableBytes({{InternalKey(first, 1), "1"}, {InternalKey(last, 2), "2"}}),
        InternalKey(first, 1), InternalKey(last, 2), 1};
  };
  const Status status =
      Check(CraftedFiles({table("a", "c"), table("b", "d")})).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_NE(status.message().find("made LevelDB abort (signal 6)"),
            std::string::npos)
      << status.ToString();
}

TEST_F(CheckChildTest, HungerForMemoryIsStopped) {
  TableLies lies;
  lies.compression = 1;
  lies.block = [](std::string* block) { *block = "\x80\x80\x80\x80\x02xyz"; };
  const Status status = CheckTable(lies).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  if (kMemoryCounts) {
    EXPECT_NE(status.message().find("ask for too much memory"),
              std::string::npos)
        << status.ToString();
    EXPECT_LT(ChildMemoryPeakBytes(), 256u << 20);
  }
}

// Writes of the future, which no scan returns, named by the index a hundred
// thousand times over.
TEST_F(CheckChildTest, EndlessScanIsStoppedAndSaysSo) {
  UseLimits("ulimit -S -t 1; ulimit -H -t 20");
  KeyValues entries;
  for (int i = 0; i < 20'000; ++i) {
    entries.emplace_back(
        InternalKey(std::to_string(1'000'000 + i), uint64_t{1} << 50), "");
  }
  TableLies lies;
  lies.repeat = 100'000;
  const Status status = CheckTable(lies, entries).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
  EXPECT_NE(status.message().find("computing without an end"),
            std::string::npos)
      << status.ToString();
}

}  // namespace
}  // namespace levelkeep::test
