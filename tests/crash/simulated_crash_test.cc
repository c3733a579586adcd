// Create, rotate, restore, undo and recovery on a simulated disk that loses
// power, forgets and fails at every operation. docs/testing.md says how much of
// it runs when.

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "crash/crash_loop.h"

namespace levelkeep::test {
namespace {

struct Variant {
  const Scenario* scenario;
  DiskKind kind;
};

std::string VariantName(const ::testing::TestParamInfo<Variant>& info) {
  return info.param.scenario->name +
         (info.param.kind == DiskKind::kFull ? "" : "PlainNames");
}

// The scenarios that `wanted` accepts; those in which names matter, twice.
template <typename Wanted>
std::vector<Variant> VariantsOf(Wanted wanted) {
  std::vector<Variant> variants;
  for (const Scenario& scenario : AllScenarios()) {
    if (!wanted(scenario)) continue;
    variants.push_back({&scenario, DiskKind::kFull});
    if (scenario.names) variants.push_back({&scenario, DiskKind::kPlainNames});
  }
  return variants;
}

class SimulatedCrashTest : public ::testing::TestWithParam<Variant> {
 protected:
  CrashLoop loop_{*GetParam().scenario, GetParam().kind};
};

TEST_P(SimulatedCrashTest, EveryMoment) {
  loop_.EveryMoment();
  EXPECT_TRUE(loop_.states() > 0 || loop_.is_part());
}

TEST_P(SimulatedCrashTest, EveryFault) {
  loop_.EveryFault();
  EXPECT_TRUE(loop_.states() > 0 || loop_.is_part());
}

TEST_P(SimulatedCrashTest, EveryFaultAndMoment) {
  loop_.EveryFaultAndMoment();
  EXPECT_TRUE(loop_.states() > 0 || loop_.is_part());
}

INSTANTIATE_TEST_SUITE_P(All, SimulatedCrashTest,
                         ::testing::ValuesIn(VariantsOf([](const Scenario&) {
                           return true;
                         })),
                         VariantName);

class SimulatedRecoveryTest : public SimulatedCrashTest {};

TEST_P(SimulatedRecoveryTest, EveryPairOfMoments) {
  loop_.EveryPairOfMoments();
  EXPECT_TRUE(loop_.states() > 0 || loop_.is_part());
}

INSTANTIATE_TEST_SUITE_P(All, SimulatedRecoveryTest,
                         ::testing::ValuesIn(VariantsOf([](const Scenario& s) {
                           return s.pairs;
                         })),
                         VariantName);

}  // namespace
}  // namespace levelkeep::test
