#include "support/measure.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <fstream>
#include <string>

namespace levelkeep::bench {

namespace {

double Seconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

double WallSeconds() { return Seconds(CLOCK_MONOTONIC); }
double ThreadCpuSeconds() { return Seconds(CLOCK_THREAD_CPUTIME_ID); }
double ProcessCpuSeconds() { return Seconds(CLOCK_PROCESS_CPUTIME_ID); }

double MachineCpuSeconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0;
  double soft_irq = 0, steal = 0;
  file >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft_irq >>
      steal;
  if (!file || cpu != "cpu") return 0;
  const double busy = user + nice + system + irq + soft_irq + steal;
  return busy / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Cost MeasureOnce(const std::function<void()>& work) {
  const double machine = MachineCpuSeconds();
  const double process = ProcessCpuSeconds();
  const double thread = ThreadCpuSeconds();
  const double wall = WallSeconds();
  work();
  Cost cost;
  cost.wall = WallSeconds() - wall;
  cost.thread_cpu = ThreadCpuSeconds() - thread;
  cost.process_cpu = ProcessCpuSeconds() - process;
  cost.others_cpu =
      std::max(0.0, MachineCpuSeconds() - machine - cost.process_cpu);
  return cost;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double Max(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  const auto index = static_cast<size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

double Ratio(double value, double base) { return base > 0 ? value / base : 0; }

}  // namespace levelkeep::bench
