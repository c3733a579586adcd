#include "base/work.h"

#include <gtest/gtest.h>

#include <vector>

namespace levelkeep {
namespace {

TEST(WorkTest, ReportsTheFractionThatIsDone) {
  std::vector<double> told;
  const Work work{{}, [&](double fraction) { told.push_back(fraction); }};
  work.Report(0, 8);
  work.Report(2, 8);
  work.Report(8, 8);
  EXPECT_EQ(told, (std::vector<double>{0.0, 0.25, 1.0}));
}

TEST(WorkTest, NeverReportsMoreThanAll) {
  double told = 0;
  const Work work{{}, [&](double fraction) { told = fraction; }};
  work.Report(9, 8);
  EXPECT_EQ(told, 1.0);
  work.Report(0, 0);
  EXPECT_EQ(told, 1.0);
  work.Report(UINT64_MAX, UINT64_MAX - 1);
  EXPECT_EQ(told, 1.0);
}

TEST(WorkTest, NobodyNeedsToLook) {
  Work().Report(1, 2);
  EXPECT_FALSE(Work().stop.stop_possible());
}

}  // namespace
}  // namespace levelkeep
